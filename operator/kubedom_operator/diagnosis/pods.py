"""Pods as a whole: readiness, disruption and termination; pending.py has those that do not run yet.

A container's own trouble comes first (containers.py); what it explains is not reported a second time for the pod.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubedom_operator.projection import Condition, ContainerStatus, Event, Pod, condition, seconds
from kubedom_operator.projection.pods import PodSpec, PodStatus

from .containers import Subject, diagnose_container, startup_budget
from .evidence import evidence
from .model import HEALTHY, Diagnosis, Related, Settings, Verdict
from .pending import diagnose_pending
from .pod_kinds import DISRUPTED, NOT_READY, POD_FAILED, RESIZE_FAILED, STUCK_TERMINATING, UNKNOWN

_NOTABLE = frozenset({"DisruptionTarget", "PodResizePending", "PodResizeInProgress"})


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
        diagnose_pending(pod, status, spec, related.events, verdict)
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
