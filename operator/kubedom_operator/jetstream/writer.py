"""Writes the log: what the operator tells, in order, each message once, whatever happens to NATS meanwhile.

In come entries from the operator's thread, out go messages with the sequence that each will have. What was not
acknowledged is looked up and sent again when NATS is back; message ids keep it from being there twice. While NATS is
away states conflate. If the log is lost, or has lost what it had acknowledged, another one is begun under a new epoch
with all that is known, which pages take as they take a restart. If somebody else writes, this writer is done.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.handover import Handover
from kubedom_bridge.jetstream import beat
from kubedom_bridge.jetstream.beat import BEAT_SECONDS, Beat
from kubedom_bridge.jetstream.link import LogUnreachable, NatsSettings, connected, ended, reason, where
from kubedom_bridge.jetstream.naming import CLUSTER, EPOCH, VERSION, Names
from kubedom_bridge.jetstream.replica import Replica
from kubedom_bridge.protocol import DeleteEntry, Entry, EventEntry, StateEntry
from kubedom_operator.resuming import Told

from .outbox import Outbox, Sent
from .reading import incidents_of, states_of, told_of

MOST_ON_THE_WAY = 2_000
ANSWER_SECONDS = 10.0
LOAD_SECONDS = 60.0
RETRY_SECONDS = 0.5
FLUSH_SECONDS = 5.0

log = logging.getLogger(__name__)


class LogTaken(KubedomError):
    """Another operator writes the log."""

    exit_code = 7
    code = "logTaken"


class _Interrupted(Exception):
    """What the log has is to be looked up before anything more is sent."""


class LogWriter:
    """The one writer of a log.

    Args:
        settings: Where the log is.
        cluster: The name of the cluster that is told of.
        version: Its API server's version.
        clock: Monotonic seconds.
        written: Told of each event that the log has said that it has.

    """

    def __init__(
        self,
        settings: NatsSettings,
        *,
        cluster: str,
        version: str,
        clock: Callable[[], float] = time.monotonic,
        written: Callable[[list[Entry]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._names = Names(settings.prefix)
        self._cluster = cluster
        self._version = version
        self._clock = clock
        self._written = written
        self._me = secrets.token_hex(8)
        self._loop = asyncio.get_running_loop()
        self._handover = Handover(self._wake_soon, clock=clock)
        self._awake = asyncio.Event()
        self._moved = asyncio.Event()
        self._stack = AsyncExitStack()
        self._client: Client
        self._inbox = ""
        self._attempt = 0
        self._outbox = Outbox(self._names, "", 0, written)
        self._states: dict[str, StateEntry] = {}
        self._incidents: dict[str, EventEntry] = {}
        self._there = False
        self._interrupted = False
        self._heard = clock()
        self._complete = False
        #: Set to what ends this writer for good.
        self.failure: asyncio.Future[KubedomError] = self._loop.create_future()

    def put(self, entries: list[Entry]) -> None:
        """Take entries, in order; called on the operator's thread."""
        self._handover.put(entries)

    def lag(self) -> float:
        """How many seconds the oldest entry has waited that the log does not have."""
        taken = self._clock() - self._heard if len(self._outbox) else 0.0
        return max(taken, self._handover.lag() if self._handover.waiting else 0.0)

    async def connect(self) -> Told:
        """Take the log over, or begin one; what was told before.

        Raises:
            LogUnreachable: where NATS does not answer or has no JetStream.
            LogTaken: where the log tells of another cluster.

        """
        self._client = await self._stack.enter_async_context(
            connected(self._settings, "kubedom operator", changed=self._changed)
        )
        try:
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.*.*", cb=self._answered)
            return await self._take_over()
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
            await self.close()
            raise LogUnreachable(
                f"The log at {where(self._settings)} cannot be used: {reason(error)}.",
                remedy="Check that NATS runs with JetStream, and that it lets the operator make a stream.",
                field="--nats",
            ) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connection."""
        await self._stack.aclose()

    @asynccontextmanager
    async def running(self, state: Callable[[], Beat]) -> AsyncIterator[None]:
        """Write what is put as long as the context lasts, and what waits at its end; then the connection is closed.

        Args:
            state: How the operator is; its epoch and lag are filled in here.

        """
        tasks = [
            asyncio.create_task(self._write(state), name="log"),
            asyncio.create_task(self._beat(state), name="beat"),
        ]
        try:
            yield
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    while (len(self._outbox) or self._handover.waiting) and self._there and not tasks[0].done():
                        self._moved.clear()
                        await self._moved.wait()
            except TimeoutError:
                log.warning("%d messages did not reach the log; the next operator tells them.", len(self._outbox))
        finally:
            for task in tasks:
                await ended(task)
            await self.close()

    def _wake_soon(self) -> None:
        self._loop.call_soon_threadsafe(self._awake.set)

    def _changed(self, there: bool) -> None:
        if there != self._there:
            level = logging.INFO if there else logging.WARNING
            log.log(level, "The log at %s is %s.", where(self._settings), "there" if there else "away")
        self._there = there
        self._interrupted = True
        self._awake.set()
        self._moved.set()

    async def _take_over(self) -> Told:
        context = self._client.jetstream()
        try:
            info = await context.stream_info(self._names.stream)
        except NotFoundError:
            await self._begin_anew()
            return Told()
        self._check(info)
        try:
            await context.get_last_msg(self._names.stream, self._names.complete)
        except NotFoundError:
            # Whoever began it did not come far.
            await self._begin_anew()
            return Told()
        replica = Replica(self._settings, name="kubedom operator, reading", clock=self._clock)
        async with replica.running(), asyncio.timeout(LOAD_SECONDS):
            await replica.loaded()
        copy = replica.journal
        self._outbox = Outbox(self._names, copy.epoch, copy.head, self._written)
        self._complete = True
        self._states, self._incidents = states_of(copy), incidents_of(copy)
        # Whoever wrote it before is refused from here on.
        self._outbox.say(self._names.writer, self._me.encode())
        return told_of(copy)

    def _check(self, info: StreamInfo) -> None:
        metadata = info.config.metadata or {}
        if EPOCH not in metadata:
            raise LogTaken(
                f"The stream {self._names.stream} at {where(self._settings)} is not kubedom's.",
                remedy="Choose another --nats-prefix.",
                field="--nats-prefix",
            )
        if metadata.get(CLUSTER) != self._cluster:
            raise LogTaken(
                f"The log {self._names.stream} at {where(self._settings)} tells of the cluster "
                f"{metadata.get(CLUSTER)}, not of {self._cluster}.",
                remedy="Give each cluster its own --nats-prefix, or delete the stream if the cluster was renamed.",
                field="--nats-prefix",
            )

    async def _begin_anew(self) -> None:
        """Begin another log with all that is known; what no log had is told as news in it."""
        context, untold = self._client.jetstream(), self._outbox.events()
        try:
            await context.delete_stream(self._names.stream)
        except NotFoundError:
            log.debug("There was no log.")
        epoch = secrets.token_hex(8)
        await context.add_stream(
            StreamConfig(
                name=self._names.stream,
                description="What kubedom tells of a cluster.",
                subjects=self._names.subjects,
                storage=StorageType.FILE,
                max_msgs_per_subject=1,
                allow_msg_ttl=True,
                deny_purge=False,
                metadata={EPOCH: epoch, CLUSTER: self._cluster, VERSION: self._version},
            )
        )
        self._outbox = Outbox(self._names, epoch, 0, self._written)
        self._outbox.say(self._names.writer, self._me.encode())
        new = {event.incident.id for event in untold if event.incident is not None}
        for state in self._states.values():
            self._outbox.tell(state)
        for name, incident in self._incidents.items():
            if name not in new:
                self._outbox.stand(incident)
        for event in untold:
            self._outbox.tell(event)
        if self._complete:
            self._outbox.say(self._names.complete, b"{}")

    async def _write(self, state: Callable[[], Beat]) -> None:
        self._interrupted = True
        while True:
            try:
                if self._interrupted:
                    await self._look_up()
                await self._send_on(state)
            except _Interrupted:
                continue
            except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
                log.log(
                    logging.WARNING if self._there else logging.DEBUG,
                    "The log at %s cannot be written: %s.",
                    where(self._settings),
                    reason(error),
                )
                self._interrupted = True
                await asyncio.sleep(RETRY_SECONDS)
            except KubedomError as problem:
                if not self.failure.done():
                    self.failure.set_result(problem)
                return

    async def _look_up(self) -> None:
        """Find out what the log has, and send the rest again."""
        while not self._there:
            self._awake.clear()
            await self._awake.wait()
        self._interrupted = False
        self._attempt += 1
        context = self._client.jetstream()
        acknowledged = self._outbox.first - 1
        try:
            info = await context.stream_info(self._names.stream)
            last = info.state.last_seq
        except NotFoundError:
            info, last = None, -1
        if info is not None:
            self._check(info)
            if (info.config.metadata or {}).get(EPOCH) != self._outbox.epoch or last > self._outbox.head:
                raise self._taken()
        if last < acknowledged:
            log.warning("The log at %s was lost; another one is begun.", where(self._settings))
            await self._begin_anew()
        elif last > acknowledged:
            await self._recognise(last)
        self._heard = self._clock()
        for sent in tuple(self._outbox):
            await self._send(sent)

    async def _recognise(self, last: int) -> None:
        """Make sure that what the log has beyond what it acknowledged is of this writer."""
        found = await self._client.jetstream().get_last_msg(self._names.stream, self._names.writer)
        if found.data != self._me.encode():
            raise self._taken()
        self._outbox.arrived(last)

    def _taken(self) -> LogTaken:
        return LogTaken(
            f"Another operator writes the log {self._names.stream} at {where(self._settings)}.",
            remedy="Let only one run for a cluster; this one ends.",
            field="--nats",
        )

    async def _send_on(self, state: Callable[[], Beat]) -> None:
        """Send what is put, until something is to be looked up."""
        while True:
            # Before what waits is taken, for all that makes it ready was put by then.
            ready = not self._complete and not state().not_ready
            made: list[Sent] = []
            # All of it is in the outbox before any of it is sent, so that nothing is left out if that fails.
            for entry in self._handover.take():
                self._know(entry)
                made += self._outbox.tell(entry)
            if ready:
                self._complete = True
                made.append(self._outbox.say(self._names.complete, b"{}"))
            for sent in made:
                await self._send(sent)
            self._awake.clear()
            if self._handover.waiting:
                continue
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._awake.wait()
            except TimeoutError:
                # Also where nothing is on its way: a log may be lost while nothing is told.
                if self._clock() - self._heard > ANSWER_SECONDS:
                    self._interrupted = True
            if self._interrupted:
                raise _Interrupted

    def _know(self, entry: Entry) -> None:
        if isinstance(entry, StateEntry):
            self._states[entry.uid] = entry
        elif isinstance(entry, DeleteEntry):
            self._states.pop(entry.uid, None)
        elif entry.incident is not None:
            if entry.incident.phase == "end":
                self._incidents.pop(entry.incident.id, None)
            else:
                self._incidents[entry.incident.id] = entry

    async def _send(self, sent: Sent) -> None:
        while not self._interrupted and sent.sequence > self._outbox.first + MOST_ON_THE_WAY:
            self._awake.clear()
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._awake.wait()
        if self._interrupted:
            # It is sent with all that is not acknowledged.
            return
        if sent.sequence == self._outbox.first:
            self._heard = self._clock()
        await self._client.publish(
            sent.subject,
            sent.content,
            reply=f"{self._inbox}.{self._attempt}.{sent.sequence}",
            headers=sent.headers,
        )

    async def _answered(self, message: Msg) -> None:
        attempt, _, sequence = message.subject.removeprefix(f"{self._inbox}.").partition(".")
        if int(attempt) != self._attempt:
            return
        self._heard = self._clock()
        answer: dict[str, Any] = json.loads(message.data) if message.data else {"error": {"description": "no stream"}}
        if "error" in answer:
            log.info("The log refused message %s: %s.", sequence, answer["error"].get("description"))
            self._interrupted = True
        else:
            self._outbox.arrived(int(answer["seq"]))
        self._awake.set()
        self._moved.set()

    async def _beat(self, state: Callable[[], Beat]) -> None:
        while True:
            if self._there and self._outbox.epoch:
                now = state()
                now.epoch, now.lag = self._outbox.epoch, self.lag()
                try:
                    await self._client.publish(self._names.beat, beat.encode(now))
                except (nats.errors.Error, OSError) as error:
                    log.debug("NATS: %s", reason(error))
            await asyncio.sleep(BEAT_SECONDS)
