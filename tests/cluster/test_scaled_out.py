"""The operator, three bridges and NATS, each of which is killed again and again: no page misses or doubles an event.

KUBEDOM_SCALED_OUT_ROUNDS says how many times (3 in CI), KUBEDOM_SCALED_OUT_SEED in which order.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.apart import Apart
from tests.cluster.identities import rules, somebodies
from tests.cluster.shop import with_admission
from tests.conftest import Cluster
from tests.kubelet import by_hand, not_pulled, running
from tests.nats import NatsServer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from kubedom_bridge.identity import TOKEN_SUBPROTOCOL
from kubedom_operator import rbac_manifests

pytestmark = pytest.mark.cluster

ROUNDS = int(os.environ.get("KUBEDOM_SCALED_OUT_ROUNDS", "3"))
SEED = int(os.environ.get("KUBEDOM_SCALED_OUT_SEED", "1"))
SECONDS = 120.0
BRIDGES = 3
PAGES = 6
FAILURE = "ImagePull"


class Browser:
    """A page that goes to the next bridge whenever it is cut, from where it was."""

    def __init__(self, name: str, origins: list[str], token: str) -> None:
        self.name = name
        self._origins = origins
        encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
        self._protocols = [Subprotocol("kubedom.v1"), Subprotocol(TOKEN_SUBPROTOCOL + encoded)]
        self.versions: dict[str, str] = {}
        #: Every event, by its id, as often as it was told; those of a snapshot are none.
        self.events: Counter[str] = Counter()
        self.phases: Counter[tuple[str, str, str]] = Counter()
        self.epochs: set[str] = set()
        self.resyncs: list[str] = []
        self.sequence = 0
        self._listed: dict[str, str] = {}
        self._position: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"at {self.sequence}, {dict(self.phases)}, {self.resyncs}"

    async def run(self) -> None:
        """Be connected, for ever."""
        for turn in range(10**9):
            origin = self._origins[turn % len(self._origins)]
            try:
                async with connect(
                    origin.replace("http", "ws") + "/api/socket",
                    origin=Origin(origin),
                    subprotocols=self._protocols,
                    max_size=None,
                    proxy=None,
                ) as socket:
                    subscribe: dict[str, Any] = {"type": "subscribe"}
                    if self._position is not None:
                        subscribe["since"] = self._position
                    await socket.send(json.dumps(subscribe))
                    async for text in socket:
                        self._take(json.loads(text))
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                pass
            # As a browser, not at once.
            await asyncio.sleep(0.1)

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "resync":
            self.resyncs.append(message["reason"])
            self._position = None
        elif kind == "snapshot":
            self._listed |= {entry["uid"]: entry["resourceVersion"] for entry in message.get("entries", ())}
        elif kind == "snapshotEnd":
            self.versions, self._listed = self._listed, {}
            self.sequence = message["sequence"]
            self.epochs.add(message["epoch"])
            self._position = {"epoch": message["epoch"], "sequence": message["sequence"]}
        elif kind == "changes":
            for entry in message["entries"]:
                self._change(entry)

    def _change(self, entry: dict[str, Any]) -> None:
        assert self._position is not None
        assert entry["sequence"] > self.sequence, f"{self.name}: out of order, or twice"
        self.sequence = self._position["sequence"] = entry["sequence"]
        if entry["op"] == "upsert":
            self.versions[entry["uid"]] = entry["resourceVersion"]
        elif entry["op"] == "delete":
            self.versions.pop(entry["uid"], None)
        else:
            self.events[entry["id"]] += 1
            if "incident" in entry:
                self.phases[entry["uid"], entry["incident"]["kind"], entry["incident"]["phase"]] += 1


class Installation:
    """Everything that runs, each part of which can be killed and started again."""

    def __init__(self, nats: NatsServer, start: Callable[[str, int], Apart]) -> None:
        self._nats = nats
        self._start = start
        self._halves = {"operator": start("operator", 0)}
        self._halves |= {f"bridge {number}": start("bridge", 0) for number in range(BRIDGES)}
        self.ready()

    def ready(self) -> None:
        for half in self._halves.values():
            half.ready()

    @property
    def parts(self) -> list[str]:
        return ["nats", *self._halves]

    @property
    def origins(self) -> list[str]:
        return [half.origin for name, half in self._halves.items() if name != "operator"]

    def kill(self, name: str) -> None:
        if name == "nats":
            self._nats.kill()
        else:
            self._halves[name].kill()

    def start(self, name: str) -> None:
        if name == "nats":
            self._nats.start()
        else:
            before = self._halves[name]
            self._halves[name] = self._start(before.command, before.port)


@pytest.fixture
def installation(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    """All of it, each half with a service account that has the rights of its roles and no more."""
    with_admission(cluster)
    with ExitStack() as stack:
        nats = stack.enter_context(NatsServer(tmp_path / "nats"))
        make = stack.enter_context(somebodies(cluster, namespace))
        operators, bridges = rbac_manifests.operator(), rbac_manifests.bridge()
        rights = {
            "operator": rules(operators, "kubedom-operator") + rules(operators, "kubedom-operator-policies"),
            "bridge": rules(bridges, "kubedom-bridge") + rules(bridges, "kubedom-bridge-impersonate"),
        }
        files = {name: make(name, *granted).kubeconfig(tmp_path) for name, granted in rights.items()}

        def started(command: str, port: int) -> Apart:
            options = [f"--kubeconfig={files[command]}", f"--nats={nats.url}"]
            options += ["--sign-in=token", "--drain-seconds=1"] if command == "bridge" else []
            return stack.enter_context(Apart(command, *options, port=port))

        yield Installation(nats, started)


async def test_no_page_misses_or_doubles_an_event_whatever_is_killed(
    installation: Installation, cluster: Cluster, namespace: str
) -> None:
    rng = random.Random(SEED)
    cluster.apply(by_hand("web", ROUNDS), namespace=namespace)
    pods = [each["metadata"] for each in await listed(cluster, namespace, ROUNDS)]
    cluster.kubectl("create", "serviceaccount", "reader", f"--namespace={namespace}")
    account = f"--serviceaccount={namespace}:reader"
    cluster.kubectl("create", "rolebinding", "reader", "--clusterrole=view", account, f"--namespace={namespace}")
    token = cluster.kubectl("create", "token", "reader", f"--namespace={namespace}").strip()
    origins = installation.origins
    browsers = [Browser(f"page {n}", origins[n % BRIDGES :] + origins[: n % BRIDGES], token) for n in range(PAGES)]
    tasks = [asyncio.create_task(browser.run()) for browser in browsers]

    async def told(uid: str, phase: str) -> None:
        for browser in browsers:
            await until(
                lambda browser=browser: (uid, FAILURE, phase) in browser.phases,  # type: ignore[misc]
                lambda browser=browser: f"{browser.name} is told of the {phase} of {uid}: {browser}",  # type: ignore[misc]
            )

    def status(name: str, content: dict[str, Any]) -> None:
        cluster.patch_status("pod", namespace, name, content)

    try:
        for browser in browsers:
            await until(
                lambda browser=browser: {pod["uid"] for pod in pods} <= browser.versions.keys(),  # type: ignore[misc]
                lambda browser=browser: f"{browser.name} shows every pod",  # type: ignore[misc]
            )
        for pod in pods:
            for phase, content in (("begin", not_pulled()), ("end", running())):
                victim = rng.choice(installation.parts)
                # Before, while or after it is away.
                moment = rng.choice(["before", "away", "after"])
                if moment == "before":
                    await asyncio.to_thread(status, pod["name"], content)
                await asyncio.to_thread(installation.kill, victim)
                if moment == "away":
                    await asyncio.to_thread(status, pod["name"], content)
                await asyncio.to_thread(installation.start, victim)
                if moment == "after":
                    await asyncio.to_thread(status, pod["name"], content)
                await told(pod["uid"], phase)
        # Each of them is to end in order, which one that has only begun to start cannot.
        await asyncio.to_thread(installation.ready)
        there = [each["metadata"] for each in await listed(cluster, namespace)]
        shown = {metadata["uid"]: metadata["resourceVersion"] for metadata in there}
        for browser in browsers:
            await until(
                lambda browser=browser: shown.items() <= browser.versions.items(),  # type: ignore[misc]
                lambda browser=browser: f"{browser.name} shows what is: {browser.versions}",  # type: ignore[misc]
            )
            await until(
                lambda browser=browser: browser.events == browsers[0].events,  # type: ignore[misc]
                lambda browser=browser: f"{browser.name} was told what page 0 was: {browser}",  # type: ignore[misc]
            )
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end for end in ended if not isinstance(end, asyncio.CancelledError)] == []
    for browser in browsers:
        assert browser.resyncs == []
        assert set(browser.events.values()) == {1}
        assert len(browser.epochs) == 1
        for pod in pods:
            for phase in ("begin", "end"):
                assert browser.phases[pod["uid"], FAILURE, phase] == 1


async def listed(cluster: Cluster, namespace: str, count: int = 0) -> list[dict[str, Any]]:
    """The namespace's pods, when there are so many."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = cluster.get("pods", f"--namespace={namespace}")["items"]
        return len(found) >= count

    await until(there, lambda: f"there are {count} pods")
    return found


async def until(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for something that happens in the background."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - many pages tell of it
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"it did not come to this: {what()}")
