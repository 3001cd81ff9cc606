"""A cluster of values: incidents that come and go, and what a policy would have done about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubedom_operator.policy.decide import decide
from kubedom_operator.policy.model import (
    Decision,
    Health,
    Incident,
    Limit,
    Past,
    Policy,
    Ref,
    Refusal,
    Step,
    Storm,
    Verdict,
    Veto,
    World,
)

NOW = 1_000_000.0
RESTART = Step("restartDeployment", {}, 300.0)


def policy(**given: Any) -> Policy:
    """A policy that acts on crash loops at once, with a cooldown of ten minutes and no other brake."""
    wanted: dict[str, Any] = {
        "namespace": "shop",
        "name": "restart",
        "uid": "policy-1",
        "generation": 1,
        "failures": frozenset({"ContainerCrashLoop"}),
        "selector": (),
        "steps": (RESTART,),
        "dry_run": False,
        "cooldown": 600.0,
        "account": "healer",
    }
    return Policy(**wanted | given)


def incident(
    pod: str = "web-1",
    workload: str = "web",
    *,
    since: float = NOW,
    failure: str = "ContainerCrashLoop",
    cause: str = "",
    **labels: str,
) -> Incident:
    return Incident(
        f"incident-{pod}",
        failure,
        cause,
        Ref("Pod", pod, f"uid-{pod}"),
        Ref("Deployment", workload),
        labels,
        since,
    )


class Simulated:
    """A namespace in which what is decided is done; the operator itself remembers nothing."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.open: dict[str, Incident] = {}
        self.past: list[Past] = []
        self.vetoes: list[Veto] = []
        self.health: dict[str, Health] = {}
        self.openings: dict[str, float] = {}
        self.refusals: dict[str, Refusal] = {}

    def begin(self, *incidents: Incident) -> None:
        for each in incidents:
            self.open[each.id] = each
            self.openings[each.owner.key] = self.now

    def end(self, incident_id: str) -> None:
        self.open.pop(incident_id, None)

    def world(self) -> World:
        return World(
            self.past,
            self.vetoes,
            lambda owner: self.health.get(owner.key),
            self.openings,
            self.refusals,
        )

    def verdict(self, wanted: Policy) -> Verdict:
        return decide(wanted, self.open.values(), self.world(), self.now)

    def settle(self, wanted: Policy) -> list[Decision]:
        """Decide, and do what was decided; the actions stay unfinished."""
        decisions = self.verdict(wanted).decisions
        known = {past.name for past in self.past}
        for each in decisions:
            if each.outcome in {"Act", "DryRun"}:
                assert each.target is not None
                assert each.name not in known, "a name would be used twice"
                self.past.append(
                    Past(
                        each.name,
                        wanted.uid,
                        each.incident.owner.key,
                        each.target.key,
                        each.step,
                        self.now,
                        finished=each.outcome == "DryRun",
                        dry=each.outcome == "DryRun",
                    )
                )
        return decisions

    def finish(self, names: Iterable[str] | None = None) -> None:
        chosen = None if names is None else set(names)
        self.past = [
            past._replace(finished=chosen is None or past.name in chosen or past.finished) for past in self.past
        ]


def reasons(decisions: Iterable[Decision]) -> list[str]:
    return [each.reason for each in decisions]


__all__ = ["NOW", "RESTART", "Limit", "Simulated", "Storm", "incident", "policy", "reasons"]
