"""Whatever a watch source tells, what the pages hear of it fits together."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.diagnosis.objects import NOW, ago, cond, container, ended, metadata, pod, running, waiting
from tests.unit.diagnosis.replay import Step, recording

from kubedom_bridge.protocol import DeleteEntry, EventEntry, StateEntry
from kubedom_operator.diagnosis import Settings, diagnose
from kubedom_operator.projection import UnreadableObject, from_object, minimal

from .listener import Listener


@cache
def recorded() -> tuple[Step, ...]:
    return tuple(recording()) + tuple(recording("nodedown-"))


def subject(step: Step) -> str:
    about = step.object.involved_object if step.kind == "Event" else None
    return str(about.uid if about is not None else step.object.metadata.uid)


@cache
def subjects() -> tuple[str, ...]:
    return tuple(sorted({subject(step) for step in recorded()}))


WHAT = ("next", "next", "next", "next", "skip", "again", "relist", "delete", "wait", "nudge")
moves = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 900)), min_size=10, max_size=120)


@st.composite
def some_objects(draw: st.DrawFn) -> list[Step]:
    chosen = draw(st.sets(st.sampled_from(subjects()), min_size=1, max_size=4))
    return [step for step in recorded() if subject(step) in chosen]


def play(listener: Listener, steps: list[Step], moves: list[tuple[str, int]]) -> None:
    """Tell versions in order, with what a bad connection makes of it: gaps, repetitions, lists and silence."""
    left = iter(steps)
    last: Step | None = None
    for what, number in moves:
        if what in {"next", "skip"} and (step := next(left, None)) is not None:
            listener.advance(step.time)
            if what == "skip":
                continue
            last = step
            if step.type == "DELETED":
                listener.gone(step.kind, step.object.metadata.uid, str(step.version))
            else:
                listener.changed(step.kind, step.object)
        elif what == "again" and last is not None and last.object.metadata.uid in listener.objects:
            listener.changed(last.kind, last.object)
        elif what == "relist":
            for kind, obj in tuple(listener.objects.values()):
                listener.changed(kind, obj)
        elif what == "delete" and listener.objects:
            uid = sorted(listener.objects)[number % len(listener.objects)]
            listener.gone(listener.objects[uid][0], uid)
        elif what == "wait":
            listener.advance(listener.now + number)
        elif what == "nudge":
            listener.advance(listener.now + number / 100)


@given(some_objects(), moves)
@settings(max_examples=150, deadline=None)
def test_whatever_comes_each_incident_begins_once_and_ends_once_and_none_outlives_its_object(
    steps: list[Step], moves: list[tuple[str, int]]
) -> None:
    listener = Listener()
    play(listener, steps, moves)
    for uid, (kind, _) in tuple(listener.objects.items()):
        listener.gone(kind, uid)
    assert listener.open == {}
    assert listener.states == {}
    assert listener.pipeline.next_due() is None
    assert listener.pipeline.counts() == {"objects": 0, "incidents": 0, "unreadable": 0}


@given(some_objects(), moves)
@settings(max_examples=100, deadline=None)
def test_after_a_restart_the_same_incidents_are_open_but_for_holds_that_no_object_remembers(
    steps: list[Step], moves: list[tuple[str, int]]
) -> None:
    before = Listener()
    play(before, steps, moves)
    before.advance(before.now)
    after = Listener(before.now, synced=False)
    for kind, obj in before.objects.values():
        after.changed(kind, obj)
    for event in before.events.values():
        after.changed("Event", event)
    after.sync()
    assert after.open.keys() <= before.open.keys()
    for uid, (kind, obj) in before.objects.items():
        found = diagnose(obj, before.mirror.related(kind, obj), before.now, Settings())
        unknown = {one.kind for one in found.pending}
        for lost in before.open.keys() - after.open.keys():
            incident = before.open[lost].incident
            assert incident is not None
            if before.open[lost].uid == uid:
                assert found.observing or incident.kind in unknown
    events = [one for one in after.entries if isinstance(one, EventEntry)]
    assert all(one.replayed for one in events), "what was there before anybody listened is no news"


def test_the_whole_recording_tells_its_troubles_once() -> None:
    listener = Listener()
    for step in recording():
        listener.advance(step.time)
        if step.type == "DELETED":
            listener.gone(step.kind, step.object.metadata.uid)
        else:
            listener.changed(step.kind, step.object)
    assert "end" not in listener.phases()
    assert listener.phases().count("begin") == len(listener.open)
    rolled_up = {one.subject: one.detail["members"] for one in listener.open.values() if "members" in one.detail}
    assert rolled_up == {
        "cases/deployments/deploy-bad-image": 2,
        "cases/deployments/deploy-crashes": 2,
        "cases/jobs/job-fails": 2,
    }
    assert len(listener.open) - len(rolled_up) == 27


def not_ready(version: str, since: str | None = None, **meta: Any) -> Any:
    ready = cond("Ready", "False", "ContainersNotReady")
    ready["lastTransitionTime"] = since
    status = container(running()) | {"ready": False}
    return pod(status, conditions=(ready,), meta={"resourceVersion": version, **meta})


def test_a_failure_with_a_time_of_its_own_is_told_when_its_hold_is_over_and_not_before() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", not_ready("1", ago(0)))
    assert listener.open == {}
    listener.advance(NOW + 29)
    assert listener.open == {}
    listener.advance(NOW + 31)
    (event,) = listener.open.values()
    assert event.incident is not None
    assert (event.incident.kind, event.incident.phase) == ("NotReady", "begin")


def test_a_hold_is_not_begun_anew_by_changes_that_do_not_matter() -> None:
    listener = Listener(NOW)
    for second in range(0, 30, 3):
        listener.advance(NOW + second)
        listener.changed("Pod", not_ready(str(second), labels={"touched": str(second)}))
        assert listener.open == {}
    listener.advance(NOW + 30)
    (event,) = listener.open.values()
    assert event.incident is not None
    assert event.incident.since == "2026-11-24T12:00:00.000Z"


def test_a_hold_is_begun_anew_where_the_trouble_was_over_meanwhile() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", not_ready("1"))
    listener.advance(NOW + 20)
    listener.changed("Pod", pod(container(running())))
    listener.changed("Pod", not_ready("3"))
    listener.advance(NOW + 49)
    assert listener.open == {}
    listener.advance(NOW + 50)
    assert len(listener.open) == 1


def test_an_earlier_moment_wakes_whoever_keeps_time() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", not_ready("1"))
    assert listener.wakes == 1
    assert listener.pipeline.next_due() == NOW + 30
    listener.changed("Pod", not_ready("2"))
    assert listener.wakes == 1
    listener.changed("Pod", pod(container(running())))
    assert listener.pipeline.next_due() is None


def test_a_deletion_tells_that_the_incident_was_removed_and_did_not_recover() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", pod(container(waiting("ImagePullBackOff")), meta={"resourceVersion": "7"}))
    listener.gone("Pod", "uid-p", "9")
    end, deletion = listener.batches[-1]
    assert isinstance(end, EventEntry)
    assert isinstance(deletion, DeleteEntry)
    assert (end.type, end.detail["removed"], end.severity) == ("podRemoved", True, "info")
    assert (deletion.name, deletion.namespace, deletion.resource_version) == ("p", "default", "9")


def test_a_recovery_is_told_under_its_own_name() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", pod(container(waiting("ImagePullBackOff"))))
    listener.changed("Pod", pod(container(running())))
    assert listener.phases() == ["begin", "end"]
    assert listener.types()[-1] == "podRecovered"


def test_what_was_there_before_the_kind_was_synced_is_replayed_and_what_follows_is_news() -> None:
    listener = Listener(NOW, synced=False)
    listener.changed("Pod", pod(container(waiting("ImagePullBackOff"))))
    assert [one.replayed for one in listener.open.values()] == [True]
    listener.sync()
    listener.changed("Pod", pod(container(running())))
    last = listener.entries[-1]
    assert isinstance(last, EventEntry)
    assert not last.replayed


def test_a_deletion_of_what_is_not_known_says_nothing() -> None:
    listener = Listener(NOW)
    listener.pipeline.gone("Pod", "nobody")
    assert listener.entries == []


def test_an_object_that_cannot_be_read_is_shown_without_a_verdict_until_it_can() -> None:
    listener = Listener(NOW)
    body = {"metadata": metadata("p"), "spec": {"containers": "?"}}
    problem = UnreadableObject("Pod", "default", "p", "spec.containers")
    listener.pipeline.unreadable(problem, minimal("Pod", body))
    (state,) = listener.entries
    assert isinstance(state, StateEntry)
    assert (state.uid, state.display) == ("uid-p", None)
    assert listener.pipeline.counts()["unreadable"] == 1
    listener.changed("Pod", pod(container(waiting("ImagePullBackOff"))))
    assert listener.pipeline.counts()["unreadable"] == 0
    assert len(listener.open) == 1


def test_an_object_that_is_unreadable_for_a_while_keeps_its_incident_and_loses_it_with_its_deletion() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", pod(container(waiting("ImagePullBackOff"))))
    problem = UnreadableObject("Pod", "default", "p", "spec.containers")
    listener.pipeline.unreadable(problem, minimal("Pod", {"metadata": metadata("p")}))
    listener.advance(NOW + 1000)
    assert len(listener.open) == 1
    listener.gone("Pod", "uid-p")
    assert listener.phases() == ["begin", "end"]


def job(name: str, *, failed: bool) -> Any:
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "uid-c", "controller": True}
    conditions = [cond("Failed", reason="BackoffLimitExceeded", since=5)] if failed else [cond("Complete", since=5)]
    return from_object(
        "Job",
        {
            "metadata": metadata(name, ownerReferences=[owner]),
            "spec": {"backoffLimit": 0},
            "status": {"startTime": ago(10), "failed": int(failed), "conditions": conditions},
        },
    )


def test_a_cron_job_is_judged_again_when_a_job_of_it_ends_or_goes() -> None:
    listener = Listener(NOW)
    cron_job = {"metadata": metadata("c"), "spec": {"schedule": "* * * * *"}, "status": {"lastScheduleTime": ago(10)}}
    listener.changed("CronJob", from_object("CronJob", cron_job))
    listener.changed("Job", job("c-1", failed=True))
    assert {one.kind for one in listener.open.values()} == {"Job", "CronJob"}
    listener.gone("Job", "uid-c-1")
    assert listener.open == {}


def test_trouble_makes_not_ready_until_it_is_over() -> None:
    listener = Listener(NOW, synced=False)
    listener.pipeline.synced("Pod")
    assert listener.pipeline.not_ready(["Pod", "Node"]) == "still listing Node"
    listener.pipeline.synced("Node")
    assert listener.pipeline.not_ready(["Pod", "Node"]) == ""
    listener.pipeline.trouble("Pod", "may not list pods")
    assert listener.pipeline.not_ready(["Pod"]) == "Pod: may not list pods"
    listener.pipeline.trouble("Pod", "")
    assert listener.pipeline.not_ready(["Pod"]) == ""


def test_a_crash_is_one_trouble_from_the_first_exit_to_the_back_off() -> None:
    listener = Listener(NOW)
    listener.changed("Pod", pod(container(ended(3))))
    listener.changed("Pod", pod(container(waiting("CrashLoopBackOff"), ended(3), 4)))
    assert listener.phases() == ["begin", "update"]
    assert len(listener.open) == 1


def test_a_restart_is_told_once_beside_the_failure_that_it_belongs_to() -> None:
    listener = Listener(NOW)
    died = ended(1)
    listener.changed("Pod", pod(container(running()), meta={"resourceVersion": "1"}))
    listener.changed("Pod", pod(container(died), meta={"resourceVersion": "2"}))
    again = pod(container(running(since=0), last=died, restarts=1), meta={"resourceVersion": "3"})
    listener.changed("Pod", again)
    listener.changed("Pod", again)
    told = [one for one in listener.entries if isinstance(one, EventEntry)]
    news = [one.type for one in told if one.incident is None or one.incident.phase != "update"]
    assert news == ["podFailed", "podRestarted"]
