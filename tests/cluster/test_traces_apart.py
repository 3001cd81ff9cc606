"""One trace through three processes and NATS: what the operator begins goes on at each bridge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.apart import Apart
from tests.cluster.shop import Shop, opened_shop, with_admission
from tests.cluster.test_many_users import page
from tests.cluster.test_traces import fail, in_order, running_pod, sent_to, told
from tests.conftest import Cluster
from tests.nats import NatsServer
from tests.tracing import Collector, collecting
from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.cluster


@pytest.fixture
def shop(cluster: Cluster, namespace: str) -> Shop:
    with_admission(cluster)
    return opened_shop(cluster, namespace)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as made:
        yield made


@pytest.fixture
async def opened() -> AsyncIterator[list[ClientConnection]]:
    sockets: list[ClientConnection] = []
    yield sockets
    for socket in sockets:
        await socket.close()


async def test_a_trace_goes_on_at_each_bridge(
    cluster: Cluster, nats: NatsServer, collector: Collector, shop: Shop, opened: list[ClientConnection]
) -> None:
    given = [f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", f"--nats={nats.url}", "--traces"]
    serving = ["--sign-in=token", "--drain-seconds=0"]
    name = await running_pod(cluster, shop.namespace)
    with ExitStack() as stack:
        operator = stack.enter_context(Apart("operator", *given, environment=sent_to(collector)))
        bridges = [
            stack.enter_context(Apart("bridge", *given, *serving, environment=sent_to(collector))) for _ in range(2)
        ]
        for each in (operator, *bridges):
            await asyncio.to_thread(each.ready)
        pages = [await page(each, shop.token("alice"), opened) for each in bridges]  # type: ignore[arg-type]
        for each in pages:
            await each.until(lambda each=each: name in each.names("Pod"))
        await fail(cluster, shop.namespace, name)
        entries: list[dict[str, Any]] = [await told(each.socket, "podFailed") for each in pages]
        for each, entry in zip(pages, entries, strict=True):
            await each.socket.send(json.dumps({"type": "seen", "traceparents": [entry["traceparent"]]}))
        traceparent = entries[0]["traceparent"]
        await collector.until(lambda: len(collector.of(traceparent)) >= 7)
        for socket in opened:
            await socket.close()
        await asyncio.to_thread(stack.close)
    assert entries[0]["traceparent"] == entries[1]["traceparent"]
    spans = collector.of(traceparent)
    one = {each.name: each for each in spans}
    delivered, seen = ([each for each in spans if each.name == name] for name in ("deliver", "seen"))
    assert sorted(each.name for each in spans) == [
        *("deliver", "deliver", "diagnose", "handover", "seen", "seen", "watch"),
    ]
    assert {each.parent for each in delivered} == {one["handover"].span}
    assert {each.parent for each in seen} == {each.span for each in delivered}
    assert (one["handover"].parent, one["watch"].parent) == (one["watch"].span, "")
    assert {each.service for each in delivered + seen} == {"kubedom-bridge"}
    assert {one[each].service for each in ("watch", "diagnose", "handover")} == {"kubedom-operator"}
    assert [each.attributes for each in delivered] == [{"kubedom.pages": 1}] * 2
    for last in seen:
        (before,) = (each for each in delivered if each.span == last.parent)
        in_order(one["watch"], one["diagnose"], one["handover"], before, last)
