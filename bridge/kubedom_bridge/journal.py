"""The journal: an ordered log of states and events, with a snapshot that has no gap to what follows it.

In come entries without a sequence; each is given the next one, encoded once and kept as a record (`records.py`), of
which it can be asked. An object's entries are always in sequence order.

The journal belongs to one event loop: whoever publishes from another thread hands over with `call_soon_threadsafe`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from . import protocol
from .protocol import Entry, EventEntry, StateEntry
from .records import NO_LABELS, RING_ENTRIES, RING_SECONDS, Ledger, Record, labels_of


class Journal(Ledger):
    """An in-process journal.

    Args:
        clock: Monotonic seconds, for the ring's age.
        ring_entries: How many entries can be replayed at most.
        ring_seconds: How old a replayable entry can be, in seconds.

    """

    def __init__(
        self, *, clock: Callable[[], float], ring_entries: int = RING_ENTRIES, ring_seconds: float = RING_SECONDS
    ) -> None:
        super().__init__(secrets.token_hex(8), clock=clock, ring_entries=ring_entries, ring_seconds=ring_seconds)

    def publish(self, entries: Iterable[Entry]) -> None:
        """Append entries in order and tell every follower of them at once."""
        now = self._clock()
        self._told([self._append(entry, now) for entry in entries])

    def _append(self, entry: Entry, now: float) -> Record:
        sequence = entry.sequence = self.head + 1
        known = self._states.get(entry.uid)
        before = known.labels if known is not None else NO_LABELS
        labels, event_type, incident = before, "", None
        speaks_of: tuple[str, ...] = ()
        if isinstance(entry, EventEntry):
            entry.id = f"{self.epoch}-{sequence}"
            op, event_type, incident, speaks_of = "event", entry.type, entry.incident, entry.speaks_of
        elif isinstance(entry, StateEntry):
            op, labels = "upsert", labels_of(entry.object)
        else:
            op = "delete"
        record = Record(
            sequence,
            op,
            entry.kind,
            entry.uid,
            entry.namespace,
            event_type,
            now,
            protocol.encode(entry),
            labels,
            before,
            incident is not None,
            speaks_of,
            known is None,
        )
        self._keep(record, incident.id if incident else "", over=incident is not None and incident.phase == "end")
        return record
