"""Containers: at most one trouble each, the most telling that holds.

Everything is told from the status alone. A container that restarts shows `running` again for a moment, so a death is
held until the new run has lasted `stable` seconds: twice the run before, within the settings' bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubedom_operator.projection import Container, ContainerState, ContainerStatus, Event, Terminated, seconds

from .display import ended_reason
from .exits import meaning
from .model import DetailValue, FailureKind, Severity, Verdict

_FIELDS = ("container", "role", "reason", "exitCode", "signal", "restartCount", "finishedAt", "statusMessage", "image")
DEATH = "container-death"

OOM_KILLED = FailureKind(
    name="ContainerOOMKilled",
    resource="Pod",
    family=DEATH,
    event="podOutOfMemory",
    recovery_event="podRecovered",
    severity="error",
    rule="state.terminated.reason or lastState.terminated.reason is OOMKilled; exit code 0 or 143 means that"
    " only a child"
    " process was killed (a warning, mainProcess is false). Held until the next run is stable.",
    next_step="Raise the container's memory limit, or find out what uses the memory.",
    detail_fields=(*_FIELDS, "mainProcess", "memoryLimit"),
)
CONFIG = FailureKind(
    name="ContainerConfig",
    resource="Pod",
    family=DEATH,
    event="podConfigFailed",
    recovery_event="podRecovered",
    severity="error",
    rule="state.waiting.reason is CreateContainerConfigError, CreateContainerError, PreCreateHookError,"
    " PreStartHookError,"
    " PostStartHookError, RunContainerError or ImageVolumeMountFailed; or the last run ended with StartError or"
    " ContainerCannotRun, also while the kubelet backs off.",
    next_step="Correct what the container refers to: its command, config map, secret or hook. A restart does not help.",
    restart_futile="A container made again refers to the same command, config map, secret or hook.",
    detail_fields=_FIELDS,
)
LIVENESS_KILLED = FailureKind(
    name="LivenessKilled",
    resource="Pod",
    family=DEATH,
    event="podLivenessKilled",
    recovery_event="podRecovered",
    severity="error",
    rule="The last run ended and a core Event Killing says `failed liveness probe` or `failed startup probe` of that"
    " container. Without the Event it is a ContainerFailed. Held until the next run is stable.",
    next_step="See why the probe fails: the application hangs, or the probe's timing is too tight.",
    restart_helps=True,
    detail_fields=(*_FIELDS, "probe"),
)
CRASH_LOOP = FailureKind(
    name="ContainerCrashLoop",
    resource="Pod",
    family=DEATH,
    event="podCrashLooping",
    recovery_event="podRecovered",
    severity="error",
    rule="state.waiting.reason is CrashLoopBackOff; or the last two runs ended badly soon after one another;"
    " or a container"
    " that should run for ever ended with exit code 0 and restartCount is 2 or more. Held until a run is stable.",
    next_step="Read the log of the previous run; the exit code says how it ended.",
    detail_fields=_FIELDS,
)
FAILED = FailureKind(
    name="ContainerFailed",
    resource="Pod",
    family=DEATH,
    event="podFailed",
    recovery_event="podRecovered",
    severity="error",
    rule="state.terminated.exitCode or lastState.terminated.exitCode is not 0 (of a main container or a"
    " sidecar, and the pod"
    " is not being deleted). Held until the next run is stable; for ever if there will be none.",
    next_step="Read the container's log; the exit code says how it ended.",
    restart_helps=True,
    detail_fields=_FIELDS,
)
INIT_FAILED = FailureKind(
    name="InitFailed",
    resource="Pod",
    family="container-init",
    event="podInitFailed",
    recovery_event="podRecovered",
    severity="error",
    rule="An init container ended with an exit code other than 0, or waits for a reason other than PodInitializing and"
    " ContainerCreating. Held until a later run ends with 0 or is stable.",
    next_step="Read the init container's log; the pod's main containers wait for it.",
    detail_fields=(*_FIELDS, "looping"),
)
IMAGE_PULL = FailureKind(
    name="ImagePull",
    resource="Pod",
    family="container-image",
    event="podImagePullFailed",
    recovery_event="podRecovered",
    severity="error",
    rule="state.waiting.reason is ErrImagePull, ImagePullBackOff, InvalidImageName, ErrImageNeverPull,"
    " ImageInspectError,"
    " RegistryUnavailable or SignatureValidationFailed. They come in turn and are one failure.",
    next_step="Check the image's name and tag, the pull secret, and that the registry can be reached.",
    restart_futile="A new pod pulls the same image with the same pull secret.",
    detail_fields=_FIELDS,
)
STARTUP_SLOW = FailureKind(
    name="StartupSlow",
    resource="Pod",
    family="container-startup",
    event="podStartupSlow",
    recovery_event="podRecovered",
    severity="warning",
    rule="A container runs, started is false, and its startupProbe's budget (initialDelaySeconds + periodSeconds x"
    " failureThreshold) is over.",
    next_step="Give the startup probe a larger failureThreshold, or find out why the application starts slowly.",
    restart_futile="A new container starts as slowly, from the beginning.",
    detail_fields=("container", "role", "budgetSeconds"),
)
KINDS = (OOM_KILLED, CONFIG, LIVENESS_KILLED, CRASH_LOOP, FAILED, INIT_FAILED, IMAGE_PULL, STARTUP_SLOW)

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
CONFIG_REASONS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "RunContainerError",
        "ImageVolumeMountFailed",
    }
)
START_ERRORS = frozenset({"StartError", "ContainerCannotRun"})
STARTING = frozenset({"PodInitializing", "ContainerCreating"})
_NO_STATE = ContainerState()
_LONGEST_MESSAGE = 1024


class Subject(NamedTuple):
    """One container of a pod with what the rules need to know about it."""

    status: ContainerStatus
    spec: Container | None
    role: str
    restarts_always: bool
    restarts: bool
    events: Iterable[Event]


def diagnose_container(one: Subject, verdict: Verdict) -> bool:
    """Report the trouble of one container; True if there is one (or one whose hold time runs)."""
    state = one.status.state or _NO_STATE
    waiting = (state.waiting.reason or "") if state.waiting else ""
    if waiting in IMAGE_REASONS:
        return _image_pull(one, state, verdict)
    last = one.status.last_state.terminated if one.status.last_state else None
    if waiting in CONFIG_REASONS:
        return _report(one, CONFIG, last, verdict, reason=waiting, text=_said(state))
    if one.role == "ephemeral":
        # A debugging shell may end as it likes.
        return False
    ended = state.terminated or last
    if state.running and (ended is None or _stable(state.running.started_at, ended, one, verdict)):
        return _startup_slow(one, state, verdict)
    kind = _death(one, state, ended, last)
    if kind is None and one.role == "init" and waiting and waiting not in STARTING:
        kind = INIT_FAILED
    if kind is None:
        return False
    looping = kind is CRASH_LOOP or waiting == "CrashLoopBackOff"
    if one.role == "init" and kind is not CONFIG:
        kind = INIT_FAILED
    return _report(
        one, kind, ended, verdict, reason=waiting if ended is None else "", text=_said(state), looping=looping
    )


def ended_badly(ended: Terminated) -> bool:
    """Whether a run failed; one without an exit code is judged by its reason."""
    if ended.exit_code is None:
        return ended.reason not in (None, "", "Completed")
    return ended.exit_code != 0


def _death(
    one: Subject, state: ContainerState, ended: Terminated | None, last: Terminated | None
) -> FailureKind | None:
    """Choose the most telling kind of death."""
    backing_off = state.waiting is not None and state.waiting.reason == "CrashLoopBackOff"
    if ended is None:
        return CRASH_LOOP if backing_off else None
    if ended.reason == "OOMKilled":
        return OOM_KILLED
    if ended.reason in START_ERRORS:
        return CONFIG
    if state.terminated and not one.restarts_always and not ended_badly(ended):
        return None
    if _killing(one, ended) is not None:
        return LIVENESS_KILLED
    if backing_off or (one.restarts and _again(one, state, ended, last)):
        return CRASH_LOOP
    return FAILED if ended_badly(ended) else None


def _again(one: Subject, state: ContainerState, ended: Terminated, last: Terminated | None) -> bool:
    """Whether this end followed soon on another one, that is, whether the run between was short."""
    count = one.status.restart_count or 0
    ran = _duration(ended)
    if ran is None or ran >= _LOOP_LONGEST:
        return False
    if not ended_badly(ended):
        return one.restarts_always and count >= 2
    if state.terminated:
        return count >= 1 and last is not None and ended_badly(last)
    return count >= 2


#: The kubelet forgets its back-off after a run of ten minutes; so does the loop.
_LOOP_LONGEST = 600.0
_KILLED = frozenset({137, 143})


def _duration(ended: Terminated) -> float | None:
    finished, started = seconds(ended.finished_at), seconds(ended.started_at)
    if finished is None:
        return None
    # A run that never started has 1970 as its start.
    return 0.0 if started is None or started <= 0 else max(0.0, finished - started)


def _stable(started_at: str | None, ended: Terminated, one: Subject, verdict: Verdict) -> bool:
    """Whether a new run has lasted long enough to forget the end of the one before."""
    started = seconds(started_at)
    if started is None:
        return bool(one.status.ready)
    settings = verdict.settings
    window = min(max(2 * (_duration(ended) or 0.0), settings.stable_min), settings.stable_max)
    if started > verdict.now:
        started = verdict.now
    if verdict.now - started >= window:
        return True
    verdict.look_again(started + window)
    return False


def _killing(one: Subject, ended: Terminated) -> str | None:
    """Find the probe for which the kubelet killed the run, if an Event tells."""
    started = seconds(ended.started_at)
    for event in one.events:
        if event.reason != "Killing" or not event.message:
            continue
        probe = next((p for p in ("liveness", "startup") if f"failed {p} probe" in event.message), None)
        path = (event.involved_object.field_path or "") if event.involved_object else ""
        if probe is None or (path and not path.endswith(f"{{{one.status.name}}}")):
            continue
        seen = seconds(event.time)
        if started is None or seen is None or seen >= started:
            return probe
        # The recorder drops Events of an object that has many: then the kill before this one must do.
        if seen >= started - _LOOP_LONGEST and ended.exit_code in _KILLED:
            return probe
    return None


def _said(state: ContainerState) -> str:
    if state.waiting and state.waiting.message:
        return state.waiting.message
    return (state.terminated.message or "") if state.terminated else ""


def _detail(one: Subject, ended: Terminated | None, text: str) -> dict[str, DetailValue]:
    return {
        "container": one.status.name,
        "role": one.role,
        "reason": ended_reason(ended) if ended else None,
        "exitCode": ended.exit_code if ended else None,
        "signal": (ended.signal or None) if ended else None,
        "restartCount": one.status.restart_count or 0,
        "finishedAt": ended.finished_at if ended else None,
        "statusMessage": (text or (ended.message if ended else None) or "")[:_LONGEST_MESSAGE],
        "image": (one.spec.image if one.spec else None) or one.status.image,
    }


def _report(
    one: Subject,
    kind: FailureKind,
    ended: Terminated | None,
    verdict: Verdict,
    *,
    reason: str = "",
    text: str = "",
    looping: bool = False,
) -> bool:
    detail = _detail(one, ended, text)
    reason = reason or (ended_reason(ended) if ended else "")
    detail["reason"] = reason
    severity: Severity | None = None
    name, count = one.status.name, one.status.restart_count or 0
    code = ended.exit_code if ended else None
    ended_with = f"exit code {code}" + (f": {meaning(code)}" if meaning(code) else "") if code is not None else reason
    if kind is OOM_KILLED:
        main_process = code not in (0, 143)
        detail["mainProcess"] = main_process
        limits = one.spec.resources.limits if one.spec and one.spec.resources else None
        detail["memoryLimit"] = str(limits["memory"]) if limits and "memory" in limits else None
        severity = None if main_process else "warning"
        who = f"Container {name}" if main_process else f"A child process of container {name}"
        message = f"{who} used more memory than it may and was killed."
    elif kind is CONFIG:
        message = f"Container {name} cannot be started ({reason})."
    elif kind is LIVENESS_KILLED:
        probe = (_killing(one, ended) if ended else None) or "liveness"
        detail["probe"] = probe
        message = f"Container {name} was killed because its {probe} probe failed (restarted {count} times so far)."
    elif kind is CRASH_LOOP:
        message = f"Container {name} ends again and again ({ended_with}; restarted {count} times so far)."
    elif kind is INIT_FAILED:
        detail["looping"] = looping
        message = f"Init container {name} fails ({ended_with}), so the pod cannot start."
    elif reason == "ContainerStatusUnknown":
        message = f"Container {name} was lost: the kubelet could not tell how it ended."
    else:
        message = f"Container {name} failed ({ended_with})."
    return _held(
        verdict, kind, message, one, since=seconds(ended.finished_at) if ended else None, reason=reason,
        severity=severity, detail=detail,
    )  # fmt: skip


def _image_pull(one: Subject, state: ContainerState, verdict: Verdict) -> bool:
    waiting = state.waiting
    reason = (waiting.reason or "") if waiting else ""
    image = (one.spec.image if one.spec else None) or one.status.image or "its image"
    detail = _detail(one, None, _said(state))
    detail["reason"] = reason
    return _held(
        verdict,
        IMAGE_PULL,
        f"Container {one.status.name} cannot get {image} ({reason}).",
        one,
        since=None,
        reason=reason,
        severity="warning" if one.role == "ephemeral" else None,
        detail=detail,
    )


def _startup_slow(one: Subject, state: ContainerState, verdict: Verdict) -> bool:
    probe = one.spec.startup_probe if one.spec else None
    if probe is None or one.status.started is not False or state.running is None:
        return False
    budget = startup_budget(one.spec)
    started = seconds(state.running.started_at)
    verdict.add(
        STARTUP_SLOW,
        f"Container {one.status.name} has not started within the {budget:.0f} s that its startup probe allows.",
        since=started,
        reason="StartupSlow",
        container=one.status.name,
        role=one.role,
        hold=STARTUP_SLOW.hold + budget,
        detail={"container": one.status.name, "role": one.role, "budgetSeconds": budget},
    )
    # It explains why the pod is not ready, also while the budget lasts.
    return True


def startup_budget(spec: Container | None) -> float:
    """How many seconds a container may take to start, with the API's defaults for what is not set."""
    probe = spec.startup_probe if spec else None
    if probe is None:
        return 0.0
    return float((probe.initial_delay_seconds or 0) + (probe.period_seconds or 10) * (probe.failure_threshold or 3))


def _held(
    verdict: Verdict,
    kind: FailureKind,
    message: str,
    one: Subject,
    *,
    since: float | None,
    reason: str,
    severity: Severity | None,
    detail: dict[str, DetailValue],
) -> bool:
    verdict.add(
        kind,
        message,
        since=since,
        reason=reason,
        container=one.status.name,
        role=one.role,
        severity=severity,
        detail=detail,
    )
    return True
