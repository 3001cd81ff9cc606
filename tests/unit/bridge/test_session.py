"""A page's socket over a real port, from the handshake to the close code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kubedom_bridge import protocol
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.limits import TokenBucket

from .conftest import Running, Start, receive, receive_until, send
from .entries import deletion, event, state

COMMAND: dict[str, Any] = {
    "type": "command",
    "id": "c1",
    "name": "restartPod",
    "target": {"kind": "Pod", "namespace": "default", "name": "p"},
}


async def closed(socket: ClientConnection) -> int | None:
    """The close code, after whatever else comes."""
    async with asyncio.timeout(30):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_gets_no_socket_even_with_the_cookie(
    running: Running, headers: dict[str, Any]
) -> None:
    await running.sign_in()
    with pytest.raises(InvalidStatus) as caught:
        await running.connect(**headers)
    assert caught.value.response.status_code == 403
    assert "default-src 'none'" in caught.value.response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("cookie", ["", "kubedom_session_{port}=guess", "kubedom_session_1={session}"])
async def test_without_a_session_it_is_told_to_sign_in(running: Running, cookie: str) -> None:
    session = (await running.sign_in()).partition("=")[2]
    running.cookie = cookie.format(port=running.bridge.port, session=session)
    assert await closed(await running.connect()) == 4401


@pytest.mark.parametrize("foreign", ['other={"a": 1}', "a b=c", "=x", "odd", 'q="a;b"', "tab=1\t2"])
async def test_a_cookie_of_another_port_does_not_hide_ours(running: Running, foreign: str) -> None:
    cookie = await running.sign_in()
    for header in (f"{foreign}; {cookie}", f"{cookie}; {foreign}"):
        assert (await running.request("GET", "/", Cookie=header)).status == 200
        socket = await running.connect(Cookie=header)
        assert (await receive(socket))["type"] == "hello"


@pytest.mark.parametrize("protocols", [(), ("kubedom.v2",), ("graphql-ws", "other")])
async def test_a_page_of_another_version_is_told_by_a_code_that_it_can_read(
    running: Running, protocols: tuple[str, ...]
) -> None:
    await running.sign_in()
    assert await closed(await running.connect(protocols=protocols)) == 4406


async def test_a_browser_of_another_version_can_read_the_code(running: Running) -> None:
    await running.sign_in()
    socket = await running.connect(protocols=("kubedom.v2",))
    # A browser fails a connection on which none of its subprotocols is taken, and tells its page nothing.
    assert socket.subprotocol == "kubedom.v2"
    assert await closed(socket) == 4406
    assert socket.close_reason == "offer the subprotocol kubedom.v1"


async def test_hello_says_where_one_is(running: Running) -> None:
    await running.sign_in()
    socket = await running.connect(protocols=("kubedom.v2", "kubedom.v1"))
    assert socket.subprotocol == "kubedom.v1"
    hello = await receive(socket)
    assert (hello["type"], hello["protocol"], hello["epoch"]) == ("hello", "kubedom.v1", running.journal.epoch)
    assert (hello["cluster"], hello["user"]) == ({"name": "test", "version": "v1.36.3"}, {"name": "ann"})
    assert hello["limits"]["maxMessageBytes"] == protocol.MAX_MESSAGE_BYTES


async def test_a_snapshot_is_followed_by_what_comes_after_it(running: Running) -> None:
    running.journal.publish([state("a"), state("b"), deletion("b"), event("a", phase="begin")])
    socket = await running.page()
    snapshot = await receive_until(socket, "snapshotEnd")
    assert [entry["uid"] for message in snapshot[:-1] for entry in message["entries"]] == ["a"]
    (incident,) = (one for message in snapshot[:-1] for one in message["incidents"])
    assert (incident["incident"]["phase"], incident["replayed"]) == ("begin", True)
    assert (snapshot[-1]["epoch"], snapshot[-1]["sequence"]) == (running.journal.epoch, 4)
    running.journal.publish([state("a", 2), event("a", phase="end")])
    changes = await receive(socket)
    assert [entry["sequence"] for entry in changes["entries"]] == [5, 6]
    assert "replayed" not in changes["entries"][1]


async def test_a_large_snapshot_comes_whole_though_the_cluster_goes_on_changing(running: Running) -> None:
    running.journal.publish([state(f"u{number}") for number in range(2000)])
    socket = await running.page()
    running.journal.publish([state("u0", 2)])
    snapshot = await receive_until(socket, "snapshotEnd")
    running.journal.publish([state("last")])
    assert len({entry["uid"] for message in snapshot[:-1] for entry in message["entries"]}) == 2000
    told: list[str] = []
    while "last" not in told:
        told += [entry["uid"] for entry in (await receive(socket))["entries"]]
    assert snapshot[-1]["sequence"] + len(told) == running.journal.head


async def test_a_page_that_comes_before_the_first_lists_is_shown_what_is_in_them(start: Start) -> None:
    async with start() as running:
        running.reason[0] = "starting"
        socket = await running.page()
        await send(socket, {"type": "?"})
        running.journal.publish([state("a")])
        running.reason[0] = ""
        snapshot = await receive_until(socket, "snapshotEnd")
        assert [entry["uid"] for message in snapshot[:-1] for entry in message["entries"]] == ["a"]
        await receive_until(socket, "error")


async def test_a_filter_holds_for_the_snapshot_and_for_what_follows(running: Running) -> None:
    running.journal.publish([state("a"), state("n", kind="Node"), state("s", namespace="shop")])
    socket = await running.page(filter={"kinds": ["Pod"], "namespaces": ["shop"]})
    snapshot = await receive_until(socket, "snapshotEnd")
    assert [entry["uid"] for message in snapshot[:-1] for entry in message["entries"]] == ["s"]
    running.journal.publish([state("a", 2), state("s", 2, namespace="shop")])
    assert [entry["uid"] for entry in (await receive(socket))["entries"]] == ["s"]


async def test_who_comes_back_is_told_what_was_missed_and_no_snapshot(running: Running) -> None:
    running.journal.publish([state("a")])
    running.journal.publish([event("a"), state("a", 2), state("a", 3), event("a")])
    socket = await running.page(since={"epoch": running.journal.epoch, "sequence": 1})
    changes = await receive(socket)
    assert changes["type"] == "changes"
    assert [(entry["sequence"], entry.get("replayed", False)) for entry in changes["entries"]] == [
        (2, True),
        (4, False),
        (5, True),
    ]
    running.journal.publish([event("a")])
    (entry,) = (await receive(socket))["entries"]
    assert (entry["sequence"], entry.get("replayed", False)) == (6, False)


async def test_who_missed_nothing_is_told_what_comes_next(running: Running) -> None:
    running.journal.publish([state("a")])
    socket = await running.page(since={"epoch": running.journal.epoch, "sequence": 1})
    await send(socket, {"type": "?"})
    assert (await receive(socket))["type"] == "error"
    running.journal.publish([state("a", 2)])
    assert (await receive(socket))["entries"][0]["sequence"] == 2


@pytest.mark.parametrize("since", [{"epoch": "another", "sequence": 1}, {"sequence": 99}, {"sequence": -1}])
async def test_where_the_gap_cannot_be_told_a_snapshot_replaces_everything(
    running: Running, since: dict[str, Any]
) -> None:
    running.journal.publish([state("a")])
    socket = await running.page(since={"epoch": running.journal.epoch} | since)
    resync, snapshot, *_ = await receive_until(socket, "snapshotEnd")
    assert resync["type"] == "resync"
    assert resync["reason"]
    assert [entry["uid"] for entry in snapshot["entries"]] == ["a"]


async def test_a_second_subscription_replaces_the_first(running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    await send(socket, {"type": "subscribe", "filter": {"kinds": ["Node"]}})
    await receive_until(socket, "snapshotEnd")
    running.journal.publish([state("a"), state("n", kind="Node")])
    assert [entry["uid"] for entry in (await receive(socket))["entries"]] == ["n"]


@pytest.mark.parametrize("text", ["{", "[]", "nothing", b"{}"])
async def test_what_is_no_message_is_answered_and_ends_the_connection(running: Running, text: str | bytes) -> None:
    await running.sign_in()
    socket = await running.connect()
    await receive(socket)
    await socket.send(text)
    answer = await receive(socket)
    assert (answer["type"], answer["code"]) == ("error", "badMessage")
    assert await closed(socket) == 4400


async def test_a_message_that_is_too_long_ends_the_connection(running: Running) -> None:
    socket = await running.page()
    await socket.send("x" * (protocol.MAX_MESSAGE_BYTES + 1))
    assert await closed(socket) == 1009


async def test_a_wrong_field_is_named_and_the_connection_stays(running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"type": "unheardOf", "id": "c9"}, "type"),
        ({"type": "subscribe", "filter": {"kinds": 5}}, "filter.kinds"),
        (COMMAND | {"target": {"kind": "Pod"}}, "target.name"),
    ]
    for message, field in wrong:
        await send(socket, message)
        answer = await receive(socket)
        assert (answer["type"], answer["code"], answer["field"]) == ("error", "badMessage", field)
        assert answer.get("id", "") == message.get("id", "")
    running.journal.publish([state()])
    assert (await receive(socket))["type"] == "changes"


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"name": "formatDisk"}, "unknownCommand", "name"),
        ({"name": "restartDeployment"}, "badTarget", "target.kind"),
        ({"target": {"kind": "Pod", "name": "gone"}}, "targetGone", "target.name"),
        ({"target": {"kind": "Pod", "name": "p", "uid": "of-before"}}, "targetGone", "target.name"),
    ],
)
async def test_a_command_that_cannot_be_is_answered_and_the_connection_stays(
    running: Running, wrong: dict[str, Any], code: str, field: str
) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    await send(socket, COMMAND | wrong)
    answer = await receive(socket)
    assert (answer["type"], answer["id"], answer["code"], answer["field"]) == ("error", "c1", code, field)
    await send(socket, COMMAND | {"id": "c2"})
    assert (await receive(socket))["type"] == "ack"


async def test_a_command_is_acknowledged_and_then_has_its_result(running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    await send(socket, COMMAND)
    ack = await receive(socket)
    name = running.cluster.made[0]["metadata"]["name"]
    assert ack == {
        "type": "ack",
        "id": "c1",
        "action": {"name": name, "namespace": "default", "uid": "uid-0", "created": True},
    }
    detail = {"actionName": name, "namespace": "default", "phase": "Succeeded", "message": "Replaced."}
    running.journal.publish([event("uid-p", "healingSucceeded", detail=detail)])
    messages = await receive_until(socket, "result")
    assert messages[-1] == {"type": "result", "id": "c1", "phase": "Succeeded", "message": "Replaced."}


async def test_a_right_that_is_missing_is_told_in_the_api_servers_words(running: Running) -> None:
    running.cluster.refusal = NotPermitted("The API server says: no.", remedy="Ask for this right.")
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    await send(socket, COMMAND)
    answer = await receive(socket)
    assert (answer["code"], answer["message"]) == ("forbidden", "The API server says: no. Ask for this right.")


async def test_too_many_commands_are_refused_and_not_carried_out(running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    for number in range(60):
        await send(socket, COMMAND | {"id": f"c{number}"})
    answers = [await receive(socket) for _ in range(60)]
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert {answer["code"] for answer in refused} == {"tooMany"}
    assert len(refused) + len(running.cluster.made) == 60
    assert refused


async def test_who_floods_the_bridge_with_messages_is_sent_away_for_a_while(running: Running) -> None:
    socket = await running.page()
    for _ in range(protocol.MESSAGE_BURST + 100):
        await socket.send('{"type": "unsubscribe", "id": "none"}')
    assert await closed(socket) == 4429
    assert (await receive(await running.connect()))["type"] == "hello"


@pytest.fixture
def quick_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEARTBEAT_SECONDS", 0.05)


async def test_the_heart_beats_with_the_journals_head(quick_heart: None, running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    assert await receive(socket) == {"type": "heartbeat", "head": 0}
    running.journal.publish([state()])
    assert (await receive_until(socket, "heartbeat"))[-1]["head"] == 1


async def test_the_heart_beats_for_a_page_without_a_subscription_too(quick_heart: None, running: Running) -> None:
    socket = await running.page()
    await receive_until(socket, "snapshotEnd")
    await send(socket, {"type": "unsubscribe"})
    await send(socket, {"type": "?"})
    await receive_until(socket, "error")
    assert (await receive(socket))["type"] == "heartbeat"


async def test_a_page_that_does_not_read_misses_nothing_and_holds_up_nobody(running: Running) -> None:
    slow, fast = await running.page(), await running.page()
    for socket in (slow, fast):
        await receive_until(socket, "snapshotEnd")
    # Far more than all buffers on the way hold.
    bulk = {"text": "x" * 100_000}
    fast_told: list[int] = []
    for _ in range(300):
        running.journal.publish([event("a", detail=bulk)])
        while len(fast_told) < running.journal.head:
            fast_told += [entry["sequence"] for entry in (await receive(fast))["entries"]]
    slow_told: list[int] = []
    while len(slow_told) < running.journal.head:
        slow_told += [entry["sequence"] for entry in (await receive(slow))["entries"]]
    assert fast_told == slow_told == list(range(1, 301))


async def test_pages_are_told_to_come_back_when_it_stops(start: Start) -> None:
    async with start() as running:
        socket = await running.page()
        await receive_until(socket, "snapshotEnd")
    assert await closed(socket) == 1012


async def test_a_socket_elsewhere_is_not_found(running: Running) -> None:
    answer = await running.request(
        "GET",
        "/elsewhere",
        Connection="Upgrade",
        Upgrade="websocket",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
    )
    assert answer.status == 404


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(100.4) is False
    assert bucket.take(100.6) is True
    assert [bucket.take(200.0) for _ in range(4)] == [True, True, True, False]
