"""Objects as kubelets and controllers write them, with the moment NOW to judge them at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubedom_operator.diagnosis import Diagnosis, Failure, Related, Settings, diagnose
from kubedom_operator.projection import Event, from_object

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(NOW - seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "default", "uid": f"uid-{name}", "creationTimestamp": ago(3600), **more}


def cond(type_: str, status: str = "True", reason: str = "", since: float = 3600, message: str = "") -> dict[str, Any]:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": None,
        "lastTransitionTime": ago(since),
    }


def running(since: float = 3600) -> dict[str, Any]:
    return {"running": {"startedAt": ago(since)}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "", finished: float = 5, ran: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason or ("Completed" if code == 0 else "Error"),
            "startedAt": ago(finished + ran),
            "finishedAt": ago(finished),
            "containerID": "containerd://0",
            **more,
        }
    }


def container(
    state: dict[str, Any], last: dict[str, Any] | None = None, restarts: int = 0, name: str = "main", **more: Any
) -> dict[str, Any]:
    is_running = "running" in state
    return {
        "name": name,
        "image": "busybox",
        "imageID": "",
        "ready": is_running,
        "started": is_running,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
        **more,
    }


def pod(
    *containers: dict[str, Any],
    init: tuple[dict[str, Any], ...] = (),
    sidecars: tuple[str, ...] = (),
    phase: str = "Running",
    policy: str = "Always",
    conditions: tuple[dict[str, Any], ...] = (),
    meta: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    **status: Any,
) -> Any:
    ready = all(one["ready"] for one in containers)
    own = {one["type"] for one in conditions}
    usual = [
        cond("PodReadyToStartContainers"),
        cond("Initialized"),
        cond("Ready", "True" if ready else "False", "" if ready else "ContainersNotReady", since=5),
        cond("PodScheduled"),
    ]
    return from_object(
        "Pod",
        {
            "metadata": metadata("p") | (meta or {}),
            "spec": {
                "nodeName": "n1",
                "restartPolicy": policy,
                "containers": [{"name": one["name"], "image": "busybox"} for one in containers],
                "initContainers": [
                    {"name": one["name"], "image": "busybox"}
                    | ({"restartPolicy": "Always"} if one["name"] in sidecars else {})
                    for one in init
                ],
            }
            | (spec or {}),
            "status": {
                "phase": phase,
                "startTime": ago(3600),
                "conditions": [*conditions, *(one for one in usual if one["type"] not in own)],
                "containerStatuses": list(containers),
                "initContainerStatuses": list(init),
                **status,
            },
        },
    )


def event(reason: str, message: str = "", since: float = 0, path: str = "", type_: str = "Warning") -> Event:
    read: Event = from_object(
        "Event",
        {
            "metadata": {"name": "e", "namespace": "default", "uid": f"e-{reason}-{since}"},
            "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": path},
            "reason": reason,
            "message": message,
            "type": type_,
            "firstTimestamp": ago(since),
            "lastTimestamp": ago(since),
            "eventTime": None,
            "count": 1,
        },
    )
    return read


def diagnosis(
    obj: Any, *events: Event, now: float = NOW, settings: Settings | None = None, **related: Any
) -> Diagnosis:
    return diagnose(obj, Related(events=events, **related), now, settings or Settings())


def failures(obj: Any, *events: Event, now: float = NOW, **related: Any) -> list[str]:
    return [one.kind for one in diagnosis(obj, *events, now=now, **related).failures]


def pending(obj: Any, *events: Event, **related: Any) -> list[str]:
    return [one.kind for one in diagnosis(obj, *events, **related).pending]


def only(obj: Any, *events: Event, **related: Any) -> Failure:
    (found,) = diagnosis(obj, *events, **related).failures
    return found
