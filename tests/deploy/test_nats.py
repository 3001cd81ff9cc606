"""The bundled NATS server lets the operator write the log and a bridge read it, and nobody do more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
import pytest
from tests.deploy.rendering import overlay
from tests.nats import NatsServer
from tests.running import wait_for

from kubedom_bridge.jetstream.beat import Beat
from kubedom_bridge.jetstream.link import LogUnreachable, NatsSettings
from kubedom_bridge.jetstream.replica import Replica
from kubedom_operator.jetstream.writer import LogWriter

PASSWORDS = {"operator": "k1", "bridge": "k2"}


@pytest.fixture
def server(tmp_path: Path) -> NatsServer:
    """A server with the users and permissions of the overlay's."""
    (found,) = [each for each in overlay("scaled-out") if each["kind"] == "ConfigMap"]
    users = found["data"]["nats.conf"]
    users = users[users.index("authorization") :]
    for name, password in PASSWORDS.items():
        users = users.replace(f"${name.upper()}_PASSWORD", password)
    assert "_PASSWORD" not in users
    return NatsServer(tmp_path / "nats", users)


def log_of(server: NatsServer, user: str) -> NatsSettings:
    return NatsSettings(servers=(server.url.replace("://", f"://{user}:{PASSWORDS[user]}@"),))


async def test_the_operator_writes_a_log_and_a_bridge_reads_it(server: NatsServer) -> None:
    with server:
        writer = LogWriter(log_of(server, "operator"), cluster="test", version="1.36")
        await writer.connect()
        async with writer.running(lambda: Beat(epoch="")):
            replica = Replica(log_of(server, "bridge"), name="bridge")
            async with replica.running(), asyncio.timeout(60):
                await replica.loaded()
                await asyncio.to_thread(wait_for, "the whole log", lambda: replica.journal.complete)
        # A second operator reads what the first one wrote, and deletes and makes streams where it has to.
        second = LogWriter(log_of(server, "operator"), cluster="test", version="1.36")
        await second.connect()
        await second.close()


async def refusal(server: NatsServer, user: str, subject: str) -> str:
    """What the server answers somebody who publishes there."""
    refused: asyncio.Queue[str] = asyncio.Queue()

    async def complain(error: Exception) -> None:
        refused.put_nowait(str(error).lower())

    async with asyncio.timeout(60):
        connection = await nats.connect(log_of(server, user).servers[0], error_cb=complain)
        await connection.publish(subject, b"{}")
        answer = await refused.get()
        await connection.close()
    return answer


@pytest.mark.parametrize(
    "subject",
    [
        "kubedom.s.Pod.1",
        "kubedom.e.1",
        "kubedom.beat",
        "other.subject",
        "$JS.API.STREAM.CREATE.kubedom",
        "$JS.API.STREAM.DELETE.kubedom",
        "$JS.API.STREAM.PURGE.kubedom",
        "$JS.API.STREAM.UPDATE.kubedom",
        "$JS.API.STREAM.MSG.DELETE.kubedom",
        "$JS.API.STREAM.CREATE.other",
        "$JS.API.STREAM.NAMES",
    ],
)
async def test_a_bridge_can_neither_write_nor_change_the_log(server: NatsServer, subject: str) -> None:
    with server:
        answer = await refusal(server, "bridge", subject)
    assert "permissions violation for publish" in answer
    assert subject.lower() in answer


async def test_the_operator_can_make_no_other_stream(server: NatsServer) -> None:
    with server:
        assert "permissions violation for publish" in await refusal(server, "operator", "$JS.API.STREAM.CREATE.other")


async def test_nobody_else_is_let_in(server: NatsServer) -> None:
    with server:
        stranger = Replica(NatsSettings(servers=(server.url,)), name="stranger")
        with pytest.raises(LogUnreachable):
            async with stranger.running():
                pass
