"""Requests as no browser of ours sends them: twice over, too long, of two types, or no HTTP at all."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .attacked import TOKEN
from .attacking import Attacked
from .wire import Wire

JSON = "application/json"
SIGN_IN = json.dumps({"token": TOKEN}).encode()
UPGRADE = [
    "GET /api/socket HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: kubedom.v1",
]


class Served:
    """The bridge, as the lines of a request name it."""

    def __init__(self, attacked: Attacked) -> None:
        self.port = attacked.port
        self.host = f"127.0.0.1:{attacked.port}"
        self.origin = f"http://{self.host}"
        self.cookie = f"Cookie: {attacked.cookie}"


@pytest.fixture(scope="module")
def served(attacked_by_token: Attacked) -> Iterator[Served]:
    yield Served(attacked_by_token)
    assert attacked_by_token.serves()
    assert TOKEN not in attacked_by_token.log.read_text()


DEPLOY = "POST /api/deploy HTTP/1.1"
TWICE = {
    "a second Origin": ["Origin: {own}", "Origin: http://evil.example"],
    "a second Origin first": ["Origin: http://evil.example", "Origin: {own}"],
    "our Origin twice": ["Origin: {own}", "Origin: {own}"],
    "a second Sec-Fetch-Site": ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
    "an Origin on two lines": ["Origin: {own}", " http://evil.example"],
}


@pytest.mark.parametrize("twice", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("first", [UPGRADE, [DEPLOY]], ids=["socket", "deploy"])
def test_a_header_that_comes_twice_smuggles_nothing_in(served: Served, first: list[str], twice: list[str]) -> None:
    sent = [line.format(own=served.origin) for line in twice]
    with Wire(served.port) as wire:
        wire.ask([*first, f"Host: {served.host}", *sent, served.cookie])
        assert wire.status in {400, 403}


@pytest.mark.parametrize("first", [UPGRADE, [DEPLOY], ["GET /api/session HTTP/1.1"]], ids=["socket", "post", "get"])
@pytest.mark.parametrize("hosts", [["{host}", "evil.example"], ["evil.example", "{host}"], []])
def test_one_host_is_named_and_it_is_ours(served: Served, first: list[str], hosts: list[str]) -> None:
    with Wire(served.port) as wire:
        named = [f"Host: {host.format(host=served.host)}" for host in hosts]
        wire.ask([*first, *named, f"Origin: {served.origin}", served.cookie])
        assert wire.status == 400
        assert wire.header("content-type") == "application/problem+json"
        assert wire.header("content-security-policy")
        assert json.loads(wire.body())["status"] == 400


@pytest.mark.parametrize("tokens", [(TOKEN, "bad"), ("bad", TOKEN), (TOKEN, TOKEN)])
def test_two_tokens_in_one_request_are_no_proof(served: Served, tokens: tuple[str, str]) -> None:
    own = [f"Host: {served.host}", *(f"Authorization: Bearer {token}" for token in tokens)]
    with Wire(served.port) as wire:
        wire.ask(["GET /api/session HTTP/1.1", *own])
        assert wire.status == 401
    with Wire(served.port) as wire:
        wire.ask([*UPGRADE, *own])
        assert wire.status == 101
        assert wire.read().code == 4401


def test_cookies_on_two_lines_are_one_header(served: Served) -> None:
    own = [f"Host: {served.host}", "Cookie: other=1", served.cookie]
    with Wire(served.port) as wire:
        wire.ask(["GET /api/session HTTP/1.1", *own])
        assert wire.status == 200
    with Wire(served.port) as wire:
        wire.ask([*UPGRADE, *own])
        assert json.loads(wire.read().payload)["type"] == "hello"


def test_a_body_has_one_type(served: Served) -> None:
    body = SIGN_IN
    with Wire(served.port) as wire:
        kinds = ["Content-Type: application/json", "Content-Type: text/plain"]
        wire.ask(["POST /api/session HTTP/1.1", f"Host: {served.host}", *kinds, f"Content-Length: {len(body)}"], body)
        assert wire.status == 415


@pytest.mark.parametrize(
    "path", ["/api/session", "/api/deploy", "/api/openapi.json", "/healthz", "/", "/nothing", "/api/x"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "POST", "DELETE", "FROB", "get"])
def test_every_method_is_answered_in_order(served: Served, method: str, path: str) -> None:
    with Wire(served.port) as wire:
        wire.ask([f"{method} {path} HTTP/1.1", f"Host: {served.host}", f"Origin: {served.origin}"])
        sent = b"" if method == "HEAD" else wire.body()
        assert wire.status in {200, 204, 401, 404, 405, 415}
        if wire.status == 405:
            assert method not in wire.header("allow").split(", ")
            assert wire.header("allow")
        if wire.status >= 400 and wire.header("content-type") != "text/html; charset=utf-8":
            assert wire.header("content-type") == "application/problem+json"
            assert not sent or json.loads(sent)["status"] == wire.status
        # The connection is in step for the next request.
        wire.ask(["GET /healthz HTTP/1.1", f"Host: {served.host}"])
        assert (wire.status, wire.body()) == (200, b"ok\n")


def test_a_get_with_a_body_is_a_get(served: Served) -> None:
    smuggled = f"DELETE /api/session HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode()
    with Wire(served.port) as wire:
        for _ in range(2):
            wire.ask(
                ["GET /api/openapi.json HTTP/1.1", f"Host: {served.host}", f"Content-Length: {len(smuggled)}"], smuggled
            )
            assert wire.status == 200
            assert json.loads(wire.body())["openapi"] == "3.1.0"


OVERLONG = {
    "path": ["GET /{long} HTTP/1.1", "Host: {host}"],
    "query": ["GET /healthz?{long} HTTP/1.1", "Host: {host}"],
    "header": ["GET /healthz HTTP/1.1", "Host: {host}", "X-Long: {long}"],
    "cookie": ["GET /api/session HTTP/1.1", "Host: {host}", "Cookie: a={long}"],
    "host": ["GET /healthz HTTP/1.1", "Host: {long}"],
    "origin": [DEPLOY, "Host: {host}", "Origin: {long}"],
    "authorization": ["GET /api/session HTTP/1.1", "Host: {host}", "Authorization: Bearer {long}"],
    "subprotocol": [*UPGRADE, "Host: {host}", "Sec-WebSocket-Protocol: {long}"],
}


@pytest.mark.parametrize("length", [8_000, 20_000, 60_000, 200_000])
@pytest.mark.parametrize("head", OVERLONG.values(), ids=OVERLONG)
def test_what_is_too_long_is_refused_and_is_nobodys_failure(served: Served, head: list[str], length: int) -> None:
    with Wire(served.port) as wire:
        wire.ask([line.format(long="x" * length, host=served.host) for line in head])
        assert wire.status < 500
        assert wire.status == 400 or length < 200_000


def test_many_headers_are_no_failure_either(served: Served) -> None:
    for count in (100, 5_000, 50_000):
        with Wire(served.port) as wire:
            wire.ask(["GET /healthz HTTP/1.1", f"Host: {served.host}", *(f"X-{number}: y" for number in range(count))])
            assert wire.status in {200, 400}


TRICKS = {
    "two lengths": (["Content-Length: 0", "Content-Length: 5"], b"x"),
    "a length that is none": (["Content-Length: five"], b"x"),
    "a negative length": (["Content-Length: -1"], b"x"),
    "an unknown coding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "two codings": (["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"),
    "the coding twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
    "a chunk of no length": (["Transfer-Encoding: chunked"], b"zz\r\nxx\r\n0\r\n\r\n"),
    "a chunk that is longer": (["Transfer-Encoding: chunked"], b"1\r\nxx\r\n0\r\n\r\n"),
    "a space before the colon": (["Content-Length : 0"], b""),
    "no name": ([": x"], b""),
    "a bare newline in a value": (["X: a\nOrigin: http://evil.example"], b""),
    "a null in a value": (["X: a\0b"], b""),
}


@pytest.mark.parametrize(("head", "body"), TRICKS.values(), ids=TRICKS)
@pytest.mark.parametrize("path", ["/api/session", "/api/deploy"])
def test_what_is_no_http_is_refused_before_anything_is_done(
    served: Served, path: str, head: list[str], body: bytes
) -> None:
    with Wire(served.port) as wire:
        own = [f"Host: {served.host}", f"Origin: {served.origin}", served.cookie, f"Content-Type: {JSON}"]
        wire.ask([f"POST {path} HTTP/1.1", *own, *head], body)
        assert 400 <= wire.status < 500


def test_chunks_beat_a_length_and_nothing_is_left_over(served: Served) -> None:
    body = SIGN_IN
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    with Wire(served.port) as wire:
        own = [f"Host: {served.host}", f"Content-Type: {JSON}", "Transfer-Encoding: chunked", "Content-Length: 3"]
        wire.ask(["POST /api/session HTTP/1.1", *own], chunked)
        assert wire.status in {201, 400}
        if wire.status == 201:
            wire.body()
            wire.ask(["GET /healthz HTTP/1.1", f"Host: {served.host}"])
            assert wire.status == 200


def test_a_body_without_an_end_is_cut_off(served: Served) -> None:
    with Wire(served.port) as wire:
        own = [f"Host: {served.host}", f"Content-Type: {JSON}", "Transfer-Encoding: chunked"]
        wire.ask(["POST /api/session HTTP/1.1", *own], b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        assert wire.status == 413
        assert wire.header("connection") == "close"
        wire.body()
        with pytest.raises((EOFError, ConnectionError)):
            wire.read()


def test_who_hangs_up_in_the_middle_of_a_body_is_no_failure(served: Served) -> None:
    for path in ("/api/session", "/api/deploy"):
        with Wire(served.port) as wire:
            own = [f"Host: {served.host}", f"Content-Type: {JSON}", served.cookie, "Content-Length: 10"]
            wire.send("\r\n".join([f"POST {path} HTTP/1.1", *own, "", "half"]).encode())
