"""Deployments, replica sets, stateful sets and daemon sets.

A controller that has not seen the newest spec gives no verdict; a workload that is paused or scaled to zero has no
failure. Of several troubles of one deployment the most telling is reported: it cannot make pods, its rollout stands,
nothing is available, something is missing.
"""

from __future__ import annotations

from kubedom_operator.projection import (
    DaemonSet,
    Deployment,
    Metadata,
    ReplicaSet,
    StatefulSet,
    condition,
    seconds,
)
from kubedom_operator.projection.workloads import (
    DaemonSetStatus,
    DeploymentSpec,
    DeploymentStatus,
    StatefulSetSpec,
    StatefulSetStatus,
)

from .evidence import evidence
from .model import OBSERVING, Diagnosis, FailureKind, Related, Settings, Verdict

_COUNTS = ("desired", "updated", "ready", "available")

REPLICA_FAILURE = FailureKind(
    name="DeploymentReplicaFailure",
    resource="Deployment",
    family="deployment",
    event="deploymentReplicaFailure",
    recovery_event="deploymentRecovered",
    severity="error",
    rule="Condition ReplicaFailure is True (quota, limit range, Pod Security or a webhook refuses pods), or"
    " Progressing is"
    " False with reason ReplicaSetCreateError.",
    next_step="Read the message: raise the quota, or change the pod template to what the policy allows.",
    restart_futile="New pods are refused for the same reason.",
    detail_fields=("reason", "statusMessage", *_COUNTS),
)
ROLLOUT_STUCK = FailureKind(
    name="DeploymentRolloutStuck",
    resource="Deployment",
    family="deployment",
    event="deploymentStalled",
    recovery_event="deploymentRecovered",
    severity="error",
    rule="Condition Progressing is False with reason ProgressDeadlineExceeded; without a progress deadline,"
    " updatedReplicas is below spec.replicas for 600 s.",
    next_step="See what ails the new pods, then correct the template or roll back.",
    restart_futile="A restart rolls the same template out again.",
    detail_fields=("reason", "statusMessage", *_COUNTS),
)
UNAVAILABLE = FailureKind(
    name="DeploymentUnavailable",
    resource="Deployment",
    family="deployment",
    event="deploymentUnavailable",
    recovery_event="deploymentRecovered",
    severity="critical",
    rule="Condition Available is False with reason MinimumReplicasUnavailable for 30 s (a warning while a rollout still"
    " progresses). Pods that crash after a finished rollout never exceed the progress deadline, so only this tells.",
    next_step="See what ails the deployment's pods.",
    restart_helps=True,
    hold=30.0,
    detail_fields=("reason", "statusMessage", *_COUNTS),
)
DEGRADED = FailureKind(
    name="DeploymentDegraded",
    resource="Deployment",
    family="deployment",
    event="deploymentDegraded",
    recovery_event="deploymentRecovered",
    severity="warning",
    rule="status.availableReplicas is below spec.replicas for 60 s while condition Available is True and no"
    " rollout is under"
    " way.",
    next_step="See which of the deployment's pods are not ready.",
    hold=60.0,
    detail_fields=_COUNTS,
)
REPLICA_SET_FAILURE = FailureKind(
    name="ReplicaSetFailure",
    resource="ReplicaSet",
    family="replicaset",
    event="replicaSetFailed",
    recovery_event="replicaSetRecovered",
    severity="error",
    rule="Condition ReplicaFailure is True with reason FailedCreate or FailedDelete, and no deployment owns"
    " the replica set"
    " (a deployment reports it itself).",
    next_step="Read the message: raise the quota, or change the pod template to what the policy allows.",
    restart_futile="New pods are refused for the same reason.",
    detail_fields=("reason", "statusMessage"),
)
STATEFUL_SET_STUCK = FailureKind(
    name="StatefulSetStuck",
    resource="StatefulSet",
    family="statefulset",
    event="statefulSetStuck",
    recovery_event="statefulSetRecovered",
    severity="error",
    rule="status.readyReplicas is below spec.replicas for 120 s without progress; or an update (updateRevision is not"
    " currentRevision, strategy is not OnDelete) has fewer than replicas - partition updated without a"
    " change for 600 s.",
    next_step="See the first pod that is not ready: the others wait for it.",
    hold=120.0,
    detail_fields=("reason", "statusMessage", "desired", "updated", "ready", "events"),
)
DAEMON_SET_STUCK = FailureKind(
    name="DaemonSetStuck",
    resource="DaemonSet",
    family="daemonset",
    event="daemonSetStuck",
    recovery_event="daemonSetRecovered",
    severity="error",
    rule="status.numberUnavailable is above 0 or currentNumberScheduled below desiredNumberScheduled for 120 s without"
    " progress; updatedNumberScheduled below desired for 600 s (strategy is not OnDelete); numberMisscheduled above 0"
    " for 600 s (a warning).",
    next_step="See the pods of the nodes that lack one.",
    hold=120.0,
    detail_fields=("reason", "desired", "current", "updated", "unavailable", "misscheduled", "events"),
)
KINDS = (
    REPLICA_FAILURE,
    ROLLOUT_STUCK,
    UNAVAILABLE,
    DEGRADED,
    REPLICA_SET_FAILURE,
    STATEFUL_SET_STUCK,
    DAEMON_SET_STUCK,
)

