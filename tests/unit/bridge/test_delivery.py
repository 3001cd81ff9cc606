"""Every page ends with the same state and has heard each event once, however slowly it reads."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedom_bridge.delivery import BYTES_A_MESSAGE, RECORDS_A_MESSAGE, Delivery, Subscriber
from kubedom_bridge.frames import text_frame
from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import CloseCode, Entry, Filter
from kubedom_bridge.view import View

from .entries import Page, deletion, event, histories, state

ALL = View()


class Socket:
    """Keeps the frames that are written to it, and does not drain while `full`, or after `limit` frames."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.full = False
        self.limit = 0
        self.closed: list[int] = []
        self.compressed = False

    def write(self, frame: bytes) -> None:
        assert not self.full, "written to a socket that does not drain"
        self.frames.append(frame)
        self.full = len(self.frames) == self.limit

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
    assert frame[0] in {0x81, 0xC1}, "one whole text frame"
    length = frame[1]
    payload = frame[{126: 4, 127: 10}.get(length, 2) :]
    if frame[0] & 0x40:
        payload = zlib.decompress(payload + b"\0\0\xff\xff\x01\0\0\xff\xff", wbits=-15)
    return msgspec.json.decode(payload)


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
    delivery.cut_off_stalled()
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
    journal.publish([event() for _ in range(2 * RECORDS_A_MESSAGE + 1)])
    delivery.flush()
    page.full = False
    delivery.drained(subscriber)
    assert [len(frame) for frame in page.sequences()] == [RECORDS_A_MESSAGE, RECORDS_A_MESSAGE, 1]
    assert [one for frame in page.sequences() for one in frame] == list(range(1, 2 * RECORDS_A_MESSAGE + 2))
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


async def test_one_that_reads_nothing_for_long_is_cut_off_once() -> None:
    _, delivery = make(tick=0, stuck=0.02)
    page = Socket()
    delivery.add(page, ALL, 0)
    page.full = True
    delivery.cut_off_stalled()
    assert page.closed == []
    await asyncio.sleep(0.03)
    delivery.cut_off_stalled()
    delivery.cut_off_stalled()
    assert page.closed == [CloseCode.SLOW]
    delivery.close()


async def test_what_was_missed_is_told_no_faster_than_it_is_read() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    page.limit = 1
    journal.publish([event(detail={"text": "x" * 1000}) for _ in range(3 * RECORDS_A_MESSAGE)])
    subscriber = delivery.resume(page, ALL, 0)
    while page.full:
        assert len(page.frames[-1]) < BYTES_A_MESSAGE + 2000
        journal.publish([event()])
        delivery.flush()
        page.full = False
        delivery.drained(subscriber)
        page.limit = len(page.frames) + 1 if len(page.frames) < 7 else 0
    assert [one for frame in page.sequences() for one in frame] == list(range(1, journal.head + 1))
    assert len(page.frames) > 6
    delivery.close()


async def test_what_is_missed_before_one_resumes_is_a_replay_and_what_comes_then_is_not() -> None:
    journal, delivery = make(tick=0)
    page = Socket()
    page.limit = 1
    journal.publish([event() for _ in range(RECORDS_A_MESSAGE + 1)])
    subscriber = delivery.resume(page, ALL, 0, replayed=True)
    journal.publish([event()])
    page.full, page.limit = False, 0
    delivery.drained(subscriber)
    replayed = [entry.get("replayed", False) for message in page.messages() for entry in message["entries"]]
    assert replayed == [True] * (RECORDS_A_MESSAGE + 1) + [False]
    delivery.close()


async def test_compressed_frames_are_shared_and_mean_the_same() -> None:
    journal, delivery = make(tick=0)
    plain, packed, also = Socket(), Socket(), Socket()
    packed.compressed = also.compressed = True
    for page in (plain, packed, also):
        delivery.add(page, ALL, 0)
    journal.publish([event(detail={"text": "x" * 5000})])
    journal.publish([deletion()])
    assert packed.frames[0] is also.frames[0]
    assert len(packed.frames[0]) < len(plain.frames[0]) / 10
    assert packed.messages() == plain.messages()
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
                delivery.cut_off_stalled()
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
