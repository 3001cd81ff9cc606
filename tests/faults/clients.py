"""Clients of the bridge that keep all that they were told, and hold it against what really happened.

A `Telling` is one subscription over all its connections. Its history is cut into segments: each begins with a snapshot
or with the position that it resumes from, and within one everything has to be in order, once and complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Happened:
    """One entry of the journal, as the world knows it."""

    sequence: int
    op: str
    kind: str
    namespace: str
    uid: str
    labels: tuple[tuple[str, str], ...]
    type: str = ""
    incident: str = ""


@dataclass(frozen=True)
class Wanted:
    """A filter, in the test's own words."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    app: str = ""
    incidents_only: bool = False

    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "namespaces": list(self.namespaces),
            "kinds": list(self.kinds),
            "types": list(self.types),
            "labelSelector": f"app={self.app}" if self.app else "",
            "openIncidents": self.incidents_only,
        }
        return {name: value for name, value in found.items() if value}

    def takes(self, kind: str, namespace: str, labels: Iterable[tuple[str, str]]) -> bool:
        """Whether objects like this are of interest."""
        return (
            (not self.namespaces or namespace in self.namespaces)
            and (not self.kinds or kind in self.kinds)
            and (not self.app or ("app", self.app) in labels)
        )

    def hears(self, one: Happened) -> bool:
        """Whether this event is."""
        return (
            self.takes(one.kind, one.namespace, one.labels)
            and (not self.types or one.type in self.types)
            and (not self.incidents_only or bool(one.incident))
        )


@dataclass
class Segment:
    """What was told without an interruption that may lose something; `last` is the latest sequence in it."""

    epoch: str
    start: int
    last: int
    events: list[int] = field(default_factory=list)
    told: list[tuple[int, str, str]] = field(default_factory=list)


class Telling:
    """One subscription, as a page without a DOM has it."""

    def __init__(self, name: str, wanted: Wanted) -> None:
        self.name = name
        self.wanted = wanted
        self.versions: dict[str, str] = {}
        self.open: dict[str, str] = {}
        self.segments: list[Segment] = []
        self.resyncs = 0
        self._listed: dict[str, str] = {}
        self._incidents: dict[str, str] = {}
        #: Whether everything up to its position was received.
        self.whole = False

    def subscription(self) -> dict[str, Any]:
        """The message that begins it, or goes on with it where everything up to its position was received."""
        # Half a snapshot is none.
        self._listed, self._incidents = {}, {}
        asked: dict[str, Any] = {"type": "subscribe", "id": self.name, "filter": self.wanted.message()}
        if self.whole:
            now = self.segments[-1]
            self.segments.append(Segment(now.epoch, now.last, now.last))
            asked["since"] = {"epoch": now.epoch, "sequence": now.last}
        return asked

    def forget(self) -> None:
        """Begin with a snapshot next time."""
        self.whole = False

    def take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "resync":
            assert message["reason"]
            self.resyncs += 1
            self.whole = False
            self._listed, self._incidents = {}, {}
        elif kind == "snapshot":
            self.whole = False
            for entry in message.get("entries", ()):
                assert entry["uid"] not in self._listed, "listed twice"
                self._listed[entry["uid"]] = entry["resourceVersion"]
            self._incidents |= {one["incident"]["id"]: one["uid"] for one in message.get("incidents", ())}
        elif kind == "snapshotEnd":
            self.versions, self._listed = self._listed, {}
            self.open, self._incidents = self._incidents, {}
            self.whole = True
            self.segments.append(Segment(message["epoch"], message["sequence"], message["sequence"]))
        else:
            for entry in message["entries"]:
                self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        assert self.whole, "a change outside of what it changes"
        segment = self.segments[-1]
        assert entry["sequence"] > segment.last, "out of order, or twice"
        segment.last = entry["sequence"]
        segment.told.append((entry["sequence"], entry["kind"], entry.get("namespace", "")))
        if entry["op"] == "upsert":
            self.versions[entry["uid"]] = entry["resourceVersion"]
        elif entry["op"] == "delete":
            self.versions.pop(entry["uid"], None)
        else:
            segment.events.append(entry["sequence"])
            incident = entry.get("incident")
            if incident and incident["phase"] == "end":
                self.open.pop(incident["id"], None)
            elif incident:
                self.open[incident["id"]] = entry["uid"]


class Client:
    """One browser: a socket with some subscriptions, which may stall, be cut and come back."""

    def __init__(self, user: str, tellings: list[Telling], receive_buffer: int) -> None:
        self.user = user
        self.tellings = {telling.name: telling for telling in tellings}
        self.raw: list[str] = []
        self.code: int | None = None
        self._receive_buffer = receive_buffer
        self._socket: ClientConnection | None = None
        self._reading = asyncio.Event()
        self._answers: dict[str, asyncio.Event] = {}
        self._reader: asyncio.Task[None] | None = None
        self._asked = 0
        self._something = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._socket is not None

    @property
    def stalled(self) -> bool:
        return not self._reading.is_set()

    async def connect(self, port: int, token: str) -> None:
        """Connect and take every subscription up where it was left."""
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", port))
        self._socket = await connect(
            f"ws://127.0.0.1:{port}/api/socket",
            sock=own,
            origin=Origin(f"http://127.0.0.1:{port}"),
            subprotocols=[Subprotocol("kubedom.v1")],
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=None,
            max_queue=1,
            compression=None,
            proxy=None,
        )
        self.code = None
        self._reading.set()
        self._reader = asyncio.create_task(self._read(self._socket))
        with contextlib.suppress(ConnectionClosed):
            for telling in self.tellings.values():
                await self._socket.send(json.dumps(telling.subscription()))

    def stall(self) -> None:
        self._reading.clear()

    def go_on(self) -> None:
        self._reading.set()

    async def answered(self) -> bool:
        """Wait until all was received that was sent before now; False where the connection ended instead."""
        assert self._socket is not None
        self._asked += 1
        name = f"q{self._asked}"
        answered = self._answers[name] = asyncio.Event()
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(json.dumps({"type": "?", "id": name}))
        await self.until(lambda: answered.is_set() or self.code is not None)
        return answered.is_set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._something.clear()
                await self._something.wait()

    async def cut(self) -> None:
        """Lose the connection without a word, and whatever was not read."""
        if self._socket is None or self._reader is None:
            return
        self._socket.transport.abort()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._socket = None

    async def _read(self, connection: ClientConnection) -> None:
        while True:
            await self._reading.wait()
            try:
                text = str(await connection.recv())
            except ConnectionClosed as end:
                self.code = end.rcvd.code if end.rcvd else 1006
                self._something.set()
                return
            await self._reading.wait()
            self.raw.append(text)
            message = json.loads(text)
            kind = message["type"]
            if kind == "error":
                self._answers.pop(message["id"]).set()
            elif kind not in {"hello", "heartbeat"}:
                self.tellings[message.get("subscription", "")].take(message)
            self._something.set()
