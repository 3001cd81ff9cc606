from typing import Any

import pytest

from .objects import NOW, ago, cond, container, diagnosis, ended, event, failures, only, pod, running, waiting

BAD_NODES = "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {a: b}, 1 Too many pods."


def unscheduled(reason: str = "Unschedulable", since: float = 20, message: str = BAD_NODES) -> Any:
    return pod(phase="Pending", conditions=(cond("PodScheduled", "False", reason, since, message),))


def test_a_pod_that_fits_nowhere_is_unschedulable_after_15_seconds() -> None:
    found = only(unscheduled())
    assert (found.kind, found.detail["nodes"]) == ("Unschedulable", 3)
    assert found.detail["causes"] == ["Insufficient cpu", "untolerated taint", "Too many pods"]
    assert failures(unscheduled("SchedulerError")) == ["Unschedulable"]
    early = diagnosis(unscheduled(since=10))
    assert (early.failures, early.recheck) == ((), NOW + 5)


def test_a_gated_pod_has_no_failure_however_long() -> None:
    found = diagnosis(unscheduled("SchedulingGated", 90000))
    assert (found.failures, found.notes) == ((), ("SchedulingGated",))


def creating(*conditions: dict[str, Any], since: float = 90) -> Any:
    return pod(
        container(waiting("ContainerCreating")),
        phase="Pending",
        conditions=(*conditions, cond("PodScheduled", since=since)),
        meta={"creationTimestamp": ago(since)},
    )


NO_SANDBOX = cond("PodReadyToStartContainers", "False", since=90)


@pytest.mark.parametrize(
    "reason", ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedPrepareDynamicResources"]
)
def test_a_volume_that_cannot_be_mounted(reason: str) -> None:
    found = only(creating(NO_SANDBOX), event(reason, 'configmap "absent" not found', 80))
    assert (found.kind, found.reason, found.detail["statusMessage"]) == (
        "VolumeMount",
        reason,
        'configmap "absent" not found',
    )


@pytest.mark.parametrize("reason", ["FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"])
def test_a_sandbox_that_cannot_be_made(reason: str) -> None:
    assert failures(creating(NO_SANDBOX), event(reason, "cni", 80)) == ["SandboxFailed"]


def test_a_sandbox_is_missed_without_events_too() -> None:
    assert failures(creating(NO_SANDBOX)) == ["SandboxFailed"]


def test_pulling_a_large_image_after_a_short_trouble_with_a_volume_is_no_failure() -> None:
    assert failures(creating(cond("PodReadyToStartContainers")), event("FailedMount", "", 85)) == []


def test_setting_up_has_60_seconds() -> None:
    young = diagnosis(
        creating(cond("PodReadyToStartContainers", "False", since=30), since=30), event("FailedMount", "", 29)
    )
    assert (young.failures, young.recheck) == ((), NOW + 30)


def test_a_pod_that_is_pending_for_5_minutes_without_a_reason() -> None:
    assert failures(creating(cond("PodReadyToStartContainers"), since=301)) == ["PodPendingTooLong"]
    assert failures(creating(cond("PodReadyToStartContainers"), since=299)) == []


def test_time_spent_unschedulable_does_not_count_as_pending() -> None:
    late = pod(container(waiting("ContainerCreating")), phase="Pending", conditions=(cond("PodScheduled", since=3),))
    assert failures(late) == []


def unready(since: float, started: float, reason: str | None = "ContainersNotReady", **more: Any) -> Any:
    own = more.pop("own", {"ready": False})
    return pod(container(running(started), **own), conditions=(cond("Ready", "False", reason or "", since),), **more)


def test_a_pod_that_runs_but_is_not_ready() -> None:
    told = event("Unhealthy", "Readiness probe failed: 503", 3)
    found = only(unready(60, 60), told)
    assert (found.kind, found.detail["cause"], found.detail["containers"]) == ("NotReady", "containers", ["main"])
    assert found.detail["events"] == ["Unhealthy: Readiness probe failed: 503"]


def test_readiness_counts_from_the_container_s_start_and_its_own_delay() -> None:
    assert failures(unready(600, 29)) == []
    delayed = {"containers": [{"name": "main", "readinessProbe": {"initialDelaySeconds": 60}}]}
    assert failures(unready(600, 80, spec=delayed)) == []
    assert failures(unready(600, 91, spec=delayed)) == ["NotReady"]


def test_a_node_that_does_not_answer_makes_its_pods_not_ready() -> None:
    assert only(unready(40, 3600, None, own={})).detail["cause"] == "node"


def test_a_missing_readiness_gate() -> None:
    gated = unready(
        40, 3600, "ReadinessGatesNotReady", own={}, spec={"readinessGates": [{"conditionType": "lb/ready"}]}
    )
    assert only(gated).detail["gates"] == ["lb/ready"]


