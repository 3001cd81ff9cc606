import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedom_operator.watch.backoff import LONGEST_RETRY_AFTER, Backoff, retry_after

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)


class Highest(random.Random):
    """Always gives the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_bound_doubles_up_to_the_last_and_stays_there() -> None:
    backoff = Backoff(Highest())
    assert [backoff.delay() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_after_a_success_it_begins_again() -> None:
    backoff = Backoff(Highest())
    for _ in range(5):
        backoff.delay()
    backoff.reset()
    assert backoff.delay() == 0.5


@given(st.integers(), st.integers(1, 5_000))
def test_it_never_ends_and_stays_within_the_bounds(seed: int, failures: int) -> None:
    backoff = Backoff(random.Random(seed))
    delays = [backoff.delay() for _ in range(failures)]
    assert all(0 <= delay <= min(0.5 * 2 ** min(turn, 10), 30.0) for turn, delay in enumerate(delays))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("nan", 0),
        ("soon", 0),
        ("inf", LONGEST_RETRY_AFTER),
        ("86400", LONGEST_RETRY_AFTER),
        ("Wed, 01 Jul 2026 12:00:09 GMT", 9),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds
