"""The timer wheel gives each key once, at its latest wish, the earliest first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubedom_operator.timers import TimerWheel

wishes = st.lists(
    st.tuples(st.sampled_from(["set", "set", "due"]), st.sampled_from("abcd"), st.none() | st.integers(0, 50))
)


@given(wishes)
def test_it_is_a_dictionary_of_moments_that_is_emptied_in_order(wishes: list[tuple[str, str, int | None]]) -> None:
    wheel: TimerWheel[str] = TimerWheel()
    moments: dict[str, float] = {}
    for what, key, moment in wishes:
        if what == "set":
            wheel.set(key, moment)
            moments.pop(key, None)
            if moment is not None:
                moments[key] = moment
        else:
            now = moment or 0
            keys = wheel.due(now)
            assert sorted(keys) == sorted(one for one, at in moments.items() if at <= now)
            assert [moments[one] for one in keys] == sorted(moments[one] for one in keys)
            for one in keys:
                del moments[one]
        assert wheel.next_due() == min(moments.values(), default=None)
        assert len(wheel) == len(moments)


def test_a_wish_that_was_put_off_and_back_is_met_once() -> None:
    wheel: TimerWheel[str] = TimerWheel()
    wheel.set("a", 5)
    wheel.set("a", 9)
    wheel.set("a", 5)
    assert wheel.due(10) == ["a"]
    assert wheel.due(10) == []
