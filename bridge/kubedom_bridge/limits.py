"""How much one user, and all of them together, may ask of the bridge.

Pure: the clock's value is passed in.
"""

from __future__ import annotations

from collections import Counter

from .identity import User

CONNECTIONS_A_USER = 10
CONNECTIONS = 10_000
#: The one local user has every tab for themself.
CONNECTIONS_OF_THE_LOCAL_USER = 1_000
SIGN_INS_PER_SECOND = 1.0
SIGN_IN_BURST = 20.0


class TokenBucket:
    """Allow `burst` at once and `rate` a second from then on."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Take one if there is one; `now` in monotonic seconds."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Give back one that was taken for nothing."""
        self._left = min(self._burst, self._left + 1)

    def is_full(self, now: float) -> bool:
        """Whether it has nothing to remember any more."""
        return self._left + (now - self._at) * self._rate >= self._burst


class Buckets:
    """A bucket for each user or address, forgotten when it is full again."""

    KEPT = 10_000

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[object, TokenBucket] = {}

    def take(self, key: object, now: float) -> bool:
        """Take one of this key's if there is one; `now` in monotonic seconds."""
        if key not in self._buckets and len(self._buckets) >= self.KEPT:
            self._buckets = {kept: bucket for kept, bucket in self._buckets.items() if not bucket.is_full(now)}
            if len(self._buckets) >= self.KEPT:
                return False
        return self._buckets.setdefault(key, TokenBucket(self._rate, self._burst)).take(now)

    def give_back(self, key: object) -> None:
        """Give back what was taken for nothing."""
        if key in self._buckets:
            self._buckets[key].give_back()


class Connections:
    """Counts the connections of each user.

    Args:
        a_user: How many one user may have.
        all_users: How many there may be.

    """

    def __init__(self, a_user: int = CONNECTIONS_A_USER, all_users: int = CONNECTIONS) -> None:
        self._a_user = a_user
        self._all = all_users
        self._counts: Counter[User] = Counter()

    def enter(self, user: User) -> bool:
        """Count one more, if there may be."""
        if self._counts[user] >= self._a_user or self._counts.total() >= self._all:
            return False
        self._counts[user] += 1
        return True

    def leave(self, user: User) -> None:
        """Count one less."""
        self._counts[user] -= 1
        if self._counts[user] <= 0:
            del self._counts[user]
