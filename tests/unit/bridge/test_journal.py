"""A snapshot has no gap to what follows it, and a replay is whole or refused: of a journal, and of a copy of a log."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedom_bridge.jetstream.copy import Copy
from kubedom_bridge.protocol import Entry, EventEntry, Filter
from kubedom_bridge.records import Record, as_replayed
from kubedom_bridge.view import View

from .entries import Page, decoded, deletion, event, histories, state
from .logs import LOGS, Copied, Make, left, message

both = pytest.mark.parametrize("journal", LOGS, ids=["journal", "copy"])

filters = st.builds(
    Filter,
    namespaces=st.sampled_from([frozenset[str](), frozenset({"shop"})]),
    kinds=st.sampled_from([frozenset[str](), frozenset({"Pod"}), frozenset({"Pod", "Node"})]),
    types=st.sampled_from([frozenset[str](), frozenset({"podFailed"}), frozenset({"other"})]),
)


def read(records: list[Record]) -> list[dict[str, object]]:
    return decoded([one.encoded for one in records])


@both
def test_sequences_begin_at_one_and_have_no_gap(journal: Make) -> None:
    one, seen = journal(), list[Record]()
    one.follow(seen.extend)
    one.publish([state(), event()])
    one.publish([])
    one.publish([deletion()])
    assert [record.sequence for record in seen] == [1, 2, 3]
    assert [record.op for record in seen] == ["upsert", "event", "delete"]
    assert one.head == 3


@both
def test_an_event_is_named_by_epoch_and_sequence(journal: Make) -> None:
    one = journal()
    one.publish([state(), told := event()])
    assert told.id == f"{one.epoch}-2"
    assert journal().epoch != one.epoch


@both
def test_a_batch_is_told_once_and_an_empty_one_not_at_all(journal: Make) -> None:
    one, batches = journal(), list[list[Record]]()
    end = one.follow(batches.append)
    one.publish([state(), state("b")])
    one.publish([])
    end()
    one.publish([state()])
    assert [len(batch) for batch in batches] == [2]


@both
@given(histories(), st.data(), filters)
def test_a_snapshot_and_what_follows_it_are_the_whole(
    journal: Make, history: list[Entry], data: st.DataObject, wanted: Filter
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    one, whole = journal(), Page()
    heard: list[Record] = []
    one.follow(heard.extend)
    one.publish(history[:cut])
    snapshot, view, at = one.snapshot(), View(wanted), one.head
    assert (snapshot.epoch, snapshot.sequence) == (one.epoch, at)
    page = Page()
    page.take(sorted(decoded(view.live(snapshot.states)), key=lambda entry: entry["sequence"]))
    assert page.sequence <= at
    page.sequence = at
    for entry in history[cut:]:
        one.publish([entry])
    page.take(read([record for record in heard[cut:] if view.admits(record)]))
    whole.take(read([record for record in heard if view.admits(record)]))
    assert page.states == whole.states
    assert page.events == [sequence for sequence in whole.events if sequence > at]


@both
@given(histories())
def test_the_incidents_of_a_snapshot_are_those_that_are_open(journal: Make, history: list[Entry]) -> None:
    one = journal()
    one.publish(history)
    open_: dict[str, int] = {}
    for entry in history:
        if isinstance(entry, EventEntry) and entry.incident is not None:
            open_.pop(entry.incident.id, None)
            if entry.incident.phase != "end":
                open_[entry.incident.id] = entry.sequence
    found = read(list(one.snapshot().incidents))
    assert {entry["incident"]["id"]: entry["sequence"] for entry in found} == open_
    assert all(entry["replayed"] for entry in found)


@both
@given(histories(), st.integers(1, 12), st.integers(-3, 50))
def test_a_replay_is_whole_or_refused(journal: Make, history: list[Entry], ring: int, since: int) -> None:
    one, heard = journal(ring_entries=ring), list[Record]()
    one.follow(heard.extend)
    for entry in history:
        one.publish([entry])
    replay = one.replay(since)
    forgotten = heard[-ring - 1].sequence if len(heard) > ring else 0
    if forgotten <= since <= one.head:
        assert replay is not None
        assert list(replay) == [record for record in heard if record.sequence > since]
    else:
        assert replay is None


@both
def test_what_is_too_old_is_not_replayed(journal: Make) -> None:
    now = 0.0
    one = journal(clock=lambda: now, ring_seconds=10)
    one.publish([state()])
    now = 10.0
    one.publish([state()])
    assert one.replay(0) is not None
    now = 10.5
    one.publish([state()])
    assert one.replay(0) is None
    assert one.replay(1) is not None


@both
@given(histories(), st.data(), st.booleans())
def test_after_a_gap_each_objects_last_state_is_told_and_each_event_too(
    journal: Make, history: list[Entry], data: st.DataObject, replayed: bool
) -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish(history)
    cut = data.draw(st.integers(0, len(history)))
    entries = decoded(View().missed(heard[cut:], one.superseded, replayed_to=one.head if replayed else 0))
    slow, fast = Page(), Page()
    for page in (slow, fast):
        page.take(read(heard[:cut]))
    fast.take(read(heard[cut:]))
    slow.take(entries)
    assert (slow.states, slow.events) == (fast.states, fast.events)
    told = [entry["uid"] for entry in entries if entry["op"] == "upsert"]
    assert len(told) == len(set(told))
    assert all(entry.get("replayed", False) == replayed for entry in entries if entry["op"] == "event")


@both
def test_a_mark_is_not_set_twice(journal: Make) -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish([event(replayed=True, phase="begin")])
    assert as_replayed(heard[0].encoded).count(b'"replayed"') == 1
    assert next(iter(one.snapshot().incidents)).encoded.count(b'"replayed"') == 1


@both
def test_a_filter_on_types_leaves_states_alone(journal: Make) -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish([state(), event(event_type="podFailed"), event(event_type="podRecovered")])
    view = View(Filter(types=frozenset({"podRecovered"})))
    assert [record.sequence for record in heard if view.admits(record)] == [1, 3]


@both
def test_the_encoding_is_the_protocols(journal: Make) -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish([state(version=7)])
    assert msgspec.json.decode(heard[0].encoded) == {
        "op": "upsert",
        "kind": "Pod",
        "uid": "a",
        "namespace": "default",
        "resourceVersion": "7",
        "time": "2026-11-24T12:00:00.000Z",
        "sequence": 1,
        "object": {"metadata": {"name": "a", "namespace": "default", "uid": "a"}},
    }


def begun_late(one: Copied, **more: Any) -> Copy:
    """A copy that reads what the log has left."""
    late = Copy(one.epoch, clock=lambda: 0.0, **more)
    late.take(map(message, left(one.sent)))
    late.caught_up()
    return late


@given(histories(), st.data())
def test_a_copy_that_is_begun_late_knows_the_same_and_brings_any_page_up_to_date(
    history: list[Entry], data: st.DataObject
) -> None:
    one, heard = Copied(), list[Record]()
    one.follow(heard.extend)
    cut = data.draw(st.integers(0, len(history)))
    one.publish(history[:cut])
    at = one.head
    one.publish(history[cut:])
    late = begun_late(one)
    assert late.head == one.head
    assert set(late.namespaces()) == set(one.namespaces())
    for mine, its in zip(one.snapshot()[2:], late.snapshot()[2:], strict=True):
        assert sorted(read(list(mine)), key=str) == sorted(read(list(its)), key=str)
    replay = late.replay(at)
    if replay is None:
        assert at < late.floor
        return
    page, whole = Page(), Page()
    page.take(read(heard[:cut]))
    page.sequence = at
    page.take(decoded(View().missed(replay, late.superseded)))
    whole.take(read(heard))
    assert (page.states, page.events) == (whole.states, whole.events)


def test_what_a_late_copy_did_not_see_before_is_told_as_gone_where_it_is_not_selected() -> None:
    one = Copied()
    for team in ("a", "b", "c"):
        changed = state()
        changed.object = {"metadata": {"name": "a", "labels": {"team": team}}}
        one.publish([changed])
    late = begun_late(one)
    (record,) = late.replay(2) or ()
    view = View(Filter(label_selector="team=a"))
    assert view.loses(record), "a page that was told of team a would show it for ever"
    # From then on it knows.
    changed.object = {"metadata": {"name": "a", "labels": {"team": "d"}}}
    one.publish([changed])
    late.take([message(one.sent[-1])])
    *_, record = late.replay(3) or ()
    assert not view.loses(record)


def test_a_late_copy_replays_nothing_from_before_the_oldest_that_it_has() -> None:
    one = Copied()
    one.publish([event("gone"), state("a"), state("b")])
    late = Copy(one.epoch, clock=lambda: 0.0)
    # The event has left the log.
    late.take(map(message, one.sent[1:]))
    late.caught_up()
    assert late.replay(0) is None
    assert [record.uid for record in late.replay(1) or ()] == ["a", "b"]


def test_an_incident_stays_open_when_its_event_has_left_the_log() -> None:
    one = Copied()
    one.publish([state("a"), event("a", phase="begin", incident="i1"), event("a", phase="end", incident="i2")])
    late = Copy(one.epoch, clock=lambda: 0.0)
    late.take(message(sent) for sent in one.sent if ".e." not in sent.subject)
    late.caught_up()
    (found,) = late.snapshot().incidents
    assert decoded([found.encoded])[0]["incident"]["id"] == "i1"
    assert found.sequence == 2
    assert decoded([found.encoded])[0]["replayed"]


async def test_who_was_told_more_elsewhere_is_waited_for() -> None:
    one = Copied()
    one.publish([state()])
    waiting = asyncio.create_task(one.reached(2))
    await asyncio.sleep(0)
    assert not waiting.done()
    one.publish([state()])
    await waiting


def test_a_new_log_takes_the_place_of_the_old_one_and_who_follows_goes_on() -> None:
    one, other, heard = Copied(), Copied(), list[Record]()
    one.follow(heard.extend)
    one.publish([state("old")])
    other.publish([state("new"), state("newer")])
    one.adopt(other)
    assert (one.epoch, one.head) == (other.epoch, 2)
    assert {record.uid for record in one.snapshot().states} == {"new", "newer"}
    one.take([message(sent) for sent in other.outbox.tell(deletion("new"))])
    assert [record.uid for record in heard] == ["old", "new"]
