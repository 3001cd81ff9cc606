"""From the API server's accepted status patch to the listener in Chromium, beside `kubectl get -w` in the same run.

    python -m tests.bench.bench_latency [--changes 200] [--rate 20] [--pods 100]

A real control plane, a real `kubedom run`, a page in headless Chromium and kubectl all run on this machine. Pods are
patched by hand at an even rate; what counts is from the moment in which the answer to the patch is there to the moment
in which a listener in the page (or a line of kubectl) has the same resourceVersion. Both clocks are this machine's.
Two series: plain changes, heard by `kube:change`, and failures, where a container ends and `podFailed` is heard.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.e2e.conftest import until_live
from tests.browser.waiting import eventually
from tests.kubelet import by_hand, failed, running, terminated
from tests.running import KubedomRun

from kubedom_bridge.kube import MERGE_PATCH, Api, ClusterChoice
from kubedom_operator import local

NAMESPACE = "kubedom-bench-latency"
# Epoch milliseconds of this machine, so that they can be compared with Python's.
LISTENER = """
window.seen = { change: {}, failure: {} };
const now = () => performance.timeOrigin + performance.now();
addEventListener('kube:change', ({ detail: { added, changed } }) => {
  for (const each of [...added, ...changed]) {
    const version = each.object?.metadata?.resourceVersion;
    if (version && !(version in seen.change)) seen.change[version] = now();
  }
}, true);
addEventListener('podFailed', (event) => {
  event.preventDefault();
  seen.failure[event.target.object.metadata.resourceVersion] ??= now();
}, true);
"""


class Kubectl:
    """`kubectl get pods -w`: when it printed which resourceVersion."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.seen: dict[str, float] = {}
        self._process = process
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, kubeconfig: Path) -> Kubectl:
        columns = "custom-columns=VERSION:.metadata.resourceVersion"
        process = await asyncio.create_subprocess_exec(
            *(str(local.find_kubectl().path), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"),
            *("get", "pods", "--watch", "--no-headers", f"--output={columns}"),
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.seen.setdefault(line.decode().strip(), time.time() * 1000)

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()
        self._reading.cancel()


async def patched(
    api: Api, pods: list[str], changes: int, rate: float, status: Callable[[int], dict[str, Any]]
) -> dict[str, float]:
    """Patch one pod after the other at the rate, and give when each resourceVersion was accepted."""
    accepted: dict[str, float] = {}

    async def patch(number: int) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pods[number % len(pods)]}/status"
        answer = await api.call("PATCH", path, body={"status": status(number)}, content_type=MERGE_PATCH)
        accepted[answer["metadata"]["resourceVersion"]] = time.time() * 1000

    loop, tasks = asyncio.get_running_loop(), []
    begin = loop.time()
    for number in range(changes):
        await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
        tasks.append(asyncio.create_task(patch(number)))
    await asyncio.gather(*tasks)
    return accepted


def line(name: str, delays: list[float], wanted: int) -> tuple[float, float]:
    """Print one series in milliseconds, and give p50 and p99."""
    delays = sorted(delays)
    p50, p99 = statistics.median(delays), delays[min(len(delays) - 1, int(len(delays) * 0.99))]
    print(f"  {name:<22} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   max {delays[-1]:7.1f} ms   {len(delays)} of {wanted}")
    return p50, p99


async def series(
    title: str, page: Page, kind: str, kubectl: Kubectl, accepted: dict[str, float], wanted: set[str]
) -> None:
    """Wait until both saw what is wanted, and print how long it took them."""
    condition = "([kind, wanted]) => wanted.every((version) => version in seen[kind])"
    await eventually(page, condition, [kind, sorted(wanted)], seconds=60)
    seen = await page.evaluate("(kind) => seen[kind]", kind)
    async with asyncio.timeout(60):
        while not wanted <= kubectl.seen.keys():  # noqa: ASYNC110 - a bench may poll
            await asyncio.sleep(0.05)
    print(title)
    page50, page99 = line("listener in Chromium", [seen[each] - accepted[each] for each in wanted], len(accepted))
    tool50, tool99 = line("kubectl get -w", [kubectl.seen[each] - accepted[each] for each in wanted], len(accepted))
    print(f"  ratio page : kubectl    p50 {page50 / tool50:7.2f}      p99 {page99 / tool99:7.2f}")


async def measure(cluster: local.LocalCluster, changes: int, rate: float, pods: int) -> None:
    """Run both series against a cluster."""
    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    collection = f"/api/v1/namespaces/{NAMESPACE}/pods"
    template = by_hand("bench")["spec"]["template"]
    names = [f"bench-{number}" for number in range(pods)]
    metadata = {"name": NAMESPACE}
    await api.call("POST", "/api/v1/namespaces", body={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    async with asyncio.timeout(60):
        while not (await api.call("GET", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"))["items"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for name in names:
        body = {"metadata": {"name": name, **template["metadata"]}, "spec": template["spec"]}
        await api.call("POST", collection, body=body)
        await api.call(
            "PATCH", f"{collection}/{name}/status", body={"status": running(seconds_ago=60)}, content_type=MERGE_PATCH
        )
    with KubedomRun(f"--kubeconfig={cluster.kubeconfig}") as run:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = await browser.new_page()
            await page.add_init_script(LISTENER)
            await page.goto(run.link)
            await page.wait_for_url(f"{run.origin}/")
            await until_live(page)
            kubectl = await Kubectl.start(cluster.kubeconfig)
            await asyncio.sleep(3)  # the list that kubectl prints first, and whatever settles after the start
            ready = running(seconds_ago=60)
            accepted = await patched(api, names, changes, rate, lambda number: ready | {"message": f"change {number}"})
            await series(f"{changes} changes at {rate:g}/s", page, "change", kubectl, accepted, set(accepted))
            # Each failure is of a pod that runs: it ends, and begins to run again before it is its turn anew.
            accepted = {}
            loop, begin = asyncio.get_running_loop(), asyncio.get_running_loop().time()
            for number, name in enumerate(names):
                await asyncio.sleep(max(0.0, begin + number / rate - loop.time()))
                accepted |= await patched(api, [name], 1, rate, lambda _: failed(terminated(1)))
            await series(f"{pods} failures at {rate:g}/s", page, "failure", kubectl, accepted, set(accepted))
            await kubectl.stop()
            await browser.close()
    await api.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    await api.close()


def main() -> None:
    """Start a cluster of its own, measure, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="changes a second")
    parser.add_argument("--pods", type=int, default=100)
    options = parser.parse_args()
    cluster = local.ensure_cluster(f"kubedom-bench-{os.getpid()}", progress=lambda text: print(text, file=sys.stderr))
    try:
        asyncio.run(measure(cluster, options.changes, options.rate, options.pods))
    finally:
        cluster.delete()


if __name__ == "__main__":
    main()
