"""A bridge that is cut, restarted, slow or that refuses, and what its client tells then; the bridge is a real one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.cuttable import Cuttable, cuttable
from tests.unit.bridge.conftest import Running
from tests.unit.bridge.entries import event, state
from tests.unit.bridge.reviewing import Reviewing, reviewed
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from kubedom_bridge.errors import ConfigurationError, KubedomError, NotPermitted
from kubedom_bridge.protocol import CloseCode, Filter
from kubedom_operator.events.asked import read_address
from kubedom_operator.events.endings import NoBridge
from kubedom_operator.events.items import Event, Gap, Item, Listed
from kubedom_operator.events.remote import Remote

GOOD = "good-token"
SECONDS = 30.0


@dataclass
class Client:
    """A remote that is read in the background."""

    remote: Remote
    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def read(self) -> None:
        async with contextlib.aclosing(self.remote.items()) as told:
            async for item in told:
                self.items.append(item)

    @property
    def names(self) -> list[str]:
        return [item.entry.name for item in self.items if isinstance(item, Event)]

    async def until(self, condition: Callable[[], Any]) -> None:
        assert self.task is not None
        async with asyncio.timeout(SECONDS):
            while not condition():
                assert not self.task.done(), self.task.exception()
                await asyncio.sleep(0.01)

    def listings(self) -> int:
        return self.items.count(Listed())


@pytest.fixture
async def way() -> AsyncIterator[Cuttable]:
    async with cuttable("http://127.0.0.1:1") as made:
        yield made


@contextlib.asynccontextmanager
async def bridge(way: Cuttable, **settings: Any) -> AsyncIterator[Running]:
    origins = (f"http://127.0.0.1:{way.port}",)
    async with reviewed(Reviewing(**{GOOD: "ann"}), origins=origins, **settings) as running:
        way._target = "127.0.0.1", running.bridge.port
        yield running


@pytest.fixture
async def clients() -> AsyncIterator[Callable[..., Client]]:
    made: list[Client] = []

    def start(port: int, wanted: Filter | None = None, token: Callable[[], str] = lambda: GOOD) -> Client:
        notes: list[str] = []
        address = read_address(f"http://127.0.0.1:{port}")
        client = Client(
            Remote(address, wanted or Filter(), token=token, note=notes.append, sleep=_at_once), notes=notes
        )
        client.task = asyncio.create_task(client.read())
        made.append(client)
        return client

    yield start
    for client in made:
        assert client.task is not None
        client.task.cancel()
    await asyncio.gather(*(client.task for client in made if client.task), return_exceptions=True)


async def _at_once(_: float) -> None:
    await asyncio.sleep(0.01)


async def test_what_is_open_comes_first_and_then_what_happens(way: Cuttable, clients: Callable[..., Client]) -> None:
    async with bridge(way) as running:
        running.journal.publish([state("a"), event("a", phase="begin"), event("b")])
        client = clients(way.port)
        await client.until(client.listings)
        assert client.names == ["a"]
        running.journal.publish([state("c"), event("c", phase="begin"), event("d")])
        await client.until(lambda: len(client.names) == 3)
        assert client.names == ["a", "c", "d"]


async def test_a_cut_loses_and_doubles_nothing(way: Cuttable, clients: Callable[..., Client]) -> None:
    async with bridge(way) as running:
        client = clients(way.port)
        await client.until(client.listings)
        names = [f"p{number}" for number in range(200)]
        for number, name in enumerate(names):
            running.journal.publish([state(name), event(name)])
            if number % 20 == 7:
                way.cut()
            elif number % 20 == 12:
                way.mend()
            if number % 5 == 0:
                await asyncio.sleep(0.005)
        way.mend()
        await client.until(lambda: len(client.names) >= len(names))
        assert client.names == names
        assert client.listings() == 1
        assert client.notes


async def test_a_restart_is_told_and_what_is_open_is_not_told_again(
    way: Cuttable, clients: Callable[..., Client]
) -> None:
    async with bridge(way) as running:
        running.journal.publish([event("a", phase="begin"), event("b", phase="begin")])
        client = clients(way.port)
        await client.until(client.listings)
    async with bridge(way) as running:
        running.journal.publish([event("a", phase="begin"), event("c", phase="begin")])
        await client.until(lambda: client.listings() == 2)
        assert client.names == ["a", "b", "c"]
        assert Gap("kubedom was restarted") in client.items
        assert any("kubedom was restarted" in note for note in client.notes)
        running.journal.publish([event("d")])
        await client.until(lambda: client.names[-1:] == ["d"])


async def test_a_client_that_reads_slowly_is_told_everything_once(way: Cuttable) -> None:
    async with bridge(way, send_buffer=16_384) as running:
        remote = Remote(read_address(f"http://127.0.0.1:{running.bridge.port}"), Filter(), token=lambda: GOOD)
        names = []
        async with contextlib.aclosing(remote.items()) as told, asyncio.timeout(SECONDS):
            assert await anext(told) == Listed()
            padding = {"message": "x" * 4096}
            running.journal.publish([event(f"p{number}", detail=padding) for number in range(2000)])
            async for item in told:
                assert isinstance(item, Event)
                names.append(item.entry.name)
                if len(names) % 500 == 0:
                    await asyncio.sleep(0.05)
                if len(names) == 2000:
                    break
        assert names == [f"p{number}" for number in range(2000)]


async def test_who_is_cut_off_as_too_slow_resumes(way: Cuttable, clients: Callable[..., Client]) -> None:
    async with bridge(way) as running:
        client = clients(way.port)
        await client.until(client.listings)
        for session in tuple(running.bridge._sessions):
            session.cut_off(CloseCode.SLOW, "too far behind; resume")
        running.journal.publish([event("a")])
        await client.until(lambda: client.names == ["a"])
        assert any("too slowly" in note for note in client.notes)
        assert client.listings() == 1


async def test_a_filter_is_the_bridges_matter(way: Cuttable, clients: Callable[..., Client]) -> None:
    async with bridge(way) as running:
        client = clients(way.port, Filter(namespaces=frozenset({"shop"}), types=frozenset({"podFailed"})))
        await client.until(client.listings)
        running.journal.publish(
            [event("a"), event("b", "podRestarted", namespace="shop"), event("c", namespace="shop")]
        )
        await client.until(lambda: client.names)
        assert client.names == ["c"]


async def refusal(client: Client) -> KubedomError:
    assert client.task is not None
    with pytest.raises(KubedomError) as raised:
        await asyncio.wait_for(client.task, SECONDS)
    return raised.value


async def test_a_token_that_is_not_accepted(way: Cuttable, clients: Callable[..., Client]) -> None:
    async with bridge(way):
        for token in ("bad", ""):
            problem = await refusal(clients(way.port, token=lambda token=token: token))
            assert isinstance(problem, NotPermitted)
            assert "--token-file" in str(problem)


async def test_a_token_that_is_replaced_in_its_file(
    way: Cuttable, clients: Callable[..., Client], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(GOOD)
    async with bridge(way) as running:
        client = clients(way.port, token=file.read_text)
        await client.until(client.listings)
        running.cluster.tokens["newer"] = running.cluster.tokens.pop(GOOD)  # type: ignore[attr-defined]
        file.write_text("newer")
        for session in tuple(running.bridge._sessions):
            session.cut_off(CloseCode.SIGN_IN, "the token has expired")
        running.journal.publish([event("a")])
        await client.until(lambda: client.names == ["a"])


async def test_nobody_listens_there(clients: Callable[..., Client]) -> None:
    problem = await refusal(clients(1))
    assert isinstance(problem, NoBridge)
    assert problem.exit_code == 3
    assert "http://127.0.0.1:1 cannot be reached" in str(problem)


async def test_a_host_that_the_bridge_does_not_go_by(clients: Callable[..., Client], way: Cuttable) -> None:
    async with bridge(way) as running, cuttable(running.origin) as other:
        problem = await refusal(clients(other.port))
        assert "is not one that kubedom serves" in str(problem)


@pytest.mark.parametrize(
    ("code", "reason", "error", "said"),
    [
        (4400, "no subscribe message came", KubedomError, "no subscribe message came"),
        (4401, "not signed in", NotPermitted, "does not let you in: not signed in."),
        (4403, "", NotPermitted, "not allowed"),
        (4406, "offer the subprotocol kubedom.v2", ConfigurationError, "kubedom.v2"),
    ],
)
async def test_a_refusal_for_good_is_a_sentence(
    clients: Callable[..., Client], code: int, reason: str, error: type[KubedomError], said: str
) -> None:
    async def refuse(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with serve(refuse, "127.0.0.1", 0, subprotocols=["kubedom.v1"]) as server:  # type: ignore[list-item]
        problem = await refusal(clients(server.sockets[0].getsockname()[1]))
    assert isinstance(problem, error)
    assert said in str(problem)


@pytest.mark.parametrize("code", [1012, 1013, 4409, 4429, 1011])
async def test_who_is_asked_to_come_later_does(clients: Callable[..., Client], code: int) -> None:
    came = asyncio.Event()
    visits: list[int] = []

    async def send_away(connection: ServerConnection) -> None:
        visits.append(code)
        if len(visits) == 3:
            came.set()
        await connection.close(code, "busy; retry after 0.1 s")

    async with serve(send_away, "127.0.0.1", 0, subprotocols=["kubedom.v1"]) as server:  # type: ignore[list-item]
        client = clients(server.sockets[0].getsockname()[1])
        await asyncio.wait_for(came.wait(), SECONDS)
        assert client.notes[0] == "Busy; trying again in 0.1 s."


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (HTTPStatus.NOT_FOUND, NoBridge, "answers with status 404"),
        (HTTPStatus.FOUND, NotPermitted, "leads to https://login.example.org/"),
        (HTTPStatus.BAD_GATEWAY, NoBridge, "answers with status 502"),
    ],
)
async def test_what_answers_is_no_bridge(
    clients: Callable[..., Client], status: HTTPStatus, error: type[KubedomError], said: str
) -> None:
    def answer(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(status, "<html>")
        if status is HTTPStatus.FOUND:
            response.headers["Location"] = "https://login.example.org/"
        return response

    async def never(_: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        problem = await refusal(clients(server.sockets[0].getsockname()[1]))
    assert isinstance(problem, error)
    assert said in str(problem)


async def test_another_socket_is_no_bridge(clients: Callable[..., Client]) -> None:
    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(wait, "127.0.0.1", 0) as server:
        problem = await refusal(clients(server.sockets[0].getsockname()[1]))
    assert isinstance(problem, NoBridge)
