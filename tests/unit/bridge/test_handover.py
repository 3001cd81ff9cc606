"""What one thread makes reaches the journal's loop in order and whole, but for states that are out of date."""

from __future__ import annotations

import asyncio
import threading
import time

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.bridge.entries import deletion, event, state

from kubedom_bridge.handover import Handover
from kubedom_bridge.protocol import DeleteEntry, Entry, EventEntry, StateEntry


class Loop:
    """A loop that runs when it is told to, under a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.published: list[list[Entry]] = []
        self._woken = 0
        self.handover = Handover(self._wake, clock=lambda: self.now)

    def _wake(self) -> None:
        self._woken += 1

    def run(self) -> None:
        woken, self._woken = self._woken, 0
        for _ in range(woken):
            self.published.append(self.handover.take())

    @property
    def entries(self) -> list[Entry]:
        return [entry for batch in self.published for entry in batch]


def test_what_comes_while_the_loop_is_busy_is_one_batch() -> None:
    loop = Loop()
    first, second = state("a"), event("b")
    loop.handover.put([first])
    loop.handover.put([second])
    loop.run()
    assert loop.published == [[first, second]]
    loop.run()
    assert len(loop.published) == 1


def test_a_newer_state_takes_the_place_of_the_one_that_waits_so_events_still_follow_it() -> None:
    loop = Loop()
    old, failed, new = state("a"), event("a"), state("a")
    loop.handover.put([old, failed])
    loop.handover.put([new])
    loop.run()
    (batch,) = loop.published
    assert [id(entry) for entry in batch] == [id(new), id(failed)]
    assert loop.handover.conflated == 1


def test_a_state_that_was_published_is_not_touched_any_more() -> None:
    loop = Loop()
    for _ in range(2):
        loop.handover.put([state("a")])
        loop.run()
    assert len(loop.entries) == 2
    assert loop.handover.conflated == 0


def test_the_lag_is_the_age_of_the_oldest_that_waits_then_what_the_last_batch_waited() -> None:
    loop = Loop()
    assert loop.handover.lag() == 0
    loop.handover.put([state("a")])
    loop.now = 3
    loop.handover.put([state("b")])
    loop.now = 5
    assert loop.handover.lag() == 5
    loop.run()
    assert loop.handover.lag() == 5
    loop.handover.put([state("a")])
    loop.run()
    assert loop.handover.lag() == 0


moves = st.lists(st.tuples(st.sampled_from(["state", "event", "delete", "run"]), st.sampled_from("abc")), max_size=60)


@given(moves)
def test_events_and_deletions_all_come_in_order_and_the_last_state_of_each_object_is_there(
    moves: list[tuple[str, str]],
) -> None:
    loop, told = Loop(), []
    for what, uid in moves:
        if what == "run":
            loop.run()
            continue
        entry: Entry = {"state": state, "event": event, "delete": deletion}[what](uid)
        told.append(entry)
        loop.handover.put([entry])
    loop.run()
    kept = {id(entry) for entry in loop.entries}
    lasting = (EventEntry, DeleteEntry)
    assert [id(one) for one in told if isinstance(one, lasting)] == [
        id(one) for one in loop.entries if isinstance(one, lasting)
    ]
    for uid in "abc":
        states = [one for one in told if isinstance(one, StateEntry) and one.uid == uid]
        if states:
            assert id(states[-1]) in kept
        order = [one for one in loop.entries if one.uid == uid and isinstance(one, StateEntry | DeleteEntry)]
        whole = [one for one in told if one.uid == uid and isinstance(one, StateEntry | DeleteEntry)]
        assert [one for one in whole if id(one) in kept] == order


async def test_between_real_threads_nothing_is_lost() -> None:
    loop = asyncio.get_running_loop()
    published: list[Entry] = []
    made = [event(f"p{number}") for number in range(20_000)]
    complete = asyncio.Event()

    def publish() -> None:
        published.extend(handover.take())
        if len(published) == len(made):
            complete.set()

    handover = Handover(lambda: loop.call_soon_threadsafe(publish), clock=time.monotonic)

    def make() -> None:
        for entry in made:
            handover.put([entry])

    thread = threading.Thread(target=make)
    thread.start()
    await complete.wait()
    thread.join()
    assert [id(entry) for entry in published] == [id(entry) for entry in made]
