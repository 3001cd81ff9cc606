"""Each failure begins once and ends once, and what must hold for a while holds for just that while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedom_operator.diagnosis import HEALTHY, OBSERVING, Diagnosis, Failure
from kubedom_operator.incidents import Change, Incident, IncidentTracker

NOW = 1000.0


def failure(kind: str = "ImagePull", **more: object) -> Failure:
    return Failure(kind=kind, **more)  # type: ignore[arg-type]


def shows(*failures: Failure, pending: tuple[Failure, ...] = ()) -> Diagnosis:
    return Diagnosis(failures=failures, pending=pending)


def phases(changes: list[Change]) -> list[str]:
    return [one.phase for one in changes]


@pytest.fixture
def tracker() -> IncidentTracker:
    return IncidentTracker("test")


def test_a_failure_begins_goes_on_and_ends_under_one_id(tracker: IncidentTracker) -> None:
    (begin,) = tracker.update("u", shows(failure(since=990.0)), NOW).changes
    assert (begin.phase, begin.incident.since) == ("begin", 990.0)
    assert tracker.update("u", shows(failure(since=990.0)), NOW + 1).changes == []
    (end,) = tracker.update("u", HEALTHY, NOW + 2).changes
    assert (end.phase, end.incident) == ("end", begin.incident)
    assert tracker.update("u", HEALTHY, NOW + 3).changes == []
    assert tracker.count() == 0


def test_without_a_time_of_its_own_it_began_when_it_was_seen(tracker: IncidentTracker) -> None:
    (begin,) = tracker.update("u", shows(failure()), NOW).changes
    assert begin.incident.since == NOW


def test_a_change_of_kind_in_one_family_is_an_update_that_keeps_id_and_beginning(tracker: IncidentTracker) -> None:
    (begin,) = tracker.update("u", shows(failure("ContainerFailed", container="c", since=990.0)), NOW).changes
    (update,) = tracker.update("u", shows(failure("ContainerCrashLoop", container="c", since=999.0)), NOW).changes
    assert (update.phase, update.incident.id, update.incident.since) == ("update", begin.incident.id, 990.0)
    assert update.kind.name == "ContainerCrashLoop"


def test_a_moved_beginning_alone_is_no_news(tracker: IncidentTracker) -> None:
    tracker.update("u", shows(failure(since=990.0)), NOW)
    assert tracker.update("u", shows(failure(since=995.0)), NOW).changes == []


def test_containers_and_families_are_troubles_of_their_own(tracker: IncidentTracker) -> None:
    found = shows(failure(container="a"), failure(container="b"), failure("StuckTerminating"))
    changes = tracker.update("u", found, NOW).changes
    assert phases(changes) == ["begin"] * 3
    assert len({one.incident.id for one in changes}) == 3
    assert phases(tracker.update("u", shows(failure(container="b")), NOW).changes) == ["end", "end"]


def test_the_first_of_two_failures_of_one_family_counts(tracker: IncidentTracker) -> None:
    found = shows(failure("ContainerCrashLoop", container="c"), failure("ContainerFailed", container="c"))
    (begin,) = tracker.update("u", found, NOW).changes
    assert begin.kind.name == "ContainerCrashLoop"


def test_ids_are_the_same_after_a_restart_and_differ_between_clusters_and_objects() -> None:
    def begun(cluster: str, uid: str) -> str:
        return IncidentTracker(cluster).update(uid, shows(failure()), NOW).changes[0].incident.id

    assert begun("a", "u") == begun("a", "u")
    assert len({begun("a", "u"), begun("a", "v"), begun("b", "u")}) == 3


def test_what_was_known_stands_while_the_controller_has_not_looked(tracker: IncidentTracker) -> None:
    tracker.update("u", shows(failure()), NOW)
    assert tracker.update("u", OBSERVING, NOW).changes == []
    assert tracker.count() == 1


def test_an_object_that_goes_ends_all_it_had_and_forgets_what_was_pending(tracker: IncidentTracker) -> None:
    pending = failure("NotReady", hold=30.0)
    tracker.update("u", shows(failure(container="a"), failure(container="b"), pending=(pending,)), NOW)
    assert phases(tracker.forget("u")) == ["end", "end"]
    assert tracker.forget("u") == []
    assert tracker.update("u", shows(pending=(pending,)), NOW + 31).recheck == NOW + 61


def test_the_earliest_of_several_moments_is_asked_for(tracker: IncidentTracker) -> None:
    pending = (failure("NotReady", hold=30.0), failure("VolumeMount", hold=20.0))
    found = Diagnosis(failures=(), pending=pending, recheck=NOW + 25)
    assert tracker.update("u", found, NOW).recheck == NOW + 20
    assert tracker.update("v", Diagnosis(recheck=NOW + 5), NOW).recheck == NOW + 5


Seen = tuple[float, bool, str]
sightings = st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.sampled_from(["", "moves"])), max_size=30)


@given(sightings)
def test_a_hold_runs_from_the_first_sight_and_anew_only_where_the_trouble_ends_or_moves(seen: list[Seen]) -> None:
    tracker = IncidentTracker("test")
    now, since, progress = NOW, None, ""
    for wait, present, moved in seen:
        now += wait
        pending = (failure("NotReady", hold=30.0, progress=moved),) if present else ()
        verdict = tracker.update("u", shows(pending=pending), now)
        if not present:
            since = None
        elif since is None or moved != progress:
            since, progress = now, moved
        holds = since is not None and now >= since + 30.0
        assert [one.since for one in tracker.open_of("u")] == ([since] if holds else [])
        assert verdict.recheck == (since + 30.0 if since is not None and not holds else None)


kinds = st.sampled_from(["ImagePull", "ContainerFailed", "ContainerCrashLoop", "StuckTerminating", "ContainerConfig"])
found = st.builds(
    failure,
    kinds,
    container=st.sampled_from(["", "a", "b"]),
    reason=st.sampled_from(["", "x"]),
    since=st.none() | st.floats(0, NOW),
    hold=st.sampled_from([0.0, 30.0]),
    progress=st.sampled_from(["", "moves"]),
)
diagnoses = st.builds(
    lambda failures, pending, observing: Diagnosis(failures=failures, pending=pending, observing=observing),
    st.lists(found, max_size=4).map(tuple),
    st.lists(found, max_size=3).map(tuple),
    st.sampled_from([False, False, False, True]),
)


@given(st.lists(st.tuples(st.sampled_from("uv"), st.none() | diagnoses, st.floats(0, 40)), max_size=30))
def test_whatever_is_diagnosed_begins_and_ends_come_in_pairs(told: list[tuple[str, Diagnosis | None, float]]) -> None:
    tracker = IncidentTracker("test")
    open_: dict[str, dict[str, Incident]] = {"u": {}, "v": {}}
    now = NOW
    for uid, diagnosis, wait in told:
        now += wait
        changes = tracker.forget(uid) if diagnosis is None else tracker.update(uid, diagnosis, now).changes
        for change in changes:
            assert (change.phase == "begin") == (change.incident.id not in open_[uid])
            if change.phase == "end":
                assert open_[uid].pop(change.incident.id) == change.incident
            else:
                open_[uid][change.incident.id] = change.incident
        if diagnosis is None:
            assert open_[uid] == {}
        assert sorted(tracker.open_of(uid), key=repr) == sorted(open_[uid].values(), key=repr)
        assert tracker.count() == sum(map(len, open_.values()))


def restart(count: int) -> Failure:
    return failure("ContainerRestarted", container="c", since=990.0 + count, detail={"restartCount": count})


def test_an_edge_is_told_once_and_never_stays_open(tracker: IncidentTracker) -> None:
    assert phases(tracker.update("u", shows(restart(1)), NOW).changes) == ["edge"]
    assert tracker.update("u", shows(restart(1)), NOW).changes == []
    assert phases(tracker.update("u", shows(restart(2)), NOW).changes) == ["edge"]
    assert tracker.count() == 0
    assert tracker.forget("u") == []


def test_an_edge_of_before_the_first_sight_is_no_news(tracker: IncidentTracker) -> None:
    assert tracker.update("u", shows(restart(1)), NOW, first=True).changes == []
    assert phases(tracker.update("u", shows(restart(2)), NOW).changes) == ["edge"]