#: What the API server stores where somebody wants no progress deadline.
_NO_DEADLINE = 2**31 - 1
_UPDATE_STANDS = 600.0


def not_observed(metadata: Metadata, observed_generation: int | None) -> bool:
    """Whether the controller has yet to look at the newest spec."""
    return (metadata.generation or 0) > (observed_generation or 0)


def diagnose_deployment(deployment: Deployment, related: Related, now: float, settings: Settings) -> Diagnosis:  # noqa: ARG001
    """Say what is wrong with a deployment."""
    status = deployment.status or DeploymentStatus()
    spec = deployment.spec or DeploymentSpec()
    verdict = Verdict(now, settings)
    if deployment.metadata.deletion_timestamp:
        return verdict.diagnosis()
    wanted = 1 if spec.replicas is None else spec.replicas
    if spec.paused or wanted == 0:
        verdict.notes.append("Paused" if spec.paused else "ScaledToZero")
        return verdict.diagnosis()
    if not_observed(deployment.metadata, status.observed_generation):
        return OBSERVING
    _deployment(deployment, spec, status, wanted, verdict)
    return verdict.diagnosis()


def _deployment(
    deployment: Deployment, spec: DeploymentSpec, status: DeploymentStatus, wanted: int, verdict: Verdict
) -> None:
    progressing = condition(status.conditions, "Progressing")
    available = condition(status.conditions, "Available")
    refused = condition(status.conditions, "ReplicaFailure")
    updated, ready = status.updated_replicas or 0, status.available_replicas or 0
    counts = {"desired": wanted, "updated": updated, "ready": status.ready_replicas or 0, "available": ready}
    stands = progressing is not None and progressing.status == "False"
    if refused is None or refused.status != "True":
        refused = progressing if stands and progressing and progressing.reason == "ReplicaSetCreateError" else None
    if refused is not None:
        verdict.add(
            REPLICA_FAILURE,
            f"The deployment's pods are refused ({refused.reason}).",
            since=seconds(refused.last_transition_time),
            reason=refused.reason,
            detail={"reason": refused.reason, "statusMessage": refused.message, **counts},
        )
        return
    if stands and progressing and progressing.reason == "ProgressDeadlineExceeded":
        verdict.add(
            ROLLOUT_STUCK,
            f"The rollout stands: {updated} of {wanted} replicas are updated, {ready} available.",
            since=seconds(progressing.last_transition_time),
            reason=progressing.reason,
            detail={"reason": progressing.reason, "statusMessage": progressing.message, **counts},
        )
        return
    finished = progressing is None or progressing.reason == "NewReplicaSetAvailable"
    if spec.progress_deadline_seconds in (None, _NO_DEADLINE) and updated < wanted:
        moved = (progressing.last_update_time or progressing.last_transition_time) if progressing else None
        held = verdict.add(
            ROLLOUT_STUCK,
            f"The rollout stands: {updated} of {wanted} replicas are updated, and it has no progress deadline.",
            since=seconds(moved),
            reason="NoProgress",
            hold=verdict.settings.rollout_without_deadline,
            progress=f"{deployment.metadata.generation}/{updated}/{ready}",
            detail={"reason": "NoProgress", **counts},
        )
        if held:
            return
        finished = False
    if available and available.status == "False":
        verdict.add(
            UNAVAILABLE,
            f"The deployment does not serve: {ready} of {wanted} replicas are available"
            + ("." if finished else ", its rollout still goes on."),
            since=seconds(available.last_transition_time),
            reason=available.reason,
            severity=None if finished or stands else "warning",
            detail={"reason": available.reason, "statusMessage": available.message, **counts},
        )
    elif ready < wanted and finished and available and updated >= wanted:
        verdict.add(
            DEGRADED,
            f"Only {ready} of {wanted} replicas are available.",
            reason="Degraded",
            detail=dict(counts),
        )


