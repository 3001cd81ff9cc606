"""Lets a stampede in at a bounded rate, in the order of coming, and refuses nobody."""

from __future__ import annotations

import asyncio

PER_SECOND = 400.0
BURST = 200.0


class Arrivals:
    """A queue that lets `burst` in at once and `rate` a second from then on."""

    def __init__(self, rate: float = PER_SECOND, burst: float = BURST) -> None:
        self._interval = 1 / rate
        self._ahead = burst / rate
        self._next = 0.0
        #: How many wait now.
        self.waiting = 0

    async def enter(self) -> None:
        """Wait for one's turn."""
        now = asyncio.get_running_loop().time()
        # When the next turn is, had everybody come at the rate; the burst is how far ahead of it one may be.
        self._next = max(self._next, now - self._ahead) + self._interval
        wait = self._next - now
        if wait <= 0:
            return
        self.waiting += 1
        try:
            await asyncio.sleep(wait)
        finally:
            self.waiting -= 1
