"""What a policy does about the failures that are open now, and why it does nothing.

In go a policy, the open incidents of its namespace, what is known beside them and the time; out comes one decision for
each workload that has failures which the policy names. Nothing is remembered here: the past actions are passed in, as
they exist in the cluster, so that an operator that was started again decides as the one before it would have.

The rules, in the order in which they are asked:

- a policy that is paused, a veto and a storm hold everything;
- one action at a time for each workload, whoever started it;
- a failure must have been open for `hold`;
- a run is the steps in their order. The next one is taken when the former's time-out has passed and a failure is open
  that began before it passed. Between runs of one workload lie at least `cooldown`, which grows from run to run by the
  back-off until the workload kept quiet for twice as long;
- after an action of somebody else on the workload the cooldown runs as well;
- a workload with fewer healthy pods than `min_healthy` is left alone;
- at most `limit.most` actions in `limit.window`.

The name of an action is derived from the policy, the workload, the step and the action before it. So two operators that
know the same start the same action, and the API server keeps one of the two.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_bridge.selector import selects
from kubedom_operator.diagnosis import CATALOGUE
from kubedom_operator.telling import rfc3339

from .model import Decision, Incident, Outcome, Past, Policy, Ref, Verdict, World

#: Actions that start pods anew as they are described now.
RESTARTS = frozenset({"restartPod", "deletePod", "restartDeployment", "restartStatefulSet", "restartDaemonSet"})
#: Why a restart cannot mend them, by failure kind.
FUTILE = {kind.name: kind.restart_futile for kind in CATALOGUE.values() if kind.restart_futile}
#: How healthy a workload is may change without any news of its failures.
HEALTH_SECONDS = 15.0
_HIGHEST_LEVEL = 50


def decide(policy: Policy, incidents: Iterable[Incident], world: World, now: float) -> Verdict:
    """Decide about every workload that the policy is meant for.

    Args:
        policy: With one step at least.
        incidents: What is open in the policy's namespace.
        world: What is known beside that.
        now: Seconds since the epoch.

    """
    troubles: dict[str, list[Incident]] = {}
    beyond: dict[str, str] = {}
    for incident in incidents:
        if incident.subject.key != incident.owner.key and incident.failure in FUTILE:
            beyond.setdefault(incident.owner.key, FUTILE[incident.failure])
        if incident.failure in policy.failures and selects(policy.selector, incident.labels):
            troubles.setdefault(incident.owner.key, []).append(incident)
    for trouble in troubles.values():
        trouble.sort(key=_age)
    judge = _Judge(policy, world, now, beyond)
    ordered = sorted(troubles.values(), key=lambda trouble: _age(trouble[0]))
    return Verdict([judge.about(trouble) for trouble in ordered], judge.look_again)


def target_of(action: str, incident: Incident) -> Ref | None:
    """Find what the action would act on: the failing object, or the workload that it belongs to."""
    kinds = ACTION_KINDS[action].targets
    return next((each for each in (incident.subject, incident.owner) if each.kind in kinds), None)


def cooldown(policy: Policy, level: int) -> float:
    """How long a workload is left alone after its run number `level` in a row, counted from 0."""
    if policy.backoff is None:
        return policy.cooldown
    grown = policy.cooldown * policy.backoff.factor ** min(level, _HIGHEST_LEVEL)
    return min(grown, max(policy.backoff.longest, policy.cooldown))


def _age(incident: Incident) -> tuple[float, str]:
    return incident.since, incident.id


class _Judge:
    """Decides about one workload after the other; what was decided to be done counts for the next.

    `beyond` says, by workload, why a restart cannot mend what one of its pods fails of.
    """

    def __init__(self, policy: Policy, world: World, now: float, beyond: Mapping[str, str]) -> None:
        self._policy = policy
        self._beyond = beyond
        self._world = world
        self._now = now
        self.look_again: float | None = None
        ours = [past for past in world.past if past.policy == policy.uid and (policy.dry_run or not past.dry)]
        self._times = sorted(past.time for past in ours)
        self._ours: dict[str, list[Past]] = {}
        for past in sorted(ours, key=lambda each: (each.time, each.step)):
            self._ours.setdefault(past.owner, []).append(past)
        self._others = [past for past in world.past if past.policy != policy.uid and not past.dry]
        self._unfinished = [past for past in world.past if not past.finished]
        self._storm = self._braked()

    def about(self, trouble: Sequence[Incident]) -> Decision:
        """Decide about one workload; its incidents come oldest first."""
        policy, first = self._policy, trouble[0]
        if policy.paused:
            return _nothing("Paused", "The policy is paused.", first, whole=True)
        if held := self._vetoed(trouble):
            return held
        if self._storm:
            return _nothing("StormBrake", self._storm, first, whole=True)
        own = self._ours.get(first.owner.key, [])
        touched = {first.owner.key, *(incident.subject.key for incident in trouble)}
        for past in self._unfinished:
            if past.owner == first.owner.key or past.target in touched:
                return _nothing("UnderWay", f"HealingAction {past.name} is under way.", first, outcome="Waiting")
        step, due, reason, sentence = self._next(own, first, touched)
        action = policy.steps[step].action
        incident = next((each for each in trouble if target_of(action, each) and not self._futile(action, each)), first)
        target = target_of(action, incident)
        wanted = Decision(
            "Waiting",
            reason,
            sentence,
            incident,
            step=step,
            action=action,
            target=target,
            parameters=policy.steps[step].parameters,
            name=_name(policy, first.owner, step, own[-1].name if own else ""),
        )
        if why := self._futile(action, incident):
            return wanted._replace(outcome="Skipped", reason="Futile", message=why)
        if target is None:
            sentence = f"{action} does not act on {incident.subject.kind} {incident.subject.name}, nor on its workload."
            return wanted._replace(outcome="Skipped", reason="NoTarget", message=sentence)
        ripe = incident.since + policy.hold
        if self._now < ripe and ripe > due:
            due, reason = ripe, "Holding"
            sentence = f"{action} {target.name} follows at {rfc3339(due)} if the failure is still open."
        if self._now < due:
            self._remind(due)
            return wanted._replace(reason=reason, message=sentence)
        return self._act(wanted, target)

    def _act(self, wanted: Decision, target: Ref) -> Decision:
        policy, owner = self._policy, wanted.incident.owner
        if policy.min_healthy is not None:
            health = self._world.health(owner)
            if health is None or not policy.min_healthy.met(health):
                self._remind(self._now + HEALTH_SECONDS)
                counted = "It is not known how many" if health is None else f"{health.ready} of {health.wanted}"
                sentence = f"{counted} pods of {owner.kind} {owner.name} are ready; {policy.min_healthy} must be."
                return wanted._replace(outcome="Skipped", reason="TooFewHealthy", message=sentence)
        refusal = self._world.refusals.get(owner.key)
        if refusal is not None and self._now < refusal.until:
            self._remind(refusal.until)
            return wanted._replace(outcome="Skipped", reason="Refused", message=refusal.message)
        if policy.limit is not None:
            times = [time for time in self._times if time > self._now - policy.limit.window]
            if len(times) >= policy.limit.most:
                free = times[len(times) - policy.limit.most] + policy.limit.window
                self._remind(free)
                sentence = f"There were {len(times)} actions within {policy.limit.window:g} s, as many as may be."
                return wanted._replace(outcome="Skipped", reason="LimitReached", message=sentence, whole=True)
        past = Past(
            wanted.name, policy.uid, owner.key, target.key, wanted.step, self._now, finished=True, dry=policy.dry_run
        )
        self._times.append(past.time)
        self._ours.setdefault(owner.key, []).append(past)
        what = f"{wanted.action} {target.kind} {target.name} because of {wanted.incident.failure}"
        if policy.dry_run:
            return wanted._replace(outcome="DryRun", reason="DryRun", message=f"It would {what}.")
        return wanted._replace(outcome="Act", reason="Acted", message=f"It starts {what}.")

    def _next(self, own: Sequence[Past], first: Incident, touched: set[str]) -> tuple[int, float, str, str]:
        """Say which step is next, from when on, and what is waited for until then."""
        policy = self._policy
        step, due, reason = 0, -math.inf, "Cooldown"
        if own:
            last, level = own[-1], _level(policy, own)
            timeout = policy.steps[last.step].timeout if last.step < len(policy.steps) else 0.0
            if last.step + 1 < len(policy.steps) and first.since <= last.time + timeout:
                step, due, reason = last.step + 1, last.time + timeout, "NextStep"
            else:
                due = last.time + cooldown(policy, level)
        for past in self._others:
            if (past.owner == first.owner.key or past.target in touched) and past.time + policy.cooldown > due:
                due, reason = past.time + policy.cooldown, "Cooldown"
        if reason == "NextStep":
            sentence = f"{policy.steps[step].action} follows if the failure is still open at {_told(due)}."
        else:
            sentence = f"{first.owner.kind} {first.owner.name} is left alone until {_told(due)}."
        return step, due, reason, sentence

    def _futile(self, action: str, incident: Incident) -> str:
        """Say why the action cannot mend the failure; an empty string where it may.

        A workload's own failure does not tell why its pods fail, so it is asked whether one of them does.
        """
        if action not in RESTARTS:
            return ""
        if why := FUTILE.get(incident.failure) or FUTILE.get(incident.cause):
            return why
        return self._beyond.get(incident.owner.key, "") if incident.subject.key == incident.owner.key else ""

    def _vetoed(self, trouble: Sequence[Incident]) -> Decision | None:
        for incident in trouble:
            for veto in self._world.vetoes:
                if veto.until > self._now and veto.holds(incident):
                    self._remind(veto.until)
                    why = f": {veto.reason}" if veto.reason else "."
                    sentence = f"{veto.by or 'Somebody'} holds it until {rfc3339(veto.until)}{why}"
                    return _nothing("Vetoed", sentence, incident)
        return None

    def _braked(self) -> str:
        """Say that there is a storm; an empty string where there is none."""
        storm = self._policy.storm
        if storm is None:
            return ""
        recent = sorted(time for time in self._world.openings.values() if time > self._now - storm.window)
        if len(recent) <= storm.incidents:
            return ""
        self._remind(recent[len(recent) - storm.incidents - 1] + storm.window)
        where = "in the cluster" if storm.cluster_wide else f"in {self._policy.namespace}"
        return f"More than {storm.incidents} workloads {where} began to fail within {storm.window:g} s."

    def _remind(self, moment: float) -> None:
        if self.look_again is None or moment < self.look_again:
            self.look_again = moment


def _level(policy: Policy, own: Sequence[Past]) -> int:
    """The number of the last run in a row of runs, counted from 0."""
    level, before = 0, own[0].time
    for past in own[1:]:
        if past.step == 0:
            level = level + 1 if past.time - before <= 2 * cooldown(policy, level) else 0
        before = past.time
    return level


def _name(policy: Policy, owner: Ref, step: int, before: str) -> str:
    text = "\0".join((policy.uid, owner.key, str(step), before))
    return f"{policy.name[:40].rstrip('-.')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _nothing(
    reason: str, message: str, incident: Incident, *, outcome: Outcome = "Skipped", whole: bool = False
) -> Decision:
    return Decision(outcome, reason, message, incident, whole=whole)


def _told(moment: float) -> str:
    return rfc3339(moment) if moment > 0 else "now"
