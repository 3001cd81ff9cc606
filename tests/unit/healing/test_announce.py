"""What pages and the audit trail are told of an action."""

from __future__ import annotations

import json
import logging

import pytest

from kubedom_operator.healing import announce

from .actions import action

DONE = action(dryRun=False)._replace(phase="Succeeded", message="Done.", pinned_uid="uid-p", changes=("It went.",))


@pytest.mark.parametrize(
    ("phase", "event", "severity"),
    [
        ("AwaitingApproval", "healingAwaitingApproval", "info"),
        ("Running", "healingStarted", "info"),
        ("Succeeded", "healingSucceeded", "info"),
        ("Failed", "healingFailed", "warning"),
        ("Denied", "healingFailed", "warning"),
        ("Expired", "healingFailed", "warning"),
    ],
)
def test_every_phase_has_its_event(phase: str, event: str, severity: str) -> None:
    told = announce.entry(DONE._replace(phase=phase), cluster="c", now=0.0, replayed=False)
    assert told is not None
    assert (told.type, told.severity, told.detail["phase"], told.speaks_of) == (
        event,
        severity,
        phase,
        ("HealingAction",),
    )


def test_who_may_approve_is_told_what_for_and_until_when() -> None:
    waits = action(reason="It hangs.", activeDeadlineSeconds=90)._replace(phase="AwaitingApproval", pinned_uid="uid-p")
    told = announce.entry(waits, cluster="c", now=0.0, replayed=False)
    assert told is not None
    assert (told.detail["actionName"], told.detail["actionUid"], told.detail["reason"]) == ("a", "uid-a", "It hangs.")
    assert told.detail["until"] == "2026-01-01T00:01:30.000Z"
    begun = announce.entry(waits._replace(phase="Running"), cluster="c", now=0.0, replayed=False)
    assert begun is not None
    assert "until" not in begun.detail


def test_nothing_is_told_of_what_only_exists() -> None:
    assert announce.entry(DONE._replace(phase="Pending"), cluster="c", now=0.0, replayed=False) is None


def test_a_drain_is_told_on_its_node_to_those_who_may_see_pods() -> None:
    drain = action("drain", "Node", "n1")._replace(namespace="", phase="Running", pinned_uid="uid-n")
    told = announce.entry(drain, cluster="c", now=0.0, replayed=True)
    assert told is not None
    assert (told.kind, told.uid, told.namespace, told.replayed) == ("Node", "uid-n", "", True)
    assert told.speaks_of == ("ClusterHealingAction", "Pod")


def test_the_audit_line_says_who_asked_on_whose_rights_and_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "kubedom.audit"):
        announce.audited(DONE, "Succeeded", "Done.")
    (line,) = caplog.messages
    assert json.loads(line) == {
        "event": "healing",
        "user": "ann",
        "source": "HealingAction shop/a",
        "target": "restartPod Pod shop/p",
        "outcome": "Succeeded",
        "reason": "Done.",
        "rightsOf": "ann",
        "changes": ["It went."],
    }