def diagnose_replica_set(replica_set: ReplicaSet, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a replica set that stands alone."""
    verdict = Verdict(now, settings)
    status = replica_set.status
    if status is None or replica_set.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if not_observed(replica_set.metadata, status.observed_generation):
        return OBSERVING
    if related.owner or any(one.kind == "Deployment" for one in replica_set.metadata.owner_references or ()):
        return verdict.diagnosis()
    refused = condition(status.conditions, "ReplicaFailure")
    if refused and refused.status == "True":
        verdict.add(
            REPLICA_SET_FAILURE,
            f"The replica set's pods are refused ({refused.reason}).",
            since=seconds(refused.last_transition_time),
            reason=refused.reason,
            detail={"reason": refused.reason, "statusMessage": refused.message},
        )
    return verdict.diagnosis()


def diagnose_stateful_set(stateful_set: StatefulSet, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a stateful set; it has no conditions and no times, so a hold runs from when it is seen."""
    verdict = Verdict(now, settings)
    status = stateful_set.status or StatefulSetStatus()
    spec = stateful_set.spec or StatefulSetSpec()
    if stateful_set.metadata.deletion_timestamp:
        return verdict.diagnosis()
    wanted = 1 if spec.replicas is None else spec.replicas
    if wanted == 0:
        verdict.notes.append("ScaledToZero")
        return verdict.diagnosis()
    if not_observed(stateful_set.metadata, status.observed_generation):
        return OBSERVING
    ready, updated = status.ready_replicas or 0, status.updated_replicas or 0
    strategy = spec.update_strategy
    rolling = strategy.rolling_update if strategy else None
    updating = (
        bool(status.update_revision)
        and status.update_revision != status.current_revision
        and updated < wanted - ((rolling.partition or 0) if rolling else 0)
        and not (strategy and strategy.type == "OnDelete")
    )
    if ready >= wanted and not updating:
        return verdict.diagnosis()
    refused = evidence(related.events, {"FailedCreate", "FailedUpdate"})
    reason = refused[-1].partition(":")[0] if refused else ("NotReady" if ready < wanted else "UpdateStands")
    verdict.add(
        STATEFUL_SET_STUCK,
        f"{ready} of {wanted} replicas are ready."
        if ready < wanted
        else f"The update stands: {updated} of {wanted} replicas are updated.",
        reason=reason,
        hold=None if ready < wanted else _UPDATE_STANDS,
        progress=f"{stateful_set.metadata.generation}/{status.replicas}/{ready}/{updated}",
        detail={
            "reason": reason,
            "statusMessage": refused[-1].partition(": ")[2] if refused else "",
            "desired": wanted,
            "ready": ready,
            "updated": updated,
            "events": refused,
        },
    )
    return verdict.diagnosis()


def diagnose_daemon_set(daemon_set: DaemonSet, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a daemon set; like a stateful set it tells no times."""
    verdict = Verdict(now, settings)
    status = daemon_set.status or DaemonSetStatus()
    if daemon_set.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if not_observed(daemon_set.metadata, status.observed_generation):
        return OBSERVING
    desired, current = status.desired_number_scheduled or 0, status.current_number_scheduled or 0
    updated, unavailable = status.updated_number_scheduled or 0, status.number_unavailable or 0
    misscheduled = status.number_misscheduled or 0
    strategy = daemon_set.spec.update_strategy if daemon_set.spec else None
    on_delete = bool(strategy and strategy.type == "OnDelete")
    hold: float | None = None
    if current < desired:
        reason, message = "NotScheduled", f"{current} of {desired} nodes have a pod of the daemon set."
    elif unavailable > 0:
        reason, message = "Unavailable", f"The pods of {unavailable} of {desired} nodes are not available."
    elif updated < desired and not on_delete:
        reason, message = "UpdateStands", f"The update stands: {updated} of {desired} nodes are updated."
        hold = _UPDATE_STANDS
    elif misscheduled > 0:
        reason, message = "Misscheduled", f"{misscheduled} nodes run a pod of the daemon set that they should not."
        hold = _UPDATE_STANDS
    else:
        return verdict.diagnosis()
    verdict.add(
        DAEMON_SET_STUCK,
        message,
        reason=reason,
        severity="warning" if reason == "Misscheduled" else None,
        hold=hold,
        progress=f"{daemon_set.metadata.generation}/{current}/{updated}/{unavailable}/{misscheduled}",
        detail={
            "reason": reason,
            "desired": desired,
            "current": current,
            "updated": updated,
            "unavailable": unavailable,
            "misscheduled": misscheduled,
            "events": evidence(related.events, {"FailedDaemonPod", "FailedCreate"}),
        },
    )
    return verdict.diagnosis()
