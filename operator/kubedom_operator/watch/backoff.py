"""How long to wait before the API server is asked again.

Full jitter: a random time up to a bound that doubles with every failure, so that a thousand clients of an API server
that comes back do not all come at once. There is no last attempt.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A server may ask for a pause, but a broken proxy must not silence a kind for a day.
LONGEST_RETRY_AFTER = 300.0


class Backoff:
    """Waiting times of one thing that is tried again and again.

    Args:
        rng: Where the randomness comes from.
        first: The bound of the first waiting time, in seconds.
        last: What the bound grows to.

    """

    def __init__(self, rng: random.Random, *, first: float = 0.5, last: float = 30.0) -> None:
        self._rng = rng
        self._first = first
        self._last = last
        self._bound = first

    def delay(self) -> float:
        """Give the next waiting time."""
        bound = self._bound
        self._bound = min(bound * 2, self._last)
        return self._rng.uniform(0, bound)

    def reset(self) -> None:
        """Begin again: it worked."""
        self._bound = self._first


def retry_after(header: str | None, now: datetime | None = None) -> float:
    """Read a Retry-After header, seconds or a date; 0 where it is missing or nonsense."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - (now or datetime.now(UTC))).total_seconds()
    # `not >` also catches NaN.
    if not seconds > 0:
        return 0.0
    return min(seconds, LONGEST_RETRY_AFTER)
