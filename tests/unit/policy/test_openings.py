"""What is open is what the pipeline told, with the workload that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.diagnosis.objects import NOW, container, ended, pod, waiting

from kubedom_bridge.protocol import Entry
from kubedom_operator.pipeline import Pipeline
from kubedom_operator.policy.model import Health, Ref
from kubedom_operator.policy.openings import KEPT_SECONDS, Openings
from kubedom_operator.projection import from_object

KINDS = ("Pod", "Deployment", "DaemonSet")


class Cluster:
    """The real pipeline, and what is kept of what it tells."""

    def __init__(self, *, synced: bool = True) -> None:
        self.now = NOW
        self.touched: list[set[str]] = []
        self.pipeline = Pipeline("test", self._told, clock=lambda: self.now)
        self.openings = Openings(self.pipeline.find, self.pipeline.workload, clock=lambda: self.now)
        if synced:
            for kind in KINDS:
                self.pipeline.synced(kind)

    def _told(self, entries: list[Entry]) -> None:
        self.touched.append(self.openings.take(entries))

    def deploy(self, ready: int = 0, replicas: int | None = 3, conditions: Iterable[dict[str, str]] = ()) -> None:
        self.pipeline.changed(
            "Deployment",
            from_object(
                "Deployment",
                {
                    "metadata": {"name": "web", "namespace": "default", "uid": "uid-web"},
                    "spec": {"replicas": replicas},
                    "status": {
                        "readyReplicas": ready,
                        "replicas": 3,
                        "availableReplicas": 3,
                        "updatedReplicas": 3,
                        "conditions": list(conditions),
                    },
                },
            ),
        )


def crashing(name: str, **labels: str) -> Any:
    """A pod of the deployment web that crash loops since half a minute."""
    looping = container(waiting("CrashLoopBackOff"), ended(1, finished=30), restarts=4)
    owner = {"kind": "ReplicaSet", "name": "web-5d4", "uid": "uid-rs", "controller": True}
    meta = {
        "name": name,
        "uid": f"uid-{name}",
        "labels": {"pod-template-hash": "5d4", **labels},
        "ownerReferences": [owner],
    }
    return pod(looping, meta=meta)


def test_a_failing_pod_is_its_deployments_trouble() -> None:
    cluster = Cluster()
    cluster.deploy()
    cluster.pipeline.changed("Pod", crashing("web-5d4-a", app="web"))
    (incident,) = cluster.openings.of("default")
    assert incident.failure == "ContainerCrashLoop"
    assert (incident.subject, incident.owner) == (
        Ref("Pod", "web-5d4-a", "uid-web-5d4-a"),
        Ref("Deployment", "web", "uid-web"),
    )
    assert incident.labels["app"] == "web"
    assert cluster.touched[-1] == {"default"}


def test_two_that_fail_alike_are_the_deployments_own_failure_too_and_count_once() -> None:
    cluster = Cluster()
    cluster.deploy()
    for name in ("web-5d4-a", "web-5d4-b"):
        cluster.pipeline.changed("Pod", crashing(name))
    found = {incident.failure: incident for incident in cluster.openings.of("default")}
    members = found["DeploymentPodsFailing"]
    assert (members.cause, members.subject.key, members.owner.key) == (
        "ContainerCrashLoop",
        "Deployment/web",
        "Deployment/web",
    )
    assert list(cluster.openings.began("default")) == [("default", "Deployment/web")]
    assert cluster.openings.began(None) == cluster.openings.began("default")
    assert cluster.openings.began("shop") == {}


def test_what_a_failing_workload_tells_itself_is_no_new_beginning_but_another_failing_pod_is() -> None:
    stalled = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    cluster = Cluster()
    cluster.deploy()
    cluster.pipeline.changed("Pod", crashing("web-5d4-a"))
    cluster.now += 60
    cluster.deploy(conditions=[stalled])
    assert {incident.failure for incident in cluster.openings.of("default")} > {"ContainerCrashLoop"}
    assert cluster.openings.began("default") == {("default", "Deployment/web"): NOW}
    cluster.pipeline.changed("Pod", crashing("web-5d4-b"))
    assert cluster.openings.began("default") == {("default", "Deployment/web"): NOW + 60}
    cluster.pipeline.gone("Pod", "uid-web-5d4-a")
    cluster.pipeline.gone("Pod", "uid-web-5d4-b")
    cluster.deploy()
    assert list(cluster.openings.of("default")) == []
    cluster.now += 60
    cluster.deploy(conditions=[stalled])
    assert cluster.openings.began("default") == {("default", "Deployment/web"): NOW + 120}


def test_what_ends_is_not_open_any_more() -> None:
    cluster = Cluster()
    cluster.pipeline.changed("Pod", crashing("web-5d4-a"))
    cluster.pipeline.gone("Pod", "uid-web-5d4-a")
    assert list(cluster.openings.of("default")) == []


@pytest.mark.parametrize("synced", [True, False])
def test_what_was_open_before_the_start_is_as_old_as_it_is(synced: bool) -> None:
    cluster = Cluster(synced=synced)
    cluster.now += 600
    cluster.pipeline.changed("Pod", crashing("web-5d4-a"))
    (incident,) = cluster.openings.of("default")
    assert incident.since < NOW
    (began,) = cluster.openings.began("default").values()
    assert began == (cluster.now if synced else incident.since)
    cluster.now += KEPT_SECONDS
    assert cluster.openings.began("default") == {}


def test_the_health_of_a_workload_is_what_its_controller_counts() -> None:
    cluster = Cluster()
    assert cluster.openings.health("default", Ref("Deployment", "web")) is None
    cluster.deploy(ready=2)
    assert cluster.openings.health("default", Ref("Deployment", "web")) == Health(2, 3)
    cluster.deploy(ready=0, replicas=None)
    assert cluster.openings.health("default", Ref("Deployment", "web")) == Health(0, 1)
    daemon_set = {
        "metadata": {"name": "agent", "namespace": "default", "uid": "uid-agent"},
        "spec": {},
        "status": {"numberReady": 4, "desiredNumberScheduled": 5},
    }
    cluster.pipeline.changed("DaemonSet", from_object("DaemonSet", daemon_set))
    assert cluster.openings.health("default", Ref("DaemonSet", "agent")) == Health(4, 5)
    assert cluster.openings.health("default", Ref("Pod", "bare")) is None
