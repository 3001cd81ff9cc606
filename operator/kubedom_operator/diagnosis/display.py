"""A pod's status in one word, as `kubectl get pods` of 1.36 prints it.

The behaviour is that of the API server's table printer: the first unfinished init container decides, else the first
main container that waits or ended; "Completed" gives way to a container that still runs or to one that failed.
"""

from __future__ import annotations

from typing import NamedTuple

from kubedom_operator.projection import Condition, ContainerStatus, Pod, Terminated, seconds
from kubedom_operator.projection.pods import PodSpec, PodStatus


class PodDisplay(NamedTuple):
    """The columns STATUS, READY and RESTARTS; `restarted_at` is when the last restart's run had ended."""

    status: str
    ready: int
    total: int
    restarts: int
    restarted_at: float | None = None


_NO_STATUS = PodStatus()
_NO_SPEC = PodSpec()


def pod_status(pod: Pod, now: float) -> PodDisplay:  # noqa: ARG001 - part of the seam; ages are the reader's business
    """Say what kubectl would print for the pod."""
    status = pod.status or _NO_STATUS
    containers = status.container_statuses or ()
    if status.phase == "Running" and not status.init_container_statuses and not pod.metadata.deletion_timestamp:
        # The ordinary case: everything runs and nothing ever ended.
        for one in containers:
            state = one.state
            if not one.ready or one.restart_count or one.last_state is None or state is None or state.running is None:
                break
            if one.last_state.terminated is not None:
                break
        else:
            if containers and not status.reason:
                return PodDisplay("Running", len(containers), len((pod.spec or _NO_SPEC).containers or ()), 0)
    return _printed(pod, status, pod.spec or _NO_SPEC)


class _Columns:
    """What the passes over the containers find out."""

    __slots__ = ("ready", "reason", "restarted_at", "restarts")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.ready = 0
        self.restarts = 0
        self.restarted_at: float | None = None

    def count(self, container: ContainerStatus) -> None:
        self.restarts += container.restart_count or 0
        last = container.last_state.terminated if container.last_state else None
        ended = seconds(last.finished_at) if last else None
        if ended is not None and (self.restarted_at is None or ended > self.restarted_at):
            self.restarted_at = ended


def _printed(pod: Pod, status: PodStatus, spec: PodSpec) -> PodDisplay:
    phase = status.phase or ""
    conditions = status.conditions or ()
    columns = _Columns(status.reason or phase)
    for one in conditions:
        if one.type == "PodScheduled" and one.reason == "SchedulingGated":
            columns.reason = "SchedulingGated"
    sidecars = {one.name for one in spec.init_containers or () if one.restart_policy == "Always"}
    of_sidecars = _Columns("")
    initializing = _init(status, spec, sidecars, columns, of_sidecars)
    if not initializing or _is_true(conditions, "Initialized"):
        # Once a pod is initialised, restarts of its plain init containers count no more.
        columns.restarts, columns.restarted_at = of_sidecars.restarts, of_sidecars.restarted_at
        _main(status.container_statuses or (), conditions, columns)
    if pod.metadata.deletion_timestamp:
        if status.reason == "NodeLost":
            columns.reason = "Unknown"
        elif phase not in ("Succeeded", "Failed"):
            columns.reason = "Terminating"
    total = len(spec.containers or ()) + len(sidecars)
    return PodDisplay(
        columns.reason, columns.ready, total, columns.restarts, columns.restarted_at if columns.restarts else None
    )


def _init(status: PodStatus, spec: PodSpec, sidecars: set[str], columns: _Columns, of_sidecars: _Columns) -> bool:
    """Read the init containers up to the first that is not done; True if there is such a one."""
    for index, one in enumerate(status.init_container_statuses or ()):
        columns.count(one)
        if one.name in sidecars:
            of_sidecars.count(one)
        ended = one.state.terminated if one.state else None
        waiting = one.state.waiting if one.state else None
        if ended and not ended.exit_code:
            continue
        if one.name in sidecars and one.started:
            columns.ready += bool(one.ready)
            continue
        if ended:
            columns.reason = "Init:" + ended_reason(ended)
        elif waiting and waiting.reason and waiting.reason != "PodInitializing":
            columns.reason = "Init:" + waiting.reason
        else:
            columns.reason = f"Init:{index}/{len(spec.init_containers or ())}"
        return True
    return False


def _main(containers: tuple[ContainerStatus, ...], conditions: tuple[Condition, ...], columns: _Columns) -> None:
    running, error = False, ""
    for one in reversed(containers):
        columns.count(one)
        state = one.state
        if state is None:
            continue
        if state.waiting and state.waiting.reason:
            columns.reason = state.waiting.reason
        elif state.terminated:
            columns.reason = ended_reason(state.terminated)
            if state.terminated.exit_code:
                error = columns.reason
        elif one.ready and state.running:
            running = True
            columns.ready += 1
    if columns.reason == "Completed":
        if running and _is_true(conditions, "Ready"):
            columns.reason = "Running"
        elif error:
            columns.reason = error
        elif running:
            columns.reason = "NotReady"


def ended_reason(ended: Terminated) -> str:
    """Say why a container ended in one word."""
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code or 0}"


def _is_true(conditions: tuple[Condition, ...], wanted: str) -> bool:
    return any(one.type == wanted and one.status == "True" for one in conditions)
