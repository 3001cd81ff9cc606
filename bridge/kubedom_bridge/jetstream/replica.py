"""Keeps a copy of the log up to date, and says how old it is.

One ordered consumer reads the stream, first all that it has, then what is written. It is begun anew from where the
copy stands whenever a message is missing, the server is silent, or the connection was lost. A stream of another epoch
is read from its beginning into a new copy, which takes the place of the old one once it is whole. Until then, and as
long as NATS or the operator is away, the old copy is what there is, and `warning` says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from kubedom_bridge.records import RING_ENTRIES, RING_SECONDS

from . import beat
from .beat import SILENT_SECONDS, Beat
from .copy import Copy, Message
from .link import NatsSettings, connected, ended, reason, where
from .naming import CLUSTER, EPOCH, VERSION, Names

#: The server says at least so often that it is there.
HEARTBEAT_SECONDS = 5.0
SILENCE_SECONDS = 12.0
RETRY_SECONDS = 0.5
#: So many messages are taken in before others have their turn.
MESSAGES_A_TURN = 200

log = logging.getLogger(__name__)


class Origin(NamedTuple):
    """What the log tells of: the cluster's name and its API server's version."""

    name: str
    version: str


class _Begin(Exception):
    """The consumer is of no use any more."""


class _Signal:
    """Wakes the reader, be it for messages or, where it is given, to begin anew."""

    def __init__(self) -> None:
        self.given = False
        self.awake = asyncio.Event()

    def give(self) -> None:
        """Let the reader begin anew."""
        self.given = True
        self.awake.set()


class Replica:
    """A copy of the log that follows it.

    Args:
        settings: Where the log is.
        name: What the server is told that this is.
        clock: Monotonic seconds.
        ring_entries: How many entries can be replayed at most.
        ring_seconds: How old a replayable entry can be, in seconds.

    """

    def __init__(
        self,
        settings: NatsSettings,
        *,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        ring_entries: int = RING_ENTRIES,
        ring_seconds: float = RING_SECONDS,
    ) -> None:
        self._settings = settings
        self._names = Names(settings.prefix)
        self._name = name
        self._clock = clock
        self._ring_entries = ring_entries
        self._ring_seconds = ring_seconds
        self.journal = self._empty("")
        #: What the log tells of, known once it was read.
        self.origin = Origin("", "")
        self._loaded = asyncio.Event()
        self._connected = False
        self._trouble = ""
        self._begin = _Signal()
        self._heard = clock()
        self._beat: Beat | None = None
        self._beaten = clock()
        self._anew: list[Callable[[], None]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the log as long as the context lasts.

        Raises:
            LogUnreachable: where no server lets us in at first.

        """
        async with connected(self._settings, self._name, changed=self._changed) as client:
            task = asyncio.create_task(self._follow(client), name="log")
            try:
                yield
            finally:
                await ended(task)

    async def loaded(self) -> None:
        """Wait until there is something to show."""
        await self._loaded.wait()

    def on_new_epoch(self, callback: Callable[[], None]) -> None:
        """Call this when the copy of another log has taken the place of the one before."""
        self._anew.append(callback)

    def not_ready(self) -> str:
        """Say why there is nothing to show yet; an empty string where there is, if old."""
        if self._loaded.is_set():
            return ""
        return self.warning() or "the log is read"

    def warning(self) -> str:
        """Say why what is shown may be old; an empty string where it is not."""
        if not self._connected:
            return f"the log at {where(self._settings)} is away"
        if self._trouble:
            return self._trouble
        silent = self._clock() - self._beaten
        if silent > SILENT_SECONDS:
            return f"the operator was not heard for {silent:.0f} s"
        return self._beat.not_ready if self._beat is not None else ""

    def lag(self) -> float:
        """How many seconds what is known here is behind the cluster."""
        silent = self._clock() - self._beaten
        told = self._beat.lag if self._beat is not None else 0.0
        return silent if silent > SILENT_SECONDS else told

    def watch_age(self) -> float:
        """How many seconds ago the API server was heard of the kind of which that is longest."""
        told = self._beat.watch_age if self._beat is not None else 0.0
        return told + self._clock() - self._beaten

    def not_healing(self) -> str:
        """Say why actions are not carried out; an empty string where they are."""
        if self._clock() - self._beaten > SILENT_SECONDS:
            return "Not healing because the operator is away."
        return self._beat.not_healing if self._beat is not None else ""

    def _empty(self, epoch: str) -> Copy:
        return Copy(epoch, clock=self._clock, ring_entries=self._ring_entries, ring_seconds=self._ring_seconds)

    def _changed(self, there: bool) -> None:
        if there != self._connected:
            log.log(
                logging.INFO if there else logging.WARNING,
                "The log at %s is %s.",
                where(self._settings),
                "there" if there else "away; what is known is served on",
            )
        self._connected = there
        self._begin.give()

    async def _follow(self, client: Client) -> None:
        beats = await client.subscribe(self._names.beat, cb=self._hear)
        try:
            while True:
                self._begin.given = False
                try:
                    await self._read(client)
                except _Begin:
                    continue
                except NotFoundError:
                    self._say(f"there is no log yet at {where(self._settings)}: the operator makes it")
                except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
                    self._say(f"the log at {where(self._settings)} cannot be read: {reason(error)}")
                except Exception:
                    # A defect here must not leave the pages with what they have for ever.
                    log.exception("The log could not be read.")
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            if client.is_connected:
                await beats.unsubscribe()

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble and self._connected:
            log.warning("%s.", trouble)
        self._trouble = trouble

    async def _hear(self, message: Msg) -> None:
        try:
            self._beat = beat.decode(message.data)
        except msgspec.MsgspecError as error:
            log.warning("A beat of the operator cannot be read: %s.", error)
            return
        self._beaten = self._clock()
        if self.journal.epoch and self._beat.epoch != self.journal.epoch:
            self._begin.give()

    async def _read(self, client: Client) -> None:
        """Read the stream from where the copy stands until something ends that."""
        context = client.jetstream()
        info = await context.stream_info(self._names.stream)
        metadata = info.config.metadata or {}
        epoch = metadata.get(EPOCH, "")
        # What left the log while nobody read it is missing for ever.
        same = (
            epoch == self.journal.epoch
            and info.state.last_seq >= self.journal.head
            and self._clock() - self._heard < self._ring_seconds
        )
        copy = self.journal if same else self._empty(epoch)
        origin = Origin(metadata.get(CLUSTER, ""), metadata.get(VERSION, ""))
        reader = _Reader(client, self._names.stream, copy, self._begin)
        try:
            await reader.begin()
            while not reader.idle:
                await reader.more()
            copy.caught_up()
            while not copy.complete:
                # A log that is written for the first time: the operator is at it.
                self._say("the log is not complete yet")
                await reader.more()
            self._say("")
            if copy is not self.journal:
                self.journal.adopt(copy)
                reader.copy = self.journal
                self.origin = origin
                if self._loaded.is_set():
                    log.warning("The log begins anew; every page begins anew with it.")
                    for callback in self._anew:
                        callback()
            self._loaded.set()
            while True:
                self._heard = self._clock()
                await reader.more()
        finally:
            await reader.end()


