"""Operator and bridges apart, as processes with NATS between them: what each says, waits for, and how it ends."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from nats import connect
from tests.apart import Apart
from tests.cluster.shop import Shop, opened_shop, with_admission
from tests.cluster.test_many_users import Page, page
from tests.conftest import Cluster
from tests.nats import NatsServer
from tests.running import KUBEDOM, wait_for
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as socket_connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

pytestmark = pytest.mark.cluster
Start = Callable[..., Apart]


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Cluster:
    """The cluster with the kubedom kinds and their admission."""
    with_admission(cluster)
    return cluster


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def start(installed: Cluster, nats: NatsServer) -> Iterator[Start]:
    """Starts halves of kubedom on this cluster and this NATS, which end with the test."""
    with ExitStack() as stack:

        def started(command: str, *arguments: str, environment: dict[str, str] | None = None) -> Apart:
            given = [f"--kubeconfig={installed.kubeconfig}", f"--context={installed.context}", f"--nats={nats.url}"]
            if command == "bridge":
                given.append("--sign-in=token")
            return stack.enter_context(Apart(command, *given, *arguments, environment=environment))

        yield started


@pytest.fixture
def shop(installed: Cluster, namespace: str) -> Shop:
    return opened_shop(installed, namespace)


@pytest.fixture
async def opened() -> AsyncIterator[list[ClientConnection]]:
    sockets: list[ClientConnection] = []
    yield sockets
    for socket in sockets:
        await socket.close()


async def shown(bridge: Apart, shop: Shop, opened: list[ClientConnection]) -> Page:
    """Alice's page at this bridge, with all that she may see of the shop."""
    made = await page(bridge, shop.token("alice"), opened)  # type: ignore[arg-type]
    await made.until(lambda: {"web", "db"} <= made.names("Deployment"))
    return made


async def test_a_click_at_a_bridge_is_carried_out_by_the_operator(
    start: Start, shop: Shop, opened: list[ClientConnection]
) -> None:
    operator, bridge = start("operator"), start("bridge")
    operator.ready()
    alice = await shown(bridge.ready(), shop, opened)
    command = {
        "type": "command",
        "id": "1",
        "name": "restartDeployment",
        "target": {"kind": "Deployment", "namespace": shop.namespace, "name": "web"},
    }
    await alice.socket.send(json.dumps(command))
    await alice.until(lambda: any('"type":"result"' in text for text in alice.raw))
    (result,) = [json.loads(text) for text in alice.raw if '"type":"result"' in text]
    assert result["phase"] == "Succeeded", result
    assert any(line["event"] == "healing" for line in operator.lines("info") if line["logger"] == "kubedom.audit")
    assert "kubedom_healing 1.0" in operator.probe("/metrics")[1]
    assert "kubedom_connections 1.0" in bridge.probe("/metrics")[1]


def test_who_finds_no_nats_at_the_start_says_so_once_and_waits(
    start: Start, nats: NatsServer, installed: Cluster
) -> None:
    nats.kill()
    both = start("operator"), start("bridge")
    for half in both:
        wait_for("its word on NATS", lambda half=half: [line for line in half.lines("warning") if "NATS" in str(line)])
        assert half.probe("/healthz") == (200, "ok")
        status, why = half.probe("/readyz")
        assert status == 503
        assert f"NATS at {nats.url} cannot be used" in why
    nats.start()
    for half in both:
        half.ready()
        said = [line["message"] for line in half.lines("warning") if "cannot be used" in line["message"]]
        assert len(said) == 1, said
        assert "Check --nats" in said[0]


@pytest.mark.parametrize("command", ["operator", "bridge"])
def test_who_waits_for_nats_ends_when_it_is_told(start: Start, nats: NatsServer, command: str) -> None:
    nats.kill()
    half = start(command)
    wait_for("its word on NATS", lambda: [line for line in half.lines("warning") if "NATS" in str(line)])
    half.ask_to_end()
    assert half.ended() == 0


def test_a_bridge_without_an_operator_waits_for_one(start: Start) -> None:
    bridge = start("bridge")
    wait_for("its word on the log", lambda: "no log yet" in bridge.probe("/readyz")[1])
    assert bridge.probe("/healthz")[0] == 200
    bridge.ask_to_end()
    assert bridge.ended() == 0


