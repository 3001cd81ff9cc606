"""A HealingAction as the operator reads it, and the status that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kubedom_bridge.actions import GROUP, VERSION

DEFAULT_TTL_SECONDS = 3600


class Action(NamedTuple):
    """What is to be done to what. `pinned_uid` is the target's uid, once it is known for certain."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    verb: str
    kind: str
    target: str
    pinned_uid: str
    requested_by: str
    phase: str
    message: str
    started_at: str
    finished_at: str
    ttl_seconds: int

    @property
    def path(self) -> str:
        """Where it is in the API."""
        return f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/healingactions/{self.name}"

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be done."""
        return self.phase in {"Succeeded", "Failed"}


def read(body: Mapping[str, Any]) -> Action:
    """Read a watched object; the schema of the CRD has made sure of its shape."""
    metadata, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    target = spec["target"]
    return Action(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 1),
        verb=spec["action"],
        kind=target["kind"],
        target=target["name"],
        pinned_uid=status.get("targetUID") or target.get("uid") or "",
        requested_by=spec.get("requestedBy") or "",
        phase=status.get("phase") or "Pending",
        message=status.get("message") or "",
        started_at=status.get("startedAt") or "",
        finished_at=status.get("finishedAt") or "",
        ttl_seconds=spec.get("ttlSecondsAfterFinished", DEFAULT_TTL_SECONDS),
    )


def status(action: Action, phase: str, message: str, now: str) -> dict[str, Any]:
    """Write the status for a phase; `now` is an RFC 3339 time."""
    finished = phase in {"Succeeded", "Failed"}
    condition = {
        "type": "Complete",
        "status": "True" if phase == "Succeeded" else "False" if phase == "Failed" else "Unknown",
        "reason": phase,
        "message": message,
        "lastTransitionTime": now,
        "observedGeneration": action.generation,
    }
    written: dict[str, Any] = {
        "phase": phase,
        "message": message,
        "targetUID": action.pinned_uid,
        "startedAt": action.started_at or now,
        "observedGeneration": action.generation,
        "conditions": [condition],
    }
    if finished:
        written["finishedAt"] = now
    return written
