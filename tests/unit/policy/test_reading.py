"""The kubedom kinds are read as their users mean them."""

from __future__ import annotations

from typing import Any

from kubedom_bridge.selector import selects
from kubedom_operator.policy import reading
from kubedom_operator.policy.model import Backoff, Limit, MinHealthy, Step, Storm


def body(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    named = {"name": "n", "namespace": "shop", "uid": "u", "creationTimestamp": "2030-01-01T00:00:00Z"}
    return {"metadata": named | metadata, "spec": spec}


def test_an_action_is_one_step_and_brakes_that_are_not_named_are_off() -> None:
    read = reading.policy(body({"failures": ["NotReady"], "action": "scale", "parameters": {"replicas": 2}}))
    assert read.steps == (Step("scale", {"replicas": 2}, 300.0),)
    assert (read.limit, read.storm, read.backoff, read.min_healthy) == (None, None, None, None)
    assert read.dry_run, "who says nothing means no harm"


def test_every_brake_is_read() -> None:
    read = reading.policy(
        body(
            {
                "failures": ["NotReady"],
                "steps": [{"action": "restartPod", "timeoutSeconds": 60}, {"action": "rollback"}],
                "selector": {
                    "matchLabels": {"app": "web"},
                    "matchExpressions": [
                        {"key": "tier", "operator": "NotIn", "values": ["db"]},
                        {"key": "canary", "operator": "DoesNotExist"},
                    ],
                },
                "dryRun": False,
                "backoff": {"factor": 2, "maxSeconds": 900},
                "limit": {"count": 3, "windowSeconds": 60},
                "minHealthy": "50%",
                "storm": {"incidents": 5, "windowSeconds": 30, "scope": "Cluster"},
            }
        )
    )
    assert [step.timeout for step in read.steps] == [60.0, 300.0]
    assert (read.backoff, read.limit) == (Backoff(2.0, 900.0), Limit(3, 60.0))
    assert (read.min_healthy, read.storm) == (MinHealthy(50, percent=True), Storm(5, 30.0, cluster_wide=True))
    assert selects(read.selector, {"app": "web", "tier": "front"})
    for labels in ({"app": "db"}, {"app": "web", "tier": "db"}, {"app": "web", "canary": "yes"}):
        assert not selects(read.selector, labels)


def test_an_action_of_a_person_is_read_too() -> None:
    made = body({"action": "restartPod", "target": {"kind": "Pod", "name": "web-1"}})
    read = reading.past(made)
    assert (read.policy, read.owner, read.target, read.finished) == ("", "Pod/web-1", "Pod/web-1", False)
    for phase, finished in (("AwaitingApproval", False), ("Running", False), ("Denied", True), ("Expired", True)):
        assert reading.past(made | {"status": {"phase": phase}}).finished is finished


def test_a_veto_counts_for_a_day_whatever_it_says() -> None:
    spec = {"target": {"kind": "Pod", "name": "web-1"}, "until": "2040-01-01T00:00:00Z"}
    assert reading.veto(body(spec)).until == reading.veto(body(spec | {"until": "2030-01-02T00:00:00Z"})).until
    short = reading.veto(body(spec | {"until": "2030-01-01T00:10:00Z"}))
    assert short.until == reading.veto(body(spec)).until - 86400 + 600


def test_an_action_that_exists_is_not_remembered_twice() -> None:
    acted = {"decision": "Acted", "time": "2030-01-01T00:00:00.5Z", "owner": "Deployment/web", "healingAction": "a"}
    assert reading.remembered("u", [acted], ["a"]) == []
    (past,) = reading.remembered("u", [acted, {"decision": "Waiting", "time": "2030-01-01T00:00:00Z"}], [])
    assert (past.name, past.owner, past.finished, past.dry) == ("a", "Deployment/web", True, False)
