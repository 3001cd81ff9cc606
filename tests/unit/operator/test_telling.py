"""What goes to the pages says all that a listener needs, in the protocol's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.diagnosis.objects import NOW, container, ended, metadata, pod, waiting

from kubedom_bridge.protocol import encode
from kubedom_operator import telling
from kubedom_operator.diagnosis import CATALOGUE, Failure
from kubedom_operator.incidents import Change, Incident
from kubedom_operator.projection import from_object


def wire(entry: Any) -> Any:
    return msgspec.json.decode(encode(entry))


def change(phase: Any, kind: str = "ImagePull", **more: Any) -> Change:
    found = Failure(kind=kind, container="app", role="main", reason="ErrImagePull", message="No image.", **more)
    return Change(phase, Incident("i1", NOW - 5, found), CATALOGUE[kind])


def told(one: Change, *, obj: Any = None, removed: bool = False, replayed: bool = False) -> Any:
    obj = obj or pod(container(waiting("ErrImagePull")), meta={"resourceVersion": "7"})
    return wire(telling.incident("Pod", obj, one, cluster="c", now=NOW, replayed=replayed, removed=removed))


def test_moments_are_utc_to_the_millisecond() -> None:
    assert telling.rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert telling.rfc3339(NOW + 0.25) == "2026-11-24T12:00:00.250Z"


def test_a_pod_is_told_with_what_kubectl_shows_and_whom_it_belongs_to() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "uid-rs", "controller": True}
    meta = {"resourceVersion": "7", "labels": {"pod-template-hash": "abc"}, "ownerReferences": [owner]}
    crashing = pod(container(waiting("CrashLoopBackOff"), ended(3), 5), meta=meta)
    entry = wire(telling.state("Pod", crashing, NOW))
    assert (entry["op"], entry["uid"], entry["namespace"], entry["resourceVersion"]) == (
        "upsert",
        "uid-p",
        "default",
        "7",
    )
    assert entry["display"] == {"status": "CrashLoopBackOff", "ready": 0, "total": 1, "restarts": 5}
    assert entry["workload"] == {"kind": "Deployment", "name": "web"}
    assert entry["object"]["metadata"]["name"] == "p"


def test_a_namespace_is_in_itself_so_that_a_page_of_one_namespace_sees_it() -> None:
    obj: Any = from_object("Namespace", {"metadata": {"name": "shop", "uid": "u"}})
    assert telling.state("Namespace", obj, NOW).namespace == "shop"
    assert telling.deletion("Namespace", obj, "", NOW).namespace == "shop"


def test_a_beginning_names_the_object_the_trouble_and_the_remedy() -> None:
    event = told(change("begin"))
    assert event["type"] == CATALOGUE["ImagePull"].event
    assert (event["source"], event["subject"], event["severity"]) == ("/clusters/c", "default/pods/p", "error")
    assert event["incident"] == {
        "id": "i1",
        "kind": "ImagePull",
        "phase": "begin",
        "since": "2026-11-24T11:59:55.000Z",
        "container": "app",
    }
    detail = event["detail"]
    assert (detail["podName"], detail["namespace"], detail["container"]) == ("p", "default", "app")
    assert (detail["reason"], detail["message"]) == ("ErrImagePull", "No image.")
    assert detail["nextStep"] == CATALOGUE["ImagePull"].next_step
    assert detail["restartHelps"] is CATALOGUE["ImagePull"].restart_helps
    assert "replayed" not in event


def test_what_is_told_late_says_so() -> None:
    assert told(change("begin"), replayed=True)["replayed"] is True


def test_a_recovery_has_its_own_name_and_no_remedy() -> None:
    event = told(change("end"))
    assert (event["type"], event.get("severity", "info")) == (CATALOGUE["ImagePull"].recovery_event, "info")
    assert event["incident"]["phase"] == "end"
    assert "nextStep" not in event["detail"]


def test_a_removal_is_no_recovery() -> None:
    event = told(change("end"), removed=True)
    assert (event["type"], event["detail"]["removed"]) == ("podRemoved", True)


def test_an_edge_has_no_incident_to_wait_for() -> None:
    assert "incident" not in told(change("edge", "ContainerRestarted"))


@pytest.mark.parametrize(
    ("kind", "key"), [("Node", "nodeName"), ("PersistentVolumeClaim", "persistentVolumeClaimName")]
)
def test_the_name_is_under_the_kinds_own_key(kind: str, key: str) -> None:
    obj: Any = from_object(kind, {"metadata": metadata("x", namespace="" if kind == "Node" else "default")})
    event = wire(telling.event(kind, obj.metadata, "somethingHappened", {"a": 1}, cluster="c", now=NOW))
    assert event["detail"][key] == "x"
    assert event["detail"]["a"] == 1
    assert ("namespace" in event["detail"]) == (kind != "Node")
