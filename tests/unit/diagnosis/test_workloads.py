from typing import Any

import pytest

from kubedom_operator.projection import from_object

from .objects import NOW, cond, diagnosis, event, failures, metadata, only, pending

AVAILABLE = cond("Available", "True", "MinimumReplicasAvailable")
FINISHED = cond("Progressing", "True", "NewReplicaSetAvailable")
ROLLING = cond("Progressing", "True", "ReplicaSetUpdated")


def missing(since: float) -> dict[str, Any]:
    return cond("Available", "False", "MinimumReplicasUnavailable", since)


def deployment(
    *conditions: dict[str, Any], spec: Any = None, generation: int = 1, observed: int = 1, **status: Any
) -> Any:
    counts = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    return from_object(
        "Deployment",
        {
            "metadata": metadata("web", generation=generation),
            "spec": {"replicas": 3, "progressDeadlineSeconds": 600, **(spec or {})},
            "status": {"observedGeneration": observed, **counts, **status, "conditions": list(conditions)},
        },
    )


STALLED = cond("Progressing", "False", "ProgressDeadlineExceeded", 5)


def test_a_healthy_deployment() -> None:
    found = diagnosis(deployment(AVAILABLE, FINISHED))
    assert (found.failures, found.pending) == ((), ())


def test_a_rollout_beyond_its_deadline_is_one_failure_even_if_nothing_is_available() -> None:
    assert failures(deployment(missing(100), STALLED, availableReplicas=0)) == ["DeploymentRolloutStuck"]


@pytest.mark.parametrize("deadline", [None, 2147483647])
def test_a_rollout_without_a_deadline_stands_after_600_seconds(deadline: int | None) -> None:
    stands = deployment(AVAILABLE, spec={"progressDeadlineSeconds": deadline}, updatedReplicas=1)
    (waits,) = diagnosis(stands).pending
    assert (waits.kind, waits.hold) == ("DeploymentRolloutStuck", 600)
    moved = deployment(AVAILABLE, spec={"progressDeadlineSeconds": deadline}, updatedReplicas=2)
    assert diagnosis(moved).pending[0].progress != waits.progress


def test_pods_that_crash_after_a_finished_rollout_make_it_unavailable() -> None:
    gone = only(deployment(missing(31), FINISHED, availableReplicas=0))
    assert (gone.kind, gone.severity) == ("DeploymentUnavailable", "critical")
    early = diagnosis(deployment(missing(29), FINISHED, availableReplicas=0))
    assert (early.failures, early.recheck) == ((), NOW + 1)


def test_an_unavailable_deployment_whose_rollout_progresses_is_a_warning() -> None:
    assert only(deployment(missing(31), ROLLING, availableReplicas=0)).severity == "warning"


def test_a_missing_replica_degrades_it_but_a_rolling_update_does_not() -> None:
    assert pending(deployment(AVAILABLE, FINISHED, availableReplicas=2)) == ["DeploymentDegraded"]
    assert pending(deployment(AVAILABLE, ROLLING, availableReplicas=2, updatedReplicas=1)) == []
    assert pending(deployment(AVAILABLE, ROLLING, availableReplicas=2)) == []


def test_refused_pods() -> None:
    quota = cond("ReplicaFailure", "True", "FailedCreate", 1, "exceeded quota")
    assert failures(deployment(missing(40), STALLED, quota)) == ["DeploymentReplicaFailure"]
    assert failures(deployment(cond("Progressing", "False", "ReplicaSetCreateError", 1))) == [
        "DeploymentReplicaFailure"
    ]
    assert failures(deployment(AVAILABLE, FINISHED, cond("ReplicaFailure", "False", "FailedCreate"))) == []


@pytest.mark.parametrize(("spec", "note"), [({"paused": True}, "Paused"), ({"replicas": 0}, "ScaledToZero")])
def test_a_suspended_deployment_has_no_failure(spec: dict[str, Any], note: str) -> None:
    found = diagnosis(deployment(missing(900), STALLED, spec=spec))
    assert (found.failures, found.notes) == ((), (note,))


def test_no_verdict_before_the_controller_has_looked() -> None:
    assert diagnosis(deployment(missing(900), STALLED, generation=3, observed=2)).observing


def replica_set(*owners: dict[str, Any], status: str = "True") -> Any:
    return from_object(
        "ReplicaSet",
        {
            "metadata": metadata("rs", generation=1, ownerReferences=list(owners)),
            "spec": {"replicas": 1},
            "status": {
                "observedGeneration": 1,
                "replicas": 0,
                "conditions": [cond("ReplicaFailure", status, "FailedCreate")],
            },
        },
    )


def test_a_replica_set_speaks_only_if_no_deployment_does() -> None:
    assert failures(replica_set()) == ["ReplicaSetFailure"]
    assert failures(replica_set({"kind": "Deployment", "name": "web", "controller": True})) == []
    assert failures(replica_set(status="False")) == []


def stateful_set(spec: Any = None, generation: int = 1, **status: Any) -> Any:
    counts = {"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "a", "updateRevision": "a"}
    return from_object(
        "StatefulSet",
        {
            "metadata": metadata("db", generation=generation),
            "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}, **(spec or {})},
            "status": {"observedGeneration": 1, **counts, **status},
        },
    )


def test_a_stateful_set_without_a_ready_replica() -> None:
    (stuck,) = diagnosis(stateful_set(readyReplicas=2), event("FailedCreate", "exceeded quota")).pending
    assert (stuck.kind, stuck.hold, stuck.reason) == ("StatefulSetStuck", 120, "FailedCreate")
    assert pending(stateful_set()) == []
    assert pending(stateful_set({"replicas": 0}, readyReplicas=0)) == []
    assert diagnosis(stateful_set(generation=2, readyReplicas=0)).observing


def test_a_stateful_set_whose_update_stands() -> None:
    (stuck,) = diagnosis(stateful_set(updateRevision="b", updatedReplicas=1)).pending
    assert (stuck.kind, stuck.hold) == ("StatefulSetStuck", 600)
    partition = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    assert pending(stateful_set(partition, updateRevision="b", updatedReplicas=1)) == []
    assert pending(stateful_set({"updateStrategy": {"type": "OnDelete"}}, updateRevision="b", updatedReplicas=1)) == []


def daemon_set(strategy: str = "RollingUpdate", **status: Any) -> Any:
    counts = {
        "desiredNumberScheduled": 3,
        "currentNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    return from_object(
        "DaemonSet",
        {
            "metadata": metadata("ds", generation=1),
            "spec": {"updateStrategy": {"type": strategy}},
            "status": {"observedGeneration": 1, **counts, **status},
        },
    )


@pytest.mark.parametrize(
    ("status", "reason", "hold"),
    [
        ({"numberUnavailable": 1}, "Unavailable", 120),
        ({"currentNumberScheduled": 2}, "NotScheduled", 120),
        ({"updatedNumberScheduled": 1}, "UpdateStands", 600),
        ({"numberMisscheduled": 1}, "Misscheduled", 600),
    ],
)
def test_a_daemon_set_that_stands(status: dict[str, Any], reason: str, hold: float) -> None:
    (stuck,) = diagnosis(daemon_set(**status)).pending
    assert (stuck.kind, stuck.reason, stuck.hold) == ("DaemonSetStuck", reason, hold)


def test_a_daemon_set_that_is_updated_by_hand_or_healthy() -> None:
    assert pending(daemon_set("OnDelete", updatedNumberScheduled=0)) == []
    assert pending(daemon_set()) == []
