"""Pods as a whole: scheduling, setting up, readiness, disruption and termination.

A container's own trouble comes first (containers.py); what it explains is not reported a second time for the pod.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubedom_operator.projection import Condition, ContainerStatus, Event, Pod, condition, seconds
from kubedom_operator.projection.pods import PodSpec, PodStatus

from .containers import STARTING, Subject, diagnose_container, startup_budget
from .evidence import evidence
from .model import HEALTHY, Diagnosis, FailureKind, Related, Settings, Severity, Verdict

POD_SETUP = "pod-setup"


def _kind(
    name: str,
    event: str,
    family: str,
    severity: Severity,
    rule: str,
    next_step: str,
    *,
    hold: float = 0.0,
    restart_helps: bool = False,
    fields: tuple[str, ...] = (),
) -> FailureKind:
    return FailureKind(
        name=name,
        resource="Pod",
        family=family,
        event=event,
        recovery_event="podRecovered",
        severity=severity,
        rule=rule,
        next_step=next_step,
        hold=hold,
        restart_helps=restart_helps,
        detail_fields=("reason", "statusMessage", *fields),
    )


POD_FAILED = _kind(
    "PodFailed",
    "podFailed",
    "pod-end",
    "error",
    "status.phase is Failed with a status.reason of its own (Evicted, Preempting, DeadlineExceeded,"
    " NodeAffinity, OutOfcpu,"
    " UnexpectedAdmissionError, NodeShutdown, Terminated, NodeLost, ...); or Failed and no container tells why.",
    "See the reason. A pod in phase Failed never runs again: its workload must make a new one.",
    restart_helps=True,
    fields=("disruption", "node"),
)
DISRUPTED = _kind(
    "PodDisrupted",
    "podDisrupted",
    "pod-disruption",
    "warning",
    "Condition DisruptionTarget is True: PreemptionByScheduler, EvictionByEvictionAPI (voluntary: info),"
    " DeletionByTaintManager, DeletionByDeviceTaintManager, DeletionByPodGC or TerminationByKubelet.",
    "Nothing, if its workload makes a new pod; a disruption budget limits voluntary evictions.",
)
UNKNOWN = _kind(
    "PodUnknown",
    "podUnknown",
    "pod-end",
    "error",
    "status.phase is Unknown; or the pod is being deleted with status.reason NodeLost.",
    "See whether the pod's node is there.",
    fields=("node",),
)
STUCK_TERMINATING = _kind(
    "StuckTerminating",
    "podStuckTerminating",
    "pod-termination",
    "warning",
    "deletionTimestamp + deletionGracePeriodSeconds + 60 s are over and the phase is neither Succeeded nor Failed.",
    "See whether the pod's node answers and whether a finalizer waits for its controller.",
    hold=60.0,
    fields=("finalizers", "graceSeconds", "node", "events"),
)
UNSCHEDULABLE = _kind(
    "Unschedulable",
    "podUnschedulable",
    "pod-scheduling",
    "error",
    "Condition PodScheduled is False with reason Unschedulable or SchedulerError for 15 s. SchedulingGated"
    " is no failure.",
    "Add capacity, lower the pod's requests, or correct its node selector, affinity, tolerations or claims.",
    hold=15.0,
    fields=("causes", "nodes"),
)
VOLUME_MOUNT = _kind(
    "VolumeMount",
    "podVolumeMountFailed",
    POD_SETUP,
    "error",
    "A container waits with ContainerCreating or PodInitializing for 60 s, the sandbox is not ready, and an"
    " Event FailedMount,"
    " FailedAttachVolume, FailedMapVolume, FailedMountOnFilesystemMismatch or FailedPrepareDynamicResources tells why.",
    "Create what the volume refers to, or see why its volume cannot be attached.",
    hold=60.0,
    fields=("events",),
)
SANDBOX_FAILED = _kind(
    "SandboxFailed",
    "podSandboxFailed",
    POD_SETUP,
    "error",
    "A container waits with ContainerCreating or PodInitializing for 60 s with an Event FailedCreatePodSandBox,"
    " FailedPodSandBoxStatus or NetworkNotReady, or condition PodReadyToStartContainers is False as long.",
    "See the network plugin and the container runtime of the pod's node.",
    hold=60.0,
    fields=("events", "node"),
)
PENDING_TOO_LONG = _kind(
    "PodPendingTooLong",
    "podPendingTooLong",
    POD_SETUP,
    "warning",
    "status.phase is Pending for 300 s without another failure, counted from its last progress (created,"
    " scheduled, an init"
    " container started or ended).",
    "See the pod's events: a large image, a slow init container, or a scheduler that does not run.",
    hold=300.0,
)
NOT_READY = _kind(
    "NotReady",
    "podNotReady",
    "pod-readiness",
    "warning",
    "status.phase is Running and condition Ready is False for 30 s (counted from the container's start and"
    " its probes' own"
    " delays), and no container's own failure explains it. Ready False without a reason comes from the node.",
    "See why the readiness probe fails, which readiness gate is missing, or what ails the node.",
    hold=30.0,
    restart_helps=True,
    fields=("cause", "containers", "gates", "node", "events"),
)
RESIZE_FAILED = _kind(
    "ResizeFailed",
    "podResizeFailed",
    "pod-resize",
    "warning",
    "Condition PodResizePending is True with reason Infeasible (Deferred: info), or PodResizeInProgress with"
    " reason Error.",
    "Ask for resources that the node can give, or let the pod be scheduled anew.",
    fields=("events",),
)
KINDS = (
    POD_FAILED,
    DISRUPTED,
    UNKNOWN,
    STUCK_TERMINATING,
    UNSCHEDULABLE,
    VOLUME_MOUNT,
    SANDBOX_FAILED,
    PENDING_TOO_LONG,
    NOT_READY,
    RESIZE_FAILED,
)

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
_NOTABLE = frozenset({"DisruptionTarget", "PodResizePending", "PodResizeInProgress"})
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


def diagnose_pod(pod: Pod, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a pod."""
    status = pod.status
    if status is None:
        return HEALTHY
    if _runs_as_it_should(pod, status):
        return HEALTHY
    verdict = Verdict(now, settings)
    spec = pod.spec or PodSpec()
    if pod.metadata.deletion_timestamp:
        _terminating(pod, status, spec, related, verdict)
        return verdict.diagnosis()
    phase = status.phase
    if phase == "Succeeded":
        return HEALTHY
    if phase == "Failed" and status.reason:
        _pod_failed(status, spec, verdict)
        return verdict.diagnosis()
    if phase == "Unknown":
        _unknown(status, spec, verdict)
        return verdict.diagnosis()
    troubled = _containers(status, spec, related.events, verdict)
    if phase == "Failed":
        if not troubled:
            _pod_failed(status, spec, verdict)
        return verdict.diagnosis()
    _disrupted(status, verdict)
    _resize(status, related.events, verdict)
    if phase == "Running":
        _not_ready(status, spec, related, troubled, verdict)
    elif not troubled:
        _pending(pod, status, spec, related.events, verdict)
    return verdict.diagnosis()


