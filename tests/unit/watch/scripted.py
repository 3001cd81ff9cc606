"""An API server of a few lines that keeps pods, has none of any other kind, and misbehaves as a test tells it to.

Without a script it lists (in pages) and watches as the real one does. `lists` and `watches` hold answers for the next
requests of that sort; each is used once.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(refusal(code, reason, message), status=code, headers=headers)

    return answer


def refusal(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


def raw(*parts: bytes, then_silence: bool = False) -> Answer:
    """Send these bytes as a watch, each in its own write, and end; or stay silent without ending."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0)
        if then_silence:
            await asyncio.Event().wait()
        return response

    return answer


def line(what: str, obj: Any) -> bytes:
    return json.dumps({"type": what, "object": obj}).encode() + b"\n"


class ScriptedServer:
    """See the module."""

    def __init__(self) -> None:
        self.version = 100
        self.pods: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[int, bytes]] = []
        self.lists: deque[Answer] = deque()
        self.watches: deque[Answer] = deque()
        self.requests: list[web.Request] = []
        self.url = ""
        self.token: str | None = None
        self._changed = asyncio.Event()
        self._oldest = 0
        self._open: list[asyncio.Transport] = []

    @property
    def list_requests(self) -> list[web.Request]:
        return [request for request in self.requests if "watch" not in request.query]

    @property
    def watch_requests(self) -> list[web.Request]:
        return [request for request in self.requests if "watch" in request.query]

    def put(self, name: str, **more: Any) -> dict[str, Any]:
        """Create or update a pod."""
        self.version += 1
        new = name not in self.pods
        uid = f"uid-{name}-{self.version}" if new else self.pods[name]["metadata"]["uid"]
        metadata = {"name": name, "namespace": "default", "uid": uid, "resourceVersion": str(self.version)}
        pod = {"metadata": metadata, **more}
        self.pods[name] = pod
        self._record("ADDED" if new else "MODIFIED", pod)
        return pod

    def delete(self, name: str) -> None:
        self.version += 1
        pod = self.pods.pop(name)
        self._record("DELETED", {**pod, "metadata": {**pod["metadata"], "resourceVersion": str(self.version)}})

    def bookmark(self) -> None:
        self.version += 1
        self._record("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    def forget_history(self) -> None:
        """What was before now is too old to be watched."""
        self.history.clear()
        self._oldest = self.version

    def cut(self) -> None:
        """Break every connection."""
        for transport in self._open:
            transport.abort()

    def _record(self, what: str, obj: dict[str, Any]) -> None:
        self.history.append((self.version, line(what, obj)))
        self._changed.set()
        self._changed = asyncio.Event()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return await status(401, "Unauthorized", "Unauthorized")(request)
        script = self.watches if "watch" in request.query else self.lists
        assert request.transport is not None
        self._open.append(request.transport)
        if script:
            return await script.popleft()(request)
        return await (self._watch(request) if "watch" in request.query else self._list(request))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        limit = int(request.query.get("limit", "0"))
        start = int(request.query.get("continue", "0"))
        pods = list(self.pods.values()) if request.path.endswith("/pods") else []
        page = pods[start : start + limit]
        metadata = {"resourceVersion": str(self.version)}
        if start + limit < len(pods):
            metadata["continue"] = str(start + limit)
        return web.json_response({"kind": "PodList", "metadata": metadata, "items": page})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        seen = int(request.query["resourceVersion"])
        if seen < self._oldest:
            return await status(410, "Expired", "too old resource version")(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while not request.path.endswith("/pods"):
            await self._changed.wait()
        while True:
            changed = self._changed
            for version, text in list(self.history):
                if version > seen:
                    await response.write(text)
                    seen = version
            await changed.wait()


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server._answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    server.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        await runner.cleanup()
