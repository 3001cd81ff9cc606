"""One page's socket, from its first message to its last.

In come the page's messages; out go `hello`, snapshots or replays, what delivery tells from then on, and the answers
to commands. A message that cannot be read is answered with the field at fault and the connection goes on; only what is
no message at all ends it. What the page is told is never more than its user's rights, which are looked at again while
it is connected.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from . import approvals, audit, frames, protocol, vetoes
from .actions import ActionGateway
from .authority import Authority
from .delivery_traces import DeliveryTraces
from .errors import CommandRefused, KubedomError, NotPermitted
from .frames import text_frame
from .identity import Identity, SignInRefused
from .limits import Buckets
from .metrics import Metrics
from .permissions import Permissions
from .protocol import BadMessage, Can, CloseCode, Command, Seen, Subscribe, Token, Unsubscribe
from .subscriptions import Subscriptions, Telling
from .upgrade import Upgraded

SUBSCRIBE_SECONDS = 10.0
COMMANDS_IN_FLIGHT = 16
#: How long a page stays connected while nobody can say whether its user still may.
UNCONFIRMED_SECONDS = 10.0
#: The commands that end with the request; every other one is an action.
_STARTS = {vetoes.COMMAND: vetoes.start, **dict.fromkeys(approvals.DECISIONS, approvals.start)}
_UNKNOWN_RIGHTS = "your rights cannot be checked at present"


class Greeting(NamedTuple):
    """What a page is told first about where it is."""

    cluster: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Services:
    """What all sessions of a bridge share."""

    telling: Telling
    gateway: ActionGateway
    permissions: Permissions
    authority: Authority
    greeting: Greeting
    metrics: Metrics
    messages: Buckets
    commands: Buckets
    traces: DeliveryTraces | None = None


class Session:
    """The conversation with one page.

    Args:
        connection: Its open socket.
        services: What it is served with.
        identity: Who it is.
        source: The address that it comes from, for the audit.

    """

    def __init__(self, connection: Upgraded, services: Services, identity: Identity, source: str) -> None:
        self._connection = connection
        self._services = services
        self._source = source
        self.identity = identity
        self.compressed = connection.compressed
        self._confirmed = asyncio.get_running_loop().time()
        self._subscriptions = Subscriptions(self, services.telling)
        self._tasks: set[asyncio.Task[None]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._dismissed = False

    async def run(self) -> None:
        """Converse until the page or the bridge closes."""
        try:
            self._subscriptions.apply(await self._services.authority.rights(self.identity))
        except KubedomError:
            await self.close(CloseCode.BUSY, _UNKNOWN_RIGHTS)
            return
        self.send(self._hello())
        self._expire()
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS) as waiting:
                async for text in self._connection:
                    waiting.reschedule(None)
                    # What comes before the answer to a close frame has to be read all the same, or that never comes.
                    if not self._dismissed:
                        await self._receive(text)
        except TimeoutError:
            await self.close(CloseCode.BAD_MESSAGE, "no subscribe message came")
        except ConnectionClosed:
            pass
        finally:
            if self._expiry is not None:
                self._expiry.cancel()
            self._subscriptions.close()
            for task in tuple(self._tasks):
                task.cancel()

    async def close(self, code: int, reason: str) -> None:
        """End the conversation; the reason is cut to what a close frame can hold."""
        if self._connection.state is State.OPEN:
            self._services.metrics.closed.labels(str(code)).inc()
        await self._connection.close(code, reason.encode()[:120].decode(errors="ignore"))

    async def refresh(self) -> None:
        """Look again at who this is and what they may see; called every few seconds.

        It waits for the API server and never for the page, so that one that does not read keeps nobody waiting.
        """
        if self._dismissed:
            return
        loop = asyncio.get_running_loop()
        try:
            self.identity = await self._services.authority.confirm(self.identity)
            rights = await self._services.authority.rights(self.identity)
        except SignInRefused as problem:
            audit.record("refusal", user=self.identity.user.name, source=self._source, outcome="signedOut")
            self._dismiss(CloseCode.SIGN_IN, problem.message)
        except KubedomError:
            if loop.time() - self._confirmed > UNCONFIRMED_SECONDS:
                self._dismiss(CloseCode.BUSY, _UNKNOWN_RIGHTS)
        else:
            self._confirmed = loop.time()
            if self._subscriptions.apply(rights):
                self._task(self._subscriptions.tell_anew())

    def drained(self) -> None:
        """Tell what could not be told while the page did not read; called when the socket has drained."""
        self._subscriptions.drained()

    def beat(self, frame: bytes) -> None:
        """Tell that the connection lives; one that does not drain has no use for it."""
        if not self.is_congested():
            self.write(frame)

    def abort(self) -> None:
        """End the connection without a word; for one that has been told already and does not go."""
        self._connection.transport.abort()

    # What the subscriptions need of a socket.

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
            self._services.metrics.closed.labels(str(code)).inc()
            self._connection.transport.abort()
        else:
            self._task(self.close(code, reason))

    async def drain(self) -> None:
        """Wait until the socket takes more."""
        await self._connection.drain()

    def send(self, message: bytes) -> None:
        """Write one message."""
        frame = text_frame(message)
        self._services.metrics.bytes.inc(len(frame))
        self.write(frame)

    def _hello(self) -> bytes:
        journal, greeting, expires = self._services.telling.journal, self._services.greeting, self.identity.expires
        return protocol.encode(
            protocol.Hello(
                protocol=protocol.SUBPROTOCOL,
                epoch=self._subscriptions.epoch,
                head=journal.head,
                heartbeat=protocol.HEARTBEAT_SECONDS,
                cluster=protocol.ClusterInfo(name=greeting.cluster, version=greeting.version),
                user=protocol.UserInfo(name=self.identity.user.name),
                limits=protocol.Limits(
                    max_message_bytes=protocol.MAX_MESSAGE_BYTES, commands_per_second=protocol.COMMANDS_PER_SECOND
                ),
                token_expires=None if expires is None else datetime.fromtimestamp(expires, UTC).isoformat(),
            )
        )

    def _expire(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self.identity.expires is not None:
            self._expiry = asyncio.get_running_loop().call_later(
                max(0.0, self.identity.expires - time.time()),
                lambda: self._task(self.close(CloseCode.SIGN_IN, "the token has expired")),
            )

    async def _receive(self, text: str | bytes) -> None:
        if not self._services.messages.take(self.identity.user, asyncio.get_running_loop().time()):
            self._dismiss(CloseCode.BACK_OFF, "too many messages; retry after 5 s")
            return
        try:
            message = protocol.decode_client_message(text)
        except BadMessage as problem:
            self.send(frames.error(problem, problem.message_id))
            if problem.fatal:
                self._dismiss(CloseCode.BAD_MESSAGE, problem.message)
            return
        if isinstance(message, Subscribe):
            await self._subscribe(message)
        elif isinstance(message, Unsubscribe):
            await self._subscriptions.end(message.id)
        elif isinstance(message, Token):
            await self._renew(message.token)
        elif isinstance(message, Seen):
            # Without traces it is passed over: another bridge may have told the page of them.
            if self._services.traces is not None:
                self._services.traces.seen(message.traceparents, self)
        elif (
            not self._services.commands.take(self.identity.user, asyncio.get_running_loop().time())
            or len(self._tasks) >= COMMANDS_IN_FLIGHT
        ):
            refusal = CommandRefused(
                "tooMany",
                "Too many commands at once.",
                remedy=f"Send at most {protocol.COMMANDS_PER_SECOND:g} a second and wait for their results.",
            )
            self._services.metrics.commands.labels("tooMany").inc()
            self.send(frames.error(refusal, message.id))
        elif isinstance(message, Can):
            self._task(self._answer(message))
        else:
            self._task(self._command(message))

    def _dismiss(self, code: int, reason: str) -> None:
        self._dismissed = True
        self._task(self.close(code, reason))

    async def _subscribe(self, message: Subscribe) -> None:
        try:
            self._subscriptions.check(message)
        except KubedomError as problem:
            self.send(frames.error(problem, message.id))
            return
        try:
            rights = await self._services.authority.rights(self.identity)
        except KubedomError:
            self._dismiss(CloseCode.BUSY, _UNKNOWN_RIGHTS)
            return
        if self._subscriptions.apply(rights):
            self._task(self._subscriptions.tell_anew())
        await self._subscriptions.begin(message)

    async def _renew(self, token: str) -> None:
        try:
            renewed = await self._services.authority.renew(self.identity, token)
        except KubedomError as problem:
            self.send(frames.error(problem))
            return
        self.identity = renewed
        self._expire()
        # What has a lower sequence than `hello` names counts as a replay, so it has to be told before.
        self._services.telling.delivery.flush()
        self.send(self._hello())

    async def _answer(self, message: Can) -> None:
        try:
            allowed = await self._services.permissions.verdicts(self.identity.user, message.questions)
        except KubedomError as problem:
            self.send(frames.error(problem, message.id))
        else:
            self.send(protocol.encode(protocol.Verdicts(id=message.id, allowed=allowed)))

    async def _command(self, command: Command) -> None:
        user = self.identity.user.name
        what = f"{command.name[:80]} {command.target.kind[:80]} {command.target.namespace}/{command.target.name[:253]}"
        outcome_word, reason = "created", ""
        try:
            api = self._services.authority.api(self.identity)
            start = _STARTS.get(command.name, self._services.gateway.start)
            reference, outcome = await start(command, user, api)
            outcome_word = "created" if reference.created else "alreadyThere"
            action = protocol.ActionInfo(
                namespace=reference.namespace, name=reference.name, uid=reference.uid, created=reference.created
            )
            self.send(protocol.encode(protocol.Ack(id=command.id, action=action)))
        except KubedomError as problem:
            outcome_word = "forbidden" if isinstance(problem, NotPermitted) else "refused"
            reason = str(problem)
            self.send(frames.error(problem, command.id))
            return
        finally:
            self._services.metrics.commands.labels(outcome_word).inc()
            audit.record("command", user=user, source=self._source, target=what, outcome=outcome_word, reason=reason)
        phase, message = await outcome
        self.send(protocol.encode(protocol.Result(id=command.id, phase=phase, message=message)))  # type: ignore[arg-type]

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
