"""From the thread that makes journal entries to the loop that owns the log.

In come batches of entries on one thread, out go the same entries in the same order on the loop, as one batch for all
that came while the loop was busy. When the loop is behind, states conflate: of one object the newest takes the place
of the one that still waits, so that an event never comes before the state that it belongs to. Events and deletions are
never left out. How long the oldest entry waited is the lag.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .protocol import DeleteEntry, Entry, StateEntry


class Handover:
    """Takes entries on any one thread and gives them to whoever takes them on the loop.

    Args:
        wake: Called on the making thread when there is something to take again; it lets the loop take it soon.
        clock: Monotonic seconds.

    """

    def __init__(self, wake: Callable[[], Any], *, clock: Callable[[], float]) -> None:
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        # Where the state of an object stands that still waits; a deletion ends it.
        self._places: dict[str, int] = {}
        self._since = 0.0
        self._lag = 0.0
        #: How many states a newer one has replaced.
        self.conflated = 0

    def put(self, entries: list[Entry]) -> None:
        """Hand over; called on the making thread."""
        with self._lock:
            idle = not self._waiting
            if idle:
                self._since = self._clock()
            for entry in entries:
                self._add(entry)
        if idle:
            self._wake()

    def take(self) -> list[Entry]:
        """Take all that waits, in order; called on the loop."""
        with self._lock:
            entries, self._waiting = self._waiting, []
            self._places.clear()
            if entries:
                self._lag = self._clock() - self._since
        return entries

    @property
    def waiting(self) -> bool:
        """Whether there is something to take."""
        with self._lock:
            return bool(self._waiting)

    def lag(self) -> float:
        """How many seconds the loop is behind: the age of the oldest entry that waits, or the last batch's."""
        with self._lock:
            return self._clock() - self._since if self._waiting else self._lag

    def _add(self, entry: Entry) -> None:
        if isinstance(entry, StateEntry):
            place = self._places.get(entry.uid)
            if place is not None:
                self._waiting[place] = entry
                self.conflated += 1
                return
            self._places[entry.uid] = len(self._waiting)
        elif isinstance(entry, DeleteEntry):
            self._places.pop(entry.uid, None)
        self._waiting.append(entry)
