"""What is decided is told once for each reason, and what was done is not forgotten while it matters."""

from __future__ import annotations

from typing import Any

import msgspec

from kubedom_operator.policy import record
from kubedom_operator.policy.model import Limit, Storm
from kubedom_operator.policy.reading import past, remembered

from .worlds import NOW, Simulated, incident, policy

MEMORY = 3600.0


def failing(many: int) -> Simulated:
    cluster = Simulated()
    cluster.begin(*(incident(f"{number}-1", str(number)) for number in range(many)))
    return cluster


def words(ledger: record.Ledger) -> list[str]:
    return [f"{each['decision']} {each['reason']}" for each in ledger.decisions]


def test_a_reason_is_told_once_and_again_only_when_it_has_changed() -> None:
    cluster, ledger, wanted = failing(1), record.Ledger({}), policy(hold=30.0)
    held = cluster.verdict(wanted).decisions
    (first,) = ledger.news(held, NOW, MEMORY)
    assert (first.aloud, first.pages, first.fresh) == (False, True, True)
    assert ledger.news(held, NOW, MEMORY) == []
    cluster.now += 30
    (acted,) = ledger.news(cluster.settle(wanted), cluster.now, MEMORY)
    assert (acted.aloud, acted.decision.reason) == (True, "Acted")
    assert words(ledger) == ["Waiting Holding", "Acted Acted"]


def test_what_holds_the_whole_policy_is_one_decision_and_one_event_however_many_fail() -> None:
    for wanted in (policy(storm=Storm(10, 60.0)), policy(paused=True)):
        cluster, ledger = failing(100), record.Ledger({})
        news = ledger.news(cluster.verdict(wanted).decisions, NOW, MEMORY)
        assert sum(each.aloud for each in news) == 1
        assert sum(each.pages for each in news) == 100
        assert len(ledger.decisions) == 1
        assert "object" not in ledger.decisions[0]
    limited = policy(limit=Limit(1, 60.0))
    cluster, ledger = failing(5), record.Ledger({})
    ledger.news(cluster.settle(limited), NOW, MEMORY)
    assert words(ledger) == ["Acted Acted", "Skipped LimitReached"]


def test_events_of_many_workloads_stay_below_what_the_api_server_bears() -> None:
    cluster, ledger = failing(100), record.Ledger({})
    news = ledger.news(cluster.verdict(policy(dry_run=True)).decisions, NOW, MEMORY)
    assert sum(each.aloud for each in news) == record.EVENT_BURST


def test_the_next_operator_goes_on_where_the_status_ends() -> None:
    cluster, ledger, wanted = failing(3), record.Ledger({}), policy(storm=Storm(1, 60.0))
    braked = cluster.verdict(wanted).decisions
    ledger.news(braked, NOW, MEMORY)
    status = ledger.status(wanted, braked, 0, NOW)
    again = record.Ledger(status).news(braked, NOW + 1, MEMORY)
    assert [(each.aloud, each.pages, each.fresh) for each in again] == [(False, True, False)] * 3
    assert record.entry(wanted, again[0], cluster="test", now=NOW).replayed
    conditions = {each["type"]: each for each in status["conditions"]}
    assert (conditions["Braked"]["status"], conditions["Braked"]["reason"]) == ("True", "StormBrake")
    later = record.Ledger(status).status(wanted, braked, 0, NOW + 100)
    assert later["conditions"] == status["conditions"], "a condition that stays keeps its time"


def test_counts_and_the_last_decision_are_those_of_now() -> None:
    cluster, ledger, wanted = failing(3), record.Ledger({}), policy(limit=Limit(1, 60.0))
    decisions = cluster.settle(wanted)
    ledger.news(decisions, NOW, MEMORY)
    status = ledger.status(wanted, decisions, 1, NOW)
    assert status["counts"] == {"open": 3, "waiting": 1, "skipped": 2, "actions": 1}
    assert status["lastDecision"] == "Skipped: LimitReached"


def test_what_was_done_outlasts_other_decisions_in_the_status_and_the_status_in_memory() -> None:
    cluster, ledger, dry = failing(60), record.Ledger({}), policy(dry_run=True)
    ledger.news(cluster.settle(dry), NOW, MEMORY)
    assert len(ledger.decisions) == record.DECISIONS_KEPT
    assert len(remembered("policy-1", ledger.done, ())) == 60
    cluster.past = remembered("policy-1", ledger.done, ())
    assert {each.reason for each in cluster.verdict(dry).decisions} == {"Cooldown"}
    ledger.news([], NOW + MEMORY + 1, MEMORY)
    assert ledger.done == []
    quiet: list[dict[str, Any]] = [{"decision": "Waiting", "at": number} for number in range(60)]
    kept = record.trimmed([{"decision": "Acted"}, *quiet])
    assert (kept[0], kept[-1], len(kept)) == ({"decision": "Acted"}, quiet[-1], record.DECISIONS_KEPT)


def test_an_action_tells_whose_it_is_and_is_read_back_as_what_was_decided() -> None:
    cluster, wanted = failing(1), policy(approval_required=True)
    (decision,) = cluster.settle(wanted)
    action = record.action(wanted, decision)
    assert action["spec"]["policyRef"] == {"name": "restart", "uid": "policy-1", "incident": "incident-0-1"}
    assert action["spec"]["requestedBy"] == "system:serviceaccount:shop:healer"
    assert action["spec"]["approvalRequired"] is True
    assert action["spec"]["ttlSecondsAfterFinished"] == record.KEPT_SECONDS
    long = policy(cooldown=86400.0)
    assert record.action(long, decision)["spec"]["ttlSecondsAfterFinished"] == 2 * 86400
    action["metadata"]["creationTimestamp"] = "1970-01-12T13:46:39Z"
    assert past(action) == cluster.past[0]
    assert msgspec.json.encode(record.event(wanted, decision, NOW))


def test_pages_hear_of_it_on_the_failing_object() -> None:
    cluster, wanted = failing(1), policy()
    (news,) = record.Ledger({}).news(cluster.settle(wanted), NOW, MEMORY)
    told = record.entry(wanted, news, cluster="test", now=NOW)
    assert (told.type, told.kind, told.uid, told.namespace) == ("healingPlanned", "Pod", "uid-0-1", "shop")
    assert (told.detail["decision"], told.detail["podName"], told.replayed) == ("Acted", "0-1", False)
    assert told.speaks_of == ("HealingPolicy",)
