"""Autoscalers, budgets, nodes, storage, namespaces and services."""

from typing import Any

import pytest

from kubedom_operator.projection import from_object

from .objects import NOW, ago, cond, container, diagnosis, event, failures, metadata, only, pending, pod, running


def hpa(*conditions: dict[str, Any], desired: int = 2, spec: Any = None, **status: Any) -> Any:
    return from_object(
        "HorizontalPodAutoscaler",
        {
            "metadata": metadata("hpa"),
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                "minReplicas": 1,
                "maxReplicas": 5,
                **(spec or {}),
            },
            "status": {
                "currentReplicas": desired,
                "desiredReplicas": desired,
                **status,
                "conditions": list(conditions),
            },
        },
    )


ABLE, ACTIVE = cond("AbleToScale", "True", "ReadyForNewScale"), cond("ScalingActive", "True", "ValidMetricFound")


@pytest.mark.parametrize("reason", ["FailedGetScale", "FailedUpdateScale"])
def test_an_autoscaler_that_cannot_scale(reason: str) -> None:
    assert failures(hpa(cond("AbleToScale", "False", reason))) == ["HpaUnable"]


@pytest.mark.parametrize(
    "reason", ["FailedGetResourceMetric", "FailedGetExternalMetric", "InvalidMetricSourceType", "AmbiguousSelector"]
)
def test_an_autoscaler_without_metrics(reason: str) -> None:
    assert failures(hpa(ABLE, cond("ScalingActive", "False", reason))) == ["HpaMetricsFailed"]


def test_a_target_at_zero_is_no_failure() -> None:
    found = diagnosis(hpa(ABLE, cond("ScalingActive", "False", "ScalingDisabled"), desired=0))
    assert (found.failures, found.notes) == ((), ("ScaledToZero",))


def test_an_autoscaler_at_its_most_for_900_seconds() -> None:
    assert failures(hpa(ABLE, ACTIVE, cond("ScalingLimited", "True", "TooManyReplicas", 901), desired=5)) == [
        "HpaMaxedOut"
    ]
    assert failures(hpa(ABLE, ACTIVE, cond("ScalingLimited", "True", "TooManyReplicas", 899), desired=5)) == []
    assert failures(hpa(ABLE, ACTIVE, desired=5, lastScaleTime=ago(901))) == ["HpaMaxedOut"]
    assert failures(hpa(ABLE, ACTIVE, cond("ScalingLimited", "True", "TooFewReplicas", 9000), desired=1)) == []
    assert failures(hpa(ABLE, ACTIVE, desired=5, spec={"minReplicas": 5}, lastScaleTime=ago(9000))) == []


def budget(reason: str, healthy: int, desired: int, allowed: int = 0, generation: int = 1) -> Any:
    return from_object(
        "PodDisruptionBudget",
        {
            "metadata": metadata("pdb", generation=generation),
            "spec": {"minAvailable": desired},
            "status": {
                "observedGeneration": 1,
                "disruptionsAllowed": allowed,
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "expectedPods": desired,
                "conditions": [cond("DisruptionAllowed", "True" if allowed else "False", reason)],
            },
        },
    )


def test_a_budget_below_what_must_stay() -> None:
    assert pending(budget("InsufficientPods", 1, 2)) == ["PdbUnhealthy"]
    assert failures(budget("SyncFailed", 0, 0)) == ["PdbBlocked"]


def test_a_strict_budget_is_a_failure_only_if_a_drain_waits() -> None:
    strict = budget("InsufficientPods", 1, 1)
    found = diagnosis(strict)
    assert (found.failures, found.pending, found.notes) == ((), (), ("NoDisruptionAllowed",))
    assert failures(strict, draining=True) == ["PdbBlocked"]
    assert failures(budget("SufficientPods", 3, 2, allowed=1), draining=True) == []
    assert diagnosis(budget("InsufficientPods", 0, 1, generation=2)).observing


def node(*conditions: dict[str, Any], **spec: Any) -> Any:
    return from_object("Node", {"metadata": metadata("n1"), "spec": spec, "status": {"conditions": list(conditions)}})


