"""What the Kopf source adds to the contract of all sources: its comparison with a list never tells a deletion twice.

Kopf's stream and the comparison's requests go two ways here, so that either can be held up while the other goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from tests.cluster.cuttable import Cuttable, cuttable, kubeconfig_through
from tests.conftest import Cluster
from tests.unit.watch.mirror_sink import MirrorSink, eventually

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator.watch.kopf_source import KopfSource

pytestmark = pytest.mark.cluster
COMPARED_EVERY = 0.2


class TwoWays:
    """A running source, whose two ways to the API server can be held up, and a third way that is the test's own."""

    def __init__(self, api: Api, namespace: str, kopf: Cuttable, comparison: Cuttable, sink: MirrorSink) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/services"
        self.kopf, self.comparison, self.sink = kopf, comparison, sink

    async def create(self, name: str) -> str:
        made = await self._api.call(
            "POST", self._path, body={"metadata": {"name": name}, "spec": {"clusterIP": "None"}}
        )
        uid = str(made["metadata"]["uid"])
        await eventually(lambda: uid in self.sink.known("Service"))
        return uid

    async def label(self, name: str) -> None:
        body = {"metadata": {"labels": {"a": "b"}}}
        await self._api.call("PATCH", f"{self._path}/{name}", body=body, content_type="application/merge-patch+json")

    async def delete(self, name: str) -> None:
        await self._api.call("DELETE", f"{self._path}/{name}")


def hold(way: Cuttable) -> None:
    """Let the present connections stay open and deliver nothing, until `release`."""
    for writer in way._writers:
        writer.transport.pause_reading()  # type: ignore[attr-defined]


def release(way: Cuttable) -> None:
    for writer in way._writers:
        writer.transport.resume_reading()  # type: ignore[attr-defined]


@pytest.fixture
async def source(cluster: Cluster, namespace: str, tmp_path: Path) -> AsyncIterator[TwoWays]:
    async with AsyncExitStack() as stack:
        apis: list[tuple[Cuttable, ClusterChoice, Api]] = []
        for name in ("kopf", "comparison"):
            way = await stack.enter_async_context(cuttable(cluster.server))
            folder = tmp_path / name
            folder.mkdir()
            choice = ClusterChoice(str(kubeconfig_through(cluster.kubeconfig, way, folder)))
            api = await Api.connect(choice)
            stack.push_async_callback(api.close)
            apis.append((way, choice, api))
        own = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
        stack.push_async_callback(own.close)
        (kopf, choice, _), (comparison, _, api) = apis
        sink = MirrorSink()
        running = asyncio.create_task(
            KopfSource(choice, api, ["Service"], sink, namespace=namespace, reconcile_seconds=COMPARED_EVERY).run()
        )
        try:
            await eventually(lambda: sink.syncs["Service"] == 1, "no first list", seconds=30)
            yield TwoWays(own, namespace, kopf, comparison, sink)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_what_kopf_delivers_late_of_an_object_that_is_gone_is_not_told(source: TwoWays) -> None:
    uid = await source.create("a")
    hold(source.kopf)
    await source.label("a")
    await source.delete("a")
    await eventually(lambda: source.sink.deletions[uid] == 1, "the comparison did not find it")
    release(source.kopf)
    # What comes after them shows that the late events were handled.
    await source.create("b")
    assert source.sink.broken_promises == []
    assert source.sink.deletions == {uid: 1}


async def test_what_kopf_tells_as_gone_during_a_comparison_is_not_told_again(source: TwoWays) -> None:
    uid = await source.create("a")
    hold(source.comparison)
    # By then the comparison has asked for a list, and noted before what was known.
    await asyncio.sleep(5 * COMPARED_EVERY)
    await source.delete("a")
    await eventually(lambda: source.sink.deletions[uid] == 1, "Kopf did not tell it")
    release(source.comparison)
    await asyncio.sleep(5 * COMPARED_EVERY)
    assert source.sink.broken_promises == []
    assert source.sink.deletions == {uid: 1}


async def test_a_kind_without_objects_is_not_ready_while_kopf_cannot_start(
    cluster: Cluster, namespace: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "config"
    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    sink = MirrorSink()
    choice = ClusterChoice(str(config), cluster.context)
    source = KopfSource(choice, api, ["Service"], sink, namespace=namespace, reconcile_seconds=COMPARED_EVERY)
    running = asyncio.create_task(source.run())
    try:
        await eventually(lambda: "There is no kubeconfig" in caplog.text, "Kopf did not try", seconds=30)
        await asyncio.sleep(5 * COMPARED_EVERY)
        assert sink.syncs["Service"] == 0
        config.write_bytes(cluster.kubeconfig.read_bytes())
        await eventually(lambda: sink.syncs["Service"] == 1, "no first list", seconds=60)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await api.close()
