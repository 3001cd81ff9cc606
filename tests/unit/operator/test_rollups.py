"""Many pods that fail alike are one incident of their workload, with a count."""

from __future__ import annotations

from typing import Any

from tests.unit.diagnosis.objects import NOW, container, ended, metadata, pod, running, waiting
from tests.unit.operator.listener import Listener

from kubedom_bridge.protocol import EventEntry
from kubedom_operator.projection import from_object


def deployment(name: str = "api") -> Any:
    return from_object("Deployment", {"metadata": metadata(name), "spec": {"replicas": 3}, "status": {}})


def bad_image(number: int, *, healthy: bool = False, owner: str = "api") -> Any:
    if healthy:
        return owned(number, container(running()), owner=owner, resourceVersion="2")
    return owned(number, container(waiting("ImagePullBackOff")), owner=owner, phase="Pending")


def owned(
    number: int,
    status: Any,
    *,
    owner: str = "api",
    phase: str = "Running",
    resourceVersion: str = "1",  # noqa: N803
) -> Any:
    replica_set = {"kind": "ReplicaSet", "name": f"{owner}-7d5", "uid": f"rs-{owner}", "controller": True}
    named = metadata(f"{owner}-7d5-{number}") | {
        "ownerReferences": [replica_set],
        "labels": {"pod-template-hash": "7d5"},
        "resourceVersion": resourceVersion,
    }
    return pod(status, meta=named, phase=phase)


def of_workloads(listener: Listener) -> list[EventEntry]:
    return [one for one in listener.entries if isinstance(one, EventEntry) and one.kind == "Deployment"]


def phases(listener: Listener) -> list[tuple[str, int]]:
    return [(one.incident.phase, one.detail["members"]) for one in of_workloads(listener) if one.incident]


def test_two_hundred_pods_of_one_bad_image_are_one_incident_with_two_hundred_members() -> None:
    listener = Listener(NOW)
    listener.changed("Deployment", deployment())
    for number in range(200):
        listener.changed("Pod", bad_image(number))
    assert phases(listener) == [("begin", 2)]
    listener.advance(NOW + 1.5)
    assert phases(listener) == [("begin", 2), ("update", 200)]
    (event,) = (one for one in listener.open.values() if one.kind == "Deployment")
    assert event.type == "deploymentPodsFailing"
    assert event.detail["failureKind"] == "ImagePull"
    assert len(event.detail["pods"]) == 10
    assert event.incident is not None
    groups = {one.incident.group for one in listener.open.values() if one.kind == "Pod" and one.incident}
    assert groups == {event.incident.id}


def test_it_ends_when_less_than_two_fail() -> None:
    listener = Listener(NOW)
    listener.changed("Deployment", deployment())
    for number in range(3):
        listener.changed("Pod", bad_image(number))
    for number in range(2):
        listener.advance(NOW + 5 + 5 * number)
        listener.changed("Pod", bad_image(number, healthy=True))
    listener.advance(NOW + 60)
    assert phases(listener)[-1][0] == "end"
    assert of_workloads(listener)[-1].type == "deploymentPodsRecovered"
    assert [one.kind for one in listener.open.values()] == ["Pod"]


def test_pods_that_are_deleted_are_no_members_any_more() -> None:
    listener = Listener(NOW)
    listener.changed("Deployment", deployment())
    pods = [bad_image(number) for number in range(2)]
    for each in pods:
        listener.changed("Pod", each)
    listener.gone("Pod", pods[0].metadata.uid)
    assert [phase for phase, _ in phases(listener)] == ["begin", "end"]


def test_one_pod_and_pods_of_two_workloads_are_none() -> None:
    listener = Listener(NOW)
    for name in ("api", "web"):
        listener.changed("Deployment", deployment(name))
        listener.changed("Pod", bad_image(1, owner=name))
    assert phases(listener) == []


def test_a_workload_that_is_known_after_its_pods_tells_it_then() -> None:
    listener = Listener(NOW)
    for number in range(2):
        listener.changed("Pod", bad_image(number))
    assert phases(listener) == []
    listener.changed("Deployment", deployment())
    assert phases(listener) == [("begin", 2)]


def test_it_ends_with_its_workload() -> None:
    listener = Listener(NOW)
    api = deployment()
    listener.changed("Deployment", api)
    for number in range(2):
        listener.changed("Pod", bad_image(number))
    listener.gone("Deployment", api.metadata.uid)
    assert of_workloads(listener)[-1].type == "deploymentRemoved"
    listener.changed("Deployment", deployment())
    assert [phase for phase, _ in phases(listener)] == ["begin", "end", "begin"]


def test_it_tells_when_they_begin_to_fail_of_something_worse() -> None:
    listener = Listener(NOW)
    listener.changed("Deployment", deployment())
    died = ended(1)
    for number in range(2):
        listener.changed("Pod", owned(number, container(died)))
    (begun,) = of_workloads(listener)
    assert begun.detail["failureKind"] == "ContainerFailed"
    listener.advance(NOW + 5)
    for number in range(2):
        looping = container(waiting("CrashLoopBackOff"), last=died, restarts=2)
        listener.changed("Pod", owned(number, looping, resourceVersion="2"))
    assert of_workloads(listener)[-1].detail["failureKind"] == "ContainerCrashLoop"
    assert [phase for phase, _ in phases(listener)] == ["begin", "update"]
