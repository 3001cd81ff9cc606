"""A pod fails on a real API server, and the collector hears the whole way to the page that says it has seen it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from itertools import pairwise
from typing import Any

import pytest
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, running, terminated
from tests.running import KubedomRun, wait_for
from tests.tracing import Collector, Told, collecting
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

pytestmark = pytest.mark.cluster
SECONDS = 60.0
# Two clocks are read at the two ends of a thread's change.
SLACK = 0.005


@asynccontextmanager
async def kubedom(cluster: Cluster, namespace: str, *arguments: str, **environment: str) -> AsyncIterator[KubedomRun]:
    """Run it beside this loop, which has the collector."""
    which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", f"--namespace={namespace}")
    run = await asyncio.to_thread(lambda: KubedomRun(*which, *arguments, environment=environment))
    try:
        yield run
    except BaseException:
        print(run.output())
        run.kill()
        raise
    await asyncio.to_thread(run.stop)


async def sign_in(run: KubedomRun) -> str:
    """Sign in by the link, which works once, and give the cookie."""

    def ask() -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", run.port, timeout=SECONDS)) as asked:
            asked.request("GET", run.link.removeprefix(run.origin))
            with asked.getresponse() as answer:
                return str(answer.headers["Set-Cookie"]).partition(";")[0]

    return await asyncio.to_thread(ask)


@asynccontextmanager
async def page(run: KubedomRun, cookie: str) -> AsyncIterator[ClientConnection]:
    """Be shown everything there is."""
    async with connect(
        f"{run.origin.replace('http', 'ws')}/api/socket",
        origin=run.origin,  # type: ignore[arg-type]
        subprotocols=[Subprotocol("kubedom.v1")],
        additional_headers={"Cookie": cookie},
        max_size=None,
    ) as socket:
        await socket.send(json.dumps({"type": "subscribe"}))
        async with asyncio.timeout(SECONDS):
            while json.loads(await socket.recv())["type"] != "snapshotEnd":
                pass
        yield socket


async def told(socket: ClientConnection, event: str) -> dict[str, Any]:
    """Read until this event comes."""
    async with asyncio.timeout(SECONDS):
        while True:
            for entry in json.loads(await socket.recv()).get("entries", ()):
                if entry.get("type") == event:
                    found: dict[str, Any] = entry
                    return found


async def running_pod(cluster: Cluster, namespace: str) -> str:
    """Make a pod, run it by hand, and give its name."""

    def make() -> str:
        cluster.apply(by_hand("api"), namespace=namespace)
        pods = wait_for(
            "a pod on a node",
            lambda: [
                pod
                for pod in cluster.get("pods", f"--namespace={namespace}", "--selector=app=api")["items"]
                if pod["spec"].get("nodeName") is not None
            ],
        )
        name: str = pods[0]["metadata"]["name"]
        cluster.patch_status("pod", namespace, name, running(seconds_ago=5))
        return name

    return await asyncio.to_thread(make)


def fail(cluster: Cluster, namespace: str, name: str) -> Any:
    return asyncio.to_thread(cluster.patch_status, "pod", namespace, name, failed(terminated(3)))


def sent_to(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.mark.parametrize("watch", ["kopf", "stream"])
async def test_the_whole_way_is_one_trace(cluster: Cluster, namespace: str, watch: str) -> None:
    name = await running_pod(cluster, namespace)
    async with AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting())
        run = await stack.enter_async_context(
            kubedom(cluster, namespace, "--traces", f"--watch={watch}", **sent_to(collector))
        )
        cookie = await sign_in(run)
        first, _ = [await stack.enter_async_context(page(run, cookie)) for _ in range(2)]
        await fail(cluster, namespace, name)
        entry = await told(first, "podFailed")
        await first.send(json.dumps({"type": "seen", "traceparents": [entry["traceparent"]]}))
        await collector.until(lambda: len(collector.of(entry["traceparent"])) >= 5)
        spans = {one.name: one for one in collector.of(entry["traceparent"])}
    assert spans.keys() == {"watch", "diagnose", "handover", "deliver", "seen"}
    chain = [spans[each] for each in ("watch", "handover", "deliver", "seen")]
    assert [one.parent for one in chain] == ["", *(one.span for one in chain[:-1])]
    assert spans["diagnose"].parent == spans["watch"].span
    assert spans["handover"].is_named(entry["traceparent"])
    in_order(spans["watch"], spans["diagnose"], spans["handover"], spans["deliver"], spans["seen"])
    assert spans["deliver"].attributes == {"kubedom.pages": 2}
    assert spans["watch"].attributes == {
        "kubedom.kind": "Pod",
        "kubedom.event.type": "podFailed",
        "kubedom.incident.kind": entry["incident"]["kind"],
        "k8s.namespace.name": namespace,
        "kubedom.watch.kind": "Pod",
        "kubedom.watch.change": "changed",
    }
    assert {one.service for one in chain} == {"kubedom"}
    assert name not in repr(collector.spans)


def in_order(*spans: Told) -> None:
    for one in spans:
        assert one.end >= one.start - SLACK
    for before, after in pairwise(spans):
        assert after.start >= before.start - SLACK, (before, after)


async def test_where_it_is_not_asked_for_nothing_is_on_the_wire(cluster: Cluster, namespace: str) -> None:
    name = await running_pod(cluster, namespace)
    async with collecting() as collector:
        async with kubedom(cluster, namespace, **sent_to(collector)) as run, page(run, await sign_in(run)) as socket:
            await fail(cluster, namespace, name)
            entry = await told(socket, "podFailed")
        # It has ended, so whatever it had to send is sent.
        assert collector.spans == []
    assert "traceparent" not in entry


async def test_a_collector_that_is_not_there_costs_the_traces_only(cluster: Cluster, namespace: str) -> None:
    name = await running_pod(cluster, namespace)
    async with collecting() as gone:
        nowhere = sent_to(gone)
    async with (
        kubedom(cluster, namespace, "--traces", OTEL_EXPORTER_OTLP_TIMEOUT="1", **nowhere) as run,
        page(run, await sign_in(run)) as socket,
    ):
        await fail(cluster, namespace, name)
        assert (await told(socket, "podFailed"))["traceparent"]
        sentence = f"Traces cannot be sent to {gone.endpoint}/v1/traces; they are lost until it takes them."
        await asyncio.to_thread(wait_for, "a word about the collector", lambda: sentence in run.output())
        await asyncio.to_thread(cluster.patch_status, "pod", namespace, name, running(1, terminated(3)))
        await told(socket, "podRecovered")
        assert run.output().count("Traces cannot") == 1
