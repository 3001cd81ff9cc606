"""The end of a bridge: every page is told to come back, each at another moment, within the time that is left.

Whoever takes over has to serve them all anew, so they are not sent away all at once, and each is told after how many
seconds to try. One that does not go is cut off, so that the process ends in time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from typing import Protocol

from .protocol import CloseCode

#: So many are sent away a second, or more where the time would not do.
PER_SECOND = 50
#: For the answers to the last close frames.
GOODBYE_SECONDS = 3.0


class Leaving(Protocol):
    """What the drain needs of a session."""

    async def close(self, code: int, reason: str) -> None:
        """End the conversation, and wait for the page's answer."""

    def abort(self) -> None:
        """End the connection without a word."""


async def drain(sessions: Collection[Leaving], seconds: float) -> None:
    """Send everybody away.

    Args:
        sessions: Who is connected; nobody comes any more.
        seconds: Over how long at most; it is over `GOODBYE_SECONDS` after that at the latest.

    """
    if not sessions:
        return
    spread = min(seconds, len(sessions) / PER_SECOND)
    loop = asyncio.get_running_loop()
    started = loop.time()
    leaving: dict[asyncio.Task[None], Leaving] = {}
    for number, session in enumerate(sessions, 1):
        hint = random.uniform(0.5, 1.0 + spread)  # noqa: S311 - jitter
        reason = f"kubedom is stopping; retry after {hint:.1f} s"
        leaving[asyncio.create_task(session.close(CloseCode.RESTARTING, reason))] = session
        await asyncio.sleep(max(0.0, started + spread * number / len(sessions) - loop.time()))
    _, pending = await asyncio.wait(leaving, timeout=GOODBYE_SECONDS)
    for task in pending:
        leaving[task].abort()
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