class _Reader:
    """One consumer: gives its messages in order to a copy, and notices when it is of no use any more."""

    def __init__(self, client: Client, stream: str, copy: Copy, signal: _Signal) -> None:
        self.copy = copy
        self._client = client
        self._stream = stream
        self._signal = signal
        self._messages: deque[Message] = deque()
        self._expected = 1
        self._pending = 1
        self._broken = False
        self._subscription: Subscription | None = None

    async def begin(self) -> None:
        """Begin after what the copy has."""
        inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(
            inbox, cb=self._heard, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        info = await self._client.jetstream().add_consumer(
            self._stream,
            ConsumerConfig(
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self.copy.head + 1,
                ack_policy=AckPolicy.NONE,
                max_deliver=1,
                mem_storage=True,
                num_replicas=1,
                idle_heartbeat=HEARTBEAT_SECONDS,
                flow_control=True,
            ),
        )
        if self._expected == 1 and not info.num_pending and not (info.delivered and info.delivered.consumer_seq):
            self._pending = 0

    @property
    def idle(self) -> bool:
        """Whether all that the log has was taken in."""
        return self._pending == 0 and not self._messages

    async def more(self) -> None:
        """Take in what has come, or wait for it.

        Raises:
            _Begin: where another consumer is needed.

        """
        awake = self._signal.awake
        if not self._messages and not self._signal.given:
            awake.clear()
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    await awake.wait()
            except TimeoutError:
                raise _Begin from None
        taken = [self._messages.popleft() for _ in range(min(len(self._messages), MESSAGES_A_TURN))]
        if taken:
            self.copy.take(taken)
            await asyncio.sleep(0)
        if self._signal.given or (self._broken and not self._messages):
            raise _Begin

    async def end(self) -> None:
        """Read no more."""
        # Also while the server is away, or the client subscribes to it again when that is back.
        if self._subscription is not None and not self._client.is_closed:
            try:
                await self._subscription.unsubscribe()
            except nats.errors.Error as error:
                log.debug("NATS: %s", error)

    async def _heard(self, message: Msg) -> None:
        self._signal.awake.set()
        if message.headers and "Status" in message.headers and not message.data:
            # Flow control is to be answered; else it is a heartbeat, which comes when there is nothing more, and which
            # names where to answer if an answer was lost.
            answer = message.reply or message.headers.get("Nats-Consumer-Stalled", "")
            if answer:
                await self._client.publish(answer)
            else:
                self._pending = 0
            return
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>
        *_, sequence, number, written, pending = message.reply.split(".")
        if self._broken or int(number) != self._expected:
            self._broken = True
            return
        self._expected += 1
        self._pending = int(pending)
        part = message.subject.removeprefix(f"{self._stream}.")[:1]
        age = max(0.0, time.time() - int(written) / 1e9)
        self._messages.append(Message(int(sequence), part, age, message.data))
