"""The journal: an ordered log of states and events, with a snapshot that has no gap to what follows it.

In come entries without a sequence; each is given the next one, encoded once and kept in a ring. Out go a snapshot (the
latest state of every object and every open incident), a replay of all that came after a sequence, or the entries as
they are published. An object's entries are always in sequence order, and a replay is complete or refused.

The journal belongs to one event loop: whoever publishes from another thread hands over with `call_soon_threadsafe`.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from . import protocol
from .protocol import DeleteEntry, Entry, EventEntry, StateEntry

RING_ENTRIES = 20_000
RING_SECONDS = 600.0
# The last field of an event, and left out where it is false.
_REPLAYED = b',"replayed":true}'
_NO_LABELS: Mapping[str, str] = {}


class Record(NamedTuple):
    """A published entry, encoded, with what a view asks of it.

    `labels` are the object's with this record, `labels_before` those of its state before; `incident` is whether an
    event belongs to a failure, `speaks_of` the further kinds that it tells of, `first` that it was not known.
    """

    sequence: int
    op: str
    kind: str
    uid: str
    namespace: str
    type: str
    published: float
    encoded: bytes
    labels: Mapping[str, str] = _NO_LABELS
    labels_before: Mapping[str, str] = _NO_LABELS
    incident: bool = False
    speaks_of: tuple[str, ...] = ()
    first: bool = False


class Snapshot(NamedTuple):
    """All that is known at `sequence`: the last state of every object, and every open incident."""

    epoch: str
    sequence: int
    states: Collection[Record]
    incidents: Collection[Record]


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
        self._namespaces: Counter[str] = Counter()
        self._followers: list[Callable[[list[Record]], None]] = []

    def publish(self, entries: Iterable[Entry]) -> None:
        """Append entries in order and tell every follower of them at once."""
        now = self._clock()
        records = [self._append(entry, now) for entry in entries]
        self._trim(now)
        if records:
            for follower in tuple(self._followers):
                follower(records)

    def snapshot(self) -> Snapshot:
        """What is known now; what is published later follows it without a gap. To be read before that."""
        return Snapshot(self.epoch, self.head, self._states.values(), self._incidents.values())

    def namespaces(self) -> Collection[str]:
        """The namespaces that hold anything now, each of them also by its own object."""
        return self._namespaces.keys()

    def replay(self, sequence: int) -> Iterator[Record] | None:
        """Every record after `sequence`, or None where the ring no longer has them all."""
        missed = self.head - sequence
        if missed < 0 or missed > len(self._ring):
            return None
        return (self._ring[index] for index in range(len(self._ring) - missed, len(self._ring)))

    def superseded(self, record: Record) -> bool:
        """Whether a newer state of this record's object is known, or that it is gone."""
        latest = self._states.get(record.uid)
        return latest is None or latest.sequence > record.sequence

    def follow(self, follower: Callable[[list[Record]], None]) -> Callable[[], None]:
        """Call `follower` with each batch that is published; the returned function ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def _append(self, entry: Entry, now: float) -> Record:
        self.head += 1
        entry.sequence = self.head
        known = self._states.get(entry.uid)
        before = known.labels if known is not None else _NO_LABELS
        labels, event_type, incident = before, "", False
        speaks_of: tuple[str, ...] = ()
        if isinstance(entry, EventEntry):
            entry.id = f"{self.epoch}-{self.head}"
            op, event_type, incident, speaks_of = "event", entry.type, entry.incident is not None, entry.speaks_of
        elif isinstance(entry, StateEntry):
            op, labels = "upsert", _labels(entry.object)
        else:
            op = "delete"
        encoded = protocol.encode(entry)
        record = Record(
            self.head,
            op,
            entry.kind,
            entry.uid,
            entry.namespace,
            event_type,
            now,
            encoded,
            labels,
            before,
            incident,
            speaks_of,
            known is None,
        )
        self._ring.append(record)
        if isinstance(entry, StateEntry):
            self._states[entry.uid] = record
            if known is None:
                self._namespaces[entry.namespace] += 1
        elif isinstance(entry, DeleteEntry):
            if self._states.pop(entry.uid, None) is not None:
                self._namespaces[entry.namespace] -= 1
                if self._namespaces[entry.namespace] <= 0:
                    del self._namespaces[entry.namespace]
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


def _labels(obj: Any) -> Mapping[str, str]:
    # A projection is a struct; what has come over a wire is a mapping.
    if isinstance(obj, Mapping):
        return (obj.get("metadata") or {}).get("labels") or _NO_LABELS
    return getattr(obj.metadata, "labels", None) or _NO_LABELS
