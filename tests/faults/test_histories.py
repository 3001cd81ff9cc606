"""Whatever clients and the cluster do, each client's history is right, after the fashion of etcd's robustness tests.

A machine of Hypothesis lets clients connect, filter, stall, be cut, resume, lose rights and come back, while objects
come and go and the bridge is started anew, over real sockets with small buffers and a small journal. It keeps what
really happened, and holds against it what each subscription was told: in order, once, complete or `resync`, resumable,
never beyond the rights of the moment; and when all is quiet, a page's state is what may be listed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.unit.bridge.conftest import Running
from tests.unit.bridge.entries import deletion, event, state
from tests.unit.bridge.reviewing import RESOURCES, Reviewing, reviewed

from kubedom_bridge import bridge as bridges
from kubedom_bridge import delivery, reviews, upgrade
from kubedom_bridge.protocol import CloseCode, Entry, EventEntry
from kubedom_bridge.view import Rights, epoch_of

from .clients import Client, Happened, Segment, Telling, Wanted

T = TypeVar("T")
RUNS = int(os.environ.get("KUBEDOM_HISTORIES", "40"))
STEPS = 40
RING = 60
NAMESPACES = ("red", "green", "blue")
USERS = ("ann", "bob")
APPS = ("", "web", "api")
#: Every object's home, by its uid; the uid is in every entry of it, and so is the namespace's secret.
HOMES = {f"pod-{place}-{number}": ("Pod", place) for place in NAMESPACES for number in range(4)} | {
    f"node-{number}": ("Node", "") for number in range(2)
}
SMALL = 4096
Place = tuple[str, str, str]
#: An object's uid, what happens to it, its label from then on, and a variant.
Change = tuple[str, str, str, int]

uids = st.sampled_from(sorted(HOMES))
changes = st.lists(
    st.tuples(uids, st.sampled_from(["state", "state", "delete", "event"]), st.sampled_from(APPS), st.integers(0, 3)),
    min_size=4,
    max_size=12,
)
#: What a role can grant, as (plural, namespace; empty for the whole cluster).
EVERYTHING = frozenset((resource.plural, "") for resource in RESOURCES.values())
ROLES = [
    EVERYTHING,
    EVERYTHING - {("nodes", "")},
    *(frozenset({("pods", place), ("namespaces", place)}) for place in NAMESPACES),
    frozenset({("pods", "red"), ("pods", "green"), ("namespaces", "green"), ("nodes", "")}),
    frozenset({("pods", "green"), ("pods", "blue")}),
    frozenset(),
]
rights = st.sampled_from(ROLES)
wanted = st.builds(
    Wanted,
    namespaces=st.sampled_from([(), (), (), ("red", "green"), ("red",)]),
    kinds=st.sampled_from([(), (), (), ("Pod",), ("Pod", "Node"), ("Namespace",)]),
    types=st.sampled_from([(), (), (), ("podFailed",)]),
    app=st.sampled_from(APPS),
    incidents_only=st.sampled_from([False, False, False, True]),
)


def secret(namespace: str) -> str:
    return f"secret-of-{namespace or 'nodes'}"


class World:
    """What really happened in one run of the journal."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.history: list[Happened] = []
        self.labels: dict[str, tuple[tuple[str, str], ...]] = {}
        self.versions: dict[str, str] = {}
        self.open: dict[str, Happened] = {}
        self.rights: list[tuple[int, frozenset[Place]]] = []

    @property
    def epoch(self) -> str:
        return self.running.journal.epoch

    @property
    def head(self) -> int:
        return self.running.journal.head

    def publish(self, entries: list[tuple[Entry, tuple[tuple[str, str], ...]]]) -> None:
        for number, (entry, labels) in enumerate(entries, self.head + 1):
            op = {"StateEntry": "upsert", "DeleteEntry": "delete"}.get(type(entry).__name__, "event")
            if op == "upsert":
                self.labels[entry.uid] = labels
                self.versions[entry.uid] = entry.resource_version
            happened = Happened(
                number, op, entry.kind, entry.namespace, entry.uid, self.labels.get(entry.uid, ()), *_meaning(entry)
            )
            if op == "delete":
                self.labels.pop(entry.uid, None)
                self.versions.pop(entry.uid, None)
            if isinstance(entry, EventEntry) and entry.incident is not None:
                if entry.incident.phase == "end":
                    self.open.pop(entry.incident.id, None)
                else:
                    self.open[entry.incident.id] = happened
            self.history.append(happened)
        self.running.journal.publish([entry for entry, _ in entries])

    def home(self, uid: str) -> tuple[str, str]:
        """An object's kind and namespace."""
        return HOMES.get(uid) or ("Namespace", uid.removeprefix("namespace-"))

    def allowed_at(self, sequence: int) -> frozenset[Place]:
        return next(allowed for start, allowed in reversed(self.rights) if start < sequence or start == 0)