def _runs_as_it_should(pod: Pod, status: PodStatus) -> bool:
    """Tell the ordinary case in one pass: it runs, is ready, and nothing ever ended."""
    if status.phase != "Running" or pod.metadata.deletion_timestamp or status.ephemeral_container_statuses:
        return False
    for one in status.init_container_statuses or ():
        state = one.state
        if state is None or one.restart_count:
            return False
        if (state.terminated is None or state.terminated.exit_code != 0) and not (state.running and one.ready):
            return False
    for one in status.container_statuses or ():
        state = one.state
        if not one.ready or one.restart_count or state is None or state.running is None or one.started is False:
            return False
        if one.last_state is not None and one.last_state.terminated is not None:
            return False
    ready = False
    for item in status.conditions or ():
        if item.type == "Ready":
            ready = item.status == "True"
        elif item.type in _NOTABLE:
            return False
    return ready


def _containers(status: PodStatus, spec: PodSpec, events: Sequence[Event], verdict: Verdict) -> frozenset[str]:
    """Diagnose every container; the names of those that have a trouble."""
    policy = spec.restart_policy or "Always"
    mains = status.container_statuses or ()
    specs = {one.name: one for one in (*(spec.init_containers or ()), *(spec.containers or ()))}
    # Sidecars are ended last; how, matters no more once the work is done.
    done = policy != "Always" and bool(mains) and all(one.state and one.state.terminated for one in mains)
    troubled: set[str] = set()
    for statuses, role in (
        (status.init_container_statuses, "init"),
        (mains, "main"),
        (status.ephemeral_container_statuses, "ephemeral"),
    ):
        for one in statuses or ():
            known = specs.get(one.name)
            own = known.restart_policy if known else None
            its_role = "sidecar" if role == "init" and own == "Always" else role
            if its_role == "sidecar" and done:
                continue
            if its_role == "init":
                always, restarts = False, policy != "Never"
            else:
                always, restarts = (own or policy) == "Always", (own or policy) != "Never"
            if status.phase == "Failed":
                always = restarts = False
            if diagnose_container(Subject(one, known, its_role, always, restarts, events), verdict):
                troubled.add(one.name)
    return frozenset(troubled)


