"""Histories that a real kubelet wrote, cut anywhere: what is told goes on from what was told."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.diagnosis.replay import Step, recording

from kubedom_bridge import protocol
from kubedom_bridge.protocol import EventEntry
from kubedom_operator.diagnosis import Settings, diagnose

from .listener import KINDS, Listener
from .log import Json
from .restarting import events, listed, resumed


@cache
def recorded() -> tuple[Step, ...]:
    return tuple(recording()) + tuple(recording("nodedown-"))


def subject(step: Step) -> str:
    about = step.object.involved_object if step.kind == "Event" else None
    return str(about.uid if about is not None else step.object.metadata.uid)


@cache
def subjects() -> tuple[str, ...]:
    return tuple(sorted({subject(step) for step in recorded()}))


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """All of a recording, or that of a few objects."""
    if draw(st.integers(0, 5)) == 0:
        return list(recording(draw(st.sampled_from(["", "nodedown-"]))))
    chosen = draw(st.sets(st.sampled_from(subjects()), min_size=1, max_size=6))
    return [step for step in recorded() if subject(step) in chosen]


def play(listener: Listener, steps: list[Step]) -> None:
    for step in steps:
        listener.advance(step.time)
        if step.type == "DELETED":
            listener.gone(step.kind, step.object.metadata.uid, str(step.version))
        else:
            listener.changed(step.kind, step.object)


def everything(listener: Listener) -> dict[str, tuple[str, Any]]:
    return listener.objects | {uid: ("Event", event) for uid, event in listener.events.items()}


def left(before: dict[str, tuple[str, Any]], steps: list[Step]) -> dict[str, tuple[str, Any]]:
    """What there is after some steps that nobody watched."""
    after = dict(before)
    for step in steps:
        uid = step.object.metadata.uid
        after.pop(uid, None)
        if step.type != "DELETED":
            after[uid] = (step.kind, step.object)
    return after


def shown(listener: Listener) -> dict[str, Json]:
    """The states that the page has, but for when they were told."""
    bodies = {uid: json.loads(protocol.encode(state)) for uid, state in listener.states.items()}
    return {uid: body | {"time": "", "sequence": 0} for uid, body in bodies.items()}


def restarts(listener: Listener, since: int = 0) -> list[tuple[str, str, int]]:
    told = [one for one in listener.entries[since:] if isinstance(one, EventEntry) and one.type == "podRestarted"]
    return sorted((one.uid, one.detail["container"], one.detail["restartCount"]) for one in told)


orders = st.permutations(KINDS).map(tuple)


@given(histories(), st.integers(0, 2000), orders)
@settings(max_examples=150, deadline=None)
def test_where_nothing_changed_nothing_is_told(steps: list[Step], cut: int, order: tuple[str, ...]) -> None:
    before = Listener()
    play(before, steps[: cut % (len(steps) + 1)])
    # What a roll-up holds back for a moment would be told by the next one.
    before.advance(before.now + 2)
    after = resumed(before)
    listed(after, everything(before), order)
    assert after.entries == []
    assert after.pipeline.not_ready(KINDS) == ""
    assert after.open == before.open


@given(histories(), st.integers(0, 2000), st.integers(0, 600), st.sampled_from([0, 1, 30, 300, 3000]), orders)
@settings(max_examples=300, deadline=None)
def test_what_changed_meanwhile_is_told_once_and_as_news(
    steps: list[Step], cut: int, missed: int, away: int, order: tuple[str, ...]
) -> None:
    cut %= len(steps) + 1
    before = Listener()
    play(before, steps[:cut])
    now = max(before.now, *(step.time for step in steps[cut : cut + missed]), 0.0) + away
    there = left(everything(before), steps[cut : cut + missed])
    after = resumed(before, now)

    # The oracle: one that was never interrupted, but heard nothing meanwhile.
    told, began = len(before.entries), dict(before.open)
    before.now = now
    for kind in ("Event", *(kind for kind in KINDS if kind != "Event")):
        for found, obj in there.values():
            if found == kind:
                before.changed(kind, obj)
    for uid, (kind, _) in everything(before).items():
        if uid not in there:
            before.gone(kind, uid)
    listed(after, there, order)

    assert after.pipeline.not_ready(KINDS) == ""
    assert shown(after) == shown(before)
    assert restarts(after) == restarts(before, told)
    for incident in before.open.keys() ^ after.open.keys():
        # A hold that no object remembers begins anew.
        one = before.open[incident]
        assert one.incident is not None
        assert incident not in began
        pending = diagnose(there[one.uid][1], before.mirror.related(one.kind, there[one.uid][1]), now, Settings())
        members = one.incident.kind.endswith("PodsFailing")
        assert members or one.incident.kind in {failure.kind for failure in pending.pending}
    phases = [(one.incident.id, one.incident.phase) for one in events(after) if one.incident]
    assert len(phases) == len(set(phases)), "told twice"
    assert {each for each, phase in phases if phase == "begin"} == after.open.keys() - began.keys()
    assert {each for each, phase in phases if phase == "end"} == began.keys() - after.open.keys()
    assert not any(one.replayed for one in events(after) if one.uid in began or one.type == "podRestarted")

    for listener in (before, after):
        listener.advance(now + 7200)
    assert before.open.keys() == after.open.keys()
    assert shown(after) == shown(before)
