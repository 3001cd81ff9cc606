"""A bridge's copy of the log: a ledger that is filled with the log's messages.

In come messages in the stream's order; out comes all that a ledger can be asked. Pure. The stream has only the last
state of each object, so a copy that was begun late does not know an object's labels before what it read first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from kubedom_bridge.records import NO_LABELS, RING_ENTRIES, RING_SECONDS, Ledger, Record, as_replayed

#: What tells of the cluster: states, events and incidents. The rest is between the writers.
_TOLD = frozenset("sei")
#: How long a page that was told more elsewhere is let wait for it here.
REACH_SECONDS = 5.0


class Message(NamedTuple):
    """One message of the stream, written `age` seconds ago; `part` is its subject's first token after the prefix."""

    sequence: int
    part: str
    age: float
    content: bytes


class _Metadata(msgspec.Struct, gc=False):
    labels: dict[str, str] = {}


class _Object(msgspec.Struct, gc=False):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Incident(msgspec.Struct, gc=False):
    id: str
    phase: str


class _Entry(msgspec.Struct, rename="camel", gc=False):
    """What a record needs of an entry; the rest is passed over."""

    op: str
    kind: str
    uid: str
    namespace: str = ""
    type: str = ""
    sequence: int = 0
    object: _Object | None = None
    incident: _Incident | None = None
    speaks_of: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Entry).decode


class Copy(Ledger):
    """A ledger that is filled from the log.

    Args:
        epoch: The log's.
        clock: Monotonic seconds.
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
        super().__init__(epoch, clock=clock, ring_entries=ring_entries, ring_seconds=ring_seconds)
        #: Whether the log has said that it tells all that there is.
        self.complete = False
        # Until it has caught up, an object that is met for the first time may have been there before.
        self._loading = True
        self._moved = asyncio.Event()

    def take(self, messages: Iterable[Message]) -> None:
        """Take in the next messages, and tell the followers of what they say."""
        now = self._clock()
        records: list[Record] = []
        for message in messages:
            if message.part == "k":
                self.complete = True
            elif message.part in _TOLD:
                self._take(message, now, records)
            self.head = message.sequence
        self._told(records)
        self._moved.set()

    def caught_up(self) -> None:
        """Say that all which the log had at the beginning was taken in."""
        if not self._loading:
            return
        self._loading = False
        # What was written before the first that can be replayed may have left the log already.
        self.floor = self._ring[0].sequence - 1 if self._ring else self.head

    async def reached(self, sequence: int) -> None:
        """Wait a while until this sequence is known here: another bridge may have been quicker."""
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while self.head < sequence:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return

    def adopt(self, other: Copy) -> None:
        """Become the copy of another log; whoever follows goes on following."""
        self.epoch, self.head, self.complete = other.epoch, other.head, other.complete
        self._ring, self.floor = other._ring, other.floor
        self._states, self._incidents, self._namespaces = other._states, other._incidents, other._namespaces
        self._loading = other._loading
        self._moved.set()

    def _take(self, message: Message, now: float, records: list[Record]) -> None:
        entry = _decode(message.content)
        incident = entry.incident
        over = incident is not None and incident.phase == "end"
        if message.part == "i":
            if incident is not None:
                self._again(entry, incident, message, now, over=over)
            return
        known = self._states.get(entry.uid)
        labels = before = known.labels if known is not None else None if self._loading else NO_LABELS
        if entry.op == "upsert":
            labels = (entry.object.metadata.labels or NO_LABELS) if entry.object is not None else NO_LABELS
        record = Record(
            message.sequence,
            entry.op,
            entry.kind,
            entry.uid,
            entry.namespace,
            entry.type,
            now - message.age,
            message.content,
            labels or NO_LABELS,
            before,
            incident is not None,
            entry.speaks_of,
            known is None,
        )
        self._keep(record, incident.id if incident is not None else "", over=over)
        records.append(record)

    def _again(self, entry: _Entry, incident: _Incident, message: Message, now: float, *, over: bool) -> None:
        """Take in an incident once more; it is news only where its event is no longer in the log."""
        if over:
            self._incidents.pop(incident.id, None)
            return
        known = self._incidents.get(incident.id)
        if known is not None and known.sequence >= entry.sequence:
            return
        state = self._states.get(entry.uid)
        self._incidents[incident.id] = Record(
            entry.sequence,
            entry.op,
            entry.kind,
            entry.uid,
            entry.namespace,
            entry.type,
            now - message.age,
            as_replayed(message.content),
            state.labels if state is not None else NO_LABELS,
            NO_LABELS,
            True,
            entry.speaks_of,
            False,
        )
