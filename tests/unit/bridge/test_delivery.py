"""Every page ends with the same state and has heard each event once, however slowly it reads."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedom_bridge.delivery import Delivery, Subscriber
from kubedom_bridge.frames import ENTRIES_A_MESSAGE, heartbeat, text_frame
from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import CloseCode, Entry, Filter
from kubedom_bridge.view import View

from .entries import Page, event, histories, state

ALL = View()


class Socket:
    """Keeps the frames that are written to it, and does not drain while `full`."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.full = False
        self.closed: list[int] = []

    def write(self, frame: bytes) -> None:
        assert not self.full, "written to a socket that does not drain"
        self.frames.append(frame)

    def is_congested(self) -> bool:
        return self.full

    def cut_off(self, code: int, reason: str) -> None:
        assert reason
        self.closed.append(code)

    def messages(self) -> list[dict[str, Any]]:
        return [read(frame) for frame in self.frames]

    def sequences(self) -> list[list[int]]:
        return [[entry["sequence"] for entry in message["entries"]] for message in self.messages()]


def read(frame: bytes) -> Any:
    assert frame[0] == 0x81, "one whole text frame"
    length = frame[1]
    start = {126: 4, 127: 10}.get(length, 2)
    return msgspec.json.decode(frame[start:])


def make(*, tick: float = 0.01, stuck: float = 30.0, ring_entries: int = 20_000) -> tuple[Journal, Delivery]:
    journal = Journal(clock=asyncio.get_running_loop().time, ring_entries=ring_entries)
    return journal, Delivery(journal, tick=tick, stuck=stuck)


async def test_the_first_change_leaves_at_once_and_a_burst_is_one_frame() -> None:
    journal, delivery = make(tick=0.05)
    page = Socket()
    delivery.add(page, ALL, 0)
    await asyncio.sleep(0.06)
    journal.publish([state()])
    assert page.sequences() == [[1]]
    for _ in range(50):
        journal.publish([state()])
    assert len(page.frames) == 1
    await asyncio.sleep(0.06)
    assert len(page.frames) == 2
    assert page.sequences()[1] == list(range(2, 52))
    await asyncio.sleep(0.06)
    journal.publish([state()])
    assert page.sequences()[2] == [52]
    delivery.close()


async def test_pages_of_one_filter_share_the_bytes_and_others_get_their_own() -> None:
    journal, delivery = make(tick=0)
    first, second, nodes = Socket(), Socket(), Socket()
    delivery.add(first, View(Filter(kinds=frozenset({"Pod"}))), 0)
    delivery.add(second, View(Filter(kinds=frozenset({"Pod"}))), 0)
    delivery.add(nodes, View(Filter(kinds=frozenset({"Node"}))), 0)
    journal.publish([state(), state("n", kind="Node")])
    assert first.frames[0] is second.frames[0]
    assert (first.sequences(), nodes.sequences()) == ([[1]], [[2]])
    delivery.close()


async def test_nothing_is_written_where_nothing_matches() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    delivery.add(page, View(Filter(namespaces=frozenset({"shop"}))), 0)
    journal.publish([state()])
    assert page.frames == []
    delivery.close()


async def test_a_new_page_is_not_told_what_its_snapshot_had() -> None:
    journal, delivery = make(tick=10)
    early, late = Socket(), Socket()
    delivery.add(early, ALL, 0)
    journal.publish([state()])
    journal.publish([state()])
    delivery.add(late, ALL, journal.head)
    assert early.sequences() == [[1], [2]]
    assert late.frames == []
    delivery.close()


async def test_one_that_left_hears_nothing() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    subscriber = delivery.add(page, ALL, 0)
    delivery.remove(subscriber)
    delivery.remove(subscriber)
    journal.publish([state()])
    delivery.broadcast(heartbeat(1))
    assert page.frames == []
    delivery.close()


async def test_after_its_end_it_follows_no_more_and_writes_nothing_late() -> None:
    journal, delivery = make(tick=0.01)
    page = Socket()
    delivery.add(page, ALL, 0)
    journal.publish([state()])
    journal.publish([state()])
    delivery.close()
    await asyncio.sleep(0.03)
    journal.publish([state()])
    assert page.sequences() == [[1]]


async def test_a_slow_page_is_brought_up_with_the_last_states_and_all_events() -> None:
    journal, delivery = make(tick=0)
    slow = Socket()
    subscriber = delivery.add(slow, ALL, 0)
    slow.full = True
    for version in range(5):
        journal.publish([state("a", version), event("a")])
    delivery.broadcast(heartbeat(10))
    assert slow.frames == []
    slow.full = False
    delivery.drained(subscriber)
    assert slow.sequences() == [[2, 4, 6, 8, 9, 10]]
    delivery.drained(subscriber)
    journal.publish([state()])
    delivery.flush()
    assert slow.sequences()[1:] == [[11]]
    delivery.close()


