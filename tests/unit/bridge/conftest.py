"""A bridge as it runs, on a free port, with an API server that answers from a dictionary."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_bridge.traces import Traces

T = TypeVar("T")
POD = "/api/v1/namespaces/default/pods/p"
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web"
ACTIONS = "/apis/kubedom.dev/v1alpha1/namespaces/default/healingactions"


RESOURCES: dict[str, list[dict[str, Any]]] = {
    "/api/v1": [
        {"kind": "ConfigMap", "name": "configmaps", "namespaced": True},
        {"kind": "Namespace", "name": "namespaces", "namespaced": False},
        {"kind": "Pod", "name": "pods", "namespaced": True},
        {"kind": "Pod", "name": "pods/log", "namespaced": True},
        {"kind": "Secret", "name": "secrets", "namespaced": True},
    ],
    "/apis/apps/v1": [{"kind": "Deployment", "name": "deployments", "namespaced": True}],
}
COLLECTIONS = {
    *("deployments", "statefulsets", "daemonsets", "events"),
    *("healingactions", "clusterhealingactions", "healingpolicies", "healingvetoes"),
}


class Cluster:
    """Just so much of an API server that objects can be looked up and made once."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {
            POD: {"metadata": {"name": "p", "uid": "uid-p"}},
            DEPLOYMENT: {"metadata": {"name": "web", "uid": "uid-web"}},
        }
        self.made: list[dict[str, Any]] = []
        self.applied: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.asked: dict[str, str] = {}
        self.refusal: Exception | None = None
        self.when_made: Callable[[str], None] = lambda _: None

    async def call(
        self, method: str, path: str, *, body: Any = None, query: dict[str, str] | None = None, **_: Any
    ) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal
        if method == "GET":
            self.asked = query or {}
            return self._found(path)
        if method == "PATCH":
            return self._applied(path, body, query or {})
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            raise ApiError(409, "AlreadyExists", "it exists")
        made: dict[str, Any] = msgspec.convert(body, dict)
        made["metadata"] = body["metadata"] | {"uid": f"uid-{len(self.made)}"}
        self.objects[path] = made
        self.made.append(made)
        self.when_made(made["metadata"]["name"])
        return made

    def _found(self, path: str) -> dict[str, Any]:
        if path in self.objects:
            return self.objects[path]
        if path in RESOURCES:
            return {"resources": RESOURCES[path]}
        if path.rpartition("/")[2] in COLLECTIONS:
            return {"items": [found for name, found in self.objects.items() if name.rpartition("/")[0] == path]}
        raise ApiError(404, "NotFound", f"{path} not found")

    def _applied(self, path: str, body: Any, query: dict[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = msgspec.convert(body, dict)
        made["metadata"] = body["metadata"] | {"uid": f"uid-of-{path}", "resourceVersion": "1"}
        if "dryRun" not in query:
            self.objects[path] = made
            self.applied.append((path, made, query))
        return made

    @asynccontextmanager
    async def stream(self, path: str, query: dict[str, str], **_: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        content = asyncio.StreamReader()
        known = path.removesuffix("/log") in self.objects
        content.feed_data(b"a line\n" if known else b'{"message": "pods not found", "reason": "NotFound"}')
        content.feed_eof()
        yield SimpleNamespace(status=200 if known else 404, content=Content(content))

    def refusal_of(self, status: int, data: bytes) -> Exception:
        return ApiError(status, "NotFound", data.decode())


class Content:
    """A body as aiohttp gives it."""

    def __init__(self, content: asyncio.StreamReader) -> None:
        self._content = content

    async def read(self, most: int) -> bytes:
        return await self._content.read(most)

    async def readany(self) -> bytes:
        return await self._content.read(65_536)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Running:
    """The bridge, and a browser's two ways to it."""

    bridge: Bridge
    journal: Journal
    cluster: Cluster
    reason: list[str]
    cookie: str = ""
    sockets: list[ClientConnection] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.bridge.port}"

    async def request(self, method: str, path: str, *, body: bytes = b"", **headers: str) -> Answer:
        """Make a request as http.client sends it, without repairing the path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        def ask() -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1", self.bridge.port, timeout=30)
            try:
                connection.request(method, path, body=body or None, headers=named)
                answer = connection.getresponse()
                lower = {name.lower(): value for name, value in answer.getheaders()}
                cookies = answer.headers.get_all("set-cookie") or []
                return Answer(answer.status, lower, cookies, answer.read().decode())
            finally:
                connection.close()

        return await self.in_thread(ask)

    @staticmethod
    async def in_thread(ask: Callable[[], T]) -> T:
        """Do what waits for the bridge, which runs on this loop."""
        return await asyncio.to_thread(ask)

    async def sign_in(self) -> str:
        link = self.bridge.signin_link()
        answer = await self.request("GET", link.removeprefix(self.origin))
        assert answer.status == 200
        self.cookie = answer.cookies[0].partition(";")[0]
        return self.cookie

    async def connect(self, *, protocols: tuple[str, ...] = ("kubedom.v1",), **headers: str) -> ClientConnection:
        """Open a socket; with the cookie where a sign-in came before."""
        named = {"Origin": self.origin, "Cookie": self.cookie} | headers
        socket = await connect(
            f"ws://127.0.0.1:{self.bridge.port}/api/socket",
            subprotocols=[Subprotocol(one) for one in protocols] or None,
            additional_headers={name: value for name, value in named.items() if value},
            proxy=None,
            max_size=None,
        )
        self.sockets.append(socket)
        return socket

    async def page(self, **subscribe: Any) -> ClientConnection:
        """Sign in, connect, and subscribe; `hello` is read."""
        if not self.cookie:
            await self.sign_in()
        socket = await self.connect()
        assert (await receive(socket))["type"] == "hello"
        await send(socket, {"type": "subscribe"} | subscribe)
        return socket


async def send(socket: ClientConnection, message: Any) -> None:
    await socket.send(msgspec.json.encode(message).decode())


async def receive(socket: ClientConnection) -> Any:
    async with asyncio.timeout(30):
        return msgspec.json.decode(await socket.recv())


async def receive_until(socket: ClientConnection, kind: str) -> list[Any]:
    """Every message up to the first of this type."""
    messages = [await receive(socket)]
    while messages[-1]["type"] != kind:
        messages.append(await receive(socket))
    return messages


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.html").write_text("mine")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "own" / "out").symlink_to(tmp_path / "secret.txt")
    settings = BridgeSettings(port=0, web_dir=tmp_path / "own")

    @asynccontextmanager
    async def serve(traces: Traces | None = None) -> AsyncIterator[Running]:
        journal = Journal(clock=asyncio.get_running_loop().time)
        cluster, reason = Cluster(), [""]
        bridge = Bridge(
            settings,
            listen(settings),
            journal=journal,
            api=cast(Api, cluster),
            user="ann",
            resources={},
            greeting=Greeting("test", "v1.36.3"),
            not_ready=lambda: reason[0],
            traces=traces,
        )
        async with bridge.serving():
            yield Running(bridge, journal, cluster, reason)

    return serve


@pytest.fixture
async def running(start: Start) -> AsyncIterator[Running]:
    async with start() as started:
        yield started
        for socket in started.sockets:
            await socket.close()
