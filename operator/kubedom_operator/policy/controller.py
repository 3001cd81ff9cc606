"""The controller: follows HealingPolicies, vetoes and incidents, and starts the HealingActions that are decided.

In come what the watch sees of the kubedom kinds and what the pipeline tells; out go HealingActions, created under the
rights of the policy's service account, each policy's status, and Events. One task does all of it, one policy after the
other, so that what a decision rests on does not change while it is carried out: before an action is created, its policy
and the vetoes are read once more from the API server. The watch may miss a deletion, so everything is listed now and
then as well, and before the first decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kubedom_bridge.actions import GROUP, VERSION
from kubedom_bridge.errors import ClusterUnreachable, KubedomError
from kubedom_bridge.kube import MERGE_PATCH, Api, ApiError, create_named
from kubedom_bridge.protocol import Entry
from kubedom_operator.heard import Heard
from kubedom_operator.timers import TimerWheel

from . import reading, record
from .decide import decide
from .model import Decision, Policy, Refusal, Verdict, World
from .openings import Openings

ROOT = f"/apis/{GROUP}/{VERSION}"
POLICIES, VETOES, ACTIONS = "healingpolicies", "healingvetoes", "healingactions"
RELIST_SECONDS = 300.0
RETRY_SECONDS = 2.0
REFUSED_SECONDS = 60.0
UNREACHABLE_SECONDS = 5.0
#: Between two writes of one policy's status.
STATUS_SECONDS = 1.0
#: What comes in one go is decided in one go.
SETTLE_SECONDS = 0.05

log = logging.getLogger(__name__)
Body = Mapping[str, Any]
#: What is looked at when its time comes: a policy, or a veto that is over.
Due = tuple[str, str]


class _Outdated(Exception):
    """What a decision rests on has changed, so it is to be made again."""


class Policies:
    """Heals by itself what the HealingPolicies of a cluster name.

    Args:
        api: With the operator's rights.
        cluster: The cluster's name.
        publish: Takes journal entries, on this loop.
        openings: What fails.
        ready: Whether all that failed before the start has been told.
        clock: Seconds since the epoch.
        namespace: The only one that is watched, or None for all.
        heard: What pages were told before; without it, they are told of every decision again, as late.

    """

    def __init__(
        self,
        api: Api,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        openings: Openings,
        ready: Callable[[], bool],
        *,
        clock: Callable[[], float],
        namespace: str | None = None,
        heard: Heard | None = None,
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._publish = publish
        self._openings = openings
        self._ready = ready
        self._clock = clock
        self._namespace = namespace
        self._heard = heard
        self._known: dict[str, dict[str, Body]] = {POLICIES: {}, VETOES: {}, ACTIONS: {}}
        self._ledgers: dict[str, record.Ledger] = {}
        self._refusals: dict[str, dict[str, Refusal]] = {}
        self._written: dict[str, tuple[float, dict[str, Any]]] = {}
        self._touched: set[str] = set()
        self._timers: TimerWheel[Due] = TimerWheel()
        self._wake = asyncio.Event()

    # What the watch and the pipeline call.

    def told(self, entries: Collection[Entry]) -> None:
        """Take in what the pipeline publishes."""
        if self._heard is not None:
            self._heard.take(entries)
        self._touch(self._openings.take(entries))

    def observe_policy(self, change: str | None, body: Body) -> None:
        """Take in a version of a HealingPolicy."""
        self._observe(POLICIES, change, body)

    def observe_veto(self, change: str | None, body: Body) -> None:
        """Take in a version of a HealingVeto."""
        self._observe(VETOES, change, body)

    def observe_action(self, change: str | None, body: Body) -> None:
        """Take in a version of a HealingAction."""
        self._observe(ACTIONS, change, body)

    async def run(self) -> None:
        """Follow until cancelled, through every outage."""
        listed = 0.0
        while True:
            if not self._ready():
                await asyncio.sleep(SETTLE_SECONDS)
                continue
            now = self._clock()
            try:
                if now >= listed + RELIST_SECONDS:
                    await self._list()
                    listed = now
                await self._look()
            except KubedomError as problem:
                log.warning("The policies wait: %s", problem)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._pause(listed + RELIST_SECONDS)

    def _observe(self, plural: str, change: str | None, body: Body) -> None:
        metadata = body["metadata"]
        before = self._known[plural].get(metadata["uid"])
        if change == "DELETED":
            self._known[plural].pop(metadata["uid"], None)
        else:
            self._known[plural][metadata["uid"]] = body
            known = before is not None and before["metadata"].get("generation") == metadata.get("generation")
            if plural == POLICIES and known:
                # Its status, which nobody but this one writes.
                return
        self._touch({metadata["namespace"]})

    def _touch(self, namespaces: Iterable[str]) -> None:
        self._touched.update(namespaces)
        if self._touched:
            self._wake.set()

    async def _pause(self, until: float) -> None:
        due = self._timers.next_due()
        moment = until if due is None else min(until, due)
        try:
            async with asyncio.timeout(max(0.0, moment - self._clock())):
                await self._wake.wait()
                await asyncio.sleep(SETTLE_SECONDS)
        except TimeoutError:
            pass

    async def _list(self) -> None:
        """Learn what exists; what came by the watch meanwhile is newer and stays."""
        within = f"/namespaces/{self._namespace}" if self._namespace is not None else ""
        for plural, known in self._known.items():
            before = dict(known)
            items = (await self._api.call("GET", f"{ROOT}{within}/{plural}"))["items"]
            listed = {body["metadata"]["uid"]: body for body in items}
            for uid in before.keys() - listed.keys():
                known.pop(uid, None)
            known.update({uid: body for uid, body in listed.items() if known.get(uid) is before.get(uid)})
        for plural in (POLICIES, VETOES):
            self._touch({body["metadata"]["namespace"] for body in self._known[plural].values()})

    async def _look(self) -> None:
        """Decide for every policy for which something changed or a moment came."""
        self._wake.clear()
        due = self._timers.due(self._clock())
        touched, self._touched = self._touched, set()
        policies = self._known[POLICIES]
        for uid in self._ledgers.keys() - policies.keys():
            self._forget(uid)
        for body in tuple(self._known[VETOES].values()):
            if body["metadata"]["namespace"] in touched or (VETOES, body["metadata"]["uid"]) in due:
                await self._clean(body)
        for uid, body in tuple(policies.items()):
            if body["metadata"]["namespace"] in touched or (POLICIES, uid) in due:
                try:
                    await self._follow(reading.policy(body))
                except _Outdated:
                    self._touch({body["metadata"]["namespace"]})
                except KubedomError as problem:
                    log.warning("HealingPolicy %s waits: %s", _named(body), problem)
                    self._timers.set((POLICIES, uid), self._clock() + UNREACHABLE_SECONDS)
                except Exception:
                    # One that cannot be followed must not take the others and the watch with it.
                    log.exception("HealingPolicy %s cannot be followed.", _named(body))
                    self._timers.set((POLICIES, uid), self._clock() + REFUSED_SECONDS)

    async def _follow(self, policy: Policy) -> None:
        """Decide for one policy, do it, and tell of it."""
        ledger = self._ledgers.get(policy.uid)
        first = ledger is None
        if ledger is None:
            found = self._known[POLICIES][policy.uid].get("status") or {}
            ledger = self._ledgers[policy.uid] = record.Ledger(found)
        verdict = self._decide(policy, ledger)
        if any(each.outcome == "Act" for each in verdict.decisions):
            await self._confirm(policy)
            # Meanwhile a failure may be over.
            verdict = self._decide(policy, ledger)
        # One at a time, so that each is decided by what is known when it is created; the others follow at once.
        chosen = next((each for each in verdict.decisions if each.outcome == "Act"), None)
        decisions = [each for each in verdict.decisions if each.outcome != "Act"]
        if chosen is not None:
            decisions.append(await self._act(policy, chosen))
        now = self._clock()
        news = ledger.news(decisions, now, policy.memory)
        self._publish_news(policy, news, first=first)
        again = verdict.look_again
        if any(each.outcome in {"Act", "DryRun"} for each in verdict.decisions):
            # What was done or refused now is part of what is decided by next.
            again = now
        if not await self._write(policy, ledger, decisions):
            again = min(now + STATUS_SECONDS, again if again is not None else now + STATUS_SECONDS)
        self._timers.set((POLICIES, policy.uid), again)
        for each in news:
            if each.aloud:
                await self._announce(policy, each.decision)

    def _decide(self, policy: Policy, ledger: record.Ledger) -> Verdict:
        return decide(policy, self._openings.of(policy.namespace), self._world(policy, ledger), self._clock())

    def _world(self, policy: Policy, ledger: record.Ledger) -> World:
        actions = [
            reading.past(body)
            for body in self._known[ACTIONS].values()
            if body["metadata"]["namespace"] == policy.namespace
        ]
        names = [past.name for past in actions if past.policy == policy.uid]
        storm = policy.storm
        refusals = self._refusals.setdefault(policy.uid, {})
        return World(
            past=actions + reading.remembered(policy.uid, ledger.done, names),
            vetoes=[
                reading.veto(body)
                for body in self._known[VETOES].values()
                if body["metadata"]["namespace"] == policy.namespace
            ],
            health=lambda owner: self._openings.health(policy.namespace, owner),
            openings=self._openings.began(None if storm is not None and storm.cluster_wide else policy.namespace),
            refusals=refusals,
        )

    async def _confirm(self, policy: Policy) -> None:
        """Make sure that the policy is still so, and that no veto has come.

        Raises:
            _Outdated: where it is not.

        """
        within = f"{ROOT}/namespaces/{policy.namespace}"
        try:
            body = await self._api.call("GET", f"{within}/{POLICIES}/{policy.name}")
        except ApiError as error:
            if error.status != 404:
                raise
            self._known[POLICIES].pop(policy.uid, None)
            raise _Outdated from None
        uid, generation = body["metadata"]["uid"], body["metadata"]["generation"]
        vetoes = (await self._api.call("GET", f"{within}/{VETOES}"))["items"]
        known = self._known[VETOES]
        fresh = [each for each in vetoes if each["metadata"]["uid"] not in known]
        known.update({each["metadata"]["uid"]: each for each in fresh})
        if (uid, generation) != (policy.uid, policy.generation):
            self._known[POLICIES].pop(policy.uid, None)
            self._known[POLICIES][uid] = body
            raise _Outdated
        if fresh:
            raise _Outdated

    async def _act(self, policy: Policy, decision: Decision) -> Decision:
        """Create the action of a decision; what is known of it is kept at once, before the watch tells of it."""
        acting = self._api.impersonating(record.account(policy), [])
        collection = f"{ROOT}/namespaces/{policy.namespace}/{ACTIONS}"
        wait = REFUSED_SECONDS
        try:
            try:
                made = await create_named(acting, collection, record.action(policy, decision))
            except ApiError as error:
                if error.status != 409:
                    raise
                # Made before, by an operator that could not tell of it.
                made = await self._api.call("GET", f"{collection}/{decision.name}")
            if reading.made_by(made) == policy.uid:
                self._known[ACTIONS].setdefault(made["metadata"]["uid"], made)
                log.info("%s/%s: %s", policy.namespace, policy.name, decision.message)
                return decision
            sentence = f"Another HealingAction has the name {decision.name}. Delete it."
        except KubedomError as problem:
            sentence = str(problem)
            if isinstance(problem, ClusterUnreachable):
                wait = UNREACHABLE_SECONDS
        self._refusals[policy.uid][decision.incident.owner.key] = Refusal(self._clock() + wait, sentence)
        return decision._replace(outcome="Skipped", reason="Refused", message=sentence)

    def _publish_news(self, policy: Policy, news: list[record.News], *, first: bool) -> None:
        """Tell pages what they do not know; at the `first` look at a policy, that is what they were not told before."""
        now = self._clock()
        entries: list[Entry] = []
        for each in news:
            if not each.pages:
                continue
            entry = record.entry(policy, each, cluster=self._cluster, now=now)
            if first and self._heard is not None:
                if self._heard.decision(entry, each.decision.incident.since, noted=not each.fresh):
                    continue
                entry.replayed = False
            entries.append(entry)
        if entries:
            self._publish(entries)

    async def _write(self, policy: Policy, ledger: record.Ledger, decisions: list[Decision]) -> bool:
        """Write the policy's status; False where that has to wait a moment."""
        now = self._clock()
        actions = sum(reading.made_by(body) == policy.uid for body in self._known[ACTIONS].values())
        status = ledger.status(policy, decisions, actions, now)
        written, before = self._written.get(policy.uid, (0.0, {}))
        if status == before:
            return True
        if now < written + STATUS_SECONDS:
            return False
        path = f"{ROOT}/namespaces/{policy.namespace}/{POLICIES}/{policy.name}/status"
        try:
            await self._api.call(
                "PATCH",
                path,
                body={"metadata": {"uid": policy.uid}, "status": status},
                content_type=MERGE_PATCH,
            )
        except ApiError as error:
            if error.status not in {404, 409, 422}:
                raise
        self._written[policy.uid] = (now, status)
        return True

    async def _announce(self, policy: Policy, decision: Decision) -> None:
        path = f"/api/v1/namespaces/{policy.namespace}/events"
        try:
            await self._api.call("POST", path, body=record.event(policy, decision, self._clock()))
        except KubedomError as problem:
            log.info("An Event of %s/%s was not written: %s", policy.namespace, policy.name, problem)

    async def _clean(self, body: Body) -> None:
        """Delete a veto whose time is over."""
        veto, metadata = reading.veto(body), body["metadata"]
        if self._clock() < veto.until:
            self._timers.set((VETOES, metadata["uid"]), veto.until)
            return
        path = f"{ROOT}/namespaces/{metadata['namespace']}/{VETOES}/{metadata['name']}"
        try:
            await self._api.call("DELETE", path, body={"preconditions": {"uid": metadata["uid"]}})
        except ClusterUnreachable:
            self._timers.set((VETOES, metadata["uid"]), self._clock() + UNREACHABLE_SECONDS)
        except KubedomError as problem:
            log.info("The veto %s was not cleaned up: %s", _named(body), problem)

    def _forget(self, uid: str) -> None:
        del self._ledgers[uid]
        self._refusals.pop(uid, None)
        self._written.pop(uid, None)
        self._timers.set((POLICIES, uid), None)


def _named(body: Body) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
