"""A restart neither loses nor repeats anything: what is told goes on from what was told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from tests.unit.diagnosis.objects import NOW, ago, cond, container, ended, metadata, pod, running, waiting

from kubedom_bridge.protocol import DeleteEntry, EventEntry, StateEntry
from kubedom_operator.catching_up import AT_ONCE, PATIENCE_SECONDS
from kubedom_operator.diagnosis import Diagnosis, Failure, FailureKind
from kubedom_operator.incidents import IncidentTracker
from kubedom_operator.projection import UnreadableObject, from_object, minimal
from kubedom_operator.resuming import Told, read
from kubedom_operator.telling import rfc3339

from .listener import KINDS, Listener
from .log import Log
from .restarting import at_once, events, listed, resumed

ALL = (*KINDS, "StatefulSet")


def failing(version: str = "1", name: str = "p", **meta: Any) -> Any:
    return pod(container(waiting("ImagePullBackOff")), meta=metadata(name, resourceVersion=version, **meta))


def well(version: str = "2", name: str = "p", **meta: Any) -> Any:
    return pod(container(running()), meta=metadata(name, resourceVersion=version, **meta))


def test_an_incident_that_is_over_by_now_ends_once_and_as_news() -> None:
    before = Listener(NOW)
    before.changed("Pod", failing())
    after = resumed(before, NOW + 60)
    listed(after, at_once(well()))
    assert [(one.type, one.replayed) for one in events(after)] == [("podRecovered", False)]


def test_an_object_that_is_gone_ends_its_incidents_and_then_goes() -> None:
    before = Listener(NOW)
    before.changed("Pod", failing())
    after = resumed(before)
    listed(after, {})
    ((end, deletion),) = after.batches
    assert isinstance(end, EventEntry)
    assert isinstance(deletion, DeleteEntry)
    assert (end.type, deletion.name) == ("podRemoved", "p")
    assert after.pipeline.counts() == {"objects": 0, "incidents": 0, "unreadable": 0}


def test_a_failure_that_began_meanwhile_is_news_also_of_an_object_that_is_new() -> None:
    before = Listener(NOW)
    before.changed("Pod", well("1", creationTimestamp=ago(900)))
    after = resumed(before, NOW + 60)
    fresh = failing("3", "q", creationTimestamp=rfc3339(NOW + 30))
    listed(after, at_once(failing("2", creationTimestamp=ago(900)), fresh))
    assert [(one.uid, one.replayed) for one in events(after)] == [("uid-p", False), ("uid-q", False)]


def test_what_was_not_watched_before_is_no_news() -> None:
    before = Listener(NOW)
    before.changed("Pod", well("1"))
    after = resumed(before, NOW + 60)
    old = failing("3", "q", creationTimestamp=ago(900))
    listed(after, at_once(well("1"), old))
    assert [(one.uid, one.replayed) for one in events(after)] == [("uid-q", True)]
    after.changed("Pod", well("4", "q", creationTimestamp=ago(900)))
    assert [one.replayed for one in events(after)] == [True, False]


def test_a_state_that_is_projected_in_another_way_now_is_told_though_the_object_is_the_same() -> None:
    before = Listener(NOW)
    before.changed("Pod", well("1"))
    log = Log(before.entries)
    del log.states["uid-p"]["object"]["status"]["phase"]
    after = resumed(before, told=log.told(NOW))
    listed(after, at_once(well("1")))
    assert [type(entry) for entry in after.entries] == [StateEntry]


def test_an_edge_that_was_told_is_not_told_again_though_the_state_with_it_was_lost() -> None:
    before = Listener(NOW)
    first = well("1")
    again = pod(container(running(since=0), last=ended(1), restarts=1), meta={"resourceVersion": "2"})
    before.changed("Pod", first)
    log = Log(before.entries)
    before.changed("Pod", again)
    older = log.states["uid-p"]
    log = Log(before.entries)
    log.states["uid-p"] = older
    assert before.types().count("podRestarted") == 1
    after = resumed(before, told=log.told(NOW))
    listed(after, at_once(again))
    assert "podRestarted" not in after.types()
    third = pod(container(running(since=0), last=ended(1), restarts=2), meta={"resourceVersion": "3"})
    after.changed("Pod", third)
    assert after.types().count("podRestarted") == 1


def not_ready(version: str) -> Any:
    """A pod of which nobody can tell since when it is not ready."""
    condition = cond("Ready", "False", "ContainersNotReady") | {"lastTransitionTime": None}
    status = container(running()) | {"ready": False}
    return pod(status, conditions=(condition,), meta={"resourceVersion": version})


def test_what_had_held_long_enough_goes_on_though_the_object_does_not_tell_since_when() -> None:
    before = Listener(NOW)
    before.changed("Pod", not_ready("1"))
    before.advance(NOW + 31)
    assert before.phases() == ["begin"]
    after = resumed(before, NOW + 40)
    listed(after, at_once(not_ready("2")))
    assert after.phases() == []
    after.changed("Pod", well("3"))
    assert after.phases() == ["end"]


def test_a_hold_that_was_under_way_begins_anew() -> None:
    before = Listener(NOW)
    before.changed("Pod", not_ready("1"))
    before.advance(NOW + 20)
    after = resumed(before, NOW + 20)
    listed(after, at_once(not_ready("1")))
    after.advance(NOW + 49)
    assert after.phases() == []
    after.advance(NOW + 51)
    assert after.phases() == ["begin"]


def stuck(ready: int, version: str) -> Any:
    status = {"observedGeneration": 1, "replicas": 3, "readyReplicas": ready, "updatedReplicas": ready}
    body = {"metadata": metadata("db", generation=1, resourceVersion=version), "spec": {"replicas": 3}}
    return from_object("StatefulSet", body | {"status": status})


def test_what_moved_meanwhile_is_not_stuck_any_more() -> None:
    before = Listener(NOW)
    before.pipeline.synced("StatefulSet")
    before.changed("StatefulSet", stuck(1, "1"))
    before.advance(NOW + 3600)
    assert before.phases() == ["begin"]
    same = resumed(before, kinds=ALL)
    listed(same, at_once(stuck(1, "2")), ALL)
    assert same.phases() == []
    moved = resumed(before, kinds=ALL)
    listed(moved, at_once(stuck(2, "2")), ALL)
    assert moved.phases() == ["end"]


EDGE = FailureKind(
    name="Bumped", resource="Pod", family="bump", event="podBumped", recovery_event="", severity="info",
    rule="", next_step="", edge=True,
)  # fmt: skip


def test_an_edge_that_an_object_still_shows_was_told_and_another_is_news() -> None:
    def bump(number: int) -> Diagnosis:
        return Diagnosis(failures=(Failure(kind="Bumped", detail={"number": number}),))

    tracker = IncidentTracker("test", {"Bumped": EDGE})
    tracker.recall("u", bump(1))
    assert tracker.update("u", bump(1), NOW).changes == []
    assert [each.phase for each in tracker.update("u", bump(2), NOW).changes] == ["edge"]


def crowd(*, failing_ones: int, well_ones: int = 0, version: str = "1") -> dict[str, tuple[str, Any]]:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "uid-web", "controller": True}
    pods = [failing(version, f"web-{number}", ownerReferences=[owner]) for number in range(failing_ones)]
    pods += [
        well(version, f"web-{number}", ownerReferences=[owner])
        for number in range(failing_ones, failing_ones + well_ones)
    ]
    body = {"metadata": metadata("web"), "spec": {"replicas": 0}, "status": {"replicas": 0}}
    return at_once(*pods, from_object("StatefulSet", body))


def crowded(objects: dict[str, tuple[str, Any]]) -> Listener:
    listener = Listener(NOW)
    listener.pipeline.synced("StatefulSet")
    for kind, obj in objects.values():
        listener.changed(kind, obj)
    listener.advance(NOW + 5)
    return listener


def test_a_roll_up_goes_on_with_its_members_and_is_updated_only_where_they_changed() -> None:
    before = crowded(crowd(failing_ones=12))
    after = resumed(before, kinds=ALL)
    listed(after, crowd(failing_ones=12), ALL)
    assert after.entries == []
    later = resumed(before, kinds=ALL)
    listed(later, crowd(failing_ones=11, well_ones=1, version="2"), ALL)
    later.advance(NOW + 10)
    assert later.types() == ["podRecovered", "statefulSetPodsFailing"]
    assert later.phases() == ["end", "update"]


def test_a_roll_up_goes_on_with_the_member_that_was_told_first_in_whatever_order_its_members_are_read() -> None:
    there = crowd(failing_ones=2)
    there["uid-web-0"][1].status = pod(container(waiting("CrashLoopBackOff"), ended(3), 4)).status
    there["uid-web-1"][1].status = pod(container(ended(3))).status
    before = crowded(there)
    log = Log(before.entries)
    (group,) = [each for each in log.incidents.values() if each["kind"] == "StatefulSet"]
    for incidents in (log.incidents, dict(reversed(log.incidents.items()))):
        after = resumed(before, told=Told(log.states.values(), incidents.values(), log.events), kinds=ALL)
        listed(after, there, ALL)
        assert after.entries == [], group["detail"]


def test_a_roll_up_does_not_end_and_begin_again_where_all_its_pods_were_replaced() -> None:
    before = crowded(crowd(failing_ones=3))
    there = crowd(failing_ones=0)
    owner = next(iter(crowd(failing_ones=1).values()))[1].metadata.owner_references
    for number in range(3):
        fresh = failing("9", f"new-{number}")
        fresh.metadata.owner_references = owner
        there |= at_once(fresh)
    for kinds in (ALL, tuple(reversed(ALL))):
        after = resumed(before, kinds=ALL)
        listed(after, there, kinds)
        after.advance(NOW + 10)
        told = [one.incident.phase for one in events(after) if one.kind == "StatefulSet" and one.incident]
        assert "end" not in told
        assert "begin" not in told


def test_of_many_objects_a_few_are_judged_in_one_go_and_the_roll_up_comes_after_the_last() -> None:
    many = 2 * AT_ONCE + 10
    before = crowded(crowd(failing_ones=many))
    after = resumed(before, kinds=ALL)
    for kind in ALL:
        for found, obj in crowd(failing_ones=0, well_ones=many, version="2").values():
            if found == kind:
                after.changed(kind, obj)
        after.pipeline.synced(kind)
    told = [len(after.types())]
    while after.pipeline.next_due() == 0.0:
        assert after.pipeline.not_ready(ALL) != ""
        after.pipeline.tick()
        told.append(len(after.types()))
    assert told == [0, AT_ONCE, 2 * AT_ONCE, many + 1]
    assert after.types()[-1] == "statefulSetPodsRecovered"
    assert after.pipeline.not_ready(ALL) == ""


def test_a_roll_up_ends_where_no_two_fail_any_more() -> None:
    before = crowded(crowd(failing_ones=3))
    after = resumed(before, kinds=ALL)
    listed(after, crowd(failing_ones=0, well_ones=3, version="2"), ALL)
    assert sorted(after.types()) == ["podRecovered"] * 3 + ["statefulSetPodsRecovered"]


def test_kinds_that_are_not_watched_any_more_go_with_all_they_had() -> None:
    before = crowded(crowd(failing_ones=2))
    log = Log(before.entries)
    log.states["uid-x"] = {
        "op": "upsert", "kind": "Gadget", "uid": "uid-x", "namespace": "default", "time": rfc3339(NOW),
        "object": {"metadata": {"name": "x", "namespace": "default", "uid": "uid-x"}},
    }  # fmt: skip
    before.states["uid-x"] = before.states["uid-web"]
    before.objects["uid-x"] = ("Gadget", None)
    after = Listener(NOW, synced=False)
    after.states, after.open, after.objects = dict(before.states), dict(before.open), dict(before.objects)
    after.pipeline.resume(read(log.told(NOW)))
    after.pipeline.drop_unwatched(["StatefulSet", "Event"])
    gone = [(one.kind, one.name) for one in after.entries if isinstance(one, DeleteEntry)]
    assert gone == [("Pod", "web-0"), ("Pod", "web-1"), ("Gadget", "x")]
    assert after.types() == ["podRemoved", "podRemoved"]
    for kind in ("StatefulSet", "Event"):
        after.pipeline.synced(kind)
    after.advance(NOW)
    assert after.types()[2:] == ["statefulSetPodsRecovered"]
    assert after.open == {}


def test_a_failure_that_the_catalogue_does_not_know_any_more_ends() -> None:
    before = Listener(NOW)
    before.changed("Pod", failing())
    log = Log(before.entries)
    (incident,) = log.incidents.values()
    incident["incident"]["kind"] = "Forgotten"
    after = resumed(before, told=log.told(NOW))
    listed(after, at_once(failing()))
    assert [(one.incident.kind, one.incident.phase) for one in events(after) if one.incident] == [
        ("Forgotten", "end"),
        ("ImagePull", "begin"),
    ]


def test_an_incident_of_an_object_whose_state_was_lost_goes_on_or_ends_with_it() -> None:
    before = Listener(NOW)
    before.changed("Pod", failing())
    log = Log(before.entries)
    log.states.clear()
    after = resumed(before, told=log.told(NOW))
    listed(after, at_once(failing()))
    assert [type(entry) for entry in after.entries] == [StateEntry]
    after = resumed(before, told=log.told(NOW))
    listed(after, {})
    assert after.types() == ["podRemoved"]


def test_an_object_that_could_not_be_read_keeps_its_incident_and_is_not_told_again() -> None:
    before = Listener(NOW)
    before.changed("Pod", failing())
    problem = UnreadableObject("Pod", "default", "p", "spec.containers")
    unread = minimal("Pod", {"metadata": metadata("p", resourceVersion="2")})
    before.pipeline.unreadable(problem, unread)
    after = resumed(before)
    after.pipeline.unreadable(problem, unread)
    for kind in KINDS:
        after.pipeline.synced(kind)
    after.advance(NOW + 1)
    assert after.entries == []
    assert len(after.open) == 1


def test_what_is_no_entry_is_left_out() -> None:
    assert read(Told([{"op": "upsert"}, {}], [{"op": "event"}], [{"x": 1}])) == ([], [], [], 0.0)


def test_the_states_of_a_log_are_never_all_in_memory_as_json() -> None:
    class Body(dict[str, Any]):
        """One that can be watched."""

        __hash__ = object.__hash__  # type: ignore[assignment]

    first = Listener(NOW)
    for number in range(20):
        first.changed("Pod", pod(meta=metadata(f"p{number}")))
    told = Log(first.entries).told(NOW)
    alive: WeakSet[Any] = WeakSet()
    most = 0

    def states() -> Iterator[dict[str, Any]]:
        nonlocal most
        for state in told.states:
            body = Body(state["object"])
            alive.add(body)
            most = max(most, len(alive))
            yield {**state, "object": body}

    assert len(read(Told(states())).states) == 20
    assert most <= 3


def test_where_nothing_was_told_it_is_a_first_start() -> None:
    after = Listener(NOW, synced=False)
    after.pipeline.resume(read(Told()))
    after.changed("Pod", failing())
    assert [one.replayed for one in events(after)] == [True]


def refused() -> Any:
    """A pod whose trouble only its Event explains."""
    conditions = (cond("PodReadyToStartContainers", "False", since=90), cond("PodScheduled", since=90))
    creating = container(waiting("ContainerCreating"))
    return pod(creating, phase="Pending", conditions=conditions, meta={"creationTimestamp": ago(90)})


def mount() -> Any:
    about = {"kind": "Pod", "name": "p", "namespace": "default", "uid": "uid-p"}
    body = {"reason": "FailedMount", "message": "no secret", "type": "Warning", "lastTimestamp": ago(5), "count": 9}
    return from_object("Event", {"metadata": metadata("e"), "involvedObject": about, **body})


def test_an_incident_that_events_explain_waits_for_them_but_not_for_ever() -> None:
    before = Listener(NOW)
    before.changed("Pod", refused())
    before.changed("Event", mount())
    before.advance(NOW + 300)
    open_before = dict(before.open)
    assert "VolumeMount" in {one.incident.kind for one in open_before.values() if one.incident}
    others = tuple(kind for kind in KINDS if kind != "Event")
    after = resumed(before)
    listed(after, at_once(refused()), others)
    assert after.entries == []
    assert after.pipeline.not_ready(others) != ""
    listed(after, at_once(mount()), ("Event",))
    assert after.entries == []
    assert after.open == open_before
    patient = resumed(before)
    listed(patient, at_once(refused()), others)
    patient.advance(patient.now + PATIENCE_SECONDS - 1)
    assert patient.entries == []
    patient.advance(patient.now + 2)
    assert patient.phases() != []
    assert patient.pipeline.not_ready(others) == ""
