"""What a kubelet writes into a pod's status, for the pods that no simulated one touches.

The shapes are those of the recordings in `tests/recorded`: a container that ended is `terminated` first, and the run
before stands in `lastState`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

#: On a pod: its status is what a test writes.
BY_HAND = {"demo.kubedom.dev/behaviour": "by-hand"}


def by_hand(name: str, replicas: int = 1) -> dict[str, Any]:
    """A deployment whose pods do nothing by themselves."""
    labels = {"app": name, **BY_HAND}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "main", "image": "example.com/main:1.0"}],
                },
            },
        },
    }


def running(restarts: int = 0, ended: dict[str, Any] | None = None, *, seconds_ago: float = 0.0) -> dict[str, Any]:
    """The container runs and is ready; `ended` is how the run before ended."""
    state = {"running": {"startedAt": moment(seconds_ago)}}
    return _status(state, ready=True, restarts=restarts, last={"terminated": ended} if ended else {})


def terminated(exit_code: int = 1, reason: str = "Error") -> dict[str, Any]:
    """How a run ended, just now."""
    return {
        "exitCode": exit_code,
        "reason": reason,
        "startedAt": moment(30),
        "finishedAt": moment(),
        "containerID": "containerd://0123456789abcdef",
    }


def failed(ended: dict[str, Any], restarts: int = 0) -> dict[str, Any]:
    """The container has just ended, and the kubelet will start it again."""
    return _status({"terminated": ended}, ready=False, restarts=restarts, last={})


def crash_looping(ended: dict[str, Any], restarts: int = 3) -> dict[str, Any]:
    """The kubelet waits before it starts the container again."""
    waiting = {
        "reason": "CrashLoopBackOff",
        "message": "back-off 40s restarting failed container=main pod=p",
    }
    return _status({"waiting": waiting}, ready=False, restarts=restarts, last={"terminated": ended})


def not_pulled() -> dict[str, Any]:
    """The kubelet waits before it tries again to pull the image."""
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "example.com/main:1.0"'}
    return _status({"waiting": waiting}, ready=False, restarts=0, last={})


def moment(seconds_ago: float = 0.0) -> str:
    """Write a time as Kubernetes does."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(state: dict[str, Any], *, ready: bool, restarts: int, last: dict[str, Any]) -> dict[str, Any]:
    word, reason = ("True", None) if ready else ("False", "ContainersNotReady")
    conditions = [
        {"type": kind, "status": value, "reason": why, "lastTransitionTime": moment()}
        for kind, value, why in (
            ("PodReadyToStartContainers", "True", None),
            ("Initialized", "True", None),
            ("Ready", word, reason),
            ("ContainersReady", word, reason),
            ("PodScheduled", "True", None),
        )
    ]
    return {
        "phase": "Running",
        "startTime": moment(60),
        "conditions": conditions,
        "containerStatuses": [
            {
                "name": "main",
                "image": "example.com/main:1.0",
                "imageID": "",
                "ready": ready,
                "started": ready,
                "restartCount": restarts,
                "state": state,
                "lastState": last,
            }
        ],
    }