async def test_a_page_is_not_written_to_between_draining_and_being_brought_up() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    subscriber = delivery.add(page, ALL, 0)
    page.full = True
    journal.publish([state("a")])
    delivery.flush()
    page.full = False
    journal.publish([state("b")])
    delivery.flush()
    assert page.frames == []
    delivery.drained(subscriber)
    assert page.sequences() == [[1, 2]]
    delivery.close()


async def test_much_that_was_missed_comes_in_parts_of_bounded_size_and_in_order() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    subscriber = delivery.add(page, ALL, 0)
    page.full = True
    journal.publish([event() for _ in range(2 * ENTRIES_A_MESSAGE + 1)])
    delivery.flush()
    page.full = False
    delivery.drained(subscriber)
    assert [len(frame) for frame in page.sequences()] == [ENTRIES_A_MESSAGE, ENTRIES_A_MESSAGE, 1]
    assert [one for frame in page.sequences() for one in frame] == list(range(1, 2 * ENTRIES_A_MESSAGE + 2))
    delivery.close()


async def test_one_that_is_further_behind_than_the_journal_reaches_is_cut_off_as_slow() -> None:
    journal, delivery = make(tick=0, ring_entries=3)
    slow, fast = Socket(), Socket()
    subscriber = delivery.add(slow, ALL, 0)
    delivery.add(fast, ALL, 0)
    slow.full = True
    for _ in range(4):
        journal.publish([event()])
    delivery.flush()
    slow.full = False
    delivery.drained(subscriber)
    assert (slow.closed, slow.frames) == ([CloseCode.SLOW], [])
    assert [one for frame in fast.sequences() for one in frame] == [1, 2, 3, 4]
    delivery.close()


async def test_one_that_reads_nothing_for_long_is_cut_off_at_the_next_heartbeat() -> None:
    _, delivery = make(tick=0, stuck=0.02)
    page = Socket()
    delivery.add(page, ALL, 0)
    page.full = True
    delivery.broadcast(heartbeat(0))
    assert page.closed == []
    await asyncio.sleep(0.03)
    delivery.broadcast(heartbeat(0))
    delivery.broadcast(heartbeat(0))
    assert page.closed == [CloseCode.SLOW]
    delivery.close()


async def test_a_heartbeat_reaches_every_page() -> None:
    _, delivery = make()
    pages = [Socket(), Socket()]
    delivery.add(pages[0], ALL, 0)
    delivery.add(pages[1], View(Filter(kinds=frozenset({"Node"}))), 0)
    delivery.broadcast(heartbeat(7))
    assert [page.messages() for page in pages] == [[{"type": "heartbeat", "head": 7}]] * 2
    delivery.close()


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_whole_at_every_length(size: int) -> None:
    text = b'"' + b"x" * size + b'"'
    assert read(text_frame(text)) == "x" * size


marks = st.lists(st.sampled_from(["publish", "publish", "fill", "drain", "flush", "heartbeat"]), max_size=60)


@given(histories(30), marks, st.sampled_from([0.0, 10.0]))
@settings(deadline=None)
def test_fast_and_slow_pages_end_with_the_same_state_and_every_event_once(
    history: list[Entry], marks: list[str], tick: float
) -> None:
    async def run() -> None:
        journal, delivery = make(tick=tick)
        fast, slow = Socket(), Socket()
        delivery.add(fast, ALL, 0)
        subscriber: Subscriber = delivery.add(slow, ALL, 0)
        left = iter(history)
        for mark in [*marks, *("publish" for _ in history)]:
            if mark == "publish" and (entry := next(left, None)) is not None:
                journal.publish([entry])
            elif mark == "fill":
                slow.full = True
            elif mark == "drain" and slow.full:
                slow.full = False
                delivery.drained(subscriber)
            elif mark == "flush":
                delivery.flush()
            elif mark == "heartbeat":
                delivery.broadcast(heartbeat(journal.head))
        slow.full = False
        delivery.drained(subscriber)
        delivery.flush()
        pages = [Page(), Page()]
        for page, socket in zip(pages, (fast, slow), strict=True):
            for message in socket.messages():
                page.take(message.get("entries", []))
        assert pages[0].states == pages[1].states
        assert pages[0].events == pages[1].events == [one.sequence for one in history if one.__class__ is type(event())]
        delivery.close()

    asyncio.run(run())
