"""A bridge that says what a test makes it say: the web folder under the real content policy, and scripted frames.

The bridge's own behaviour is tested elsewhere, with the real one. Here it is the other side that is tested: what the
SDK makes of frames that the real bridge sends rarely, in another order, or never.
"""

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientSession
from tests.browser.waiting import PATIENCE_SECONDS
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from kubedom_bridge.site import CONTENT_POLICY

WEB = Path(__file__).parents[3] / "web"
BARE_PAGE = (
    "<!doctype html><title>test</title><link rel=icon href=/icon.svg><kube-cluster></kube-cluster>"
    "<script type=module src=/kubedom.js></script>"
)

Json = dict[str, Any]


class Peer:
    """One connection of a page."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, *messages: Json) -> None:
        for message in messages:
            await self._connection.send(json.dumps(message))

    async def send_text(self, text: str) -> None:
        await self._connection.send(text)

    async def receive(self) -> Json:
        message: Json = json.loads(await asyncio.wait_for(self._connection.recv(), PATIENCE_SECONDS))
        return message

    async def close(self, code: int, reason: str = "") -> None:
        await self._connection.close(code, reason)

    async def abort(self) -> None:
        """Lose the connection without a word."""
        self._connection.transport.abort()

    async def closed(self) -> None:
        await asyncio.wait_for(self._connection.wait_closed(), PATIENCE_SECONDS)


class ScriptedBridge:
    """Serves the web folder and hands each connection to the test."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {"/bare.html": BARE_PAGE}
        # What is answered anew each time: status and text.
        self.answers: dict[str, Callable[[], Awaitable[tuple[int, str]]]] = {}
        # Who answers all but the socket, where this is a proxy in front of somebody.
        self.upstream = ""
        #: Who is signed in; None for nobody.
        self.user: Json | None = {"user": "ada", "groups": ["dev"], "expires": None}
        #: The HealingActions that there are, Events, policies and vetoes; None where the user may not list them.
        self.lists: dict[str, list[Json] | None] = {"actions": [], "events": [], "policies": [], "vetoes": []}
        #: Objects as YAML, by kind, namespace and name.
        self.objects: dict[str, str] = {}
        #: What containers wrote, by the pod's name; of others there is no log.
        self.logs: dict[str, str] = {}
        self.connections = 0
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: Server | None = None
        self.origin = ""

    @asynccontextmanager
    async def run(self) -> AsyncIterator["ScriptedBridge"]:
        async with serve(
            self._accept,
            "127.0.0.1",
            0,
            process_request=self._answer,
            subprotocols=[Subprotocol("kubedom.v1")],
            ping_interval=None,
            max_size=None,
            compression=None,
        ) as server:
            self._server = server
            self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                # A browser's spare connection that comes just now: the server knows of it some turns of the loop after
                # it was accepted, and one that is closed before that leaves it open.
                for listening in server.sockets:
                    asyncio.get_running_loop().remove_reader(listening.fileno())
                for _ in range(3):
                    await asyncio.sleep(0)

    async def peer(self) -> Peer:
        """The next connection."""
        return await asyncio.wait_for(self._peers.get(), PATIENCE_SECONDS)

    async def subscribed(self) -> tuple[Peer, Json]:
        """The next connection and its subscription."""
        peer = await self.peer()
        return peer, await peer.receive()

    async def _accept(self, connection: ServerConnection) -> None:
        self.connections += 1
        await self._peers.put(Peer(connection))
        await connection.wait_closed()

    async def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path in self.answers:
            status, text = await self.answers[path]()
            return respond(text.encode(), "text/plain", HTTPStatus(status))
        if path == "/api/socket":
            return None
        if path == "/favicon.ico":
            # Browsers ask for it by themselves, sooner or later.
            return respond(b"", "image/x-icon")
        if path == "/api/session":
            nobody = {"type": "urn:kubedom:signIn", "title": "Sign in.", "status": 401, "signIn": "token"}
            said = json.dumps(self.user or nobody).encode()
            return respond(said, "application/json", HTTPStatus.OK if self.user else HTTPStatus.UNAUTHORIZED)
        if path.startswith("/api/v1/") and (kind := path.rpartition("/")[2]) in self.lists:
            items = self.lists[kind]
            if items is None:
                return problem(HTTPStatus.FORBIDDEN, f"You may not list {kind}.")
            return respond(json.dumps({"items": items, "more": False}).encode(), "application/json")
        if path == "/api/v1/objects":
            query = dict(parse_qsl(request.path.partition("?")[2]))
            key = f"{query['kind']}/{query.get('namespace', '')}/{query['name']}"
            if key not in self.objects:
                return problem(HTTPStatus.FORBIDDEN, f"You may not get {key}.")
            return respond(self.objects[key].encode(), "application/yaml")
        if path.startswith("/api/v1/namespaces/") and path.endswith("/log"):
            name = path.split("/")[-2]
            if name not in self.logs:
                return problem(HTTPStatus.BAD_REQUEST, f"container app of {name} has written nothing")
            return respond(self.logs[name].encode(), "text/plain")
        if self.upstream:
            async with ClientSession() as session, session.get(self.upstream + path) as answer:
                return respond(await answer.read(), answer.content_type, HTTPStatus(answer.status))
        if path in self.pages:
            return respond(self.pages[path].encode(), mimetypes.guess_type(path)[0] or "text/html")
        file = WEB / ("index.html" if path == "/" else path.removeprefix("/"))
        if not file.is_file():
            return respond(b"not found", "text/plain", HTTPStatus.NOT_FOUND)
        return respond(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")


def respond(body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    headers = Headers(
        {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": CONTENT_POLICY,
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, body)


def problem(status: HTTPStatus, title: str) -> Response:
    """An RFC 9457 problem document, as the bridge refuses."""
    document = {"type": "urn:kubedom:refused", "title": title, "status": status.value}
    return respond(json.dumps(document).encode(), "application/problem+json", status)


# Messages.


def hello(epoch: str = "e1", head: int = 0, heartbeat: float = 15) -> Json:
    return {
        "type": "hello",
        "protocol": "kubedom.v1",
        "epoch": epoch,
        "head": head,
        "heartbeat": heartbeat,
        "cluster": {"name": "test-cluster", "version": "v1.36.3"},
        "user": {"name": "ada"},
        "limits": {"maxMessageBytes": 65536, "commandsPerSecond": 20},
        "tokenExpires": None,
    }


def snapshot(*entries: Json, incidents: tuple[Json, ...] = (), sequence: int = 10, epoch: str = "e1") -> list[Json]:
    return [
        {"type": "snapshot", "entries": list(entries), "incidents": [{**each, "replayed": True} for each in incidents]},
        {"type": "snapshotEnd", "epoch": epoch, "sequence": sequence},
    ]


def changes(*entries: Json) -> Json:
    return {"type": "changes", "entries": list(entries)}


def pod(
    name: str,
    sequence: int = 0,
    *,
    namespace: str = "default",
    workload: str = "",
    status: str = "Running",
    phase: str = "Running",
    ready: int = 1,
    restarts: int = 0,
    created: str = "2026-01-01T00:00:00Z",
    uid: str = "",
) -> Json:
    entry: Json = {
        "sequence": sequence,
        "op": "upsert",
        "kind": "Pod",
        "uid": uid or f"uid-{name}",
        "resourceVersion": str(sequence),
        "time": "2026-01-01T00:00:00Z",
        "namespace": namespace,
        "object": {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid or f"uid-{name}",
                "creationTimestamp": created,
            },
            "spec": {"nodeName": "node-1"},
            "status": {"phase": phase},
        },
        "display": {"status": status, "ready": ready, "total": 1, "restarts": restarts},
    }
    if workload:
        entry["workload"] = {"kind": "Deployment", "name": workload}
    return entry


def deployment(name: str, sequence: int = 0, *, namespace: str = "default", ready: int = 1, replicas: int = 1) -> Json:
    return {
        "sequence": sequence,
        "op": "upsert",
        "kind": "Deployment",
        "uid": f"uid-deployment-{name}",
        "time": "2026-01-01T00:00:00Z",
        "namespace": namespace,
        "object": {
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-deployment-{name}", "generation": 1},
            "spec": {"replicas": replicas},
            "status": {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": replicas},
        },
    }


def gone(name: str, sequence: int, *, kind: str = "Pod", uid: str = "", namespace: str = "default") -> Json:
    return {
        "sequence": sequence,
        "op": "delete",
        "kind": kind,
        "uid": uid or f"uid-{name}",
        "time": "2026-01-01T00:00:05Z",
        "namespace": namespace,
        "name": name,
    }


def event(
    kind: str,
    name: str,
    sequence: int,
    *,
    phase: str = "begin",
    incident: str = "i1",
    failure: str = "PodFailed",
    resource: str = "Pod",
    namespace: str = "default",
    severity: str = "error",
    since: str = "2026-01-01T00:00:01Z",
    uid: str = "",
    group: str = "",
    **detail: Any,
) -> Json:
    prefix = "uid-" if resource == "Pod" else f"uid-{resource.lower()}-"
    return {
        "sequence": sequence,
        "op": "event",
        "type": kind,
        "kind": resource,
        "uid": uid or f"{prefix}{name}",
        "namespace": namespace,
        "time": "2026-01-01T00:00:02Z",
        "id": f"e1-{sequence}",
        "source": "/clusters/test-cluster",
        "subject": f"{namespace}/{resource.lower()}s/{name}",
        "severity": severity,
        "incident": {
            "id": incident,
            "kind": failure,
            "phase": phase,
            "since": since,
            "container": "app",
            "group": group,
        },
        "detail": {
            resource[0].lower() + resource[1:] + "Name": name,
            "namespace": namespace,
            "message": f"{name} ended with exit code 3.",
            **detail,
        },
    }


def healing(
    kind: str, name: str, sequence: int, *, action: str = "restartPod", phase: str = "Running", **detail: Any
) -> Json:
    entry = event(kind, name, sequence)
    del entry["incident"]
    entry["severity"] = "info"
    entry["detail"] = {
        "action": action,
        "actionName": "restart-1",
        "namespace": "default",
        "target": {"kind": "Pod", "name": name, "uid": f"uid-{name}"},
        "requestedBy": "ada",
        "phase": phase,
        "message": "",
        **detail,
    }
    return entry
