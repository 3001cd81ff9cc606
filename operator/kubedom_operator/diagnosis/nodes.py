"""Nodes."""

from __future__ import annotations

from kubedom_operator.projection import Condition, Node, seconds
from kubedom_operator.projection.nodes import NodeSpec, NodeStatus

from .evidence import matching
from .model import Diagnosis, FailureKind, Related, Settings, Severity, Verdict

NOT_READY = FailureKind(
    name="NodeNotReady",
    resource="Node",
    family="node-readiness",
    event="nodeNotReady",
    recovery_event="nodeRecovered",
    severity="critical",
    rule="Condition Ready is False (KubeletNotReady) or Unknown (NodeStatusUnknown, NodeStatusNeverUpdated)"
    " for 30 s; without"
    " a Ready condition the taints node.kubernetes.io/not-ready and unreachable tell; out-of-service always does.",
    next_step="See whether the machine and its kubelet run and reach the API server.",
    hold=30.0,
    detail_fields=("reason", "statusMessage", "taints"),
)
PRESSURE = FailureKind(
    name="NodePressure",
    resource="Node",
    family="node-pressure",
    event="nodePressure",
    recovery_event="nodeRecovered",
    severity="error",
    rule="Condition MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable is True.",
    next_step="Free what is short on the node; until then its pods may be evicted.",
    detail_fields=("reason", "statusMessage", "conditions"),
)
PROBLEM = FailureKind(
    name="NodeProblem",
    resource="Node",
    family="node-problem",
    event="nodeProblem",
    recovery_event="nodeRecovered",
    severity="warning",
    rule="A condition that is not one of Kubernetes' own is True (KernelDeadlock, ReadonlyFilesystem, ...)."
    " The severity of"
    " each type is configurable; a type that nobody knows is info, and EtcdIsVoter is no problem.",
    next_step="See the condition's message; node-problem-detector wrote it.",
    detail_fields=("reason", "statusMessage", "conditions"),
)
CORDONED = FailureKind(
    name="NodeCordoned",
    resource="Node",
    family="node-cordon",
    event="nodeCordoned",
    recovery_event="nodeUncordoned",
    severity="info",
    rule="spec.unschedulable is true.",
    next_step="Uncordon the node when the work on it is done.",
)
WARNING = FailureKind(
    name="NodeWarning",
    resource="Node",
    family="node-warning",
    event="nodeWarning",
    recovery_event="nodeRecovered",
    severity="warning",
    rule="An Event Rebooted, SystemOOM, OOMKilling, EvictionThresholdMet, FreeDiskSpaceFailed, ImageGCFailed,"
    " InvalidDiskCapacity (info) or Shutdown of the node in the last 600 s. Only Events tell.",
    next_step="See the node's events and its log.",
    detail_fields=("reason", "statusMessage"),
)
KINDS = (NOT_READY, PRESSURE, PROBLEM, CORDONED, WARNING)

_PRESSURES = frozenset({"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"})
_LOST_TAINTS = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})
_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
_EVENTS = frozenset(
    {
        "Rebooted",
        "SystemOOM",
        "OOMKilling",
        "EvictionThresholdMet",
        "FreeDiskSpaceFailed",
        "ImageGCFailed",
        "InvalidDiskCapacity",
        "Shutdown",
    }
)
_EVENT_LASTS = 600.0
_ORDER: tuple[Severity, ...] = ("info", "warning", "error", "critical")


def diagnose_node(node: Node, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a node."""
    verdict = Verdict(now, settings)
    status, spec = node.status or NodeStatus(), node.spec or NodeSpec()
    if node.metadata.deletion_timestamp:
        return verdict.diagnosis()
    ready: Condition | None = None
    pressures: list[Condition] = []
    problems: list[Condition] = []
    for one in status.conditions or ():
        if one.type == "Ready":
            ready = one
        elif one.status != "True" or not one.type:
            continue
        elif one.type in _PRESSURES:
            pressures.append(one)
        elif one.type not in settings.ignored_node_conditions:
            problems.append(one)
    _readiness(ready, spec, verdict)
    if pressures:
        _several(PRESSURE, f"The node is short of something: {_types(pressures)}.", pressures, None, verdict)
    if problems:
        known = [settings.node_conditions.get(one.type or "", "info") for one in problems]
        worst = max(known, key=_ORDER.index)
        _several(PROBLEM, f"The node reports {_types(problems)}.", problems, worst, verdict)
    if spec.unschedulable:
        taint = next((one for one in spec.taints or () if one.key == "node.kubernetes.io/unschedulable"), None)
        verdict.add(
            CORDONED,
            "The node takes no new pods.",
            since=seconds(taint.time_added) if taint else None,
            reason="Cordoned",
        )
    _recent(related, verdict)
    return verdict.diagnosis()


def _types(conditions: list[Condition]) -> str:
    return ", ".join(one.type or "" for one in conditions)


def _readiness(ready: Condition | None, spec: NodeSpec, verdict: Verdict) -> None:
    taints = [one.key for one in spec.taints or () if one.key in _LOST_TAINTS or one.key == _OUT_OF_SERVICE]
    keys = [key for key in taints if key]
    if ready is not None and ready.status in ("False", "Unknown"):
        silent = ready.status == "Unknown"
        verdict.add(
            NOT_READY,
            "The node does not answer any more." if silent else f"The node is not ready ({ready.reason}).",
            since=seconds(ready.last_transition_time),
            reason=ready.reason,
            detail={"reason": ready.reason, "statusMessage": ready.message, "taints": keys},
        )
    elif _OUT_OF_SERVICE in keys or (ready is None and keys):
        taint = next(one for one in spec.taints or () if one.key in keys)
        verdict.add(
            NOT_READY,
            f"The node is tainted {taint.key}.",
            since=seconds(taint.time_added),
            reason="Tainted",
            detail={"reason": "Tainted", "taints": keys},
        )


def _several(
    kind: FailureKind, message: str, found: list[Condition], severity: Severity | None, verdict: Verdict
) -> None:
    moments = [moment for one in found if (moment := seconds(one.last_transition_time)) is not None]
    verdict.add(
        kind,
        message,
        since=min(moments, default=None),
        reason=_types(found),
        severity=severity,
        detail={
            "reason": _types(found),
            "statusMessage": " ".join(one.message for one in found if one.message),
            "conditions": [one.type or "" for one in found],
        },
    )


def _recent(related: Related, verdict: Verdict) -> None:
    found = matching(related.events, _EVENTS, verdict.now - _EVENT_LASTS)
    if not found:
        return
    last = found[-1]
    seen = seconds(last.time)
    if seen is not None:
        verdict.look_again(seen + _EVENT_LASTS)
    verdict.add(
        WARNING,
        f"The node reported {last.reason}.",
        since=seen,
        reason=last.reason,
        severity="info" if last.reason == "InvalidDiskCapacity" else None,
        detail={"reason": last.reason, "statusMessage": last.message},
    )
