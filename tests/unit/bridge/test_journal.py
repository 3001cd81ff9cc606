"""A snapshot has no gap to what follows it, and a replay is whole or refused."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import Entry, EventEntry, Filter
from kubedom_bridge.records import Record, as_replayed
from kubedom_bridge.view import View

from .entries import Page, decoded, deletion, event, histories, state

filters = st.builds(
    Filter,
    namespaces=st.sampled_from([frozenset[str](), frozenset({"shop"})]),
    kinds=st.sampled_from([frozenset[str](), frozenset({"Pod"}), frozenset({"Pod", "Node"})]),
    types=st.sampled_from([frozenset[str](), frozenset({"podFailed"}), frozenset({"other"})]),
)


def journal(**more: float) -> Journal:
    return Journal(clock=lambda: 0.0, **more)  # type: ignore[arg-type]


def read(records: list[Record]) -> list[dict[str, object]]:
    return decoded([one.encoded for one in records])


def test_sequences_begin_at_one_and_have_no_gap() -> None:
    one, seen = journal(), list[Record]()
    one.follow(seen.extend)
    one.publish([state(), event()])
    one.publish([])
    one.publish([deletion()])
    assert [record.sequence for record in seen] == [1, 2, 3]
    assert [record.op for record in seen] == ["upsert", "event", "delete"]
    assert one.head == 3


def test_an_event_is_named_by_epoch_and_sequence() -> None:
    one = journal()
    one.publish([state(), told := event()])
    assert told.id == f"{one.epoch}-2"
    assert journal().epoch != one.epoch


def test_a_batch_is_told_once_and_an_empty_one_not_at_all() -> None:
    one, batches = journal(), list[list[Record]]()
    end = one.follow(batches.append)
    one.publish([state(), state("b")])
    one.publish([])
    end()
    one.publish([state()])
    assert [len(batch) for batch in batches] == [2]


@given(histories(), st.data(), filters)
def test_a_snapshot_and_what_follows_it_are_the_whole(
    history: list[Entry], data: st.DataObject, wanted: Filter
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    one, whole = journal(), Page()
    heard: list[Record] = []
    one.follow(heard.extend)
    one.publish(history[:cut])
    snapshot, view = one.snapshot(), View(wanted)
    assert (snapshot.epoch, snapshot.sequence) == (one.epoch, cut)
    page = Page()
    page.take(sorted(decoded(view.live(snapshot.states)), key=lambda entry: entry["sequence"]))
    assert page.sequence <= cut
    page.sequence = cut
    for entry in history[cut:]:
        one.publish([entry])
    page.take(read([record for record in heard[cut:] if view.admits(record)]))
    whole.take(read([record for record in heard if view.admits(record)]))
    assert page.states == whole.states
    assert page.events == [sequence for sequence in whole.events if sequence > cut]


@given(histories())
def test_the_incidents_of_a_snapshot_are_those_that_are_open(history: list[Entry]) -> None:
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


@given(histories(), st.integers(1, 12), st.integers(-3, 50))
def test_a_replay_is_whole_or_refused(history: list[Entry], ring: int, since: int) -> None:
    one, heard = journal(ring_entries=ring), list[Record]()
    one.follow(heard.extend)
    for entry in history:
        one.publish([entry])
    replay = one.replay(since)
    if 0 <= since <= one.head and one.head - since <= ring:
        assert replay is not None
        assert list(replay) == heard[since:]
    else:
        assert replay is None


def test_what_is_too_old_is_not_replayed() -> None:
    now = 0.0
    one = Journal(clock=lambda: now, ring_seconds=10)
    one.publish([state()])
    now = 10.0
    one.publish([state()])
    assert one.replay(0) is not None
    now = 10.5
    one.publish([state()])
    assert one.replay(0) is None
    assert one.replay(1) is not None


@given(histories(), st.data(), st.booleans())
def test_after_a_gap_each_objects_last_state_is_told_and_each_event_too(
    history: list[Entry], data: st.DataObject, replayed: bool
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


def test_a_mark_is_not_set_twice() -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish([event(replayed=True, phase="begin")])
    assert as_replayed(heard[0].encoded).count(b'"replayed"') == 1
    assert next(iter(one.snapshot().incidents)).encoded.count(b'"replayed"') == 1


def test_a_filter_on_types_leaves_states_alone() -> None:
    one, heard = journal(), list[Record]()
    one.follow(heard.extend)
    one.publish([state(), event(event_type="podFailed"), event(event_type="podRecovered")])
    view = View(Filter(types=frozenset({"podRecovered"})))
    assert [record.sequence for record in heard if view.admits(record)] == [1, 3]


def test_the_encoding_is_the_protocols() -> None:
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