@pytest.mark.parametrize("reason", ["PodCompleted", "PodFailed"])
def test_a_pod_that_ends_is_not_unready(reason: str) -> None:
    assert failures(unready(60, 60, reason)) == []


def test_a_crash_explains_that_the_pod_is_not_ready() -> None:
    crashed = container(waiting("CrashLoopBackOff"), ended(1, finished=100), restarts=5)
    assert failures(pod(crashed, conditions=(cond("Ready", "False", "ContainersNotReady", 100),))) == [
        "ContainerCrashLoop"
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "Evicted",
        "Preempting",
        "DeadlineExceeded",
        "NodeAffinity",
        "OutOfcpu",
        "OutOfpods",
        "OutOfephemeral-storage",
        "UnexpectedAdmissionError",
        "TopologyAffinityError",
        "VolumeAttachmentLimitExceeded",
        "AppArmor",
        "PodOSNotSupported",
        "NodeShutdown",
        "Terminated",
        "NodeLost",
        "UnknownReason",
    ],
)
def test_a_failed_pod_with_a_reason_of_its_own(reason: str) -> None:
    found = only(pod(container(ended(137)), phase="Failed", reason=reason, message="why"))
    assert (found.kind, found.reason, found.detail["statusMessage"]) == ("PodFailed", reason, "why")


def test_an_eviction_by_the_kubelet_is_one_failure() -> None:
    target = cond("DisruptionTarget", "True", "TerminationByKubelet")
    found = only(pod(container(ended(137)), phase="Failed", reason="Evicted", conditions=(target,)))
    assert (found.kind, found.detail["disruption"]) == ("PodFailed", "TerminationByKubelet")


def test_a_failed_pod_is_explained_by_its_container() -> None:
    assert failures(pod(container(ended(7)), phase="Failed", policy="Never")) == ["ContainerFailed"]
    assert failures(pod(phase="Failed")) == ["PodFailed"]


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        ("PreemptionByScheduler", "warning"),
        ("EvictionByEvictionAPI", "info"),
        ("DeletionByTaintManager", "warning"),
        ("DeletionByDeviceTaintManager", "warning"),
        ("DeletionByPodGC", "warning"),
        ("TerminationByKubelet", "warning"),
    ],
)
def test_a_disruption(reason: str, severity: str) -> None:
    gone = {"deletionTimestamp": ago(-20), "deletionGracePeriodSeconds": 30}
    found = only(pod(container(running()), conditions=(cond("DisruptionTarget", "True", reason, 1),), meta=gone))
    assert (found.kind, found.severity) == ("PodDisrupted", severity)
    assert failures(pod(container(running()), conditions=(cond("DisruptionTarget", "False", reason, 1),))) == []


def test_nobody_knows_how_the_pod_fares() -> None:
    assert failures(pod(container(running()), phase="Unknown")) == ["PodUnknown"]
    gone = {"deletionTimestamp": ago(10), "deletionGracePeriodSeconds": 30}
    assert failures(pod(container(running()), reason="NodeLost", meta=gone)) == ["PodUnknown"]


def test_a_pod_that_does_not_go() -> None:
    gone = {"deletionTimestamp": ago(91), "deletionGracePeriodSeconds": 30, "finalizers": ["example.com/hold"]}
    found = only(pod(container(running()), meta=gone), event("FailedKillPod", "busy", 2))
    assert (found.kind, found.detail["finalizers"]) == ("StuckTerminating", ["example.com/hold"])
    assert found.detail["events"] == ["FailedKillPod: busy"]
    assert failures(pod(container(ended(0)), phase="Succeeded", meta=gone)) == []


def test_a_pod_within_its_grace_period_is_looked_at_again() -> None:
    gone = {"deletionTimestamp": ago(-25), "deletionGracePeriodSeconds": 30}
    found = diagnosis(pod(container(running()), meta=gone))
    assert (found.failures, found.recheck) == ((), NOW + 25 + 30 + 60)
    assert failures(pod(container(running()), meta=gone), now=NOW + 25 + 30 + 61) == ["StuckTerminating"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (cond("PodResizePending", "True", "Infeasible"), [("ResizeFailed", "warning")]),
        (cond("PodResizePending", "True", "Deferred"), [("ResizeFailed", "info")]),
        (cond("PodResizeInProgress", "True", "Error"), [("ResizeFailed", "warning")]),
        (cond("PodResizeInProgress", "True", ""), []),
    ],
)
def test_a_resize(condition: dict[str, Any], found: list[tuple[str, str]]) -> None:
    seen = diagnosis(pod(container(running()), conditions=(condition,))).failures
    assert [(one.kind, one.severity) for one in seen] == found


def test_times_ahead_of_our_clock_count_as_absent() -> None:
    ahead = diagnosis(unscheduled(since=-3600))
    assert ahead.failures == ()
    assert [(one.kind, one.since, one.hold) for one in ahead.pending] == [("Unschedulable", None, 15.0)]
