"""What a policy's decisions leave behind: a HealingAction, its status, Events, and what pages hear.

In go decisions, out come objects to be written. A decision is told when its reason changes, never each time that it is
made again; a reason that is the policy's and not one workload's is told once for all of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kubedom_bridge.actions import GROUP, VERSION
from kubedom_bridge.limits import TokenBucket
from kubedom_bridge.protocol import EventEntry
from kubedom_operator import telling
from kubedom_operator.projection import Metadata, seconds

from .model import Decision, Policy
from .reading import OWNER, STEP

DECISIONS_KEPT = 50
#: As the API server's own clients do it, so that a storm of failures is none of Events.
EVENT_BURST = 25
EVENTS_PER_SECOND = 1 / 60
KEPT_SECONDS = 3600
#: On a HealingAction: the uid of its policy, for `kubectl get --selector`.
POLICY = "kubedom.dev/policy"
_WHOLE = ""
_DONE = frozenset({"Acted", "DryRun"})


class News(NamedTuple):
    """A decision whose reason is new: to the cluster, which gets an Event, or to pages.

    One that only pages hear of again, since the operator was started anew, is not `fresh`.
    """

    decision: Decision
    aloud: bool
    pages: bool
    fresh: bool


class Ledger:
    """What one policy has decided, as its status tells it.

    `decisions` are the latest, `done` those to act or to act in a dry run, as long as they matter.

    Args:
        status: The policy's status as it was found.

    """

    def __init__(self, status: Mapping[str, Any]) -> None:
        self.decisions: list[dict[str, Any]] = list(status.get("decisions") or ())
        self.done = [each for each in self.decisions if each["decision"] in _DONE]
        self._conditions: list[dict[str, Any]] = list(status.get("conditions") or ())
        self._told: dict[str, tuple[str, str, str]] = {
            each.get("owner") or _WHOLE: (each["decision"], each["reason"], each.get("healingAction") or "")
            for each in self.decisions
        }
        self._told_pages: dict[str, tuple[str, str]] = {}
        self._events = TokenBucket(EVENTS_PER_SECOND, EVENT_BURST)

    def news(self, decisions: Iterable[Decision], now: float, memory: float) -> list[News]:
        """Note the decisions of one look and give those to tell of.

        Args:
            decisions: One for each workload.
            now: Seconds since the epoch.
            memory: For how many seconds what was done must be known.

        """
        self.done = [each for each in self.done if (seconds(each["time"]) or 0.0) > now - memory]
        found: list[News] = []
        whole: tuple[str, str, str] | None = None
        before = dict(self._told)
        pages: dict[str, tuple[str, str]] = {}
        for each in decisions:
            owner = each.incident.owner.key
            word = "Acted" if each.outcome == "Act" else each.outcome
            key, said = _WHOLE if each.whole else owner, (word, each.reason, each.name if word in _DONE else "")
            aloud = self._told.get(key) != said
            if aloud or word in _DONE:
                self._told[key] = said
                self._note(each, word, now)
                aloud = word != "Waiting" and self._events.take(now)
            whole = said if each.whole else whole
            pages[owner] = (each.reason, each.name)
            told_pages = self._told_pages.get(owner) != pages[owner]
            if aloud or told_pages:
                found.append(News(each, aloud, told_pages, before.get(key) != said))
        if whole is None:
            self._told.pop(_WHOLE, None)
        # A workload that fails again later is told of again.
        self._told_pages = pages
        self._told = {key: said for key, said in self._told.items() if key == _WHOLE or key in pages}
        return found

    def status(self, policy: Policy, decisions: Iterable[Decision], actions: int, now: float) -> dict[str, Any]:
        """Write the policy's status.

        Args:
            policy: As it was decided by.
            decisions: Those of the last look.
            actions: How many HealingActions of it exist.
            now: Seconds since the epoch.

        """
        current = list(decisions)
        refused = next((each for each in current if each.reason == "Refused"), None)
        braked = next((each for each in current if each.reason in {"StormBrake", "LimitReached"}), None)
        ready = ("True", "DryRun" if policy.dry_run else "Active", "Failures are followed.")
        if policy.paused:
            ready = ("False", "Paused", "The policy is paused.")
        elif refused is not None:
            ready = ("False", "Refused", refused.message)
        brake = ("True", braked.reason, braked.message) if braked else ("False", "Free", "Nothing is held back.")
        self._conditions = [
            self._condition("Ready", ready, policy, now),
            self._condition("Braked", brake, policy, now),
        ]
        last = self.decisions[-1] if self.decisions else None
        return {
            "observedGeneration": policy.generation,
            "lastDecision": f"{last['decision']}: {last['reason']}" if last else "",
            "counts": {
                "open": len(current),
                "waiting": sum(each.outcome in {"Waiting", "Act"} for each in current),
                "skipped": sum(each.outcome in {"Skipped", "DryRun"} for each in current),
                "actions": actions,
            },
            "decisions": self.decisions,
            "conditions": self._conditions,
        }

    def _note(self, decision: Decision, word: str, now: float) -> None:
        noted: dict[str, Any] = {
            "time": telling.rfc3339(now),
            "decision": word,
            "reason": decision.reason,
            "message": decision.message[:1024],
        }
        if not decision.whole:
            noted |= {
                "incident": decision.incident.id,
                "failure": decision.incident.failure,
                "object": decision.incident.subject.key,
                "owner": decision.incident.owner.key,
            }
        if decision.action and not decision.whole:
            noted |= {"action": decision.action, "step": decision.step}
        if decision.target is not None and word in _DONE:
            noted |= {"target": decision.target.key, "healingAction": decision.name}
        self.decisions = trimmed([*self.decisions, noted])
        if word in _DONE:
            self.done.append(noted)

    def _condition(self, kind: str, value: tuple[str, str, str], policy: Policy, now: float) -> dict[str, Any]:
        before: Mapping[str, Any] = next((each for each in self._conditions if each["type"] == kind), {})
        status, reason, message = value
        same = before.get("status") == status
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message[:1024],
            "lastTransitionTime": before["lastTransitionTime"] if same else telling.rfc3339(now),
            "observedGeneration": policy.generation,
        }


def trimmed(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The latest decisions; those to act outlast the others, for later ones are made by them."""
    over = len(decisions) - DECISIONS_KEPT
    if over <= 0:
        return decisions
    quiet = [at for at, each in enumerate(decisions[:-1]) if each["decision"] not in _DONE]
    dropped = set((quiet + [at for at in range(len(decisions)) if at not in set(quiet)])[:over])
    return [each for at, each in enumerate(decisions) if at not in dropped]


