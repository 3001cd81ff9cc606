"""The journal: an ordered log of states and events, with a snapshot that has no gap to what follows it.

In come entries without a sequence; each is given the next one, encoded once and kept in a ring. Out go a snapshot (the
latest state of every object and every open incident), a replay of all that came after a sequence, or the entries as
they are published. An object's entries are always in sequence order, and a replay is complete or refused.

The journal belongs to one event loop: whoever publishes from another thread hands over with `call_soon_threadsafe`.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from . import protocol
from .protocol import DeleteEntry, Entry, EventEntry, Filter, StateEntry

RING_ENTRIES = 20_000
RING_SECONDS = 600.0
# The last field of an event, and left out where it is false.
_REPLAYED = b',"replayed":true}'


class Record(NamedTuple):
    """A published entry, encoded, with what a filter asks of it."""

    sequence: int
    op: str
    kind: str
    uid: str
    namespace: str
    type: str
    published: float
    encoded: bytes


class Snapshot(NamedTuple):
    """All that is known at `sequence`: encoded states and encoded open incidents."""

    epoch: str
    sequence: int
    states: list[bytes]
    incidents: list[bytes]


def matches(wanted: Filter, record: Record) -> bool:
    """Whether a page with this filter is to hear of the record."""
    return (
        (not wanted.namespaces or record.namespace in wanted.namespaces)
        and (not wanted.kinds or record.kind in wanted.kinds)
        and (not wanted.types or record.op != "event" or record.type in wanted.types)
    )


class Journal:
    """An in-process journal.

    Args:
        clock: Monotonic seconds, for the ring's age.
        ring_entries: How many entries can be replayed at most.
        ring_seconds: How old a replayable entry can be, in seconds.

    """

    def __init__(
        self, *, clock: Callable[[], float], ring_entries: int = RING_ENTRIES, ring_seconds: float = RING_SECONDS
    ) -> None:
        self.epoch = secrets.token_hex(8)
        self.head = 0
        self._clock = clock
        self._ring_entries = ring_entries
        self._ring_seconds = ring_seconds
        self._ring: deque[Record] = deque()
        self._states: dict[str, Record] = {}
        self._incidents: dict[str, Record] = {}
        self._followers: list[Callable[[list[Record]], None]] = []

    def publish(self, entries: Iterable[Entry]) -> None:
        """Append entries in order and tell every follower of them at once."""
        now = self._clock()
        records = [self._append(entry, now) for entry in entries]
        self._trim(now)
        if records:
            for follower in tuple(self._followers):
                follower(records)

    def snapshot(self, wanted: Filter) -> Snapshot:
        """What is known now; what is published later follows it without a gap."""
        return Snapshot(
            self.epoch,
            self.head,
            [record.encoded for record in self._states.values() if matches(wanted, record)],
            [record.encoded for record in self._incidents.values() if matches(wanted, record)],
        )

    def replay(self, sequence: int) -> Iterator[Record] | None:
        """Every record after `sequence`, or None where the ring no longer has them all."""
        missed = self.head - sequence
        if missed < 0 or missed > len(self._ring):
            return None
        return (self._ring[index] for index in range(len(self._ring) - missed, len(self._ring)))

    def follow(self, follower: Callable[[list[Record]], None]) -> Callable[[], None]:
        """Call `follower` with each batch that is published; the returned function ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def _append(self, entry: Entry, now: float) -> Record:
        self.head += 1
        entry.sequence = self.head
        if isinstance(entry, EventEntry):
            entry.id = f"{self.epoch}-{self.head}"
            op, event_type = "event", entry.type
        else:
            op, event_type = ("upsert" if isinstance(entry, StateEntry) else "delete"), ""
        encoded = protocol.encode(entry)
        record = Record(self.head, op, entry.kind, entry.uid, entry.namespace, event_type, now, encoded)
        self._ring.append(record)
        if isinstance(entry, StateEntry):
            self._states[entry.uid] = record
        elif isinstance(entry, DeleteEntry):
            self._states.pop(entry.uid, None)
        elif entry.incident is not None:
            if entry.incident.phase == "end":
                self._incidents.pop(entry.incident.id, None)
            else:
                self._incidents[entry.incident.id] = record._replace(encoded=as_replayed(encoded))
        return record

    def _trim(self, now: float) -> None:
        ring = self._ring
        while ring and (len(ring) > self._ring_entries or now - ring[0].published > self._ring_seconds):
            ring.popleft()


def as_replayed(event: bytes) -> bytes:
    """Mark an encoded event as one that the page is told of late: no modal, no automatic action."""
    return event if event.endswith(_REPLAYED) else event[:-1] + _REPLAYED


def missed(records: Iterable[Record], *, replayed: bool) -> list[bytes]:
    """What a page has to be told after a gap, in sequence order.

    Of each object only the last state is kept, since the page would overwrite the others unseen. Events are all kept;
    with `replayed` they are marked.
    """
    records = list(records)
    last = {record.uid: record.sequence for record in records if record.op != "event"}
    kept = []
    for record in records:
        if record.op == "event":
            kept.append(as_replayed(record.encoded) if replayed else record.encoded)
        elif last[record.uid] == record.sequence:
            kept.append(record.encoded)
    return kept
