"""Pods that do not run yet: they find no node, or their node cannot set them up."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubedom_operator.projection import Condition, Event, Pod, condition, seconds
from kubedom_operator.projection.pods import PodSpec, PodStatus

from .containers import STARTING
from .evidence import evidence
from .model import Verdict
from .pod_kinds import PENDING_TOO_LONG, SANDBOX_FAILED, UNSCHEDULABLE, VOLUME_MOUNT

_MOUNT_EVENTS = frozenset(
    {
        "FailedMount",
        "FailedAttachVolume",
        "FailedMapVolume",
        "FailedMountOnFilesystemMismatch",
        "FailedPrepareDynamicResources",
    }
)
_SANDBOX_EVENTS = frozenset({"FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"})
_CAUSES = (
    (re.compile(r"(Insufficient [\w./-]*\w)"), None),
    (re.compile(r"untolerated taint"), "untolerated taint"),
    (re.compile(r"didn't match Pod's node affinity/selector"), "node affinity or selector"),
    (re.compile(r"pod (?:anti-)?affinity"), "pod affinity"),
    (re.compile(r"topology spread"), "topology spread"),
    (re.compile(r"unbound immediate PersistentVolumeClaims"), "unbound claim"),
    (re.compile(r"persistentvolumeclaim \S+ not found"), "missing claim"),
    (re.compile(r"volume node affinity conflict"), "volume on another node"),
    (re.compile(r"Too many pods"), "Too many pods"),
    (re.compile(r"were unschedulable"), "cordoned nodes"),
    (re.compile(r"free ports"), "host port in use"),
)
_NODES = re.compile(r"^(\d+)/(\d+) nodes are available")


def diagnose_pending(pod: Pod, status: PodStatus, spec: PodSpec, events: Sequence[Event], verdict: Verdict) -> None:
    """Say what keeps a pod from running."""
    scheduled = condition(status.conditions, "PodScheduled")
    if scheduled and scheduled.status == "False":
        if scheduled.reason == "SchedulingGated":
            verdict.notes.append("SchedulingGated")
            return
        if scheduled.reason in ("Unschedulable", "SchedulerError"):
            _unschedulable(scheduled, verdict)
            return
    if spec.scheduling_gates and scheduled is None:
        verdict.notes.append("SchedulingGated")
        return
    moved = [seconds(pod.metadata.creation_timestamp)]
    if scheduled and scheduled.status == "True":
        moved.append(seconds(scheduled.last_transition_time))
        if _setup(status, spec, events, seconds(scheduled.last_transition_time), verdict):
            return
    for one in status.init_container_statuses or ():
        if one.state and one.state.running:
            moved.append(seconds(one.state.running.started_at))
        elif one.state and one.state.terminated:
            moved.append(seconds(one.state.terminated.finished_at))
    verdict.add(
        PENDING_TOO_LONG,
        "The pod has been pending for a long time.",
        since=max((moment for moment in moved if moment is not None), default=None),
        reason="Pending",
        detail={"reason": "Pending", "statusMessage": status.message},
    )


def _unschedulable(scheduled: Condition, verdict: Verdict) -> None:
    text = scheduled.message or ""
    causes: list[str] = []
    for pattern, name in _CAUSES:
        for found in pattern.finditer(text):
            cause = name or found.group(1)
            if cause not in causes:
                causes.append(cause)
    nodes = _NODES.match(text)
    why = f": {', '.join(causes)}" if causes else ""
    verdict.add(
        UNSCHEDULABLE,
        f"No node can take the pod{why}.",
        since=seconds(scheduled.last_transition_time),
        reason=scheduled.reason,
        detail={
            "reason": scheduled.reason,
            "statusMessage": text,
            "causes": causes,
            "nodes": int(nodes.group(2)) if nodes else None,
        },
    )


def _setup(status: PodStatus, spec: PodSpec, events: Sequence[Event], since: float | None, verdict: Verdict) -> bool:
    """Report a pod whose sandbox or volumes are not ready; True if the rule applies, also while its hold time runs."""
    waiting = [
        one
        for one in (*(status.init_container_statuses or ()), *(status.container_statuses or ()))
        if one.state and one.state.waiting and one.state.waiting.reason in STARTING
    ]
    sandbox = condition(status.conditions, "PodReadyToStartContainers")
    if not waiting or (sandbox and sandbox.status == "True"):
        return False
    mount = evidence(events, _MOUNT_EVENTS)
    failed = evidence(events, _SANDBOX_EVENTS)
    if mount and not failed:
        kind, message, seen = VOLUME_MOUNT, "A volume of the pod cannot be mounted.", mount
    elif failed or sandbox:
        kind, message, seen = SANDBOX_FAILED, "The pod's sandbox (network and namespaces) cannot be set up.", failed
    else:
        return False
    reason = seen[-1].partition(":")[0] if seen else "PodReadyToStartContainers"
    text = seen[-1].partition(": ")[2] if seen else ""
    if sandbox and sandbox.status == "False":
        began = seconds(sandbox.last_transition_time)
        since = began if since is None or began is None else max(since, began)
    verdict.add(
        kind,
        message,
        since=since,
        reason=reason,
        detail={"reason": reason, "statusMessage": text, "events": seen, "node": spec.node_name},
    )
    return True
