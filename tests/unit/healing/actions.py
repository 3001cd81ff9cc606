"""Actions as the API server has them, for tests."""

from __future__ import annotations

from typing import Any

from kubedom_operator.healing.model import Action, read


def body(verb: str = "restartPod", kind: str = "Pod", name: str = "p", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "shop",
            "name": "a",
            "uid": "uid-a",
            "resourceVersion": "5",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"action": verb, "target": {"kind": kind, "name": name}, "requestedBy": "ann", **spec},
    }


def action(verb: str = "restartPod", kind: str = "Pod", name: str = "p", **spec: Any) -> Action:
    return read(body(verb, kind, name, **spec))
