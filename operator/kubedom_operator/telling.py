"""How what is known of an object is told: the journal's entries, made from projections, incidents and actions.

Pure: in go values, out come entries that have no sequence yet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kubedom_bridge.protocol import DeleteEntry, EventEntry, StateEntry
from kubedom_bridge.protocol import Incident as IncidentOnWire

from .diagnosis import display, ownership
from .incidents import Change, said

NEXT_STEP, RESTART_HELPS = "nextStep", "restartHelps"


class Display(msgspec.Struct, gc=False):
    """The columns that `kubectl get pods` prints."""

    status: str
    ready: int
    total: int
    restarts: int


class Workload(msgspec.Struct, omit_defaults=True, gc=False):
    """What a pod belongs to."""

    kind: str
    name: str
    uid: str = ""


def rfc3339(moment: float) -> str:
    """Write seconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state(kind: str, obj: Any, now: float) -> StateEntry:
    """Tell an object as it is now."""
    metadata = obj.metadata
    entry = StateEntry(
        kind=kind,
        uid=metadata.uid,
        namespace=_namespace(kind, metadata),
        resource_version=metadata.resource_version,
        time=rfc3339(now),
        object=obj,
    )
    if kind == "Pod" and hasattr(obj, "status"):
        shown = display.pod_status(obj, now)
        entry.display = Display(shown.status, shown.ready, shown.total, shown.restarts)
        owner = ownership.workload_of(obj)
        if owner is not None:
            entry.workload = Workload(owner.kind, owner.name, owner.uid or "")
    return entry


def deletion(kind: str, obj: Any, resource_version: str, now: float) -> DeleteEntry:
    """Tell that an object is gone."""
    return DeleteEntry(
        kind=kind,
        uid=obj.metadata.uid,
        namespace=_namespace(kind, obj.metadata),
        name=obj.metadata.name,
        resource_version=resource_version,
        time=rfc3339(now),
    )


def incident(
    kind: str,
    obj: Any,
    change: Change,
    *,
    cluster: str,
    now: float,
    replayed: bool,
    removed: bool = False,
    group: str = "",
) -> EventEntry:
    """Tell that an incident began, changed or ended.

    Args:
        kind: The object's kind.
        obj: Its projection.
        change: What happened.
        cluster: The cluster's name.
        now: Seconds since the epoch.
        replayed: It began before anybody could listen.
        removed: It ended because the object is gone, not because it recovered.
        group: The id of the workload's incident that it belongs to.

    """
    failure, row = change.incident.failure, change.kind
    detail = said(failure)
    event_type, severity = row.event, failure.severity
    if change.phase == "end":
        event_type, severity = row.recovery_event, "info"
        detail["message"] = f"{kind} {obj.metadata.name} was deleted." if removed else f"It is over: {failure.message}"
        if removed:
            event_type = f"{_lower(kind)}Removed"
            detail["removed"] = True
    else:
        detail |= {NEXT_STEP: row.next_step, RESTART_HELPS: row.restart_helps}
    entry = event(kind, obj.metadata, event_type, detail, cluster=cluster, now=now)
    entry.severity = severity
    entry.speaks_of = row.speaks_of
    entry.replayed = replayed
    if change.phase != "edge":
        entry.incident = IncidentOnWire(
            id=change.incident.id,
            kind=failure.kind,
            phase=change.phase,
            since=rfc3339(change.incident.since),
            container=failure.container,
            group=group,
        )
    return entry


def heard(told: EventEntry) -> dict[str, Any]:
    """Give back what was `said` of the failure: an event's detail without the object's name and the advice."""
    added = {f"{_lower(told.kind)}Name", "namespace", NEXT_STEP, RESTART_HELPS}
    return {name: value for name, value in told.detail.items() if name not in added}


def event(kind: str, metadata: Any, event_type: str, detail: dict[str, Any], *, cluster: str, now: float) -> EventEntry:
    """Tell that something happened to an object, whose name the detail has under `podName`, `deploymentName`, ..."""
    named: dict[str, Any] = {f"{_lower(kind)}Name": metadata.name}
    if metadata.namespace:
        named["namespace"] = metadata.namespace
    return EventEntry(
        type=event_type,
        kind=kind,
        uid=metadata.uid,
        namespace=_namespace(kind, metadata),
        resource_version=metadata.resource_version,
        time=rfc3339(now),
        source=f"/clusters/{cluster}",
        subject="/".join(part for part in (metadata.namespace, f"{_lower(kind)}s", metadata.name) if part),
        detail=named | detail,
    )


def _namespace(kind: str, metadata: Any) -> str:
    name: str = metadata.name if kind == "Namespace" else metadata.namespace
    return name


def _lower(kind: str) -> str:
    return kind[:1].lower() + kind[1:]
