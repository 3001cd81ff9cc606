"""Lets pages in: not before there is something to show them, then at a bounded rate, in the order of coming.

A bridge that was started again knows nothing until the first lists are there. A page that came back before that would
be told that everything is gone, and a moment later that all of it is new. And when all pages come back at once they are
served one after the other; nobody is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PER_SECOND = 400.0
BURST = 200.0
#: After so long pages are shown what there is, for some of it may never come.
READY_SECONDS = 15.0
POLL_SECONDS = 0.02


class Arrivals:
    """A queue that lets `burst` in at once and `rate` a second from then on.

    Args:
        rate: How many a second.
        burst: How many at once.
        not_ready: Says why there is nothing to show yet; an empty string where there is.

    """

    def __init__(
        self, rate: float = PER_SECOND, burst: float = BURST, *, not_ready: Callable[[], str] = lambda: ""
    ) -> None:
        self._interval = 1 / rate
        self._ahead = burst / rate
        self._not_ready = not_ready
        self._opening: asyncio.Task[None] | None = None
        self._next = 0.0
        #: How many wait now.
        self.waiting = 0

    async def enter(self) -> None:
        """Wait for one's turn."""
        self.waiting += 1
        try:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
            if not self._opening.done():
                await asyncio.shield(self._opening)
            now = asyncio.get_running_loop().time()
            # When the next turn is, had everybody come at the rate; the burst is how far ahead of it one may be.
            self._next = max(self._next, now - self._ahead) + self._interval
            if self._next > now:
                await asyncio.sleep(self._next - now)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Let nobody wait for the opening any more."""
        if self._opening is not None:
            self._opening.cancel()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        given_up = loop.time() + READY_SECONDS
        while loop.time() < given_up:
            if not self._not_ready():
                return
            # The operator gets ready on another thread, so there is no event to wait for.
            await asyncio.sleep(POLL_SECONDS)
