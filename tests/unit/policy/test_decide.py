"""Each brake holds when it should and lets go when it should."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kubedom_bridge.selector import parse
from kubedom_operator.policy.model import (
    Backoff,
    Health,
    Incident,
    Limit,
    MinHealthy,
    Past,
    Ref,
    Refusal,
    Step,
    Storm,
    Veto,
)

from .worlds import NOW, RESTART, Simulated, incident, policy, reasons


def veto(kind: str, name: str, until: float, *, uid: str = "", incident_id: str = "") -> Veto:
    return Veto("veto-1", kind, name, uid, incident_id, until, "ann", "I am looking at it.")


def past(name: str, owner: str, time: float, *, by: str = "", target: str = "", finished: bool = True) -> Past:
    return Past(name, by, owner, target or owner, 0, time, finished)


def test_it_acts_on_the_workload_of_a_failing_pod() -> None:
    cluster = Simulated()
    cluster.begin(incident("web-1"), incident("web-2"))
    (done,) = cluster.settle(policy())
    assert (done.outcome, done.action, done.target) == ("Act", "restartDeployment", Ref("Deployment", "web"))
    assert (done.incident.id, done.step) == ("incident-web-1", 0)
    assert reasons(cluster.settle(policy())) == ["UnderWay"]


@pytest.mark.parametrize(
    "other",
    [incident(failure="NotReady"), incident(app="db")],
)
def test_other_failures_and_objects_are_none_of_its_business(other: Incident) -> None:
    cluster = Simulated()
    cluster.begin(other)
    assert cluster.verdict(policy(selector=parse("app=web"))).decisions == []


def test_a_failure_is_held_first() -> None:
    cluster = Simulated()
    cluster.begin(incident())
    held = cluster.verdict(policy(hold=30.0))
    assert (reasons(held.decisions), held.look_again) == (["Holding"], NOW + 30)
    cluster.now += 30
    assert reasons(cluster.verdict(policy(hold=30.0)).decisions) == ["Acted"]


def test_the_cooldown_is_the_workloads_and_grows_by_the_back_off_until_it_kept_quiet() -> None:
    wanted = policy(cooldown=100.0, backoff=Backoff(2.0, 250.0))
    cluster = Simulated()
    cluster.begin(incident("web-1"), incident("db-1", "db"))
    assert reasons(cluster.settle(wanted)) == ["Acted", "Acted"]
    cluster.finish()
    times = [cluster.now]
    for _ in range(4):
        verdict = cluster.verdict(wanted)
        assert set(reasons(verdict.decisions)) == {"Cooldown"}
        assert verdict.look_again is not None
        cluster.now = verdict.look_again
        assert reasons(cluster.settle(wanted)) == ["Acted", "Acted"]
        cluster.finish()
        times.append(cluster.now)
    assert [after - before for before, after in pairwise(times)] == [100, 200, 250, 250]
    cluster.now += 501
    cluster.settle(wanted)
    cluster.finish()
    assert cluster.verdict(wanted).look_again == cluster.now + 100


def test_steps_follow_one_another_while_the_failure_stays_and_begin_anew_for_a_new_one() -> None:
    wanted = policy(steps=(Step("restartPod", {}, 60.0), RESTART, Step("rollback", {"revision": 3}, 60.0)))
    cluster = Simulated()
    cluster.begin(incident())
    (first,) = cluster.settle(wanted)
    assert (first.action, first.target) == ("restartPod", Ref("Pod", "web-1", "uid-web-1"))
    cluster.finish()
    # Its replacement fails as well.
    cluster.end("incident-web-1")
    cluster.now += 20
    cluster.begin(incident("web-2", since=cluster.now))
    waiting = cluster.verdict(wanted)
    assert (reasons(waiting.decisions), waiting.look_again) == (["NextStep"], NOW + 60)
    cluster.now = NOW + 60
    assert [each.action for each in cluster.settle(wanted)] == ["restartDeployment"]
    cluster.finish()
    cluster.now += 300
    (third,) = cluster.settle(wanted)
    assert (third.action, third.step, third.parameters) == ("rollback", 2, {"revision": 3})
    cluster.finish()
    # That helped; what fails later is a new trouble.
    cluster.end("incident-web-2")
    cluster.now += 1000
    cluster.begin(incident("web-3", since=cluster.now))
    assert [each.step for each in cluster.settle(wanted)] == [0]


def test_the_limit_is_the_policys() -> None:
    wanted = policy(limit=Limit(2, 3600.0))
    cluster = Simulated()
    cluster.begin(*(incident(f"{name}-1", name) for name in "abcd"))
    assert reasons(cluster.settle(wanted)) == ["Acted", "Acted", "LimitReached", "LimitReached"]
    assert cluster.verdict(wanted).look_again == NOW + 3600


def test_a_storm_holds_everything_and_counts_a_workload_once() -> None:
    wanted = policy(storm=Storm(10, 60.0))
    cluster = Simulated()
    cluster.begin(*(incident(f"web-{number}") for number in range(100)))
    assert reasons(cluster.verdict(wanted).decisions) == ["Acted"]
    cluster.begin(*(incident(f"{name}-1", name) for name in "abcdefghij"))
    braked = cluster.verdict(wanted)
    assert set(reasons(braked.decisions)) == {"StormBrake"}
    assert braked.look_again == NOW + 60
    cluster.now += 60
    assert set(reasons(cluster.verdict(wanted).decisions)) == {"Acted"}


def test_too_few_healthy_pods_or_none_that_are_known_hold() -> None:
    half = policy(min_healthy=MinHealthy(50, percent=True))
    cluster = Simulated()
    cluster.begin(incident())
    assert reasons(cluster.verdict(half).decisions) == ["TooFewHealthy"]
    cluster.health["Deployment/web"] = Health(1, 3)
    assert reasons(cluster.verdict(half).decisions) == ["TooFewHealthy"]
    assert reasons(cluster.verdict(policy(min_healthy=MinHealthy(1))).decisions) == ["Acted"]
    cluster.health["Deployment/web"] = Health(2, 3)
    assert reasons(cluster.verdict(half).decisions) == ["Acted"]


@pytest.mark.parametrize(
    "given",
    [
        veto("Pod", "web-1", NOW + 60),
        veto("Pod", "web-1", NOW + 60, uid="uid-web-1"),
        veto("Deployment", "web", NOW + 60, uid="not known of a pod's deployment"),
        veto("Pod", "web-1", NOW + 60, incident_id="incident-web-1"),
    ],
)
def test_a_veto_holds_the_workload_until_its_time(given: Veto) -> None:
    cluster = Simulated()
    cluster.begin(incident("web-1"), incident("web-2"))
    cluster.vetoes.append(given)
    held = cluster.verdict(policy())
    assert (reasons(held.decisions), held.look_again) == (["Vetoed"], NOW + 60)
    assert held.decisions[0].message.startswith("ann holds it until")
    cluster.now += 60
    assert reasons(cluster.verdict(policy()).decisions) == ["Acted"]


@pytest.mark.parametrize(
    "given",
    [
        veto("Pod", "web-1", NOW + 60, uid="an earlier pod of that name"),
        veto("Deployment", "db", NOW + 60),
        veto("Pod", "web-1", NOW + 60, incident_id="another"),
    ],
)
def test_a_veto_of_something_else_holds_nothing(given: Veto) -> None:
    cluster = Simulated()
    cluster.begin(incident())
    cluster.vetoes.append(given)
    assert reasons(cluster.verdict(policy()).decisions) == ["Acted"]


def test_what_others_do_to_the_workload_is_waited_for_and_cools_down_too() -> None:
    cluster = Simulated()
    cluster.begin(incident())
    cluster.past.append(past("by-hand", "", NOW - 10, target="Pod/web-1", finished=False))
    assert reasons(cluster.verdict(policy()).decisions) == ["UnderWay"]
    cluster.finish()
    verdict = cluster.verdict(policy())
    assert (reasons(verdict.decisions), verdict.look_again) == (["Cooldown"], NOW + 590)
    cluster.past = [past("other", "Deployment/web", NOW - 10, by="policy-2")]
    assert reasons(cluster.verdict(policy()).decisions) == ["Cooldown"]
    cluster.past = [past("other", "Deployment/db", NOW - 10, by="policy-2")]
    assert reasons(cluster.verdict(policy()).decisions) == ["Acted"]


def test_a_dry_run_keeps_its_own_pace_and_none_for_the_real_one() -> None:
    cluster = Simulated()
    cluster.begin(incident())
    dry = policy(dry_run=True)
    (told,) = cluster.settle(dry)
    assert (told.outcome, told.message) == (
        "DryRun",
        "It would restartDeployment Deployment web because of ContainerCrashLoop.",
    )
    assert reasons(cluster.verdict(dry).decisions) == ["Cooldown"]
    assert reasons(cluster.verdict(policy()).decisions) == ["Acted"]


def test_a_refusal_is_said_and_tried_again_later() -> None:
    cluster = Simulated()
    cluster.begin(incident())
    cluster.refusals["Deployment/web"] = Refusal(NOW + 60, "The API server says no.")
    verdict = cluster.verdict(policy())
    assert (verdict.decisions[0].message, verdict.look_again) == ("The API server says no.", NOW + 60)
    cluster.now += 60
    assert reasons(cluster.verdict(policy()).decisions) == ["Acted"]


def test_nothing_is_done_where_it_cannot_help_or_has_no_target() -> None:
    cluster = Simulated()
    workload = incident("web", failure="DeploymentPodsFailing", cause="ImagePull")
    workload = workload._replace(subject=Ref("Deployment", "web"))
    cluster.begin(workload)
    wanted = policy(failures=frozenset({"DeploymentPodsFailing", "DeploymentUnavailable"}))
    assert reasons(cluster.verdict(wanted).decisions) == ["Futile"]
    assert reasons(cluster.verdict(wanted._replace(steps=(Step("rollback", {}, 60.0),))).decisions) == ["Acted"]
    assert reasons(cluster.verdict(wanted._replace(steps=(Step("retryJob", {}, 60.0),))).decisions) == ["NoTarget"]


def test_a_workloads_failure_is_not_restarted_away_while_a_pod_of_it_cannot_pull_its_image() -> None:
    cluster = Simulated()
    unavailable = incident("web", failure="DeploymentUnavailable")._replace(subject=Ref("Deployment", "web"))
    cluster.begin(unavailable)
    wanted = policy(failures=frozenset({"DeploymentUnavailable"}))
    assert reasons(cluster.verdict(wanted).decisions) == ["Acted"]
    cluster.begin(incident("web-1", failure="ImagePull"))
    assert reasons(cluster.verdict(wanted).decisions) == ["Futile"]


def test_nothing_while_paused() -> None:
    cluster = Simulated()
    cluster.begin(incident())
    assert reasons(cluster.verdict(policy(paused=True)).decisions) == ["Paused"]
