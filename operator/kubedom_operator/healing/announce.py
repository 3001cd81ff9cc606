"""How the rest of the world hears of an action: the journal, an Event on its target, and the audit trail.

The journal's entry is made from what the watch brings back, so that a page hears what the API server has. The Event's
name comes from the action and the phase: an operator that tells it once more after a restart makes no second one.
"""

from __future__ import annotations

import hashlib
import logging

from kubedom_bridge import audit
from kubedom_bridge.action_catalogue import TARGETS
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.protocol import EventEntry
from kubedom_operator import telling
from kubedom_operator.projection import Metadata
from kubedom_operator.projection.timestamps import seconds

from .model import LONGEST_MESSAGE, Action

#: The journal's event of a phase.
EVENTS = {
    "AwaitingApproval": "healingAwaitingApproval",
    "Running": "healingStarted",
    "Succeeded": "healingSucceeded",
    "Failed": "healingFailed",
    "Denied": "healingFailed",
    "Expired": "healingFailed",
}
#: The reason of the Event on the target.
_REASONS = {"Running": "HealingStarted", "Succeeded": "HealingSucceeded"}
_FAILED = "HealingFailed"

log = logging.getLogger(__name__)


def entry(action: Action, *, cluster: str, now: float, replayed: bool) -> EventEntry | None:
    """The journal's event of the phase that an action is in; None of one that is only pending."""
    event_type = EVENTS.get(action.phase)
    if event_type is None:
        return None
    metadata = Metadata(
        name=action.target,
        namespace=action.namespace,
        uid=action.pinned_uid,
        resource_version=action.resource_version,
    )
    detail = {
        "action": action.verb,
        "actionName": action.name,
        "actionUid": action.uid,
        "target": {"kind": action.kind, "name": action.target, "uid": action.pinned_uid},
        "requestedBy": action.requested_by,
        "reason": action.reason,
        "phase": action.phase,
        "message": action.message,
        "dryRun": action.dry_run,
    }
    asked = seconds(action.created_at)
    if event_type == "healingAwaitingApproval" and asked is not None:
        # As the executor counts it: whoever looks later wants to know how long there still is.
        detail["until"] = telling.rfc3339(asked + action.deadline_seconds)
    told = telling.event(action.kind, metadata, event_type, detail, cluster=cluster, now=now)
    told.severity = "warning" if event_type == "healingFailed" else "info"
    told.replayed = replayed
    # What a drain says names pods, of any namespace.
    told.speaks_of = (action.resource, "Pod") if action.verb == "drain" else (action.resource,)
    return told


async def event(api: Api, action: Action, phase: str, message: str, now: str) -> None:
    """Write the Event on the target that `kubectl describe` shows; a dry run leaves none, a refusal is only logged."""
    if action.dry_run or not action.pinned_uid:
        return
    kind, reason = TARGETS[action.kind], _REASONS.get(phase, _FAILED)
    # Events on what has no namespace are in this one.
    namespace = action.namespace or "default"
    name = f"{action.target[:200]}.{hashlib.sha256(f'{action.uid}{reason}'.encode()).hexdigest()[:16]}"
    by = f", asked for by {action.requested_by}" if action.requested_by else ""
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": f"{kind.group}/{kind.version}" if kind.group else kind.version,
            "kind": action.kind,
            "namespace": action.namespace,
            "name": action.target,
            "uid": action.pinned_uid,
        },
        "type": "Warning" if reason == _FAILED else "Normal",
        "reason": reason,
        "message": f"{action.verb} ({action.resource} {action.name}{by}): {message}"[:LONGEST_MESSAGE],
        "source": {"component": "kubedom"},
        "reportingComponent": "kubedom",
        "reportingInstance": "kubedom-operator",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    try:
        await api.call("POST", f"/api/v1/namespaces/{namespace}/events", body=body)
    except KubedomError as problem:
        if not (isinstance(problem, ApiError) and problem.status == 409):
            log.warning("The Event of %s %s cannot be written: %s", action.resource, action.full_name, problem)


def audited(action: Action, phase: str, message: str) -> None:
    """Write the audit trail's line on how an action ended."""
    where = f"{action.namespace}/" if action.namespace else ""
    audit.record(
        "healing",
        user=action.requested_by,
        source=f"{action.resource} {action.full_name}",
        target=f"{action.verb} {action.kind} {where}{action.target}",
        outcome=f"{phase} (dry run)" if action.dry_run else phase,
        reason=message,
        rights_of=action.requested_by,
        approved_by=action.approval.by if action.approval else "",
        changes=action.changes,
    )
