"""A HealingAction or ClusterHealingAction as the operator reads it, and the status that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kubedom_bridge.action_catalogue import TARGETS
from kubedom_bridge.actions import FINISHED, collection_path

DEFAULT_TTL_SECONDS = 3600
DEFAULT_DEADLINE_SECONDS = 600
LONGEST_MESSAGE = 1024
#: Of what was changed so many sentences are kept; of a big node's drain the rest is counted.
MOST_CHANGES = 200


class ActionFailed(Exception):
    """The action cannot reach its effect; the message is a sentence for people."""


class Approval(NamedTuple):
    """What somebody decided about an action that needs it: `Approve` or `Deny`."""

    decision: str
    by: str
    reason: str

    def __str__(self) -> str:
        what = "Approved" if self.decision == "Approve" else "Denied"
        return f"{what} by {self.by or 'somebody'}{f': {self.reason}' if self.reason else '.'}"


class Owner(NamedTuple):
    """Who makes a pod anew; kept in the status, since the pod itself is gone when that is asked."""

    api_version: str
    kind: str
    name: str
    uid: str


class Action(NamedTuple):
    """What is to be done to what, and how far it is.

    Args:
        namespace: Its own and its target's; empty for a ClusterHealingAction.
        pinned_uid: The target's uid, once it is known for certain.
        pinned_generation: The target's generation when work began; 0 before that.
        owner: Of a pod that is to be replaced, whoever does it.
        changes: Sentences on what was changed; as long as there are none, nothing is known to be changed.

    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    verb: str
    kind: str
    target: str
    parameters: Mapping[str, Any]
    dry_run: bool
    requested_by: str
    reason: str
    approval_required: bool
    approval: Approval | None
    ttl_seconds: int
    deadline_seconds: int
    created_at: str
    phase: str = "Pending"
    message: str = ""
    pinned_uid: str = ""
    pinned_generation: int = 0
    owner: Owner | None = None
    started_at: str = ""
    finished_at: str = ""
    changes: tuple[str, ...] = ()
    conditions: tuple[Mapping[str, Any], ...] = ()

    @property
    def path(self) -> str:
        """Where it is in the API."""
        return f"{collection_path(self.namespace)}/{self.name}"

    @property
    def target_path(self) -> str:
        """Where its target is in the API."""
        return TARGETS[self.kind].path(self.namespace, self.target)

    @property
    def target_name(self) -> str:
        """Its target, for people: the kind and the name."""
        return f"{self.kind} {self.target}"

    @property
    def resource(self) -> str:
        """The kind of the action itself."""
        return "HealingAction" if self.namespace else "ClusterHealingAction"

    @property
    def full_name(self) -> str:
        """Its own name, with its namespace where it has one."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be done."""
        return self.phase in FINISHED

    @property
    def undecided(self) -> bool:
        """Whether somebody has to approve it, and nobody has said anything."""
        return self.approval_required and self.approval is None


def read(body: Mapping[str, Any]) -> Action:
    """Read a watched object; the schema of the CRD has made sure of its shape."""
    metadata, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    target, approval, owner = spec["target"], spec.get("approval"), status.get("owner")
    return Action(
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 1),
        verb=spec["action"],
        kind=target["kind"],
        target=target["name"],
        parameters=spec.get("parameters") or {},
        dry_run=spec.get("dryRun", False),
        requested_by=spec.get("requestedBy") or "",
        reason=spec.get("reason") or "",
        approval_required=spec.get("approvalRequired", False),
        approval=Approval(approval["decision"], approval.get("by") or "", approval.get("reason") or "")
        if approval
        else None,
        ttl_seconds=spec.get("ttlSecondsAfterFinished", DEFAULT_TTL_SECONDS),
        deadline_seconds=spec.get("activeDeadlineSeconds", DEFAULT_DEADLINE_SECONDS),
        created_at=metadata.get("creationTimestamp") or "",
        phase=status.get("phase") or "Pending",
        message=status.get("message") or "",
        pinned_uid=status.get("targetUID") or target.get("uid") or "",
        pinned_generation=status.get("targetGeneration") or 0,
        owner=Owner(owner["apiVersion"], owner["kind"], owner["name"], owner["uid"]) if owner else None,
        started_at=status.get("startedAt") or "",
        finished_at=status.get("finishedAt") or "",
        changes=tuple(status.get("changes") or ()),
        conditions=tuple(status.get("conditions") or ()),
    )


def in_phase(action: Action, phase: str, message: str, now: str) -> Action:
    """The action as it is in a phase; `now` is an RFC 3339 time."""
    return action._replace(
        phase=phase,
        message=message[:LONGEST_MESSAGE],
        started_at=action.started_at or (now if phase == "Running" else ""),
        finished_at=now if phase in FINISHED else "",
        conditions=_conditions(action, phase, message[:LONGEST_MESSAGE], now),
    )


def status(action: Action) -> dict[str, Any]:
    """Write an action's status; what it has not come to is left out."""
    written: dict[str, Any] = {
        "phase": action.phase,
        "message": action.message,
        "targetUID": action.pinned_uid,
        "targetGeneration": action.pinned_generation,
        "startedAt": action.started_at,
        "finishedAt": action.finished_at,
        "rightsOf": action.requested_by,
        "changes": list(action.changes),
        "owner": action.owner
        and {
            "apiVersion": action.owner.api_version,
            "kind": action.owner.kind,
            "name": action.owner.name,
            "uid": action.owner.uid,
        },
        "observedGeneration": action.generation,
        "conditions": list(action.conditions),
    }
    return {name: value for name, value in written.items() if value}


def with_changes(action: Action, sentences: tuple[str, ...]) -> Action:
    """The action with what was changed now; a sentence that is there already is not repeated."""
    changes = list(action.changes)
    changes.extend(each for each in sentences if each not in changes)
    return action._replace(changes=tuple(changes[:MOST_CHANGES]))


def _conditions(action: Action, phase: str, message: str, now: str) -> tuple[Mapping[str, Any], ...]:
    """`Complete`, and `Approved` where that is asked for; a time changes only with what it is of."""
    ended = "False" if phase in FINISHED else "Unknown"
    wanted = {"Complete": ("True" if phase == "Succeeded" else ended, phase, message)}
    if action.approval_required:
        said = action.approval
        decided = "Unknown" if said is None else "True" if said.decision == "Approve" else "False"
        reason = {"Unknown": "Undecided", "True": "Approved", "False": "Denied"}[decided]
        wanted["Approved"] = (decided, reason, str(said) if said else "Nobody has decided yet.")
    before = {each["type"]: each for each in action.conditions}
    return tuple(
        {
            "type": kind,
            "status": value,
            "reason": reason,
            "message": sentence,
            "lastTransitionTime": before[kind]["lastTransitionTime"]
            if kind in before and before[kind]["status"] == value
            else now,
            "observedGeneration": action.generation,
        }
        for kind, (value, reason, sentence) in wanted.items()
    )