def action(policy: Policy, decision: Decision) -> dict[str, Any]:
    """Write the HealingAction of a decision to act."""
    incident, target = decision.incident, decision.target
    assert target is not None
    spec: dict[str, Any] = {
        "action": decision.action,
        "target": {"kind": target.kind, "name": target.name} | ({"uid": target.uid} if target.uid else {}),
        "reason": f"HealingPolicy {policy.name}: {incident.failure} of {incident.subject.key}.",
        "requestedBy": account(policy),
        "policyRef": {"name": policy.name, "uid": policy.uid, "incident": incident.id},
        # What later decisions need to know must not be gone before.
        "ttlSecondsAfterFinished": max(KEPT_SECONDS, int(policy.memory)),
    }
    if decision.parameters:
        spec["parameters"] = dict(decision.parameters)
    if len(policy.steps) > 1:
        # A step that is not over when its time is holds the next one up.
        spec["activeDeadlineSeconds"] = int(policy.steps[decision.step].timeout)
    if policy.approval_required:
        spec["approvalRequired"] = True
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "HealingAction",
        "metadata": {
            "name": decision.name,
            "namespace": policy.namespace,
            "labels": {POLICY: policy.uid},
            "annotations": {OWNER: incident.owner.key, STEP: str(decision.step)},
        },
        "spec": spec,
    }


def account(policy: Policy) -> str:
    """The user name of the service account that a policy acts as."""
    return f"system:serviceaccount:{policy.namespace}:{policy.account}"


def event(policy: Policy, decision: Decision, now: float) -> dict[str, Any]:
    """Write the Event of a decision, on its policy."""
    moment = telling.rfc3339(now)[:19] + "Z"
    about = "" if decision.whole else f"{decision.incident.failure} of {decision.incident.subject.key}: "
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{policy.name[:200]}.{secrets.token_hex(8)}", "namespace": policy.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "HealingPolicy",
            "namespace": policy.namespace,
            "name": policy.name,
            "uid": policy.uid,
        },
        "type": "Warning" if decision.reason in {"Refused", "StormBrake", "LimitReached"} else "Normal",
        "reason": decision.reason,
        "message": (about + decision.message)[:1024],
        "source": {"component": "kubedom"},
        "reportingComponent": "kubedom.dev/operator",
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def entry(policy: Policy, news: News, *, cluster: str, now: float) -> EventEntry:
    """Tell pages what is planned or skipped, on the failing object."""
    decision = news.decision
    subject = decision.incident.subject
    told = telling.event(
        subject.kind,
        Metadata(name=subject.name, namespace=policy.namespace, uid=subject.uid),
        "healingPlanned" if decision.outcome in {"Act", "Waiting"} else "healingSkipped",
        {
            "policy": policy.name,
            "decision": "Acted" if decision.outcome == "Act" else decision.outcome,
            "reason": decision.reason,
            "message": decision.message,
            "incident": decision.incident.id,
            "action": decision.action,
            "actionName": decision.name if decision.outcome == "Act" else "",
        },
        cluster=cluster,
        now=now,
    )
    told.speaks_of = ("HealingPolicy",)
    told.replayed = not news.fresh
    return told