def _terminating(pod: Pod, status: PodStatus, spec: PodSpec, related: Related, verdict: Verdict) -> None:
    """A pod that is being deleted: how its containers end is no failure any more."""
    if status.phase in ("Succeeded", "Failed"):
        return
    if status.phase == "Unknown" or status.reason == "NodeLost":
        _unknown(status, spec, verdict)
        return
    _disrupted(status, verdict)
    grace = pod.metadata.deletion_grace_period_seconds or 0
    deadline = seconds(pod.metadata.deletion_timestamp)
    finalizers = list(pod.metadata.finalizers or ())
    waits = f" Finalizers: {', '.join(finalizers)}." if finalizers else ""
    # The deadline lies ahead while the grace period runs; only a moment that is over can be measured from.
    if deadline is not None and deadline + grace > verdict.now:
        verdict.look_again(deadline + grace + verdict.settings.holds.get("StuckTerminating", STUCK_TERMINATING.hold))
        return
    verdict.add(
        STUCK_TERMINATING,
        f"The pod should have been gone after its grace period of {grace} s, but is still there.{waits}",
        since=None if deadline is None else deadline + grace,
        reason="StuckTerminating",
        detail={
            "finalizers": finalizers,
            "graceSeconds": grace,
            "node": spec.node_name,
            "events": evidence(related.events, {"FailedKillPod", "ExceededGracePeriod"}),
        },
    )


def _pod_failed(status: PodStatus, spec: PodSpec, verdict: Verdict) -> None:
    disruption = condition(status.conditions, "DisruptionTarget")
    reason = status.reason or (disruption.reason if disruption and disruption.status == "True" else "") or "Failed"
    ended = [
        moment
        for one in status.container_statuses or ()
        if one.state and one.state.terminated and (moment := seconds(one.state.terminated.finished_at)) is not None
    ]
    ready = condition(status.conditions, "Ready")
    since = max(ended) if ended else seconds(ready.last_transition_time if ready else None)
    verdict.add(
        POD_FAILED,
        f"The pod failed: {reason}.",
        since=since if since is not None else seconds(status.start_time),
        reason=reason,
        detail={
            "reason": reason,
            "statusMessage": status.message,
            "disruption": disruption.reason if disruption else None,
            "node": spec.node_name,
        },
    )


def _unknown(status: PodStatus, spec: PodSpec, verdict: Verdict) -> None:
    ready = condition(status.conditions, "Ready")
    verdict.add(
        UNKNOWN,
        f"Nobody knows how the pod fares; its node {spec.node_name or '(none)'} does not tell.",
        since=seconds(ready.last_transition_time) if ready and ready.status != "True" else None,
        reason=status.reason or "Unknown",
        detail={"reason": status.reason, "statusMessage": status.message, "node": spec.node_name},
    )


def _disrupted(status: PodStatus, verdict: Verdict) -> None:
    target = condition(status.conditions, "DisruptionTarget")
    if target is None or target.status != "True":
        return
    voluntary = target.reason == "EvictionByEvictionAPI"
    verdict.add(
        DISRUPTED,
        "The pod is being evicted on request." if voluntary else f"The pod is being removed ({target.reason}).",
        since=seconds(target.last_transition_time),
        reason=target.reason,
        severity="info" if voluntary else None,
        detail={"reason": target.reason, "statusMessage": target.message},
    )


