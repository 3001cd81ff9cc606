"""The log on a real NATS that is killed, frozen and emptied: what is told arrives everywhere, each event once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import nats
import pytest
from tests.nats import NatsServer
from tests.unit.bridge.entries import deletion, event, state

from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.jetstream.beat import Beat
from kubedom_bridge.jetstream.link import LogUnreachable, NatsSettings, check_nats
from kubedom_bridge.jetstream.replica import Replica
from kubedom_bridge.protocol import Entry, StateEntry
from kubedom_bridge.records import Record
from kubedom_operator.jetstream.writer import LogTaken, LogWriter
from kubedom_operator.local.ports import free_ports

SECONDS = 90.0


@pytest.fixture
def server(tmp_path: Path) -> NatsServer:
    return NatsServer(tmp_path / "nats")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def settings(server: NatsServer) -> NatsSettings:
    return NatsSettings(servers=(server.url,))


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that happens in the background."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - nobody tells when it becomes so
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"it did not come to this: {what}")


class Teller:
    """A writer, and all that it was given."""

    def __init__(self, server: NatsServer) -> None:
        self.writer = LogWriter(settings(server), cluster="test", version="v1.36.3")
        self.states: dict[str, str] = {}
        self.events: list[str] = []
        self.not_ready = ""

    async def start(self, stack: AsyncExitStack) -> Any:
        told = await self.writer.connect()
        await stack.enter_async_context(self.writer.running(lambda: Beat(epoch="", not_ready=self.not_ready)))
        return told

    def tell(self, *entries: Entry) -> None:
        for entry in entries:
            if isinstance(entry, StateEntry):
                self.states[entry.uid] = entry.resource_version
            elif hasattr(entry, "detail"):
                self.events.append(entry.detail["number"])
            else:
                self.states.pop(entry.uid, None)
        self.writer.put(list(entries))


class Reader:
    """A replica, and every event that it told."""

    def __init__(self, server: NatsServer, name: str = "reader") -> None:
        self.replica = Replica(settings(server), name=name)
        self.events: list[str] = []
        self.begun_anew = 0
        self.replica.journal.follow(self._follow)
        self.replica.on_new_epoch(self._anew)

    async def start(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self.replica.running())

    @property
    def states(self) -> dict[str, str]:
        found = [msgspec.json.decode(record.encoded) for record in self.replica.journal.snapshot().states]
        return {entry["uid"]: entry["resourceVersion"] for entry in found}

    def _follow(self, records: list[Record]) -> None:
        for record in records:
            if record.op == "event":
                self.events.append(msgspec.json.decode(record.encoded)["detail"]["number"])

    def _anew(self) -> None:
        self.begun_anew += 1


def some(rng: random.Random, number: int) -> Entry:
    uid = rng.choice("abcdefgh")
    what = rng.choice(["state", "state", "event", "begin", "end", "delete"])
    if what == "state":
        return state(uid, number)
    if what == "delete":
        return deletion(uid)
    phase = None if what == "event" else what
    return event(uid, phase=phase, detail={"number": str(number)})


async def test_what_is_told_while_nats_is_killed_and_frozen_arrives_once_and_in_order(
    server: NatsServer, stack: AsyncExitStack
) -> None:
    rng = random.Random(5)
    with server:
        teller, readers = Teller(server), (Reader(server, "one"), Reader(server, "two"))
        await teller.start(stack)
        for reader in readers:
            await reader.start(stack)
            await asyncio.wait_for(reader.replica.loaded(), SECONDS)
        epoch, number = readers[0].replica.journal.epoch, 0
        for turn in range(6):
            for _ in range(60):
                number += 1
                teller.tell(some(rng, number))
                if number % 7 == 0:
                    await asyncio.sleep(0)
            if turn % 3 == 2:
                server.freeze()
                await asyncio.sleep(0.2)
                server.thaw()
            else:
                await asyncio.to_thread(server.kill)
                number += 1
                teller.tell(event("a", detail={"number": str(number)}), state("a", number))
                await asyncio.to_thread(server.start)
        for reader in readers:
            await until(lambda reader=reader: reader.events == teller.events, "every event once, in order")  # type: ignore[misc]
            await until(lambda reader=reader: reader.states == teller.states, "the last state of each")  # type: ignore[misc]
            assert reader.replica.journal.epoch == epoch
            assert reader.begun_anew == 0
        await until(lambda: teller.writer.lag() == 0, "nothing waits")


async def test_a_bridge_says_that_the_log_is_away_and_shows_what_it_knows(
    server: NatsServer, stack: AsyncExitStack
) -> None:
    with server:
        teller, reader = Teller(server), Reader(server)
        await teller.start(stack)
        await reader.start(stack)
        teller.tell(state("a", 1))
        await until(lambda: reader.states == {"a": "1"}, "a state")
        await until(lambda: reader.replica.warning() == "", "no warning")
        await asyncio.to_thread(server.kill)
        await until(lambda: "is away" in reader.replica.warning(), "a warning")
        assert reader.replica.not_ready() == ""
        assert reader.states == {"a": "1"}
        await asyncio.to_thread(server.start)
        await until(lambda: reader.replica.warning() == "", "no warning any more")


async def test_who_leaves_while_the_log_is_away_leaves_nothing_behind(server: NatsServer) -> None:
    for _ in range(5):
        async with AsyncExitStack() as stack:
            with server:
                teller, readers = Teller(server), [Reader(server, f"reader {number}") for number in range(3)]
                await teller.start(stack)
                for reader in readers:
                    await reader.start(stack)
                teller.tell(state("a", 1))
                await until(lambda found=readers: all(each.states == {"a": "1"} for each in found), "a state")
            # Now nobody has noticed yet that it is gone.
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_reader_reads_once_however_often_the_log_was_away(tmp_path: Path, stack: AsyncExitStack) -> None:
    (port,) = free_ports(1)
    with NatsServer(tmp_path / "nats", f'http: "127.0.0.1:{port}"') as server:

        def subscriptions() -> int:
            with urlopen(f"http://127.0.0.1:{port}/connz", timeout=10) as answer:
                connections = json.loads(answer.read())["connections"]
            return sum(each["subscriptions"] for each in connections if each.get("name") == "reader")

        teller, reader = Teller(server), Reader(server)
        await teller.start(stack)
        await reader.start(stack)
        teller.tell(state("a", 0))
        await until(lambda: reader.states == {"a": "0"}, "a state")
        before = await asyncio.to_thread(subscriptions)
        assert before > 0
        for number in range(1, 4):
            await asyncio.to_thread(server.restart)
            teller.tell(state("a", number))
            await until(lambda number=number: reader.states == {"a": str(number)}, "another state")
            assert await asyncio.to_thread(subscriptions) == before


async def test_a_log_that_is_lost_is_begun_anew_with_all_that_is_known(
    server: NatsServer, stack: AsyncExitStack
) -> None:
    with server:
        teller, reader = Teller(server), Reader(server)
        await teller.start(stack)
        await reader.start(stack)
        begin = event("a", phase="begin", incident="i1", detail={"number": "1"})
        teller.tell(state("a", 1), state("b", 2), begin, deletion("b"))
        await until(lambda: reader.states == {"a": "1"}, "the first log")
        before = reader.replica.journal.epoch
        client = await nats.connect(server.url)
        await client.jetstream().delete_stream("kubedom")
        await client.close()
        await until(lambda: reader.replica.journal.epoch != before, "another log")
        assert reader.begun_anew == 1
        assert reader.states == {"a": "1"}
        (incident,) = reader.replica.journal.snapshot().incidents
        assert msgspec.json.decode(incident.encoded)["incident"]["id"] == "i1"
        teller.tell(event("a", detail={"number": "2"}))
        await until(lambda: reader.events[-1:] == ["2"], "what comes then")


async def test_an_operator_goes_on_from_what_the_one_before_told(server: NatsServer, stack: AsyncExitStack) -> None:
    with server:
        first = Teller(server)
        async with AsyncExitStack() as life:
            assert list((await first.start(life)).states) == []
            first.tell(state("a", 1), event("a", phase="begin", incident="i1", detail={"number": "1"}), state("b", 1))
            first.tell(deletion("b"), event("a", detail={"number": "2"}))
            await until(lambda: first.writer.lag() == 0, "all of it is written")
        second, reader = Teller(server), Reader(server)
        told = await second.start(stack)
        assert [entry["uid"] for entry in told.states] == ["a"]
        assert [entry["incident"]["id"] for entry in told.incidents] == ["i1"]
        assert [entry["detail"]["number"] for entry in told.events] == ["1", "2"]
        await reader.start(stack)
        await asyncio.wait_for(reader.replica.loaded(), SECONDS)
        second.tell(event("a", phase="end", incident="i1", detail={"number": "3"}))
        await until(lambda: reader.events[-1:] == ["3"], "what the second tells")
        assert list(reader.replica.journal.snapshot().incidents) == []


async def test_of_two_operators_the_later_one_writes_and_the_other_ends(
    server: NatsServer, stack: AsyncExitStack
) -> None:
    with server:
        first, second = Teller(server), Teller(server)
        await first.start(stack)
        first.tell(state("a", 1))
        reader = Reader(server)
        await reader.start(stack)
        await until(lambda: reader.states == {"a": "1"}, "what the first tells")
        await second.start(stack)
        second.tell(state("a", 2))
        await until(lambda: reader.states == {"a": "2"}, "what the second tells")
        first.tell(state("a", 3))
        problem = await asyncio.wait_for(first.writer.failure, SECONDS)
        assert isinstance(problem, LogTaken)
        assert reader.states == {"a": "2"}


async def test_a_log_that_was_never_complete_is_not_shown(server: NatsServer, stack: AsyncExitStack) -> None:
    with server:
        teller, reader = Teller(server), Reader(server)
        teller.not_ready = "still listing Pod"
        await teller.start(stack)
        await reader.start(stack)
        teller.tell(state("a", 1))
        await until(lambda: "not complete" in reader.replica.not_ready(), "it says so")
        assert reader.states == {}
        teller.not_ready = ""
        await until(lambda: reader.replica.not_ready() == "", "it is shown")
        assert reader.states == {"a": "1"}


async def test_the_log_of_another_cluster_is_left_alone(server: NatsServer, stack: AsyncExitStack) -> None:
    with server:
        await Teller(server).start(stack)
        other = LogWriter(settings(server), cluster="other", version="v1.36.3")
        with pytest.raises(LogTaken, match=r"tells of the cluster test, not of other\. Give each cluster its own"):
            await other.connect()


async def test_a_stream_that_is_no_log_is_left_alone(server: NatsServer) -> None:
    with server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="kubedom", subjects=["orders"])
        await client.close()
        with pytest.raises(LogTaken, match=r"The stream kubedom at .* is not kubedom's\. Choose another --nats-prefix"):
            await Teller(server).writer.connect()


async def test_a_server_that_is_not_there_is_named_without_its_password(server: NatsServer) -> None:
    away = NatsSettings(servers=(server.url.replace("://", "://me:secret@"),))
    with pytest.raises(LogUnreachable) as caught:
        await LogWriter(away, cluster="test", version="").connect()
    assert f"NATS at {server.url} cannot be used" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"servers": ()}, "--nats"),
        ({"servers": ("http://nats:4222",)}, "--nats"),
        ({"servers": ("nats:4222",)}, "--nats"),
        ({"prefix": "a.b"}, "--nats-prefix"),
        ({"credentials": Path("/none")}, "--nats-creds"),
        ({"credentials": Path("/dev/null"), "nkey": Path("/dev/null")}, "--nats-nkey"),
        ({"ca": Path("/none")}, "--nats-ca"),
    ],
)
def test_settings_that_cannot_work_name_their_option(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_nats(NatsSettings(**({"servers": ("nats://nats:4222",)} | wrong)))
    assert caught.value.field == field
    assert caught.value.remedy
