"""A command becomes one HealingAction that means the object of now, and its end is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from kubedom_bridge.actions import ActionGateway, check, object_name
from kubedom_bridge.errors import CommandRefused, NotPermitted
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.protocol import Command, Target

from .conftest import ACTIONS, POD, Cluster
from .entries import event


def command(
    name: str = "restartPod",
    *,
    key: str = "",
    uid: str = "",
    kind: str = "Pod",
    pod: str = "p",
    namespace: str = "default",
    dry_run: bool = False,
    **parameters: Any,
) -> Command:
    target = Target(kind=kind, name=pod, namespace=namespace, uid=uid)
    return Command(id="c1", name=name, target=target, idempotency_key=key, parameters=parameters, dry_run=dry_run)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def journal() -> Journal:
    return Journal(clock=lambda: 0.0)


@pytest.fixture
async def gateway(cluster: Cluster, journal: Journal) -> AsyncIterator[ActionGateway]:
    made = ActionGateway(journal)
    yield made
    made.close()


def finished(name: str, phase: str = "Succeeded", message: str = "Done.") -> Any:
    detail = {"actionName": name, "namespace": "default", "phase": phase, "message": message}
    return event("uid-p", f"healing{phase}", detail=detail)


async def refused(gateway: ActionGateway, cluster: Cluster, given: Command) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        await gateway.start(given, "ann", cast(Api, cluster))
    return caught.value


async def test_the_action_means_this_object_and_says_who_asked(gateway: ActionGateway, cluster: Cluster) -> None:
    reference, outcome = await gateway.start(command(), "ann", cast(Api, cluster))
    (made,) = cluster.made
    assert made["spec"] == {
        "action": "restartPod",
        "target": {"kind": "Pod", "name": "p", "uid": "uid-p"},
        "requestedBy": "ann",
    }
    assert (reference.created, reference.name) == (True, made["metadata"]["name"])
    assert not outcome.done()


async def test_a_repeated_click_is_one_action(gateway: ActionGateway, cluster: Cluster) -> None:
    first, _ = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    second, _ = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    assert (first.created, second.created) == (True, False)
    assert (first.name, first.uid) == (second.name, second.uid)
    assert len(cluster.made) == 1


async def test_it_is_also_one_where_the_first_click_has_removed_the_pod(
    gateway: ActionGateway, cluster: Cluster
) -> None:
    first, _ = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    del cluster.objects[POD]
    second, _ = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    assert second.uid == first.uid
    assert (await refused(gateway, cluster, command(key="other"))).code == "targetGone"


def test_names_are_by_user_and_key_and_random_without_one() -> None:
    assert object_name(command(key="k"), "ann") == object_name(command(key="k"), "ann")
    assert object_name(command(key="k"), "ann") != object_name(command(key="k"), "bob")
    assert object_name(command(), "ann") != object_name(command(), "ann")
    assert object_name(command(), "ann").startswith("restart-pod-")


async def test_a_later_pod_of_the_same_name_is_not_touched(gateway: ActionGateway, cluster: Cluster) -> None:
    assert (await refused(gateway, cluster, command(uid="uid-of-before"))).code == "targetGone"
    assert cluster.made == []


async def test_a_key_is_good_for_one_command(gateway: ActionGateway, cluster: Cluster) -> None:
    cluster.objects["/api/v1/namespaces/default/pods/q"] = {"metadata": {"name": "q", "uid": "uid-q"}}
    await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    assert (await refused(gateway, cluster, command(key="k", pod="q"))).code == "keyReused"
    assert (await refused(gateway, cluster, command(key="k", force=True))).code == "keyReused"
    assert (await refused(gateway, cluster, command(key="k", dry_run=True))).code == "keyReused"


async def test_parameters_and_a_dry_run_are_part_of_the_action(gateway: ActionGateway, cluster: Cluster) -> None:
    await gateway.start(command(force=True, dry_run=True), "ann", cast(Api, cluster))
    (made,) = cluster.made
    assert (made["spec"]["parameters"], made["spec"]["dryRun"]) == ({"force": True}, True)


async def test_an_action_on_a_node_is_of_the_cluster(
    gateway: ActionGateway, cluster: Cluster, journal: Journal
) -> None:
    cluster.objects["/api/v1/nodes/n1"] = {"metadata": {"name": "n1", "uid": "uid-n"}}
    reference, outcome = await gateway.start(command("drain", kind="Node", pod="n1"), "ann", cast(Api, cluster))
    assert reference.namespace == ""
    assert f"/apis/kubedom.dev/v1alpha1/clusterhealingactions/{reference.name}" in cluster.objects
    detail = {"actionName": reference.name, "phase": "Denied", "message": "No."}
    journal.publish([event("uid-n", "healingFailed", kind="Node", namespace="", detail=detail)])
    assert await outcome == ("Denied", "No.")


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (command("format"), "unknownCommand", "name"),
        (command("restartPod", kind="Deployment"), "badTarget", "target.kind"),
        (command("scale", kind="Pod", replicas=1), "badTarget", "target.kind"),
        (command("scale", kind="Deployment"), "badParameter", "parameters.replicas"),
        (command("scale", kind="Deployment", replicas="3"), "badParameter", "parameters.replicas"),
        (command("scale", kind="Deployment", replicas=True), "badParameter", "parameters.replicas"),
        (command("restartPod", replicas=3), "badParameter", "parameters.replicas"),
        (command("drain", kind="Node", pod="../n"), "badTarget", "target.name"),
        (command(pod="../p"), "badTarget", "target.name"),
        (command(namespace=".."), "badTarget", "target.namespace"),
        (command(namespace="a/b"), "badTarget", "target.namespace"),
        (command(namespace=""), "badTarget", "target.namespace"),
        (command(namespace="a\n"), "badTarget", "target.namespace"),
    ],
)
def test_what_no_cluster_could_do_is_refused_with_the_field(given: Command, code: str, field: str) -> None:
    with pytest.raises(CommandRefused) as caught:
        check(given)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy


async def test_the_end_that_the_operator_tells_is_the_outcome(
    gateway: ActionGateway, cluster: Cluster, journal: Journal
) -> None:
    reference, outcome = await gateway.start(command(), "ann", cast(Api, cluster))
    journal.publish([finished("another-action")])
    assert not outcome.done()
    journal.publish([finished(reference.name, "Failed", "No.")])
    assert await outcome == ("Failed", "No.")
    journal.publish([finished(reference.name)])


async def test_an_action_that_has_ended_already_has_its_outcome_at_once(
    gateway: ActionGateway, cluster: Cluster
) -> None:
    reference, _ = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    cluster.objects[f"{ACTIONS}/{reference.name}"]["status"] = {"phase": "Succeeded", "message": "Done."}
    _, outcome = await gateway.start(command(key="k"), "ann", cast(Api, cluster))
    assert await outcome == ("Succeeded", "Done.")


async def test_an_action_that_ends_while_it_is_made_is_not_missed(
    gateway: ActionGateway, cluster: Cluster, journal: Journal
) -> None:
    cluster.when_made = lambda name: journal.publish([finished(name)])
    _, outcome = await gateway.start(command(), "ann", cast(Api, cluster))
    assert await outcome == ("Succeeded", "Done.")


async def test_refusals_of_the_api_server_are_passed_on(gateway: ActionGateway, cluster: Cluster) -> None:
    cluster.refusal = NotPermitted("no")
    with pytest.raises(NotPermitted):
        await gateway.start(command(), "ann", cast(Api, cluster))
    cluster.refusal = ApiError(500, "InternalError", "broken")
    with pytest.raises(ApiError):
        await gateway.start(command(), "ann", cast(Api, cluster))


async def test_at_its_end_it_gives_up_what_it_waits_for(cluster: Cluster, journal: Journal) -> None:
    gateway = ActionGateway(journal)
    _, outcome = await gateway.start(command(), "ann", cast(Api, cluster))
    gateway.close()
    assert outcome.cancelled()
    journal.publish([event()])


async def test_without_healing_nothing_is_created_and_the_reason_is_told(journal: Journal, cluster: Cluster) -> None:
    gateway = ActionGateway(journal, lambda: "Not healing because the policy is not in force.")
    problem = await refused(gateway, cluster, command())
    assert (problem.code, problem.message) == ("healingOff", "Not healing because the policy is not in force.")
    assert cluster.made == []
    gateway.close()
