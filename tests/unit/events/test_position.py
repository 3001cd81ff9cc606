"""A client tells each event once and asks for what it missed, whatever comes between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.bridge.entries import event

from kubedom_bridge.protocol import Position
from kubedom_operator.events.items import Event, Gap, Listed, Over
from kubedom_operator.events.position import Follower

from .told import changes, heartbeat, resync, sequences, snapshot, snapshot_end, taken


@pytest.fixture
def follower() -> Follower:
    made = Follower()
    made.opened()
    taken(made, snapshot(), snapshot_end("e", 10))
    return made


def test_there_is_no_position_before_a_snapshot_is_complete() -> None:
    follower = Follower()
    follower.opened()
    assert follower.position is None
    taken(follower, snapshot())
    assert follower.position is None
    taken(follower, snapshot_end("e", 10))
    assert follower.position == Position(epoch="e", sequence=10)


def test_the_position_moves_with_what_comes(follower: Follower) -> None:
    assert sequences(taken(follower, changes(11, 15))) == [11, 15]
    assert follower.position == Position(epoch="e", sequence=15)


def test_what_was_told_is_not_told_again(follower: Follower) -> None:
    taken(follower, changes(11, 12))
    follower.opened()
    assert sequences(taken(follower, changes(11, 12, 13))) == [13]


def test_a_snapshot_tells_what_is_open_once() -> None:
    follower = Follower()
    follower.opened()
    one = event("a", phase="begin")
    first = taken(follower, snapshot(one))
    # It breaks off, and comes again.
    follower.opened()
    again = taken(follower, snapshot(one, event("b", phase="begin")), snapshot_end("e", 3))
    assert [item.entry.name for item in [*first, *again] if isinstance(item, Event)] == ["a", "b"]
    assert again[-1] == Listed()
    assert all(item.opening for item in again if isinstance(item, Event))


def test_after_a_gap_only_what_was_not_told_is_told_and_what_is_over_is_counted(follower: Follower) -> None:
    taken(follower, changes(11, phase="begin"), changes(12, phase="begin"))
    items = taken(follower, resync(), snapshot(event("u11", phase="begin"), event("c", phase="begin")))
    assert items[0] == Gap("kubedom was restarted")
    assert [item.entry.name for item in items if isinstance(item, Event)] == ["c"]
    assert follower.position is None
    assert taken(follower, snapshot_end("f", 4)) == [Over(1), Listed()]
    assert follower.position == Position(epoch="f", sequence=4)
    # The sequences of another epoch begin anew.
    assert sequences(taken(follower, changes(5))) == [5]


def test_what_ended_is_told_as_open_when_it_begins_again(follower: Follower) -> None:
    taken(follower, changes(11, phase="begin"), changes(12, phase="begin"))
    ended = event("u11", phase="end")
    ended.sequence = 13
    assert len(taken(follower, changes(13, phase="end"))) == 1
    items = taken(follower, resync(), snapshot(event("u13", phase="begin")), snapshot_end("f", 1))
    assert [item.entry.name for item in items if isinstance(item, Event)] == ["u13"]


def test_quiet_heartbeats_move_the_position_one_beat_late(follower: Follower) -> None:
    taken(follower, heartbeat(100))
    assert follower.position == Position(epoch="e", sequence=10)
    # What it overtook is told.
    assert sequences(taken(follower, changes(99))) == [99]
    taken(follower, heartbeat(200))
    assert follower.position == Position(epoch="e", sequence=100)
    follower.opened()
    taken(follower, heartbeat(300))
    assert follower.position == Position(epoch="e", sequence=100)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_over_any_number_of_cuts_each_event_is_told_once(steps: list[tuple[int, bool]]) -> None:
    follower = Follower()
    follower.opened()
    taken(follower, snapshot(), snapshot_end("e", 0))
    head, told = 0, []
    for happened, cut in steps:
        head += happened
        assert follower.position is not None
        since = follower.position.sequence
        # A bridge tells from `since` on; one that repeats some is believed as little.
        told += sequences(taken(follower, changes(*range(max(1, since - 1), head + 1))))
        if cut:
            follower.opened()
    assert told == list(range(1, head + 1))
