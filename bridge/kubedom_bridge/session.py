"""One page's socket, from its first message to its last.

In come the page's messages; out go `hello`, a snapshot or a replay, what delivery tells from then on, and the answers
to commands. A message that cannot be read is answered with the field at fault and the connection goes on; only what is
no message at all ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from . import protocol
from .actions import ActionGateway
from .delivery import Delivery, Subscriber, text_frame
from .errors import CommandRefused, KubedomError
from .journal import Journal, matches, missed
from .protocol import BadMessage, CloseCode, Command, Filter, Position, Subscribe

SUBSCRIBE_SECONDS = 10.0
SNAPSHOT_CHUNK = 250
COMMANDS_IN_FLIGHT = 16

log = logging.getLogger(__name__)


class Greeting(NamedTuple):
    """What a page is told first about where it is."""

    cluster: str
    version: str
    user: str


class TokenBucket:
    """Allow `burst` at once and `rate` a second from then on."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Take one if there is one; `now` in monotonic seconds."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Session:
    """The conversation with one page."""

    def __init__(
        self,
        connection: ServerConnection,
        *,
        journal: Journal,
        delivery: Delivery,
        gateway: ActionGateway,
        greeting: Greeting,
    ) -> None:
        self._connection = connection
        self._journal = journal
        self._delivery = delivery
        self._gateway = gateway
        self._greeting = greeting
        self._subscriber: Subscriber | None = None
        self._commands = TokenBucket(protocol.COMMANDS_PER_SECOND, protocol.COMMAND_BURST)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Converse until the page or the bridge closes."""
        self._send(self._hello())
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS) as waiting:
                async for text in self._connection:
                    waiting.reschedule(None)
                    await self._receive(text)
        except TimeoutError:
            await self._connection.close(CloseCode.BAD_MESSAGE, "no subscribe message came")
        except ConnectionClosed:
            pass
        finally:
            self._unsubscribe()
            for task in tuple(self._tasks):
                task.cancel()

    def drained(self) -> None:
        """Tell what could not be told while the page did not read; called when the socket has drained."""
        if self._subscriber is not None:
            self._delivery.drained(self._subscriber)

    # What delivery needs of a socket.

    def write(self, frame: bytes) -> None:
        """Write one whole WebSocket frame; one that is closing gets nothing more."""
        if self._connection.state is State.OPEN:
            self._connection.transport.write(frame)

    def is_congested(self) -> bool:
        """Whether what was written before has not drained yet."""
        return self._connection.paused

    def cut_off(self, code: int, reason: str) -> None:
        """Close the socket; one whose buffer is stuck is aborted, for no close frame could pass it."""
        if self._connection.paused:
            self._connection.transport.abort()
        else:
            self._task(self._connection.close(code, reason))

    def _send(self, message: bytes) -> None:
        self.write(text_frame(message))

    def _hello(self) -> bytes:
        greeting = self._greeting
        return protocol.encode(
            {
                "type": "hello",
                "protocol": protocol.SUBPROTOCOL,
                "epoch": self._journal.epoch,
                "head": self._journal.head,
                "heartbeat": protocol.HEARTBEAT_SECONDS,
                "cluster": {"name": greeting.cluster, "version": greeting.version},
                "user": {"name": greeting.user},
                "limits": {
                    "maxMessageBytes": protocol.MAX_MESSAGE_BYTES,
                    "commandsPerSecond": protocol.COMMANDS_PER_SECOND,
                },
                "tokenExpires": None,
            }
        )

    async def _receive(self, text: str | bytes) -> None:
        try:
            message = protocol.decode_client_message(text)
        except BadMessage as problem:
            self._send(protocol.error(problem, problem.message_id))
            if problem.fatal:
                await self._connection.close(CloseCode.BAD_MESSAGE, problem.message)
            return
        if isinstance(message, Subscribe):
            await self._subscribe(message)
        elif not self._commands.take(asyncio.get_running_loop().time()) or len(self._tasks) >= COMMANDS_IN_FLIGHT:
            refusal = CommandRefused(
                "tooMany",
                "Too many commands at once.",
                remedy=f"Send at most {protocol.COMMANDS_PER_SECOND:g} a second and wait for their results.",
            )
            self._send(protocol.error(refusal, message.id))
        else:
            self._task(self._command(message))

    def _unsubscribe(self) -> None:
        if self._subscriber is not None:
            self._delivery.remove(self._subscriber)
            self._subscriber = None

    async def _subscribe(self, message: Subscribe) -> None:
        self._unsubscribe()
        told = self._replay(message.filter, message.since) if message.since else None
        if told is None:
            if message.since:
                same = message.since.epoch == self._journal.epoch
                self._send(protocol.resync("the missed events are no longer kept" if same else "kubedom was restarted"))
            told = await self._snapshot(message.filter)
        subscriber = self._delivery.add(self, message.filter, told)
        # Whatever was published while the snapshot drained is fetched from the journal, as for any page that is behind.
        subscriber.behind_since = asyncio.get_running_loop().time()
        self._subscriber = subscriber
        self._delivery.drained(subscriber)

    def _replay(self, wanted: Filter, since: Position) -> int | None:
        records = self._journal.replay(since.sequence) if since.epoch == self._journal.epoch else None
        if records is None:
            return None
        entries = missed((record for record in records if matches(wanted, record)), replayed=True)
        for message in protocol.changes_in_parts(entries):
            self._send(message)
        return self._journal.head

    async def _snapshot(self, wanted: Filter) -> int:
        snapshot = self._journal.snapshot(wanted)
        for start in range(0, len(snapshot.states), SNAPSHOT_CHUNK):
            self._send(protocol.snapshot_chunk(snapshot.states[start : start + SNAPSHOT_CHUNK], ()))
            await self._connection.drain()
        self._send(protocol.snapshot_chunk((), snapshot.incidents))
        self._send(protocol.snapshot_end(snapshot.epoch, snapshot.sequence))
        return snapshot.sequence

    async def _command(self, command: Command) -> None:
        user = self._greeting.user
        what = f"{command.name} {command.target.kind} {command.target.namespace}/{command.target.name}"
        try:
            reference, outcome = await self._gateway.start(command, user)
            log.info("%s asked for %s: %s", user, what, "created" if reference.created else "already there")
            action = {
                "namespace": reference.namespace,
                "name": reference.name,
                "uid": reference.uid,
                "created": reference.created,
            }
            self._send(protocol.encode({"type": "ack", "id": command.id, "action": action}))
            phase, message = await outcome
            self._send(protocol.encode({"type": "result", "id": command.id, "phase": phase, "message": message}))
        except KubedomError as problem:
            log.info("%s asked for %s: refused, %s", user, what, problem)
            self._send(protocol.error(problem, command.id))

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
