"""Delivery: from the journal to every page's socket.

In come records as the journal publishes them. Out go frames: subscribers of equal filter form a group, its frame
is built once and the same bytes are written to each of its sockets. The first change after a quiet moment leaves at
once; what comes while a flush is due is gathered for `tick` seconds (or twice what the last flush took).

A socket that does not drain is not written to. It is *behind*: when it has drained it is brought up from the journal,
where states conflate and events are all kept; if the journal no longer reaches that far back, it is cut off as slow and
resumes. So a slow page costs no memory here and its neighbours no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from websockets.frames import Frame, Opcode

from . import protocol
from .journal import Journal, Record, matches, missed
from .protocol import Filter

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
    """One subscribed socket and how far it has been told."""

    __slots__ = ("behind_since", "channel", "filter", "told")

    def __init__(self, channel: Channel, wanted: Filter, told: int) -> None:
        self.channel = channel
        self.filter = wanted
        self.told = told
        self.behind_since: float | None = None


def text_frame(message: bytes) -> bytes:
    """One unmasked WebSocket text frame, ready for any number of sockets."""
    return Frame(Opcode.TEXT, message).serialize(mask=False)


class Delivery:
    """Tells every subscriber what the journal publishes."""

    def __init__(self, journal: Journal, *, tick: float = TICK_SECONDS, stuck: float = STUCK_SECONDS) -> None:
        self._journal = journal
        self._tick = tick
        self._stuck = stuck
        self._groups: dict[Filter, set[Subscriber]] = {}
        self._waiting: list[Record] = []
        self._flush_due: asyncio.TimerHandle | None = None
        self._last_flush = float("-inf")
        self._flush_took = 0.0
        self._loop = asyncio.get_running_loop()
        self._unfollow: Callable[[], None] = journal.follow(self._published)

    def add(self, channel: Channel, wanted: Filter, told: int) -> Subscriber:
        """Tell `channel` all that follows the sequence `told`."""
        self.flush()
        subscriber = Subscriber(channel, wanted, told)
        self._groups.setdefault(wanted, set()).add(subscriber)
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        """Tell this subscriber nothing more."""
        group = self._groups.get(subscriber.filter)
        if group is not None:
            group.discard(subscriber)
            if not group:
                del self._groups[subscriber.filter]

    def broadcast(self, message: bytes) -> None:
        """Write one message to every subscriber that drains, and look after those that do not."""
        frame = text_frame(message)
        for group in tuple(self._groups.values()):
            for subscriber in tuple(group):
                if not self._is_behind(subscriber):
                    subscriber.channel.write(frame)

    def drained(self, subscriber: Subscriber) -> None:
        """Bring a subscriber up to date that was behind; called when its socket has drained."""
        if subscriber.behind_since is None:
            return
        self.flush()
        records = self._journal.replay(subscriber.told)
        if records is None:
            subscriber.channel.cut_off(protocol.CloseCode.SLOW, "too far behind; resume")
            return
        subscriber.behind_since = None
        entries = missed((record for record in records if matches(subscriber.filter, record)), replayed=False)
        subscriber.told = self._journal.head
        for message in protocol.changes_in_parts(entries):
            subscriber.channel.write(text_frame(message))

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
        for wanted, group in tuple(self._groups.items()):
            self._tell(wanted, group, records, head)
        self._last_flush = self._loop.time()
        self._flush_took = self._last_flush - started

    def _published(self, records: list[Record]) -> None:
        self._waiting.extend(records)
        if self._flush_due is not None:
            return
        wait = self._last_flush + max(self._tick, 2 * self._flush_took) - self._loop.time()
        if wait <= 0:
            self.flush()
        else:
            self._flush_due = self._loop.call_later(wait, self._flush_gathered)

    def _flush_gathered(self) -> None:
        self._flush_due = None
        self.flush()

    def _tell(self, wanted: Filter, group: set[Subscriber], records: list[Record], head: int) -> None:
        entries = [record.encoded for record in records if matches(wanted, record)]
        frame = text_frame(protocol.changes(entries)) if entries else b""
        for subscriber in tuple(group):
            if self._is_behind(subscriber):
                continue
            subscriber.told = head
            if frame:
                subscriber.channel.write(frame)

    def _is_behind(self, subscriber: Subscriber) -> bool:
        now = self._loop.time()
        if subscriber.behind_since is None:
            if not subscriber.channel.is_congested():
                return False
            subscriber.behind_since = now
        elif now - subscriber.behind_since > self._stuck:
            self.remove(subscriber)
            subscriber.channel.cut_off(protocol.CloseCode.SLOW, "nothing was read; resume")
        return True
