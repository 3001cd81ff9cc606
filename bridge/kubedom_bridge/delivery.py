"""Delivery: from the journal to every page's socket.

In come records as the journal publishes them. Out go frames: subscriptions of equal views form a group, its frame
is built once and the same bytes are written to each of its sockets. The first change after a quiet moment leaves at
once; what comes while a flush is due is gathered for `tick` seconds (or as long as the last flush took).

A socket that does not drain is not written to. It is *behind*: when it has drained it is brought up from the journal,
where states conflate and events are all kept; if the journal no longer reaches that far back, it is cut off as slow and
resumes. So a slow page costs no memory here and its neighbours no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from .frames import changes, changes_in_parts, text_frame
from .journal import Journal, Record
from .metrics import Metrics
from .protocol import CloseCode
from .view import View

TICK_SECONDS = 0.010
STUCK_SECONDS = 30.0
WRITE_HIGH_BYTES = 262_144


class Channel(Protocol):
    """What delivery needs of a socket."""

    def write(self, frame: bytes) -> None:
        """Write one whole WebSocket frame."""

    def is_congested(self) -> bool:
        """Whether what was written before has not drained yet."""

    def cut_off(self, code: int, reason: str) -> None:
        """Close the socket, at once if its buffer is stuck."""


class Subscriber:
    """One subscription of a socket and how far it has been told."""

    __slots__ = ("behind_since", "channel", "name", "told", "view")

    def __init__(self, channel: Channel, view: View, told: int, name: str = "") -> None:
        self.channel = channel
        self.view = view
        self.name = name
        self.told = told
        self.behind_since: float | None = None


class Delivery:
    """Tells every subscriber what the journal publishes."""

    def __init__(
        self,
        journal: Journal,
        *,
        tick: float = TICK_SECONDS,
        stuck: float = STUCK_SECONDS,
        metrics: Metrics | None = None,
    ) -> None:
        self._journal = journal
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

    def remove(self, subscriber: Subscriber) -> None:
        """Tell this subscriber nothing more."""
        key = (subscriber.view, subscriber.name)
        group = self._groups.get(key)
        if group is not None:
            group.discard(subscriber)
            if not group:
                del self._groups[key]

    def broadcast(self, message: bytes) -> None:
        """Write one message to every socket that drains, and look after those that do not."""
        frame = text_frame(message)
        told: set[Channel] = set()
        for group in tuple(self._groups.values()):
            for subscriber in tuple(group):
                if not self._is_behind(subscriber) and subscriber.channel not in told:
                    told.add(subscriber.channel)
                    subscriber.channel.write(frame)

    def drained(self, subscriber: Subscriber) -> None:
        """Bring a subscriber up to date that was behind; called when its socket has drained."""
        if subscriber.behind_since is None:
            return
        self.flush()
        records = self._journal.replay(subscriber.told)
        if records is None:
            subscriber.channel.cut_off(CloseCode.SLOW, "too far behind; resume")
            return
        subscriber.behind_since = None
        entries = subscriber.view.missed(records, replayed=False)
        subscriber.told = self._journal.head
        self._metrics.entries.inc(len(entries))
        for message in changes_in_parts(entries, subscriber.name):
            frame = text_frame(message)
            self._metrics.bytes.inc(len(frame))
            subscriber.channel.write(frame)

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
        for (view, name), group in tuple(self._groups.items()):
            self._tell(view, name, group, records, head)
        self._last_flush = self._loop.time()
        self._flush_took = self._last_flush - started
        self._metrics.flush.observe(self._flush_took)

    def _published(self, records: list[Record]) -> None:
        self._waiting.extend(records)
        if self._flush_due is not None:
            return
        wait = self._last_flush + max(self._tick, self._flush_took) - self._loop.time()
        if wait <= 0:
            self.flush()
        else:
            self._flush_due = self._loop.call_later(wait, self._flush_gathered)

    def _flush_gathered(self) -> None:
        self._flush_due = None
        self.flush()

    def _tell(self, view: View, name: str, group: set[Subscriber], records: list[Record], head: int) -> None:
        entries = view.live(records)
        frame = text_frame(changes(entries, name)) if entries else b""
        written = 0
        for subscriber in tuple(group):
            if self._is_behind(subscriber):
                continue
            subscriber.told = head
            if frame:
                subscriber.channel.write(frame)
                written += 1
        self._metrics.entries.inc(len(entries) * written)
        self._metrics.bytes.inc(len(frame) * written)

    def _is_behind(self, subscriber: Subscriber) -> bool:
        now = self._loop.time()
        if subscriber.behind_since is None:
            if not subscriber.channel.is_congested():
                return False
            subscriber.behind_since = now
        elif now - subscriber.behind_since > self._stuck:
            self.remove(subscriber)
            subscriber.channel.cut_off(CloseCode.SLOW, "nothing was read; resume")
        return True