READY = cond("Ready", "True", "KubeletReady")


@pytest.mark.parametrize(
    ("status", "reason"),
    [("False", "KubeletNotReady"), ("Unknown", "NodeStatusUnknown"), ("Unknown", "NodeStatusNeverUpdated")],
)
def test_a_node_that_is_not_ready(status: str, reason: str) -> None:
    assert failures(node(cond("Ready", status, reason, 31))) == ["NodeNotReady"]
    early = diagnosis(node(cond("Ready", status, reason, 10)))
    assert (early.failures, early.recheck) == ((), NOW + 20)


def test_the_unknown_pressures_of_a_lost_node_are_no_pressure() -> None:
    lost = [cond(one, "Unknown", "NodeStatusUnknown", 60) for one in ("Ready", "MemoryPressure", "DiskPressure")]
    assert failures(node(*lost)) == ["NodeNotReady"]


def test_taints_tell_where_the_condition_is_missing() -> None:
    gone = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": ago(40)}
    assert failures(node(taints=[gone])) == ["NodeNotReady"]
    assert failures(node(READY, taints=[gone])) == []
    assert failures(node(READY, taints=[gone | {"key": "node.kubernetes.io/out-of-service"}])) == ["NodeNotReady"]


@pytest.mark.parametrize("type_", ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"])
def test_a_node_under_pressure(type_: str) -> None:
    assert failures(node(READY, cond(type_, "True"))) == ["NodePressure"]
    assert failures(node(READY, cond(type_, "False"))) == []


@pytest.mark.parametrize(
    ("type_", "severity"), [("KernelDeadlock", "critical"), ("FrequentKubeletRestart", "warning"), ("Homemade", "info")]
)
def test_a_problem_that_somebody_else_found(type_: str, severity: str) -> None:
    found = only(node(READY, cond(type_, "True")))
    assert (found.kind, found.severity) == ("NodeProblem", severity)
    assert failures(node(READY, cond("EtcdIsVoter", "True"))) == []


def test_a_cordoned_node_is_info() -> None:
    found = only(node(READY, unschedulable=True))
    assert (found.kind, found.severity) == ("NodeCordoned", "info")
    assert failures(node(READY, unschedulable=False)) == []


@pytest.mark.parametrize(
    "reason", ["Rebooted", "SystemOOM", "OOMKilling", "EvictionThresholdMet", "ImageGCFailed", "Shutdown"]
)
def test_what_a_node_tells_by_events_lasts_ten_minutes(reason: str) -> None:
    found = diagnosis(node(READY), event(reason, "", 100))
    assert [one.kind for one in found.failures] == ["NodeWarning"]
    assert found.recheck == NOW + 500
    assert failures(node(READY), event(reason, "", 601)) == []
    assert failures(node(READY), event("NodeHasSufficientMemory", "", 1)) == []


def claim(phase: str = "Pending", class_name: str | None = "fast", created: float = 61, **status: Any) -> Any:
    return from_object(
        "PersistentVolumeClaim",
        {
            "metadata": metadata("data", creationTimestamp=ago(created)),
            "spec": {"storageClassName": class_name},
            "status": {"phase": phase, **status},
        },
    )


def storage_class(mode: str) -> Any:
    return from_object("StorageClass", {"metadata": {"name": "fast"}, "volumeBindingMode": mode})


def test_a_pending_claim() -> None:
    assert failures(claim()) == ["PVCPending"]
    assert failures(claim(created=59)) == []
    assert failures(claim("Bound")) == []
    found = only(claim(class_name=None), event("FailedBinding", "no storage class is set", 1, type_="Normal"))
    assert (found.reason, found.detail["statusMessage"]) == ("FailedBinding", "no storage class is set")


def test_a_claim_that_waits_for_a_pod_is_pending_only_if_there_is_one() -> None:
    user = pod(container(running()))
    for reason in ("WaitForFirstConsumer", "WaitForPodScheduled"):
        assert failures(claim(), event(reason), consumers=[]) == []
        assert failures(claim(), event(reason), consumers=[user]) == ["PVCPending"]
    assert failures(claim(), storage_class=storage_class("WaitForFirstConsumer")) == []
    assert failures(claim(), storage_class=storage_class("Immediate")) == ["PVCPending"]
    told = event("WaitForFirstConsumer", "", 50), event("ProvisioningFailed", "quota", 5)
    assert only(claim(), *told).reason == "ProvisioningFailed"


def test_a_lost_claim() -> None:
    found = only(claim("Lost"), event("ClaimLost", "Bound claim has lost its PersistentVolume"))
    assert (found.kind, found.severity) == ("PVCLost", "critical")


@pytest.mark.parametrize("type_", ["ControllerResizeError", "NodeResizeError", "ModifyVolumeError"])
def test_a_claim_that_cannot_be_resized(type_: str) -> None:
    assert failures(claim("Bound", conditions=[cond(type_)])) == ["PVCResize"]
    assert failures(claim("Bound", conditions=[cond("FileSystemResizePending")])) == []


def test_an_infeasible_resize() -> None:
    assert failures(claim("Bound", allocatedResourceStatuses={"storage": "ControllerResizeInfeasible"})) == [
        "PVCResize"
    ]
    assert failures(claim("Bound", allocatedResourceStatuses={"storage": "NodeResizePending"})) == []


def volume(phase: str, policy: str = "Retain", since: float = 301) -> Any:
    return from_object(
        "PersistentVolume",
        {
            "metadata": metadata("pv"),
            "spec": {"persistentVolumeReclaimPolicy": policy, "claimRef": {"namespace": "default", "name": "data"}},
            "status": {"phase": phase, "lastPhaseTransitionTime": ago(since)},
        },
    )


def test_a_volume_that_failed_or_is_kept() -> None:
    assert failures(volume("Failed")) == ["PVFailed"]
    kept = only(volume("Released"))
    assert (kept.kind, kept.severity, kept.detail["claim"]) == ("PVReleased", "info", "default/data")
    assert failures(volume("Released", since=299)) == []
    assert failures(volume("Released", "Delete")) == []
    assert failures(volume("Released", "Delete"), event("VolumeFailedDelete")) == ["PVReleased"]
    assert failures(volume("Bound")) == []


def namespace(*conditions: dict[str, Any], phase: str = "Terminating", since: float = 61) -> Any:
    meta = metadata("ns", deletionTimestamp=ago(since))
    return from_object("Namespace", {"metadata": meta, "status": {"phase": phase, "conditions": list(conditions)}})


@pytest.mark.parametrize(
    "type_", ["NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure", "NamespaceFinalizersRemaining"]
)
def test_a_namespace_that_does_not_go(type_: str) -> None:
    assert failures(namespace(cond(type_, "True", "Why"))) == ["NamespaceStuck"]
    assert failures(namespace(cond(type_, "True", "Why"), since=59)) == []
    assert failures(namespace(cond(type_, "False", "Why"))) == []
    assert failures(namespace()) == []


def service(*, balancer: bool = False, ingress: bool = False, selector: bool = True) -> Any:
    return from_object(
        "Service",
        {
            "metadata": metadata("svc"),
            "spec": {
                "type": "LoadBalancer" if balancer else "ClusterIP",
                "selector": {"app": "web"} if selector else None,
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]} if ingress else {}},
        },
    )


def endpoints(*ready: bool | None) -> Any:
    return from_object(
        "EndpointSlice", {"metadata": {"name": "s"}, "endpoints": [{"conditions": {"ready": one}} for one in ready]}
    )


def test_services() -> None:
    pods = [pod(container(running()))]
    assert failures(service(balancer=True)) == ["ServiceLoadBalancerPending"]
    assert failures(service(balancer=True, ingress=True)) == []
    assert pending(service(), slices=[endpoints(False)], pods=pods) == ["ServiceNoEndpoints"]
    for slices in ([endpoints(False, True)], [endpoints(None)]):
        assert pending(service(), slices=slices, pods=pods) == []
    assert pending(service(), slices=[], pods=[]) == []
    assert pending(service(selector=False), slices=[], pods=pods) == []
    assert pending(service()) == []