async def test_a_bridge_that_ends_sends_its_pages_away(
    start: Start, shop: Shop, opened: list[ClientConnection]
) -> None:
    start("operator").ready()
    bridge = start("bridge", "--drain-seconds=1").ready()
    alice = await shown(bridge, shop, opened)
    bridge.ask_to_end()
    with pytest.raises(ConnectionClosed) as closed:
        await alice.until(lambda: False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert await asyncio.to_thread(bridge.ended) == 0


async def test_who_signed_in_at_one_bridge_is_signed_in_at_every_other(
    start: Start, shop: Shop, opened: list[ClientConnection]
) -> None:
    start("operator").ready()
    first = start("bridge").ready()
    # A browser's cookies are of a port, and all bridges of an installation have one.
    second = start("bridge", "--host=127.0.0.2", f"--port={first.port}").ready()
    other = f"http://127.0.0.2:{first.port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        token = {"token": shop.token("alice")}
        async with http.post(f"{first.origin}/api/session", json=token, headers={"Origin": first.origin}) as answer:
            assert answer.ok, await answer.text()
            (cookie,) = (f"{each.key}={each.value}" for each in answer.cookies.values())
        async with http.get(f"{other}/api/session", headers={"Cookie": cookie}) as answer:
            assert (await answer.json())["user"] == shop.user("alice")
    socket = await socket_connect(
        f"{other.replace('http', 'ws')}/api/socket",
        origin=Origin(other),
        subprotocols=[Subprotocol("kubedom.v1")],
        additional_headers={"Cookie": cookie},
        max_size=None,
        proxy=None,
    )
    opened.append(socket)
    await socket.send('{"type":"subscribe"}')
    alice = Page(socket)
    await alice.until(lambda: {"web", "db"} <= alice.names("Deployment"))
    assert "kubedom_connections 1.0" in second.probe("/metrics")[1]
    assert "kubedom_connections 0.0" in first.probe("/metrics")[1]


async def test_a_bridge_serves_on_while_nats_is_away_and_says_so(
    start: Start, nats: NatsServer, shop: Shop, opened: list[ClientConnection]
) -> None:
    start("operator").ready()
    bridge = start("bridge").ready()
    nats.kill()
    await asyncio.to_thread(wait_for, "its word", lambda: "kubedom_stale 1.0" in bridge.probe("/metrics")[1])
    assert bridge.probe("/readyz") == (200, "ok")
    alice = await shown(bridge, shop, opened)
    shop.cluster.kubectl("scale", "deployment", "db", "--replicas=2", f"--namespace={shop.namespace}")
    nats.start()
    pods = lambda: sum(name.startswith("db-") for name in alice.names("Pod"))  # noqa: E731
    await alice.until(lambda: pods() == 2, seconds=60)
    await asyncio.to_thread(wait_for, "the end of it", lambda: "kubedom_stale 0.0" in bridge.probe("/metrics")[1])


def test_an_operator_that_another_took_the_log_from_ends(start: Start, shop: Shop) -> None:
    first = start("operator").ready()
    second = start("operator").ready()
    # Whoever writes next finds out; here both have something to tell.
    shop.cluster.kubectl("scale", "deployment", "db", "--replicas=2", f"--namespace={shop.namespace}")
    assert first.ended() == 7
    assert "kubedom: Another operator writes the log" in first.output()
    second.ready()


def test_the_environment_is_as_good_as_options(installed: Cluster, nats: NatsServer) -> None:
    given = {
        "KUBEDOM_OPERATOR_KUBECONFIG": str(installed.kubeconfig),
        "KUBEDOM_OPERATOR_CONTEXT": installed.context,
        "KUBEDOM_OPERATOR_NATS": nats.url,
        "KUBEDOM_OPERATOR_NATS_PREFIX": "another",
    }
    with Apart("operator", environment=given) as operator:
        operator.ready()
        assert asyncio.run(streams(nats)) == ["another"]


async def streams(server: NatsServer) -> list[str]:
    """The names of the streams that it has."""
    client = await connect(server.url)
    try:
        return [str(info.config.name) for info in await client.jetstream().streams_info()]
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("operator",), "Add --nats nats://nats:4222."),
        (("operator", "--nats=http://nats"), "'http://nats' is no address of NATS."),
        (("operator", "--nats=nats://nats", "--nats-creds=/no/such/file"), "There is no file /no/such/file."),
        (("operator", "--nats=nats://nats", "--nats-prefix=a.b"), "'a.b' cannot begin"),
        (("operator", "--nats=nats://nats", "--hold=Nothing=1"), "no failure kind Nothing"),
        (("operator", "--nats=nats://nats", "--port=1"), "No such option '--port'"),
        (("bridge", "--nats=nats://nats"), "does not listen on 0.0.0.0 without authentication"),
        (("bridge", "--nats=nats://nats", "--sign-in=token", "--origin=kubedom"), "'kubedom' is not an origin."),
        (("bridge", "--nats=nats://nats", "--watch=stream"), "No such option '--watch'"),
        (("bridge", "--nats=nats://nats", "--sign-in=token", "--drain-seconds=-1"), "--drain-seconds"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, ...], complaint: str) -> None:
    done = subprocess.run(
        [KUBEDOM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("kubedom: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
