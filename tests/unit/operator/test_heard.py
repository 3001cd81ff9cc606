"""Pages hear of healing once, whatever becomes of the operator."""

from __future__ import annotations

from typing import Any

from tests.unit.healing.actions import action
from tests.unit.policy.worlds import NOW, Simulated, incident, policy

from kubedom_bridge.protocol import EventEntry
from kubedom_bridge.protocol import Incident as Told
from kubedom_operator.healing import announce
from kubedom_operator.heard import LEEWAY_SECONDS, Heard
from kubedom_operator.policy import record
from kubedom_operator.policy.model import Incident, Storm
from kubedom_operator.resuming import RECENT_SECONDS, Before
from kubedom_operator.telling import rfc3339

DONE = action()._replace(phase="Succeeded", message="Done.", pinned_uid="uid-p")


def phase(word: str, message: str) -> EventEntry:
    told = announce.entry(DONE._replace(phase=word, message=message), cluster="c", now=NOW, replayed=False)
    assert told is not None
    return told


def heard(*events: EventEntry, until: float = NOW, now: float = NOW, fails: tuple[Incident, ...] = ()) -> Heard:
    return Heard(Before([], [opened(each) for each in fails], list(events), until), now)


def opened(one: Incident, phase: Any = "begin") -> EventEntry:
    told = Told(id=one.id, kind=one.failure, phase=phase, since=rfc3339(one.since))
    return EventEntry(
        type="podCrashLooping", kind="Pod", uid=one.subject.uid, time=rfc3339(NOW), source="", subject="", detail={},
        incident=told,
    )  # fmt: skip


def test_the_last_phase_that_was_told_is_not_told_again_and_the_next_one_is() -> None:
    before = heard(phase("Running", "Begins."), phase("Succeeded", "Done."))
    assert before.action("uid-a", ("Succeeded", "Done."), NOW)
    assert not before.action("uid-a", ("Succeeded", "Otherwise."), NOW)
    assert not heard(phase("Running", "Begins.")).action("uid-a", ("Succeeded", "Done."), NOW)


def test_what_is_too_old_to_be_remembered_was_told_if_the_log_goes_on_after_it() -> None:
    said, old = ("Succeeded", "Done."), NOW - RECENT_SECONDS - 1
    assert heard(until=NOW - 5).action("uid-a", said, old)
    assert not heard(until=old - 1).action("uid-a", said, old)
    recent = NOW - RECENT_SECONDS + LEEWAY_SECONDS + 1
    assert not heard().action("uid-a", said, recent), "it would be in the log"
    assert not heard().action("uid-a", said, None)


def decisions(cluster: Simulated, wanted: Any, ledger: record.Ledger) -> list[tuple[EventEntry, Incident, bool]]:
    news = ledger.news(cluster.verdict(wanted).decisions, cluster.now, 3600.0)
    return [
        (record.entry(wanted, each, cluster="c", now=cluster.now), each.decision.incident, not each.fresh)
        for each in news
        if each.pages
    ]


def test_a_decision_is_told_again_neither_from_the_log_nor_from_the_status() -> None:
    wanted, cluster, ledger = policy(storm=Storm(1, 60.0)), Simulated(), record.Ledger({})
    fails = tuple(incident(f"{number}-1", str(number)) for number in range(3))
    cluster.begin(*fails)
    told = decisions(cluster, wanted, ledger)
    status = ledger.status(wanted, (), 0, NOW)
    again = decisions(cluster, wanted, record.Ledger(status))
    assert len(told) == len(again) == 3
    lately = heard(*(entry for entry, _, _ in told), fails=fails)
    unwritten = decisions(cluster, wanted, record.Ledger({}))
    assert all(lately.decision(entry, one.since, noted=noted) for entry, one, noted in again + unwritten)
    long_ago = heard(fails=fails, now=NOW + 10_000)
    assert all(long_ago.decision(entry, one.since, noted=noted) for entry, one, noted in again)
    assert not any(long_ago.decision(entry, one.since, noted=noted) for entry, one, noted in unwritten)


def test_a_decision_that_nobody_could_tell_of_is_told() -> None:
    wanted, cluster = policy(storm=Storm(1, 60.0)), Simulated()
    fails = tuple(incident(f"{number}-1", str(number)) for number in range(3))
    cluster.begin(*fails)
    ((entry, one, _), *_) = decisions(cluster, wanted, record.Ledger({}))
    assert not heard(fails=fails).decision(entry, one.since, noted=True), "it would be in the log"
    assert not heard(entry).decision(entry, one.since, noted=True), "it began again since"
    over = heard(entry, fails=fails)
    over.take([opened(one, "end")])
    assert not over.decision(entry, one.since, noted=True)
