"""One timer wheel for all that must be looked at again later, with the clock passed in.

A key has at most one moment. The wheel itself never sleeps: whoever owns it asks `next_due` when to wake and `due` what
for. Seconds since the epoch throughout.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class TimerWheel(Generic[K]):
    """Moments by key; a cancelled moment costs nothing until it would have been due."""

    def __init__(self) -> None:
        self._moments: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._moments)

    def set(self, key: K, moment: float | None) -> None:
        """Look at the key again at `moment`, or not at all with None; an earlier wish for it is forgotten."""
        if moment is None:
            self._moments.pop(key, None)
            return
        if self._moments.get(key) == moment:
            return
        self._moments[key] = moment
        self._order += 1
        heapq.heappush(self._heap, (moment, self._order, key))

    def next_due(self) -> float | None:
        """The earliest moment, None where there is none."""
        while self._heap and self._moments.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[K]:
        """Take the keys whose moment has come, the earliest first."""
        keys = []
        while (moment := self.next_due()) is not None and moment <= now:
            key = heapq.heappop(self._heap)[2]
            del self._moments[key]
            keys.append(key)
        return keys
