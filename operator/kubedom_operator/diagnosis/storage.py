"""Claims and volumes."""

from __future__ import annotations

from collections.abc import Sequence

from kubedom_operator.projection import Event, PersistentVolume, PersistentVolumeClaim, seconds
from kubedom_operator.projection.storage import PersistentVolumeClaimStatus

from .evidence import evidence, matching
from .model import Diagnosis, FailureKind, Related, Settings, Verdict

PVC_PENDING = FailureKind(
    name="PVCPending",
    resource="PersistentVolumeClaim",
    family="claim",
    event="claimPending",
    recovery_event="claimRecovered",
    severity="error",
    rule="status.phase is Pending for 60 s; but not while its class or an Event (WaitForFirstConsumer,"
    " WaitForPodScheduled)"
    " says that it waits for a pod, and no pod uses it. Without the class and the Events status alone decides.",
    next_step="Name a storage class that exists, and see whether its provisioner runs.",
    hold=60.0,
    detail_fields=("reason", "statusMessage", "storageClass", "events"),
)
PVC_LOST = FailureKind(
    name="PVCLost",
    resource="PersistentVolumeClaim",
    family="claim",
    event="claimLost",
    recovery_event="claimRecovered",
    severity="critical",
    rule="status.phase is Lost; Events ClaimLost and ClaimMisbound tell more.",
    next_step="The claim's volume is gone: restore the data and make a new claim.",
    detail_fields=("reason", "statusMessage", "volume", "events"),
)
PVC_RESIZE = FailureKind(
    name="PVCResize",
    resource="PersistentVolumeClaim",
    family="claim-resize",
    event="claimResizeFailed",
    recovery_event="claimRecovered",
    severity="warning",
    rule="Condition ControllerResizeError, NodeResizeError or ModifyVolumeError is True; or a value of"
    " allocatedResourceStatuses ends in Infeasible.",
    next_step="Ask for a size or attributes that the storage system can give.",
    detail_fields=("reason", "statusMessage", "events"),
)
PV_FAILED = FailureKind(
    name="PVFailed",
    resource="PersistentVolume",
    family="volume",
    event="volumeFailed",
    recovery_event="volumeRecovered",
    severity="error",
    rule="status.phase is Failed; Event VolumeFailedDelete tells more.",
    next_step="See the message: the volume could not be reclaimed and may still cost money.",
    detail_fields=("reason", "statusMessage", "claim", "events"),
)
PV_RELEASED = FailureKind(
    name="PVReleased",
    resource="PersistentVolume",
    family="volume",
    event="volumeReleased",
    recovery_event="volumeRecovered",
    severity="info",
    rule="status.phase is Released for 300 s (reclaim policy Retain; with Delete an Event VolumeFailedDelete makes it a"
    " warning).",
    next_step="Save the data, then delete the volume or remove its claimRef.",
    hold=300.0,
    detail_fields=("reason", "statusMessage", "claim", "events"),
)
KINDS = (PVC_PENDING, PVC_LOST, PVC_RESIZE, PV_FAILED, PV_RELEASED)

_WAITING_EVENTS = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled"})
_PENDING_EVENTS = frozenset({"ProvisioningFailed", "FailedBinding", "ExternalProvisioning", *_WAITING_EVENTS})
_RESIZE_CONDITIONS = frozenset({"ControllerResizeError", "NodeResizeError", "ModifyVolumeError"})
_RESIZE_EVENTS = frozenset({"VolumeResizeFailed", "FileSystemResizeFailed"})


def diagnose_claim(claim: PersistentVolumeClaim, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a claim."""
    verdict = Verdict(now, settings)
    status = claim.status
    if status is None or claim.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if status.phase == "Lost":
        seen = evidence(related.events, {"ClaimLost", "ClaimMisbound"})
        verdict.add(
            PVC_LOST,
            "The claim has lost its volume.",
            reason="Lost",
            detail={
                "reason": "Lost",
                "statusMessage": _text(seen),
                "volume": claim.spec.volume_name if claim.spec else None,
                "events": seen,
            },
        )
    elif status.phase == "Pending":
        _pending(claim, related, verdict)
    _resize(status, related.events, verdict)
    return verdict.diagnosis()


def _text(seen: list[str]) -> str:
    return seen[-1].partition(": ")[2] if seen else ""


def _pending(claim: PersistentVolumeClaim, related: Related, verdict: Verdict) -> None:
    seen = matching(related.events, _PENDING_EVENTS)
    last = seen[-1] if seen else None
    binding = related.storage_class.volume_binding_mode if related.storage_class else None
    # The latest Event counts: a claim that waited for its pod may fail to be provisioned afterwards.
    waits = last.reason in _WAITING_EVENTS if last else binding == "WaitForFirstConsumer"
    if waits and not related.consumers:
        verdict.notes.append("WaitForFirstConsumer")
        return
    class_name = claim.spec.storage_class_name if claim.spec else None
    reason = (last.reason if last else None) or ("Pending" if class_name else "NoStorageClass")
    verdict.add(
        PVC_PENDING,
        "The claim has no volume" + (f" of class {class_name}." if class_name else " and names no storage class."),
        since=seconds(claim.metadata.creation_timestamp),
        reason=reason,
        detail={
            "reason": reason,
            "statusMessage": last.message if last else "",
            "storageClass": class_name,
            "events": evidence(related.events, _PENDING_EVENTS),
        },
    )


def _resize(status: PersistentVolumeClaimStatus, events: Sequence[Event], verdict: Verdict) -> None:
    found = next(
        (one for one in status.conditions or () if one.type in _RESIZE_CONDITIONS and one.status == "True"), None
    )
    infeasible = [
        value for value in (status.allocated_resource_statuses or {}).values() if value.endswith("Infeasible")
    ]
    if found is None and not infeasible:
        return
    reason = found.type if found else infeasible[0]
    verdict.add(
        PVC_RESIZE,
        f"The claim cannot be changed as asked ({reason}).",
        since=seconds(found.last_transition_time) if found else None,
        reason=reason,
        detail={
            "reason": reason,
            "statusMessage": found.message if found else "",
            "events": evidence(events, _RESIZE_EVENTS),
        },
    )


def diagnose_volume(volume: PersistentVolume, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a volume."""
    verdict = Verdict(now, settings)
    status = volume.status
    if status is None or volume.metadata.deletion_timestamp or status.phase not in ("Failed", "Released"):
        return verdict.diagnosis()
    failed = status.phase == "Failed"
    seen = evidence(related.events, {"VolumeFailedDelete"})
    ref = volume.spec.claim_ref if volume.spec else None
    claim = f"{ref.namespace}/{ref.name}" if ref else ""
    policy = volume.spec.persistent_volume_reclaim_policy if volume.spec else None
    if not failed and policy == "Delete" and not seen:
        # Being deleted right now, as it should.
        return verdict.diagnosis()
    verdict.add(
        PV_FAILED if failed else PV_RELEASED,
        "The volume could not be reclaimed." if failed else f"The volume is kept although its claim {claim} is gone.",
        since=seconds(status.last_phase_transition_time),
        reason=status.reason or status.phase,
        severity="warning" if seen and not failed else None,
        detail={
            "reason": status.reason or status.phase,
            "statusMessage": status.message or _text(seen),
            "claim": claim,
            "events": seen,
        },
    )
    return verdict.diagnosis()
