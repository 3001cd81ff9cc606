"""An action's status says how far it is, and is read back as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from kubedom_operator.healing.model import MOST_CHANGES, Owner, in_phase, read, status, with_changes

from .actions import action, body

BEGUN, ENDED = "2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z"


def test_what_was_written_is_read_back() -> None:
    owner = Owner("apps/v1", "ReplicaSet", "web-1", "uid-rs")
    running = in_phase(action()._replace(pinned_uid="uid-p", pinned_generation=3, owner=owner), "Running", "Go.", BEGUN)
    running = with_changes(running, ("Pod p was evicted.",))
    ended = in_phase(running, "Succeeded", "Done.", ENDED)
    assert read(body() | {"status": status(ended)}) == ended
    assert (ended.started_at, ended.finished_at, ended.finished) == (BEGUN, ENDED, True)


def test_what_it_has_not_come_to_is_left_out() -> None:
    written = status(in_phase(action(), "AwaitingApproval", "Wait.", BEGUN))
    assert written.keys() == {"phase", "message", "rightsOf", "observedGeneration", "conditions"}


def test_a_condition_keeps_its_time_as_long_as_it_says_the_same() -> None:
    running = in_phase(action(), "Running", "Go.", BEGUN)
    later = in_phase(running, "Running", "Further.", ENDED)
    ended = in_phase(later, "Failed", "No.", ENDED)
    seen = [
        (each["status"], each["reason"], each["message"], each["lastTransitionTime"])
        for (each,) in (running.conditions, later.conditions, ended.conditions)
    ]
    assert seen == [
        ("Unknown", "Running", "Go.", BEGUN),
        ("Unknown", "Running", "Further.", BEGUN),
        ("False", "Failed", "No.", ENDED),
    ]


@pytest.mark.parametrize(
    ("approval", "phase", "condition", "undecided"),
    [
        (None, "AwaitingApproval", ("Unknown", "Undecided", "Nobody has decided yet."), True),
        ({"decision": "Approve", "by": "bob"}, "Running", ("True", "Approved", "Approved by bob."), False),
        (
            {"decision": "Deny", "by": "bob", "reason": "Not now."},
            "Denied",
            ("False", "Denied", "Denied by bob: Not now."),
            False,
        ),
    ],
)
def test_an_approval_is_a_condition(approval: Any, phase: str, condition: tuple[str, ...], undecided: bool) -> None:
    decided = {"approval": approval} if approval else {}
    asked = action(approvalRequired=True, **decided)
    conditions = {each["type"]: each for each in in_phase(asked, phase, "x", BEGUN).conditions}
    approved = conditions["Approved"]
    assert (approved["status"], approved["reason"], approved["message"]) == condition
    assert asked.undecided is undecided
    assert conditions["Complete"]["status"] == ("False" if phase == "Denied" else "Unknown")


def test_changes_are_kept_once_and_not_without_end() -> None:
    changed = with_changes(with_changes(action(), ("a", "b")), ("b", "c"))
    assert changed.changes == ("a", "b", "c")
    assert len(with_changes(changed, tuple(str(each) for each in range(999))).changes) == MOST_CHANGES


def test_an_action_without_a_namespace_is_a_cluster_one() -> None:
    wanted = body("drain", "Node", "n1")
    del wanted["metadata"]["namespace"]
    drain = read(wanted)
    assert (drain.resource, drain.full_name) == ("ClusterHealingAction", "a")
    assert drain.path == "/apis/kubedom.dev/v1alpha1/clusterhealingactions/a"
    assert drain.target_path == "/api/v1/nodes/n1"
