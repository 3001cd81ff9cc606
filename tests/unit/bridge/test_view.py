"""A view tells what its user may see and the page asked for, live and after a gap alike."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import Entry, Filter, StateEntry
from kubedom_bridge.records import Record
from kubedom_bridge.view import NO_RIGHTS, Rights, View

from .entries import Page, decoded, deletion, event, histories, state


def labelled(uid: str, version: int, **labels: str) -> StateEntry:
    entry = state(uid, version)
    entry.object["metadata"]["labels"] = labels
    return entry


def heard(entries: list[Entry]) -> list[Record]:
    journal, records = Journal(clock=lambda: 0.0), list[Record]()
    journal.follow(records.extend)
    journal.publish(entries)
    return records


def told(view: View, entries: list[Entry]) -> list[tuple[str, int]]:
    return [(entry["op"], entry["sequence"]) for entry in decoded(view.live(heard(entries)))]


def test_rights_are_by_kind_and_namespace() -> None:
    rights = Rights(frozenset({"Node"}), frozenset({("Pod", "shop")}))
    assert rights.allow("Node", "")
    assert rights.allow("Pod", "shop")
    assert not rights.allow("Pod", "default")
    assert not rights.allow("Deployment", "shop")
    assert told(View(rights=NO_RIGHTS), [state(), event(), deletion()]) == []


def test_an_event_that_speaks_of_other_kinds_needs_the_right_to_them() -> None:
    entry = event(kind="Deployment", event_type="deploymentPodsFailing")
    entry.speaks_of = ("Pod",)
    assert told(View(rights=Rights(frozenset({"Deployment"}))), [entry]) == []
    assert told(View(rights=Rights(frozenset({"Deployment", "Pod"}))), [entry]) == [("event", 1)]


def test_an_object_that_leaves_the_selector_is_gone_for_the_view() -> None:
    view = View(Filter(label_selector="app=web"))
    history: list[Entry] = [
        labelled("a", 1, app="web"),
        labelled("b", 2, app="api"),
        labelled("a", 3, app="api"),
        labelled("a", 4, app="api"),
        event("a"),
        labelled("a", 6, app="web"),
        event("a"),
        deletion("a"),
    ]
    assert told(view, history) == [("upsert", 1), ("delete", 3), ("upsert", 6), ("event", 7), ("delete", 8)]


def test_only_open_incidents() -> None:
    view = View(Filter(open_incidents=True))
    assert told(view, [state(), event(), event(phase="begin"), event(phase="end")]) == [("event", 3), ("event", 4)]


def test_only_events() -> None:
    view = View(Filter(events_only=True, label_selector="app=web"))
    history: list[Entry] = [
        labelled("a", 1, app="web"),
        event("a"),
        labelled("a", 3, app="api"),
        event("a"),
        deletion("a"),
    ]
    assert told(view, history) == [("event", 2)]


@st.composite
def relabelled(draw: st.DrawFn) -> list[Entry]:
    history = draw(histories())
    for entry in history:
        if isinstance(entry, StateEntry):
            entry.object["metadata"]["labels"] = draw(st.sampled_from([{}, {"app": "web"}, {"app": "api"}]))
    return history


views = st.builds(
    View,
    st.builds(Filter, label_selector=st.sampled_from(["", "app=web", "app!=web", "!app"])),
    st.sampled_from([Rights(None), NO_RIGHTS, Rights(frozenset({"Pod"})), Rights(within=frozenset({("Pod", "shop")}))]),
)


@given(relabelled(), st.data(), views)
def test_who_missed_something_ends_as_who_did_not(history: list[Entry], data: st.DataObject, view: View) -> None:
    records = heard(history)
    cut = data.draw(st.integers(0, len(records)))
    last = {record.uid: record.sequence for record in records if record.op != "event"}

    def superseded(record: Record) -> bool:
        return last[record.uid] > record.sequence

    slow, fast = Page(), Page()
    for page in (slow, fast):
        page.take(decoded(view.live(records[:cut])))
    fast.take(decoded(view.live(records[cut:])))
    slow.take(decoded(view.missed(records[cut:], superseded)))
    assert (slow.states, slow.events) == (fast.states, fast.events)


@given(relabelled(), views)
def test_the_end_is_what_the_view_admits_of_the_snapshot(history: list[Entry], view: View) -> None:
    journal, records = Journal(clock=lambda: 0.0), list[Record]()
    journal.follow(records.extend)
    journal.publish(history)
    page = Page()
    page.take(decoded(view.live(records)))
    shown: list[Any] = [record for record in journal.snapshot().states if view.admits(record)]
    assert set(page.states) == {record.uid for record in shown}
