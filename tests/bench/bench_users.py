"""What users cost a bridge and the API server by the reviews of their rights, which go on while they are connected.

    python -m tests.bench.bench_users [--users 10 50] [--namespaces 50] [--seconds 40] [--json FILE]

The real `kubedom operator` and `kubedom bridge --sign-in token` with NATS between them, on a control plane of its own.
Every user is a service account that has one page open, with the role `view` either in the whole cluster or in one
namespace; a user of one namespace has to be asked for in each of them. Nothing happens in the cluster meanwhile, so
that what the bridge uses is for the reviews alone.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.apart import Apart
from tests.cluster.identities import binding
from tests.conftest import Cluster
from tests.nats import NatsServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from kubedom_bridge.identity import TOKEN_SUBPROTOCOL
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_bridge.reviews import ACCESS_SECONDS
from kubedom_operator import local, rbac_manifests

SPACE = "kubedom-bench"
MIB = 2**20


@contextmanager
def cluster_of_its_own() -> Iterator[Cluster]:
    """A control plane that is removed at the end."""
    made = local.ensure_cluster(f"kubedom-bench-{os.getpid()}", progress=lambda text: print(text, file=sys.stderr))
    try:
        yield Cluster(made.kubeconfig, made.context, made.server, made)
    finally:
        made.delete()


def add_users(cluster: Cluster, kind: str, count: int, namespaces: list[str]) -> list[str]:
    """Make so many users with rights in the whole cluster, or in one namespace each; their names."""
    names = [f"{kind}-{number}" for number in range(count)]
    objects: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        account = {"kind": "ServiceAccount", "name": name, "namespace": SPACE}
        where = namespaces[number % len(namespaces)] if kind == "one" else ""
        bound = binding(f"bench-{name}", account, "view", where)
        if where:
            bound["metadata"]["namespace"] = where
        objects += [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": SPACE}},
            bound,
        ]
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return names


async def token_of(api: Api, name: str) -> str:
    """A token of a service account for an hour."""
    path = f"/api/v1/namespaces/{SPACE}/serviceaccounts/{name}/token"
    answer = await api.call("POST", path, body={"spec": {"expirationSeconds": 3600}})
    return str(answer["status"]["token"])


async def page(bridge: Apart, token: str) -> tuple[ClientConnection, asyncio.Task[None]]:
    """A page that has its snapshot, and goes on reading."""
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    socket = await connect(
        f"{bridge.origin.replace('http', 'ws')}/api/socket",
        origin=Origin(bridge.origin),
        subprotocols=[Subprotocol("kubedom.v1"), Subprotocol(TOKEN_SUBPROTOCOL + encoded)],
        max_size=None,
        proxy=None,
        open_timeout=60,
    )
    await socket.send('{"type":"subscribe"}')
    async for text in socket:
        if '"snapshotEnd"' in str(text)[:200]:
            break

    async def read() -> None:
        async for _ in socket:
            pass

    return socket, asyncio.create_task(read())


def metrics(text: str) -> dict[str, float]:
    """What is of interest of a process's metrics."""
    found = {"cpu": 0.0, "rss": 0.0, "reviews": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "process_cpu_seconds_total":
                found["cpu"] = sample.value
            elif sample.name == "process_resident_memory_bytes":
                found["rss"] = sample.value
            elif sample.name == "kubedom_reviews_total" and sample.labels["by"] == "apiserver":
                found["reviews"] += sample.value
    return found


async def measure(api: Api, cluster: Cluster, bridge: Apart, names: list[str], seconds: float) -> dict[str, float]:
    """What it costs that these have a page open."""
    empty = metrics(bridge.probe("/metrics")[1])
    begun = time.monotonic()
    pages = await asyncio.gather(*[page(bridge, await token_of(api, name)) for name in names])
    arrived = time.monotonic() - begun
    # Until the reviews of the arrival have run out.
    await asyncio.sleep(ACCESS_SECONDS)

    async def both() -> tuple[float, dict[str, float], dict[str, float]]:
        server = await asyncio.to_thread(cluster.kubectl, "get", "--raw", "/metrics")
        return time.monotonic(), metrics((await asyncio.to_thread(bridge.probe, "/metrics"))[1]), metrics(server)

    first, before, server_before = await both()
    await asyncio.sleep(seconds)
    last, after, server_after = await both()
    took = last - first
    lost = sum(task.done() for _, task in pages)
    for socket, task in pages:
        task.cancel()
        await socket.close()
    return {
        "users": float(len(names)),
        "decisions/s": (after["reviews"] - before["reviews"]) / took,
        "bridge cpu": (after["cpu"] - before["cpu"]) / took,
        "API server cpu": (server_after["cpu"] - server_before["cpu"]) / took,
        "KiB a user": (after["rss"] - empty["rss"]) / 1024 / len(names),
        "arrival s": arrived,
        "pages lost": float(lost),
        "load": os.getloadavg()[0],
    }


async def run(options: argparse.Namespace, cluster: Cluster) -> list[dict[str, Any]]:
    """Every number of users of both kinds, each at a bridge of its own."""
    namespaces = [f"bench-{number}" for number in range(options.namespaces)]
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (SPACE, *namespaces)]
    # With the roles by which `view` covers kubedom's own kinds.
    cluster.apply(*made, *rbac_manifests.users())
    results = []
    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    with ExitStack() as stack:
        nats = stack.enter_context(NatsServer(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        where = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", f"--nats={nats.url}")
        stack.enter_context(Apart("operator", *where)).ready(180)
        every = {"all": "the whole cluster", "one": f"one of {options.namespaces} namespaces"}
        for kind in options.rights:
            title = every[kind]
            for count in options.users:
                names = add_users(cluster, kind, count, namespaces)
                rounds = []
                for _ in range(options.rounds):
                    with Apart("bridge", *where, "--sign-in=token", "--drain-seconds=1") as bridge:
                        await asyncio.to_thread(bridge.ready, 180)
                        rounds.append(await measure(api, cluster, bridge, names, options.seconds))
                    said = ", ".join(f"{key} {value:.2f}" for key, value in rounds[-1].items())
                    print(f"{title}: {said}", file=sys.stderr, flush=True)
                medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
                results.append({"what": title, "median": medians, "rounds": rounds})
    await api.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--rights", nargs="+", choices=["all", "one"], default=["all", "one"])
    parser.add_argument("--namespaces", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the figures are written as JSON")
    options = parser.parse_args()
    with cluster_of_its_own() as cluster:
        results = asyncio.run(run(options, cluster))
    columns = list(results[0]["median"])
    print(f"\n| rights in | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for row in results:
        print(f"| {row['what']} | {' | '.join(f'{value:.2f}' for value in row['median'].values())} |")
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
