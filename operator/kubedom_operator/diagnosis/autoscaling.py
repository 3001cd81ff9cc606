"""Horizontal pod autoscalers and pod disruption budgets."""

from __future__ import annotations

from kubedom_operator.projection import HorizontalPodAutoscaler, PodDisruptionBudget, condition, seconds

from .model import OBSERVING, Diagnosis, FailureKind, Related, Settings, Verdict
from .workloads import not_observed

HPA_UNABLE = FailureKind(
    name="HpaUnable",
    resource="HorizontalPodAutoscaler",
    family="hpa",
    event="autoscalerFailed",
    recovery_event="autoscalerRecovered",
    severity="error",
    rule="Condition AbleToScale is False (FailedGetScale, FailedUpdateScale).",
    next_step="See whether the scale target exists and may be scaled.",
    detail_fields=("reason", "statusMessage", "target"),
)
HPA_BLIND = FailureKind(
    name="HpaMetricsFailed",
    resource="HorizontalPodAutoscaler",
    family="hpa",
    event="autoscalerMetricsFailed",
    recovery_event="autoscalerRecovered",
    severity="warning",
    rule="Condition ScalingActive is False for 60 s (FailedGet...Metric, InvalidMetricSourceType, InvalidSelector,"
    " AmbiguousSelector), but not ScalingDisabled: that is a target at zero.",
    next_step="See whether the metrics server runs and the pods ask for the resource that is measured.",
    hold=60.0,
    detail_fields=("reason", "statusMessage", "target"),
)
HPA_MAXED_OUT = FailureKind(
    name="HpaMaxedOut",
    resource="HorizontalPodAutoscaler",
    family="hpa-limit",
    event="autoscalerMaxedOut",
    recovery_event="autoscalerRecovered",
    severity="warning",
    rule="Condition ScalingLimited is True with reason TooManyReplicas, or desiredReplicas equals"
    " maxReplicas (which is not"
    " minReplicas), for 900 s. TooFewReplicas is normal.",
    next_step="Raise maxReplicas, or find out where the load comes from.",
    hold=900.0,
    detail_fields=("reason", "desired", "max", "target"),
)
PDB_UNHEALTHY = FailureKind(
    name="PdbUnhealthy",
    resource="PodDisruptionBudget",
    family="pdb",
    event="disruptionBudgetUnhealthy",
    recovery_event="disruptionBudgetRecovered",
    severity="warning",
    rule="status.currentHealthy is below status.desiredHealthy for 60 s.",
    next_step="See the budget's pods that are not ready: until they are, no node with one can be drained.",
    hold=60.0,
    detail_fields=("reason", "currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed"),
)
PDB_BLOCKED = FailureKind(
    name="PdbBlocked",
    resource="PodDisruptionBudget",
    family="pdb",
    event="disruptionBudgetBlocked",
    recovery_event="disruptionBudgetRecovered",
    severity="warning",
    rule="Condition DisruptionAllowed is False with reason SyncFailed; or status.disruptionsAllowed is 0"
    " while a drain waits."
    " InsufficientPods with enough healthy pods is how a strict budget normally looks, and only a note.",
    next_step="Loosen the budget or add replicas, so that one pod may go.",
    detail_fields=("reason", "statusMessage", "currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed"),
)
KINDS = (HPA_UNABLE, HPA_BLIND, HPA_MAXED_OUT, PDB_UNHEALTHY, PDB_BLOCKED)


def diagnose_autoscaler(hpa: HorizontalPodAutoscaler, related: Related, now: float, settings: Settings) -> Diagnosis:  # noqa: ARG001
    """Say what is wrong with an autoscaler."""
    verdict = Verdict(now, settings)
    status, spec = hpa.status, hpa.spec
    if status is None or hpa.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if status.observed_generation is not None and not_observed(hpa.metadata, status.observed_generation):
        return OBSERVING
    ref = spec.scale_target_ref if spec else None
    target = f"{ref.kind}/{ref.name}" if ref else ""
    able = condition(status.conditions, "AbleToScale")
    active = condition(status.conditions, "ScalingActive")
    if active and active.status == "False" and active.reason == "ScalingDisabled":
        verdict.notes.append("ScaledToZero")
    elif able and able.status == "False":
        verdict.add(
            HPA_UNABLE,
            f"The autoscaler cannot scale {target} ({able.reason}).",
            since=seconds(able.last_transition_time),
            reason=able.reason,
            detail={"reason": able.reason, "statusMessage": able.message, "target": target},
        )
    elif active and active.status == "False":
        verdict.add(
            HPA_BLIND,
            f"The autoscaler of {target} has no metrics to go by ({active.reason}).",
            since=seconds(active.last_transition_time),
            reason=active.reason,
            detail={"reason": active.reason, "statusMessage": active.message, "target": target},
        )
    limited = condition(status.conditions, "ScalingLimited")
    too_many = limited is not None and limited.status == "True" and limited.reason == "TooManyReplicas"
    most, least = (spec.max_replicas or 0, spec.min_replicas) if spec else (0, None)
    desired = status.desired_replicas or 0
    if too_many or (most > 0 and desired == most and most != (1 if least is None else least)):
        began = limited.last_transition_time if limited and too_many else status.last_scale_time
        verdict.add(
            HPA_MAXED_OUT,
            f"The autoscaler of {target} has reached its most, {most} replicas.",
            since=seconds(began),
            reason="TooManyReplicas",
            detail={"reason": "TooManyReplicas", "desired": desired, "max": most, "target": target},
        )
    return verdict.diagnosis()


def diagnose_budget(pdb: PodDisruptionBudget, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a disruption budget."""
    verdict = Verdict(now, settings)
    status = pdb.status
    if status is None or pdb.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if not_observed(pdb.metadata, status.observed_generation):
        return OBSERVING
    healthy, wanted = status.current_healthy or 0, status.desired_healthy or 0
    allowed = condition(status.conditions, "DisruptionAllowed")
    refused = allowed if allowed and allowed.status == "False" else None
    counts: dict[str, int] = {
        "currentHealthy": healthy,
        "desiredHealthy": wanted,
        "expectedPods": status.expected_pods or 0,
        "disruptionsAllowed": status.disruptions_allowed or 0,
    }
    if refused and refused.reason == "SyncFailed":
        verdict.add(
            PDB_BLOCKED,
            "The disruption budget cannot be worked out, so nothing may be evicted.",
            since=seconds(refused.last_transition_time),
            reason=refused.reason,
            detail={"reason": refused.reason, "statusMessage": refused.message, **counts},
        )
    elif healthy < wanted:
        verdict.add(
            PDB_UNHEALTHY,
            f"{healthy} of the {wanted} pods that must stay are healthy.",
            reason="InsufficientPods",
            detail={"reason": "InsufficientPods", **counts},
        )
    elif related.draining and not status.disruptions_allowed:
        verdict.add(
            PDB_BLOCKED,
            "A drain waits, and the disruption budget lets no pod go.",
            since=seconds(refused.last_transition_time) if refused else None,
            reason="InsufficientPods",
            detail={"reason": "InsufficientPods", "statusMessage": refused.message if refused else "", **counts},
        )
    elif refused:
        verdict.notes.append("NoDisruptionAllowed")
    return verdict.diagnosis()
