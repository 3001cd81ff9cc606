"""From the objects that the API server has to the values that decisions are made of.

The CRDs' schemas have made sure of their shape. What a policy did is read from the HealingActions that exist; where one
was deleted before its time, the policy's status still tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubedom_bridge.selector import Requirement, Selector
from kubedom_operator.projection import seconds

from .model import Backoff, Limit, MinHealthy, Past, Policy, Step, Storm, Veto

#: On a HealingAction of a policy: the workload that its cooldown is for, as Deployment/web.
OWNER = "kubedom.dev/owner"
#: On a HealingAction of a policy: which of its steps it is, counted from 0.
STEP = "kubedom.dev/step"
VETO_SECONDS = 24 * 3600.0
_FINISHED = frozenset({"Succeeded", "Failed", "Denied", "Expired"})
_OPERATORS: Mapping[str, Any] = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
_STEP_SECONDS = 300


def policy(body: Mapping[str, Any]) -> Policy:
    """Read a HealingPolicy."""
    metadata, spec = body["metadata"], body["spec"]
    steps = spec.get("steps") or [{"action": spec["action"], "parameters": spec.get("parameters")}]
    backoff, limit, storm = spec.get("backoff"), spec.get("limit"), spec.get("storm")
    return Policy(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        failures=frozenset(spec["failures"]),
        selector=_selector(spec.get("selector") or {}),
        steps=tuple(
            Step(each["action"], each.get("parameters") or {}, float(each.get("timeoutSeconds", _STEP_SECONDS)))
            for each in steps
        ),
        dry_run=spec.get("dryRun", True),
        hold=float(spec.get("holdSeconds", 0)),
        cooldown=float(spec.get("cooldownSeconds", 0)),
        backoff=Backoff(float(backoff["factor"]), float(backoff["maxSeconds"])) if backoff else None,
        limit=Limit(limit["count"], float(limit["windowSeconds"])) if limit else None,
        min_healthy=_min_healthy(spec.get("minHealthy")),
        storm=Storm(storm["incidents"], float(storm["windowSeconds"]), storm.get("scope") == "Cluster")
        if storm
        else None,
        paused=spec.get("paused", False),
        approval_required=spec.get("approvalRequired", False),
        account=spec.get("serviceAccountName") or "",
    )


def past(body: Mapping[str, Any]) -> Past:
    """Read a HealingAction as what was done, whoever asked for it."""
    metadata, spec = body["metadata"], body["spec"]
    policy, target = made_by(body), f"{spec['target']['kind']}/{spec['target']['name']}"
    # Anybody may write such notes on what they ask for.
    noted = (metadata.get("annotations") or {}) if policy else {}
    step = noted.get(STEP, "")
    return Past(
        name=metadata["name"],
        policy=policy,
        owner=noted.get(OWNER) or target,
        target=target,
        step=int(step) if step.isdecimal() else 0,
        # The API server notes whole seconds and leaves the rest out; nothing may count as older than it is.
        time=(seconds(metadata["creationTimestamp"]) or 0.0) + 1.0,
        finished=(body.get("status") or {}).get("phase") in _FINISHED,
        dry=bool(spec.get("dryRun")),
    )


def made_by(body: Mapping[str, Any]) -> str:
    """The uid of the HealingPolicy that made an action; empty where none did, whatever the action says.

    A policy asks as a service account of its namespace, and who asked is written by admission.
    """
    namespace, spec = body["metadata"].get("namespace") or "", body["spec"]
    if not (spec.get("requestedBy") or "").startswith(f"system:serviceaccount:{namespace}:"):
        return ""
    return (spec.get("policyRef") or {}).get("uid") or ""


def veto(body: Mapping[str, Any]) -> Veto:
    """Read a HealingVeto; it holds for a day from its creation at most, whatever it says."""
    metadata, spec = body["metadata"], body["spec"]
    latest = (seconds(metadata["creationTimestamp"]) or 0.0) + VETO_SECONDS
    return Veto(
        name=metadata["name"],
        kind=spec["target"]["kind"],
        target=spec["target"]["name"],
        uid=spec["target"].get("uid") or "",
        incident=spec.get("incident") or "",
        until=min(seconds(spec["until"]) or 0.0, latest),
        by=spec.get("requestedBy") or "",
        reason=spec.get("reason") or "",
    )


def remembered(policy_uid: str, decisions: Iterable[Mapping[str, Any]], existing: Iterable[str]) -> list[Past]:
    """What a policy's status tells of that no HealingAction does: dry runs, and actions that were deleted.

    Args:
        policy_uid: The policy.
        decisions: `status.decisions`.
        existing: The names of its HealingActions.

    """
    known = set(existing)
    return [
        Past(
            name=each.get("healingAction") or "",
            policy=policy_uid,
            owner=each.get("owner") or "",
            target=each.get("target") or "",
            step=each.get("step") or 0,
            time=seconds(each["time"]) or 0.0,
            finished=True,
            dry=each["decision"] == "DryRun",
        )
        for each in decisions
        if each["decision"] == "DryRun" or (each["decision"] == "Acted" and each.get("healingAction") not in known)
    ]


def _selector(given: Mapping[str, Any]) -> Selector:
    labels = [Requirement(key, "in", frozenset({value})) for key, value in (given.get("matchLabels") or {}).items()]
    expressions = [
        Requirement(each["key"], _OPERATORS[each["operator"]], frozenset(each.get("values") or ()))
        for each in given.get("matchExpressions") or ()
    ]
    return (*labels, *expressions)


def _min_healthy(given: int | str | None) -> MinHealthy | None:
    if given is None:
        return None
    return MinHealthy(given) if isinstance(given, int) else MinHealthy(int(given.rstrip("%")), percent=True)
