"""What every watch source promises, asked of a real API server: whatever breaks, the sink equals the list in the end,
and no deletion is told twice or never.

`KUBEDOM_CONTRACT_ROUNDS` sets how many times everything is broken (5).
"""

import asyncio
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.cluster.cuttable import Cuttable, cuttable, kubeconfig_through
from tests.conftest import Cluster
from tests.unit.watch.mirror_sink import MirrorSink, eventually

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator.local import LocalCluster
from kubedom_operator.watch.kopf_source import KopfSource
from kubedom_operator.watch.seam import Sink
from kubedom_operator.watch.stream import StreamSource

pytestmark = pytest.mark.cluster
ROUNDS = int(os.environ.get("KUBEDOM_CONTRACT_ROUNDS", "5"))
KINDS = {"Pod": "pods", "Service": "services"}


class Source(Protocol):
    async def run(self) -> None: ...


Factory = Callable[[ClusterChoice, Api, Sink, str], Source]


def stream(choice: ClusterChoice, api: Api, sink: Sink, namespace: str) -> Source:
    return StreamSource(api, KINDS, sink, namespace=namespace, page_size=7)


def kopf(choice: ClusterChoice, api: Api, sink: Sink, namespace: str) -> Source:
    return KopfSource(choice, api, KINDS, sink, namespace=namespace, reconcile_seconds=5.0)


SOURCES: dict[str, Factory] = {"stream": stream, "kopf": kopf}


