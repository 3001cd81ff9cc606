"""What is told by two versions of one object: a container's restart.

Everything else is told by one version, so that nothing is lost or repeated when versions are missed; also a restart is
told by counts, so that several restarts between two versions are still seen (as one event that says how many).
"""

from __future__ import annotations

from kubedom_operator.projection import Pod, seconds

from .display import ended_reason
from .exits import meaning
from .model import Failure, FailureKind, Severity

RESTARTED = FailureKind(
    name="ContainerRestarted",
    resource="Pod",
    family="container-restart",
    event="podRestarted",
    recovery_event="",
    severity="warning",
    rule="restartCount is higher than in the version before; the detail says how the run before ended.",
    next_step="Nothing for a single restart; see the previous run's log if they repeat.",
    edge=True,
    detail_fields=("container", "role", "restartCount", "restarts", "reason", "exitCode", "signal", "finishedAt"),
)
KINDS = (RESTARTED,)


def transitions(old: Pod | None, new: Pod) -> tuple[Failure, ...]:
    """The restarts between two versions of a pod; none without an old version, or if the pod is another one."""
    before, after = (old.status if old else None), new.status
    if old is None or before is None or after is None or old.metadata.uid != new.metadata.uid:
        return ()
    counts = {
        one.name: one.restart_count or 0
        for one in (*(before.init_container_statuses or ()), *(before.container_statuses or ()))
    }
    sidecars = (
        {one.name for one in (new.spec.init_containers or ()) if one.restart_policy == "Always"} if new.spec else ()
    )
    found: list[Failure] = []
    for statuses, role in ((after.init_container_statuses, "init"), (after.container_statuses, "main")):
        for one in statuses or ():
            count = one.restart_count or 0
            grew = count - counts.get(one.name, count)
            if grew <= 0:
                continue
            its_role = "sidecar" if role == "init" and one.name in sidecars else role
            last = one.last_state.terminated if one.last_state else None
            reason = ended_reason(last) if last else ""
            severity: Severity = "info" if last and last.exit_code == 0 else "warning"
            why = meaning(last.exit_code) if last else ""
            found.append(
                Failure(
                    kind=RESTARTED.name,
                    container=one.name,
                    role=its_role,
                    reason=reason,
                    message=f"Container {one.name} was restarted (restart {count}{': ' + why if why else ''}).",
                    severity=severity,
                    since=seconds(last.finished_at) if last else None,
                    detail={
                        "container": one.name,
                        "role": its_role,
                        "restartCount": count,
                        "restarts": grew,
                        "reason": reason,
                        "exitCode": last.exit_code if last else None,
                        "signal": last.signal if last else None,
                        "finishedAt": last.finished_at if last else None,
                    },
                )
            )
    return tuple(found)