def _resize(status: PodStatus, events: Sequence[Event], verdict: Verdict) -> None:
    pending = condition(status.conditions, "PodResizePending")
    running = condition(status.conditions, "PodResizeInProgress")
    found: Condition | None = None
    if pending and pending.status == "True" and pending.reason in ("Infeasible", "Deferred"):
        found = pending
    elif running and running.status == "True" and running.reason == "Error":
        found = running
    if found is None:
        return
    deferred = found.reason == "Deferred"
    verdict.add(
        RESIZE_FAILED,
        "The pod's resize waits until its node has room."
        if deferred
        else f"The pod cannot be resized ({found.reason}).",
        since=seconds(found.last_transition_time),
        reason=found.reason,
        severity="info" if deferred else None,
        detail={
            "reason": found.reason,
            "statusMessage": found.message,
            "events": evidence(events, {"ResizeInfeasible", "ResizeError"}),
        },
    )


def _not_ready(status: PodStatus, spec: PodSpec, related: Related, troubled: frozenset[str], verdict: Verdict) -> None:
    ready = condition(status.conditions, "Ready")
    if ready is None or ready.status != "False" or ready.reason in ("PodCompleted", "PodFailed"):
        return
    since = verdict.past(ready.last_transition_time)
    sidecars = {one.name for one in spec.init_containers or () if one.restart_policy == "Always"}
    unready = [one for one in status.container_statuses or () if not one.ready]
    unready += [one for one in status.init_container_statuses or () if one.name in sidecars and not one.ready]
    left = [one.name for one in unready if one.name not in troubled]
    if unready and not left:
        return
    gates = _missing_gates(status, spec)
    if left:
        starts = [
            moment
            for one in unready
            if one.name in left and (moment := _may_be_ready(one, spec, since, verdict)) is not None
        ]
        since = max(since, min(starts)) if since is not None and starts else since
        if since is not None and since > verdict.now:
            verdict.look_again(since + verdict.settings.holds.get(NOT_READY.name, NOT_READY.hold))
            return
        cause, message = "containers", f"The pod runs but is not ready: {', '.join(left)} {_verb(left)} not."
    elif gates:
        cause, message = "gates", f"The pod runs but is not ready: {', '.join(gates)} {_verb(gates)} not true."
    else:
        cause, message = (
            "node",
            f"The pod's node {spec.node_name or ''} does not answer, so the pod counts as not ready.",
        )
    verdict.add(
        NOT_READY,
        message,
        since=since,
        reason=ready.reason or "NodeNotReady",
        detail={
            "reason": ready.reason,
            "statusMessage": ready.message,
            "cause": cause,
            "containers": left,
            "gates": gates,
            "node": spec.node_name,
            "events": evidence(related.events, {"Unhealthy", "ProbeWarning"}),
        },
    )


def _verb(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _missing_gates(status: PodStatus, spec: PodSpec) -> list[str]:
    missing: list[str] = []
    for gate in spec.readiness_gates or ():
        found = condition(status.conditions, gate.condition_type or "")
        if gate.condition_type and (found is None or found.status != "True"):
            missing.append(gate.condition_type)
    return missing


def _may_be_ready(one: ContainerStatus, spec: PodSpec, since: float | None, verdict: Verdict) -> float | None:
    """From when on a container could have been ready: its start and the delays that its own probes ask for."""
    started = verdict.past(one.state.running.started_at) if one.state and one.state.running else None
    if started is None or since is None or started < since:
        return started
    known = next(
        (item for item in (*(spec.containers or ()), *(spec.init_containers or ())) if item.name == one.name), None
    )
    delay = (known.readiness_probe.initial_delay_seconds or 0) if known and known.readiness_probe else 0
    return started + delay + startup_budget(known)


def _pending(pod: Pod, status: PodStatus, spec: PodSpec, events: Sequence[Event], verdict: Verdict) -> None:
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