def _meaning(entry: Entry) -> tuple[str, str]:
    if not isinstance(entry, EventEntry):
        return "", ""
    return entry.type, entry.incident.id if entry.incident is not None else ""


def may_see(user: str, allowed: frozenset[Place], kind: str, namespace: str) -> bool:
    """As the API server has it; a Namespace counts as within itself."""
    plural = RESOURCES[kind].plural
    within = bool(namespace) and (RESOURCES[kind].namespaced or kind == "Namespace")
    return (user, plural, "") in allowed or (within and (user, plural, namespace) in allowed)


def rights_of(user: str, allowed: frozenset[Place]) -> Rights:
    """What the bridge should find out by asking."""
    everywhere = frozenset(kind for kind in RESOURCES if (user, RESOURCES[kind].plural, "") in allowed)
    return Rights(
        everywhere,
        frozenset(
            (kind, place)
            for kind in RESOURCES
            for place in NAMESPACES
            if kind not in everywhere and may_see(user, allowed, kind, place)
        ),
    )


class Histories(RuleBasedStateMachine):
    clients = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.patches = [
            patch.object(reviews, "ACCESS_SECONDS", 0.0),
            # When rights change they are looked after at once, and by this test.
            patch.object(bridges, "RIGHTS_SECONDS", 3600.0),
            # And not for the namespaces of the start: that look would share its older answers with the test's.
            patch.object(bridges, "NEW_NAMESPACE_SECONDS", 3600.0),
            patch.object(delivery, "RECORDS_A_MESSAGE", 7),
            patch.object(upgrade, "WRITE_HIGH_BYTES", SMALL),
        ]
        for one in self.patches:
            one.start()
        self.cluster = Reviewing(**{f"token-{user}": user for user in USERS})
        self.cluster.allowed = set()
        self.everybody: list[Client] = []
        self.worlds: dict[str, World] = {}
        self.ever: dict[str, set[str]] = {user: set() for user in USERS}
        self.version = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @property
    def allowed(self) -> frozenset[Place]:
        return frozenset(self.cluster.allowed or ())

    # What happens in the cluster.

    @initialize(target=clients, roles=st.tuples(rights, rights), filters=st.tuples(wanted, wanted, wanted))
    def start(self, roles: tuple[Any, ...], filters: tuple[Wanted, ...]) -> Any:
        self.cluster.allowed = {(user, *place) for user, role in zip(USERS, roles, strict=True) for place in role}
        self.do(self._start())
        self.change([(uid, "state", APPS[number % 3], 0) for number, uid in enumerate(HOMES)])
        return multiple(*(self.come(USERS[number % 2], one, None) for number, one in enumerate(filters)))

    async def _start(self) -> None:
        self.serving: AbstractAsyncContextManager[Running] = reviewed(
            self.cluster, ring_entries=RING, send_buffer=SMALL, connections_a_user=1000
        )
        running = await self.serving.__aenter__()
        self.world = self.worlds[running.journal.epoch] = World(running)
        self.world.rights.append((0, self.allowed))
        self._remember()
        self.world.publish([(self._state(f"namespace-{place}", "Namespace", place, ""), ()) for place in NAMESPACES])

    def _remember(self) -> None:
        for user in USERS:
            self.ever[user] |= {
                secret(place)
                for kind in RESOURCES
                for place in (*NAMESPACES, "")
                if may_see(user, self.allowed, kind, place)
            }

    def _state(self, uid: str, kind: str, namespace: str, app: str) -> Any:
        self.version += 1
        entry = state(uid, self.version, kind=kind, namespace=namespace)
        entry.object["metadata"] |= {"labels": {"app": app} if app else {}, "secret": secret(namespace)}
        return entry

    def _entry(self, uid: str, what: str, app: str, variant: int, bulk: int = 0) -> tuple[Entry, Any]:
        kind, namespace = HOMES[uid]
        if what == "state":
            return self._state(uid, kind, namespace, app), ((("app", app),) if app else ())
        if what == "delete":
            return deletion(uid, kind=kind, namespace=namespace), ()
        phase = ("begin", "update", "end", None)[variant]
        detail = {"secret": secret(namespace), "text": "x" * bulk}
        kind_of = ("podFailed", "podRestarted")[variant % 2]
        return event(uid, kind_of, phase=phase, kind=kind, namespace=namespace, detail=detail), ()

    @rule(changes=changes)
    def change(self, changes: list[Change]) -> None:
        self.world.publish([self._entry(*one) for one in changes])
        self.do(asyncio.sleep(0))

    @rule(uid=uids, count=st.integers(5, 2 * RING))
    def burst(self, uid: str, count: int) -> None:
        for number in range(count):
            self.world.publish([self._entry(uid, ("event", "state")[number % 4 == 3], "web", number % 4, 2000)])
            self.do(asyncio.sleep(0))

    @rule(user=st.sampled_from(USERS), granted=rights)
    def change_rights(self, user: str, granted: frozenset[tuple[str, str]]) -> None:
        self.do(self._change_rights(user, granted))

    async def _change_rights(self, user: str, granted: frozenset[tuple[str, str]]) -> None:
        # Quiet, so that what came before the change and what came after it can be told apart by the sequence.
        await self._quiet()
        others = {place for place in self.allowed if place[0] != user}
        self.cluster.allowed = others | {(user, *place) for place in granted}
        self.world.rights.append((self.world.head, self.allowed))
        self._remember()
        await self.world.running.bridge.look_after_rights()

    @precondition(lambda self: self.world.head > 5 * RING)
    @rule()
    def start_anew(self) -> None:
        self.do(self._end_run())
        self.do(self._start())

    async def _end_run(self) -> None:
        await self._quiet()
        for client in self.everybody:
            await client.cut()
        await self.serving.__aexit__(None, None, None)

    # What clients do.

    @rule(target=clients, user=st.sampled_from(USERS), first=wanted, second=st.none() | wanted)
    def one_more(self, user: str, first: Wanted, second: Wanted | None) -> Client:
        return self.come(user, first, second)

    def come(self, user: str, first: Wanted, second: Wanted | None) -> Client:
        tellings = [Telling("", first)] + ([Telling("second", second)] if second else [])
        client = Client(user, tellings, SMALL)
        self.everybody.append(client)
        self.do(self._connect(client))
        return client

    async def _connect(self, client: Client) -> None:
        await client.cut()
        await client.connect(self.world.running.bridge.port, f"token-{client.user}")
        await client.answered()

    @rule(client=clients)
    def stall(self, client: Client) -> None:
        client.stall()

    @rule(client=clients)
    def go_on(self, client: Client) -> None:
        client.go_on()
        self.do(asyncio.sleep(0.001))

    @rule(client=clients, changes=changes, granted=st.none() | rights, count=st.integers(RING // 3, RING))
    def stall_for_a_while(
        self, client: Client, changes: list[Change], granted: frozenset[tuple[str, str]] | None, count: int
    ) -> None:
        client.stall()
        self.burst(changes[0][0], count)
        if granted is not None:
            self.change_rights(client.user, granted)
        self.change(changes)
        client.go_on()

    @rule(client=clients)
    def cut(self, client: Client) -> None:
        self.do(client.cut())

    @rule(
        client=clients,
        missed=changes,
        granted=st.none() | rights,
        from_scratch=st.sampled_from([False, False, False, True]),
    )
    def come_back(
        self, client: Client, missed: list[Change], granted: frozenset[tuple[str, str]] | None, from_scratch: bool
    ) -> None:
        self.do(client.cut())
        self.change(missed)
        if granted is not None:
            self.change_rights(client.user, granted)
        self.change(missed[::-1])
        if from_scratch:
            for telling in client.tellings.values():
                telling.forget()
        self.do(self._connect(client))
        self.do(self._quiet())

    @rule(client=consumes(clients))
    def leave_for_ever(self, client: Client) -> None:
        self.do(client.cut())

    # What has to hold.

    def _attentive(self) -> list[Client]:
        return [one for one in self.everybody if one.connected and not one.stalled and one.code is None]

    async def _quiet(self) -> None:
        """Wait until everybody who reads has been told everything, and has it right."""
        for client in self._attentive():
            # What it asked for before has begun when this is answered.
            if await client.answered():
                with contextlib.suppress(TimeoutError):
                    await client.until(lambda client=client: client.code is not None or self._is_right(client))
            assert client.code in {None, CloseCode.SLOW}
            if client.code is None:
                for telling in client.tellings.values():
                    assert self._difference(client, telling) == ""
                    telling.segments[-1].last = self.world.head

    def _is_right(self, client: Client) -> bool:
        return not any(self._difference(client, telling) for telling in client.tellings.values())

    def _difference(self, client: Client, telling: Telling) -> str:
        """Say what a page lacks or has too much; nothing where it is as it should be."""
        user, world, wanted = client.user, self.world, telling.wanted
        if not telling.whole:
            return "it waits for a snapshot"
        segment = telling.segments[-1]
        if segment.epoch != epoch_of(world.epoch, rights_of(user, self.allowed)):
            return f"it is told of the epoch {segment.epoch}"
        versions = {
            uid: version
            for uid, version in world.versions.items()
            if not wanted.incidents_only
            and wanted.takes(*world.home(uid), world.labels[uid])
            and may_see(user, self.allowed, *world.home(uid))
        }
        if telling.versions != versions:
            return f"it shows {telling.versions} of {versions}"
        if segment.events != (events := self._events(user, telling, segment, world, world.head)):
            return f"it heard {segment.events} of {events} since {segment.start}"
        if not wanted.types and not wanted.app:
            opened = {
                name: one.uid
                for name, one in world.open.items()
                if wanted.hears(one) and may_see(user, self.allowed, one.kind, one.namespace)
            }
            if telling.open != opened:
                return f"it has the incidents {telling.open} of {opened}"
        return ""

    @staticmethod
    def _events(user: str, telling: Telling, segment: Segment, world: World, last: int) -> list[int]:
        """Which events it has to have heard between the segment's start and `last`."""
        return [
            one.sequence
            for one in world.history[segment.start : last]
            if one.op == "event"
            and telling.wanted.hears(one)
            and may_see(user, world.allowed_at(one.sequence), one.kind, one.namespace)
        ]

    @rule()
    def all_is_quiet(self) -> None:
        self.do(self._quiet())

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.do(self._end())
            for client in self.everybody:
                self._check_history(client)
        finally:
            for one in self.patches:
                one.stop()
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    async def _end(self) -> None:
        for client in self.everybody:
            client.go_on()
            if client.connected and client.code is None:
                await client.answered()
            if client.connected and client.code is not None:
                assert client.code == CloseCode.SLOW
                await self._connect(client)
        await self._end_run()

    def _check_history(self, client: Client) -> None:
        for telling in client.tellings.values():
            former: Segment | None = None
            for segment in telling.segments:
                world = self.worlds[segment.epoch.partition("-")[0]]
                assert segment.events == self._events(client.user, telling, segment, world, segment.last)
                for sequence, kind, namespace in segment.told:
                    assert may_see(client.user, world.allowed_at(sequence), kind, namespace)
                if former is not None and former.epoch.partition("-")[0] == world.epoch:
                    assert segment.start >= former.last, "a position before what was told already"
                former = segment
        for place in (*NAMESPACES, ""):
            if secret(place) not in self.ever[client.user]:
                assert not any(secret(place) in text for text in client.raw)


def test_every_history_is_right() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
