"""Signing in with a token: the page's form, scripts, cookies, limits, and what is written down of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from tests.faults.wire import Wire
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from kubedom_bridge import audit, bodies
from kubedom_bridge.arrivals import Arrivals
from kubedom_bridge.limits import Buckets, Connections

from .conftest import Answer, Running
from .reviewing import Reviewing, reviewed

GOOD = "good-token"
JSON = {"content_type": "application/json"}
FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with reviewed(Reviewing(**{GOOD: "ann"}), connections_a_user=2) as started:
        yield started


async def sign_in(running: Running, body: bytes, **headers: str) -> Answer:
    return await running.request("POST", "/api/session", body=body, origin=running.origin, **headers)


async def test_a_script_signs_in_asks_who_it_is_and_signs_out(running: Running) -> None:
    answer = await sign_in(running, json.dumps({"token": GOOD}).encode(), **JSON)
    assert (answer.status, answer.json) == (201, {"user": "ann"})
    (cookie,) = answer.cookies
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    value = cookie.partition(";")[0]
    who = await running.request("GET", "/api/session", cookie=value)
    assert who.json == {"user": "ann", "groups": ["dev"], "expires": None}
    out = await running.request("DELETE", "/api/session", cookie=value, origin=running.origin)
    assert out.status == 204
    assert "Max-Age=0" in out.cookies[0]
    assert (await running.request("GET", "/api/session")).status == 401


async def test_a_header_is_as_good_as_a_cookie(running: Running) -> None:
    assert (await running.request("GET", "/api/session", authorization=f"Bearer {GOOD}")).json["user"] == "ann"
    assert (await running.request("GET", "/api/session", authorization="Bearer bad")).status == 401
    assert (await running.request("GET", "/api/session", authorization="Basic YTpi")).status == 401


async def test_the_page_asks_for_a_token_and_the_form_leads_to_the_page(running: Running) -> None:
    asked = await running.request("GET", "/")
    assert asked.status == 401
    assert 'action="/api/session"' in asked.body
    answer = await sign_in(running, urlencode({"token": GOOD}).encode(), **FORM)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    page = await running.request("GET", "/", cookie=answer.cookies[0].partition(";")[0])
    assert page.status == 200
    wrong = await sign_in(running, b"token=bad", accept="text/html", **FORM)
    assert wrong.status == 401
    assert "does not accept" in wrong.body


async def test_the_form_leads_to_what_was_asked_for_and_to_no_other_site(running: Running) -> None:
    asked = await running.request("GET", "/?view=pods&ns=a")
    assert 'name="next" value="/?view=pods&amp;ns=a"' in asked.body
    wrong = await sign_in(running, urlencode({"token": "bad", "next": "/?x"}).encode(), accept="text/html", **FORM)
    assert 'value="/?x"' in wrong.body
    for then, leads in {
        "/?view=pods&ns=a": "/?view=pods&ns=a",
        "//evil.example": "/",
        "/\\evil.example": "/",
        "https://evil.example/": "/",
        "/a\r\nSet-Cookie: b=c": "/",
        "": "/",
    }.items():
        answer = await sign_in(running, urlencode({"token": GOOD, "next": then}).encode(), **FORM)
        assert (answer.status, answer.headers["location"]) == (303, leads)


async def test_who_is_signed_out_is_told_how_one_signs_in(running: Running) -> None:
    assert (await running.request("GET", "/api/session")).json["signIn"] == "token"


async def test_who_follows_a_link_from_elsewhere_is_asked_for_no_token_before_the_cookie_could_come(
    running: Running,
) -> None:
    for site in ("cross-site", "same-site"):
        first = await running.request("GET", '/pods"><b>?view=pods', sec_fetch_site=site)
        assert first.status == 200
        assert 'content="0; url=/pods' in first.body
        assert "?view=pods" in first.body
        assert "<b>" not in first.body
    assert (await running.request("GET", "/", sec_fetch_site="same-origin")).status == 401


@pytest.mark.parametrize(
    ("body", "headers", "status", "field"),
    [
        (b'{"token": "bad"}', JSON, 401, "token"),
        (b'{"token": 5}', JSON, 422, "token"),
        (b"{}", JSON, 422, "token"),
        (b"[]", JSON, 422, None),
        (b"[" * 5000, JSON, 422, None),
        (b"\xff", JSON, 422, None),
        (b"", JSON, 422, None),
        (b"token=", FORM, 422, "token"),
        (b"\xff\xfe", FORM, 422, None),
        (b"token=x&token=y", FORM, 422, None),
        (b"token=x", {"content_type": "text/plain"}, 415, None),
        (b"token=x", {}, 415, None),
        (b"x" * 40_000, JSON, 413, None),
    ],
)
async def test_what_is_no_sign_in_is_told_why(
    running: Running, body: bytes, headers: dict[str, str], status: int, field: str | None
) -> None:
    answer = await sign_in(running, body, **headers)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json.get("field") == field
    assert answer.cookies == []


async def test_guessing_is_slowed_down(running: Running) -> None:
    statuses = [(await sign_in(running, b'{"token": "bad"}', **JSON)).status for _ in range(25)]
    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]


async def opened(running: Running, **more: Any) -> Any:
    return await connect(
        running.origin.replace("http", "ws") + "/api/socket",
        origin=Origin(running.origin),
        subprotocols=[Subprotocol("kubedom.v1")],
        additional_headers={"Authorization": f"Bearer {GOOD}"},
    )


async def test_one_user_has_so_many_connections(running: Running) -> None:
    sockets = [await opened(running) for _ in range(2)]
    for socket in sockets:
        assert json.loads(await socket.recv())["user"] == {"name": "ann"}
    third = await opened(running)
    with pytest.raises(ConnectionClosed) as refused:
        await third.recv()
    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == 4409
    await sockets.pop().close()
    again = await opened(running)
    assert json.loads(await again.recv())["type"] == "hello"
    for socket in (*sockets, again):
        await socket.close()


async def test_what_is_done_is_written_down_without_tokens(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await sign_in(running, json.dumps({"token": GOOD}).encode(), **JSON)
        await sign_in(running, b'{"token": "bad-token"}', **JSON)
        await running.request("POST", "/api/session", origin="http://evil.example")
    lines = [json.loads(entry.getMessage()) for entry in caplog.records if entry.name == "kubedom.audit"]
    assert [(line["event"], line["outcome"], line.get("user")) for line in lines] == [
        ("signIn", "accepted", "ann"),
        ("signIn", "refused", None),
        ("refusal", "origin", None),
    ]
    assert all(line["source"] == "127.0.0.1" for line in lines)
    assert GOOD not in caplog.text


def test_tokens_are_taken_out_of_every_line() -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
    for text in (f"Authorization: Bearer {jwt}", f"x base64url.bearer.authorization.k8s.io.{'YWJj' * 9}", f"at {jwt}."):
        clean = audit.redacted(text)
        assert "[redacted]" in clean
        assert jwt not in clean
        assert "YWJj" not in clean
    entry = logging.LogRecord("x", logging.INFO, "f", 1, "said %s", (f"Bearer {jwt}",), None)
    assert audit.Redaction().filter(entry)
    assert entry.getMessage() == "said Bearer [redacted]"


async def test_a_stampede_is_let_in_at_a_rate_and_in_order() -> None:
    arrivals, order = Arrivals(rate=200, burst=5), list[int]()

    async def enter(number: int) -> None:
        await arrivals.enter()
        order.append(number)

    await arrivals.enter()
    waiting = [asyncio.create_task(enter(number)) for number in range(1, 25)]
    order.append(0)
    await asyncio.sleep(0)
    assert order == [0, 1, 2, 3, 4]
    assert arrivals.waiting == 20
    await asyncio.gather(*waiting)
    assert order == list(range(25))
    assert arrivals.waiting == 0


def test_limits_are_each_ones_own_and_forgotten() -> None:
    buckets = Buckets(rate=1, burst=2)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("b", 0.0)
    assert buckets.take("a", 1.0)
    ann, bob = object(), object()
    connections = Connections(a_user=2, all_users=3)
    assert [connections.enter(cast(Any, ann)) for _ in range(3)] == [True, True, False]
    assert [connections.enter(cast(Any, bob)) for _ in range(2)] == [True, False]
    connections.leave(cast(Any, ann))
    assert connections.enter(cast(Any, bob))


async def test_a_body_that_does_not_come_is_not_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)
    head = ["POST /api/session HTTP/1.1", f"Host: 127.0.0.1:{running.bridge.port}", "Content-Length: 5"]

    def ask() -> tuple[int, str, bytes]:
        with Wire(running.bridge.port) as wire:
            wire.ask([*head, "Content-Type: application/json"], b"{")
            return wire.status, wire.header("connection"), wire.body()

    status, connection, body = await running.in_thread(ask)
    assert (status, connection) == (408, "close")
    assert json.loads(body)["type"] == "urn:kubedom:tooSlow"