class Watched:
    """A source that runs in a thread and loop of its own, as in the product, behind a way that can be cut."""

    def __init__(self, way: Cuttable, api: Api, namespace: str) -> None:
        self.way, self.api, self.namespace = way, api, namespace
        self.sink = MirrorSink()
        self.ever: set[str] = set()
        self._stop: Callable[[], object] = lambda: None
        self._thread: threading.Thread | None = None

    def start(self, factory: Factory, kubeconfig: Path) -> None:
        choice = ClusterChoice(str(kubeconfig))

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._stop = lambda: loop.call_soon_threadsafe(task.cancel)
            loop = asyncio.get_running_loop()
            api = await Api.connect(choice)
            try:
                await factory(choice, api, self.sink, self.namespace).run()
            finally:
                await api.close()

        self._thread = threading.Thread(target=_quietly, args=(run,))
        self._thread.start()

    async def stop(self) -> None:
        self._stop()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 20)
            assert not self._thread.is_alive(), "the source does not end"

    async def create(self, kind: str, name: str) -> str:
        spec: dict[str, Any] = {"ports": [{"port": 80}]}
        if kind == "Pod":
            spec = {"containers": [{"name": "main", "image": "example/main:1"}]}
        metadata = {"name": name, "labels": {"demo.kubedom.dev/behaviour": "by-hand"}}
        made = await self.api.call("POST", self._path(kind), body={"metadata": metadata, "spec": spec})
        return str(made["metadata"]["uid"])

    async def update(self, kind: str, name: str, mark: int) -> None:
        body = {"metadata": {"labels": {"mark": str(mark)}}}
        await self.api.call(
            "PATCH", f"{self._path(kind)}/{name}", body=body, content_type="application/merge-patch+json"
        )

    async def delete(self, kind: str, name: str) -> None:
        await self.api.call("DELETE", f"{self._path(kind)}/{name}", body={"gracePeriodSeconds": 0})

    async def listed(self, kind: str) -> dict[str, str]:
        answer = await self.api.call("GET", self._path(kind))
        return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in answer["items"]}

    async def equal(self) -> None:
        """Wait until the sink equals the list, then check that nothing was told twice or against the order."""
        for kind in KINDS:
            deadline = asyncio.get_running_loop().time() + 60
            while True:
                with suppress(KubedomError):
                    listed = await self.listed(kind)
                    known = dict(self.sink.versions.get(kind, {}))
                    if listed == known:
                        break
                assert asyncio.get_running_loop().time() < deadline, (
                    f"{kind}: {len(known.keys() - listed.keys())} ghosts, {len(listed.keys() - known.keys())} missing"
                )
                await asyncio.sleep(0.1)
            self.ever |= listed.keys()
        assert self.sink.broken_promises == []
        alive = {uid for versions in self.sink.versions.values() for uid in versions}
        # Whatever was told at any time and is no more was told as gone, once; what lives never was.
        assert dict(self.sink.deletions) == dict.fromkeys(self.sink.names.keys() - alive, 1)
        assert self.ever <= self.sink.names.keys()

    def _path(self, kind: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{KINDS[kind]}"


def _quietly(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with suppress(asyncio.CancelledError):
        asyncio.run(run())


@pytest.fixture(params=SOURCES)
def factory(request: pytest.FixtureRequest) -> Factory:
    return SOURCES[request.param]


@pytest.fixture
async def watched(cluster: Cluster, namespace: str, factory: Factory, tmp_path: Path) -> AsyncIterator[Watched]:
    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    async with cuttable(cluster.server) as way:
        watched = Watched(way, api, namespace)
        for number in range(10):
            await watched.create("Pod", f"first-{number}")
        watched.start(factory, kubeconfig_through(cluster.kubeconfig, way, tmp_path))
        try:
            await eventually(lambda: watched.sink.syncs.keys() == KINDS.keys(), "no first list", seconds=30)
            yield watched
        finally:
            await watched.stop()
            await api.close()


async def test_tells_what_is_created_updated_and_deleted(watched: Watched) -> None:
    await watched.equal()
    assert watched.sink.syncs == dict.fromkeys(KINDS, 1)
    for kind in KINDS:
        uid = await watched.create(kind, "one")
        await eventually(lambda kind=kind, uid=uid: uid in watched.sink.known(kind))  # type: ignore[misc]
        await watched.update(kind, "one", 1)
        await watched.equal()
        assert watched.sink.objects[uid].metadata.labels["mark"] == "1"
        await watched.delete(kind, "one")
        await watched.equal()
        assert watched.sink.deletions[uid] == 1


async def test_a_name_that_is_used_again_is_another_object(watched: Watched) -> None:
    first = await watched.create("Service", "again")
    await watched.delete("Service", "again")
    second = await watched.create("Service", "again")
    await watched.equal()
    assert watched.sink.deletions == {first: 1}
    assert second in watched.sink.known("Service")


@pytest.mark.timeout(120 + 60 * ROUNDS)
async def test_equals_the_list_whatever_breaks(watched: Watched, local_cluster: LocalCluster) -> None:
    rng = random.Random(20)
    await watched.equal()
    for number in range(ROUNDS):
        await _change(watched, rng, f"calm-{number}")
        if number % 2:
            await watched.equal()
        watched.way.cut()
        await _change(watched, rng, f"cut-{number}")
        match number % 4:
            case 1:
                await asyncio.to_thread(local_cluster.compact)
            case 2:
                await asyncio.to_thread(local_cluster.restart_apiserver, pause=rng.uniform(0, 1.5))
            case 3:
                # Only so is a resourceVersion too old: what etcd forgot, the API server's cache still has.
                await asyncio.to_thread(local_cluster.compact)
                await asyncio.to_thread(local_cluster.restart_apiserver)
        await _change(watched, rng, f"late-{number}")
        watched.way.mend()
        await _change(watched, rng, f"back-{number}")
        await watched.equal()


async def test_equals_the_list_after_the_api_server_alone_was_away(
    watched: Watched, local_cluster: LocalCluster
) -> None:
    await asyncio.to_thread(local_cluster.restart_apiserver)
    await watched.delete("Pod", "first-3")
    await watched.create("Pod", "later")
    await watched.equal()


async def test_a_stream_that_falls_silent_is_noticed(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    def impatient(choice: ClusterChoice, api: Api, sink: Sink, namespace: str) -> Source:
        return StreamSource(api, KINDS, sink, namespace=namespace, inactivity=3.0)

    api = await Api.connect(ClusterChoice(str(cluster.kubeconfig), cluster.context))
    async with cuttable(cluster.server) as way:
        watched = Watched(way, api, namespace)
        watched.start(impatient, kubeconfig_through(cluster.kubeconfig, way, tmp_path))
        try:
            await watched.create("Pod", "a")
            await watched.equal()
            way.silence()
            await watched.delete("Pod", "a")
            await watched.create("Pod", "b")
            await watched.equal()
        finally:
            await watched.stop()
            await api.close()


async def _change(watched: Watched, rng: random.Random, name: str) -> None:
    """Create, update and delete a few objects of each kind."""
    for kind in KINDS:
        for number in range(rng.randint(1, 4)):
            await watched.create(kind, f"{name}-{number}")
        answer = await watched.api.call("GET", watched._path(kind))
        names = [item["metadata"]["name"] for item in answer["items"]]
        rng.shuffle(names)
        for one in names[:2]:
            await watched.update(kind, one, rng.randint(0, 10**6))
        for one in names[-2:]:
            await watched.delete(kind, one)
        if kind == "Service" and names[2:-2]:
            await watched.delete(kind, names[2])
            await watched.create(kind, names[2])
