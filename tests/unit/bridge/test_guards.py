"""Where a request comes from, who sends it and what it carries, in every combination, with a raw client.

What should come of each is said here by a short rule of its own: origin and site are judged before the sign-in, the
sign-in before the body.
"""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.faults.wire import CLOSE, TEXT, Wire

from kubedom_bridge import bridge as bridges
from kubedom_bridge import protocol

from .conftest import Running
from .reviewing import Reviewing, reviewed

OWN = "own"
ORIGINS = [None, OWN, "null", "", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1", "http://localhost"]
SITES = [None, "same-origin", "none", "same-site", "cross-site", "unheard-of"]
CONTENT_TYPES = [
    None,
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=b",
]
COOKIES = [None, "good", "bad"]
FORM = "multipart/form-data; boundary=b"
BODIES = {
    ("/api/session", "application/json"): b'{"token": "good"}',
    ("/api/session", "application/x-www-form-urlencoded"): b"token=good",
    ("/api/deploy", "application/json"): b'{"name": "web"}',
    ("/api/deploy", "application/x-www-form-urlencoded"): b"name=web",
    ("/api/v1/config/", FORM): b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n',
}
#: What is answered to each body that is taken; every other is of the wrong type.
TAKEN = {
    ("/api/session", "application/json"): 201,
    ("/api/session", "application/x-www-form-urlencoded"): 303,
    ("/api/deploy", None): 202,
    ("/api/deploy", "application/json"): 202,
    ("/api/deploy", "application/x-www-form-urlencoded"): 202,
    ("/api/v1/config/", FORM): 202,
}


@pytest.fixture
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    monkeypatch.setattr(bridges, "SIGN_IN_BURST", 1e6)
    monkeypatch.setattr(protocol, "COMMANDS_PER_SECOND", 1e6)
    monkeypatch.setattr(protocol, "MESSAGES_PER_SECOND", 1e6)
    defaults = {"default_deployment": "default/web", "default_config": "default/settings"}
    async with reviewed(Reviewing(good="ann"), **defaults, connections_a_user=1000) as started:
        yield started


def welcome(origin: str | None, site: str | None) -> bool:
    """Whether a request may come from there; a client that is no browser says neither."""
    return origin in {None, OWN} and site in {None, "same-origin", "none"}


def headers(running: Running, origin: str | None, site: str | None, cookie: str | None) -> dict[str, str]:
    found = {
        "Origin": running.origin if origin == OWN else origin,
        "Sec-Fetch-Site": site,
        "Cookie": None if cookie is None else f"kubedom_session_{running.bridge.port}={cookie}",
    }
    return {name: value for name, value in found.items() if value is not None}


async def test_the_socket(running: Running) -> None:
    for origin, site, cookie in itertools.product(ORIGINS, SITES, COOKIES):
        answer = await asked(running, headers(running, origin, site, cookie))
        if not welcome(origin, site):
            assert answer == "403", (origin, site, cookie)
        elif cookie != "good":
            assert answer == "4401", (origin, site, cookie)
        else:
            assert answer == "hello", (origin, site, cookie)


async def asked(running: Running, named: dict[str, str]) -> str:
    """The status that refuses the handshake, the code that closes the socket, or its first message."""

    def ask() -> str:
        with Wire(running.bridge.port) as wire:
            wire.shake_hands([f"{name}: {value}" for name, value in named.items()])
            status = wire.response.split()[1]
            if status != "101":
                return status
            first = wire.read()
            if first.opcode == CLOSE:
                return str(first.code)
            assert first.opcode == TEXT
            kind: str = json.loads(first.payload)["type"]
            return kind

    return await running.in_thread(ask)


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site"])
async def test_a_second_header_beside_a_good_one_does_not_slip_through(running: Running, name: str) -> None:
    good = headers(running, OWN, "same-origin", "good")
    bad = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}[name]

    def ask() -> tuple[str, int]:
        with Wire(running.bridge.port) as wire:
            wire.shake_hands([*(f"{key}: {value}" for key, value in good.items()), f"{name}: {bad}"])
        post = http.client.HTTPConnection("127.0.0.1", running.bridge.port, timeout=30)
        post.putrequest("POST", "/api/deploy")
        for key, value in (*good.items(), (name, bad)):
            post.putheader(key, value)
        post.endheaders()
        status = post.getresponse().status
        post.close()
        return wire.response.split()[1], status

    assert await running.in_thread(ask) == ("403", 403)


async def test_every_unsafe_request(running: Running) -> None:
    requests = (
        ("POST", "/api/session"),
        ("DELETE", "/api/session"),
        ("POST", "/api/deploy"),
        ("POST", "/api/v1/config/"),
    )
    for (method, path), origin, site, kind, cookie in itertools.product(
        requests, ORIGINS, SITES, CONTENT_TYPES, COOKIES
    ):
        named = headers(running, origin, site, cookie) | ({"Content-Type": kind} if kind else {})
        body = BODIES.get((path, kind or ""), b"x" if kind else b"")
        answer = await running.request(method, path, body=body, **named)
        case = (method, path, origin, site, kind, cookie)
        assert answer.status == expected(*case), case
        if answer.status >= 400:
            problem: dict[str, Any] = answer.json
            assert (answer.headers["content-type"], problem["status"]) == ("application/problem+json", answer.status)
        if answer.status not in {201, 204, 303}:
            assert answer.cookies == [], case
    assert running.cluster.made


def expected(method: str, path: str, origin: str | None, site: str | None, kind: str | None, cookie: str | None) -> int:
    if not welcome(origin, site):
        return 403
    if method == "DELETE":
        return 204
    if path != "/api/session" and cookie != "good":
        return 401
    return TAKEN.get((path, kind), 415)
