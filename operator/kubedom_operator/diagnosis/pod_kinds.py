"""What can be wrong with a pod as a whole, as rows of the catalogue."""

from __future__ import annotations

from .model import FailureKind, Severity

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
    restart_futile: str = "",
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
        restart_futile=restart_futile,
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
    restart_futile="A new pod asks the scheduler for the same and is not placed either.",
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
    restart_futile="A new pod waits for the same volume.",
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
