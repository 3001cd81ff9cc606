"""Whether an event loop still turns, for another thread to ask: a stuck one cannot answer for itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 1.0
#: After so long without a turn a loop counts as stuck.
STUCK_SECONDS = 30.0


class Pulse:
    """Notes every second that a loop had a turn; to be made on that loop.

    Args:
        loop: The loop.
        clock: Monotonic seconds.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop = loop
        self._clock = clock
        self._beat()

    def age(self) -> float:
        """How many seconds ago the loop had its last noted turn; from any thread."""
        return self._clock() - self._at

    def stuck(self, whose: str) -> str:
        """Say that the loop is stuck; an empty string where it is not. From any thread."""
        age = self.age()
        return f"the {whose}'s loop has been stuck for {age:.0f} s" if age > STUCK_SECONDS else ""

    def stop(self) -> None:
        """Note nothing more; called on the loop."""
        self._next.cancel()

    def _beat(self) -> None:
        self._at = self._clock()
        self._next = self._loop.call_later(BEAT_SECONDS, self._beat)
