"""The mirror holds what was told, and nothing of what is gone."""

from __future__ import annotations

from typing import Any

from tests.unit.diagnosis.objects import container, metadata, pod, running

from kubedom_operator.mirror import EVENTS_KEPT, Mirror
from kubedom_operator.projection import from_object


def event(number: int, uid: str = "uid-p") -> Any:
    about = {"kind": "Pod", "name": "p", "uid": uid}
    return from_object("Event", {"metadata": metadata(f"e{number}"), "involvedObject": about, "reason": f"R{number}"})


def job(name: str) -> Any:
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "uid-c", "controller": True}
    return from_object("Job", {"metadata": metadata(name, ownerReferences=[owner])})


def reasons(mirror: Mirror, one: Any) -> list[str | None]:
    return [each.reason for each in mirror.related("Pod", one).events]


def test_it_gives_the_version_before() -> None:
    mirror = Mirror()
    first, second = pod(container(running())), pod(container(running()), meta={"resourceVersion": "2"})
    assert mirror.put("Pod", first) is None
    assert mirror.put("Pod", second) is first
    assert mirror.get("Pod", "uid-p") is second
    assert mirror.count() == 1
    assert mirror.remove("Pod", "uid-p") is second
    assert mirror.remove("Pod", "uid-p") is None
    assert mirror.count() == 0


def test_only_the_latest_events_of_an_object_are_kept_and_none_of_another() -> None:
    mirror, one = Mirror(), pod(container(running()))
    for number in range(EVENTS_KEPT + 3):
        assert mirror.put_event(event(number)) == ("Pod", "uid-p")
    mirror.put_event(event(99, uid="uid-q"))
    assert reasons(mirror, one) == [f"R{number}" for number in range(3, EVENTS_KEPT + 3)]


def test_an_event_that_is_told_again_counts_once_and_as_the_latest() -> None:
    mirror, one = Mirror(), pod(container(running()))
    for number in (1, 2, 1):
        mirror.put_event(event(number))
    assert reasons(mirror, one) == ["R2", "R1"]


def test_an_event_that_expires_is_forgotten_and_so_are_those_of_an_object_that_goes() -> None:
    mirror, one = Mirror(), pod(container(running()))
    mirror.put("Pod", one)
    mirror.put_event(event(1))
    mirror.put_event(event(2))
    mirror.remove_event("uid-e1")
    mirror.remove_event("uid-unknown")
    assert reasons(mirror, one) == ["R2"]
    mirror.remove("Pod", "uid-p")
    assert reasons(mirror, one) == []


def test_an_event_that_names_no_object_is_not_kept() -> None:
    nameless = from_object("Event", {"metadata": metadata("e"), "involvedObject": {"kind": "Pod", "name": "p"}})
    assert Mirror().put_event(nameless) == ("", "")


def test_a_cron_job_knows_its_jobs_and_only_once_jobs_are_watched() -> None:
    mirror = Mirror()
    cron_job: Any = from_object("CronJob", {"metadata": metadata("c")})
    assert mirror.related("CronJob", cron_job).jobs is None
    one = job("c-1")
    mirror.put("Job", one)
    assert mirror.related("CronJob", cron_job).jobs == (one,)
    mirror.remove("Job", "uid-c-1")
    assert mirror.related("CronJob", cron_job).jobs == ()


def test_a_replica_set_knows_its_deployment() -> None:
    mirror = Mirror()
    deployment = from_object("Deployment", {"metadata": metadata("d")})
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "uid-d", "controller": True}
    replica_set = from_object("ReplicaSet", {"metadata": metadata("d-1", ownerReferences=[owner])})
    assert mirror.related("ReplicaSet", replica_set).owner is None
    mirror.put("Deployment", deployment)
    assert mirror.related("ReplicaSet", replica_set).owner is deployment
