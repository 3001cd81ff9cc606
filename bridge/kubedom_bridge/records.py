"""Records: what a log of states and events keeps of each entry, and all that can be asked of it.

In come records in the order of their sequences. Out go a snapshot (the latest state of every object and every open
incident), a replay of all that came after a sequence, or the records as they come. A replay is complete or refused.
The in-process journal and the copy of a shared log are such ledgers; they differ in where their records come from.

A ledger belongs to one event loop.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

RING_ENTRIES = 20_000
RING_SECONDS = 600.0
# The last field of an event, and left out where it is false.
_REPLAYED = b',"replayed":true}'
NO_LABELS: Mapping[str, str] = {}


class Record(NamedTuple):
    """An entry, encoded, with what a view asks of it.

    `labels` are the object's with this record, `labels_before` those of its state before, None where that one is not
    known; `incident` is whether an event belongs to a failure, `speaks_of` the further kinds that it tells of, `first`
    that the object was not known.
    """

    sequence: int
    op: str
    kind: str
    uid: str
    namespace: str
    type: str
    published: float
    encoded: bytes
    labels: Mapping[str, str] = NO_LABELS
    labels_before: Mapping[str, str] | None = NO_LABELS
    incident: bool = False
    speaks_of: tuple[str, ...] = ()
    first: bool = False


class Snapshot(NamedTuple):
    """All that is known at `sequence`: the last state of every object, and every open incident."""

    epoch: str
    sequence: int
    states: Collection[Record]
    incidents: Collection[Record]


class Ledger:
    """The records of one epoch.

    Args:
        epoch: Its name.
        clock: Monotonic seconds, for the ring's age.
        ring_entries: How many entries can be replayed at most.
        ring_seconds: How old a replayable entry can be, in seconds.

    """

    def __init__(
        self,
        epoch: str,
        *,
        clock: Callable[[], float],
        ring_entries: int = RING_ENTRIES,
        ring_seconds: float = RING_SECONDS,
    ) -> None:
        self.epoch = epoch
        self.head = 0
        self._clock = clock
        self._ring_entries = ring_entries
        self._ring_seconds = ring_seconds
        self._ring: deque[Record] = deque()
        #: The first sequence that can be replayed from.
        self.floor = 0
        self._states: dict[str, Record] = {}
        self._incidents: dict[str, Record] = {}
        self._namespaces: Counter[str] = Counter()
        self._followers: list[Callable[[list[Record]], None]] = []

    def snapshot(self) -> Snapshot:
        """What is known now; what comes later follows it without a gap. To be read before that."""
        return Snapshot(self.epoch, self.head, self._states.values(), self._incidents.values())

    def namespaces(self) -> Collection[str]:
        """The namespaces that hold anything now, each of them also by its own object."""
        return self._namespaces.keys()

    def replay(self, sequence: int) -> Iterator[Record] | None:
        """Every record after `sequence`, or None where the ring does not have them all. To be read before more come."""
        if not self.floor <= sequence <= self.head:
            return None
        first = bisect_right(self._ring, sequence, key=lambda record: record.sequence)
        return (self._ring[index] for index in range(first, len(self._ring)))

    async def reached(self, sequence: int) -> None:
        """Wait a while until this sequence is known here, where it is known elsewhere."""

    def superseded(self, record: Record) -> bool:
        """Whether a newer state of this record's object is known, or that it is gone."""
        latest = self._states.get(record.uid)
        return latest is None or latest.sequence > record.sequence

    def follow(self, follower: Callable[[list[Record]], None]) -> Callable[[], None]:
        """Call `follower` with each batch that comes; the returned function ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def _keep(self, record: Record, incident_id: str = "", *, over: bool = False) -> None:
        """Take in the next record; of an event the id of its incident, and whether that is over."""
        self.head = record.sequence
        self._ring.append(record)
        if record.op == "upsert":
            self._states[record.uid] = record
            if record.first:
                self._namespaces[record.namespace] += 1
        elif record.op == "delete":
            if self._states.pop(record.uid, None) is not None:
                self._namespaces[record.namespace] -= 1
                if self._namespaces[record.namespace] <= 0:
                    del self._namespaces[record.namespace]
        elif over:
            self._incidents.pop(incident_id, None)
        elif incident_id:
            self._incidents[incident_id] = record._replace(encoded=as_replayed(record.encoded))

    def _told(self, records: list[Record]) -> None:
        """Tell the followers, and forget what is too old."""
        self._trim()
        if records:
            for follower in tuple(self._followers):
                follower(records)

    def _trim(self) -> None:
        ring, oldest = self._ring, self._clock() - self._ring_seconds
        while ring and (len(ring) > self._ring_entries or ring[0].published < oldest):
            self.floor = ring.popleft().sequence


def as_replayed(event: bytes) -> bytes:
    """Mark an encoded event as one that the page is told of late: no modal, no automatic action."""
    return event if event.endswith(_REPLAYED) else event[:-1] + _REPLAYED


def labels_of(obj: Any) -> Mapping[str, str]:
    """The labels of an object: a projection is a struct, what has come over a wire is a mapping."""
    if isinstance(obj, Mapping):
        return (obj.get("metadata") or {}).get("labels") or NO_LABELS
    return getattr(obj.metadata, "labels", None) or NO_LABELS
