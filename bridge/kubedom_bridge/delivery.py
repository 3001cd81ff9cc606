"""Delivery: from the journal to every page's socket.

In come records as the journal publishes them. Out go frames: subscriptions of equal views form a group, its frame
is built once and the same bytes are written to each of its sockets. The first change after a quiet moment leaves at
once; what comes while a flush is due is gathered for `tick` seconds (or half as long as the last flush took).

A socket that does not drain is not written to. It is *behind*: when it has drained it is brought up from the journal,
where states conflate and events are all kept, and no further than it drains; if the journal no longer reaches that far
back, it is cut off as slow and resumes. So a slow page costs no memory here and its neighbours no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from .delivery_traces import DeliveryTraces
from .frames import changes, text_frame
from .metrics import Metrics
from .protocol import CloseCode
from .records import Ledger, Record
from .view import View

TICK_SECONDS = 0.010
#: After a flush the loop has at least this part of its time for everything else.
PAUSE = 0.5
STUCK_SECONDS = 30.0
WRITE_HIGH_BYTES = 262_144
#: What was missed comes in messages of at most so many records and about so many bytes.
RECORDS_A_MESSAGE = 500
BYTES_A_MESSAGE = 262_144


class Channel(Protocol):
    """What delivery needs of a socket."""

    #: Whether it takes compressed frames.
    compressed: bool

    def write(self, frame: bytes) -> None:
        """Write one whole WebSocket frame."""

    def is_congested(self) -> bool:
        """Whether what was written before has not drained yet."""

    def cut_off(self, code: int, reason: str) -> None:
        """Close the socket, at once if its buffer is stuck."""


class Subscriber:
    """One subscription of a socket and how far it has been told; up to `replayed_to` that is a replay."""

    __slots__ = ("behind_since", "channel", "name", "replayed_to", "told", "view")

    def __init__(self, channel: Channel, view: View, told: int, name: str = "", replayed_to: int = 0) -> None:
        self.channel = channel
        self.view = view
        self.name = name
        self.told = told
        self.replayed_to = replayed_to
        self.behind_since: float | None = None


class Delivery:
    """Tells every subscriber what the journal publishes."""

    def __init__(
        self,
        journal: Ledger,
        *,
        tick: float = TICK_SECONDS,
        stuck: float = STUCK_SECONDS,
        metrics: Metrics | None = None,
        traces: DeliveryTraces | None = None,
    ) -> None:
        self._journal = journal
        self._traces = traces
        self._metrics = metrics or Metrics()
        self._tick = tick
        self._stuck = stuck
        self._groups: dict[tuple[View, str], set[Subscriber]] = {}
        self._waiting: list[Record] = []
        self._flush_due: asyncio.TimerHandle | None = None
        self._last_flush = float("-inf")
        self._flush_took = 0.0
        self._loop = asyncio.get_running_loop()
        self._unfollow: Callable[[], None] = journal.follow(self._published)

    def add(self, channel: Channel, view: View, told: int, name: str = "") -> Subscriber:
        """Tell `channel` all that this view admits after the sequence `told`, under the subscription's name."""
        self.flush()
        subscriber = Subscriber(channel, view, told, name)
        self._groups.setdefault((view, name), set()).add(subscriber)
        return subscriber

    def resume(self, channel: Channel, view: View, told: int, name: str = "", *, replayed: bool = False) -> Subscriber:
        """Do the same for one that may have missed something, beginning with that.

        Args:
            channel: The socket.
            view: What it is told.
            told: Up to which sequence it was told.
            name: The subscription's.
            replayed: Whether the events that it missed are marked as such.

        """
        subscriber = self.add(channel, view, told, name)
        subscriber.replayed_to = self._journal.head if replayed else 0
        subscriber.behind_since = self._loop.time()
        self.drained(subscriber)
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        """Tell this subscriber nothing more."""
        key = (subscriber.view, subscriber.name)
        group = self._groups.get(key)
        if group is not None:
            group.discard(subscriber)
            if not group:
                del self._groups[key]

    def behind(self) -> int:
        """How many subscriptions have not been told all that is known."""
        return sum(one.behind_since is not None for group in tuple(self._groups.values()) for one in tuple(group))

    def cut_off_stalled(self) -> None:
        """Cut off every socket that has read nothing for too long; to be called now and then."""
        for group in tuple(self._groups.values()):
            for subscriber in tuple(group):
                self._is_behind(subscriber)

    def drained(self, subscriber: Subscriber) -> None:
        """Bring a subscriber up to date that was behind, as far as it drains; called when its socket has drained."""
        if subscriber.behind_since is None:
            return
        self.flush()
        while not subscriber.channel.is_congested():
            missed = self._journal.replay(subscriber.told)
            if missed is None:
                self._evict(subscriber, "tooFarBehind", "too far behind; resume")
                return
            records = list(_as_many_as_fit(missed))
            if not records:
                subscriber.behind_since = None
                return
            entries = subscriber.view.missed(records, self._superseded, replayed_to=subscriber.replayed_to)
            subscriber.told = records[-1].sequence
            if entries:
                frame = text_frame(changes(entries, subscriber.name), compressed=subscriber.channel.compressed)
                self._metrics.entries.inc(len(entries))
                self._metrics.bytes.inc(len(frame))
                subscriber.channel.write(frame)
        # It reads, if slowly.
        subscriber.behind_since = self._loop.time()

    def close(self) -> None:
        """Stop following the journal."""
        self._unfollow()
        if self._flush_due is not None:
            self._flush_due.cancel()

    def flush(self) -> None:
        """Write what has been gathered now."""
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        records, self._waiting = self._waiting, []
        if not records:
            return
        started = self._loop.time()
        head = records[-1].sequence
        traced = self._traces.begin(records) if self._traces is not None else ()
        for (view, name), group in tuple(self._groups.items()):
            written = self._tell(view, name, group, records, head)
            for each in traced:
                each.count(view, written)
        if self._traces is not None:
            self._traces.end(traced)
        self._last_flush = self._loop.time()
        self._flush_took = self._last_flush - started
        self._metrics.flush.observe(self._flush_took)

    def _published(self, records: list[Record]) -> None:
        self._waiting.extend(records)
        if self._flush_due is not None:
            return
        wait = self._last_flush + max(self._tick, self._flush_took * PAUSE) - self._loop.time()
        if wait <= 0:
            self.flush()
        else:
            self._flush_due = self._loop.call_later(wait, self._flush_gathered)

    def _flush_gathered(self) -> None:
        self._flush_due = None
        self.flush()

    def _tell(self, view: View, name: str, group: set[Subscriber], records: list[Record], head: int) -> int:
        """Tell a group, and say to how many sockets a frame was written."""
        entries = view.live(records)
        message = changes(entries, name) if entries else b""
        frames: dict[bool, bytes] = {}
        sent = written = 0
        for subscriber in tuple(group):
            if self._is_behind(subscriber):
                continue
            subscriber.told = head
            if not message:
                continue
            channel = subscriber.channel
            frame = frames.get(channel.compressed)
            if frame is None:
                frame = frames[channel.compressed] = text_frame(message, compressed=channel.compressed)
            channel.write(frame)
            written += 1
            sent += len(frame)
        self._metrics.entries.inc(len(entries) * written)
        self._metrics.bytes.inc(sent)
        return written

    def _superseded(self, record: Record) -> bool:
        superseded = self._journal.superseded(record)
        if superseded:
            self._metrics.conflated.inc()
        return superseded

    def _evict(self, subscriber: Subscriber, reason: str, told: str) -> None:
        self.remove(subscriber)
        self._metrics.evicted.labels(reason).inc()
        subscriber.channel.cut_off(CloseCode.SLOW, told)

    def _is_behind(self, subscriber: Subscriber) -> bool:
        if subscriber.behind_since is None:
            if not subscriber.channel.is_congested():
                return False
            subscriber.behind_since = self._loop.time()
        elif self._loop.time() - subscriber.behind_since > self._stuck:
            self._evict(subscriber, "stalled", "nothing was read; resume")
        return True


def _as_many_as_fit(records: Iterable[Record]) -> Iterator[Record]:
    """The first of these records that make one message."""
    size = 0
    for count, record in enumerate(records, 1):
        yield record
        size += len(record.encoded)
        if count >= RECORDS_A_MESSAGE or size >= BYTES_A_MESSAGE:
            return
