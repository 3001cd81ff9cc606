"""Actions on pods as kubectl creates them, and what holds for every action, on a real API server."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
import yaml
from tests.cluster.healing import (
    Operator,
    action,
    carried_out,
    create,
    deployed,
    failed,
    finished,
    forbid_evictions,
    knows_kinds,
    pods,
    refusal,
    status,
)
from tests.cluster.shop import with_admission
from tests.conftest import Cluster
from tests.kubelet import by_hand, crash_looping, running, terminated
from tests.running import wait_for

from kubedom_bridge.actions import collection_path
from kubedom_bridge.kube import Api, ClusterChoice, create_named
from kubedom_operator import local
from kubedom_operator.healing.model import read
from kubedom_operator.healing.record import ActionGone, Record, ServerClock

pytestmark = pytest.mark.cluster


def test_restart_pod_evicts_it_and_ends_when_another_is_ready(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    made = create(cluster, namespace, action("restartPod", "Pod", name, uid))
    end = finished(cluster, namespace, made)
    (new,) = pods(cluster, namespace).items()
    assert new[0] != uid
    assert (end["phase"], end["targetUID"]) == ("Succeeded", uid)
    assert end["message"] == f"Pod {name} was replaced by {new[1]}."
    wait_for("the event", lambda: operator.phases(made)[-1:] == ["healingSucceeded"])
    assert operator.phases(made) == ["healingStarted", "healingSucceeded"]
    printed = cluster.kubectl("get", "healingactions", f"--namespace={namespace}")
    assert printed.splitlines()[0].split("  ")[0] == "NAME"
    assert printed.splitlines()[1].split()[1:5] == ["restartPod", "Pod", name, "Succeeded"]


async def test_of_two_actions_that_ask_for_the_same_eviction_one_does_it(
    cluster: Cluster, namespace: str, operator: Operator, api: Api
) -> None:
    names = list((await asyncio.to_thread(deployed, cluster, namespace, replicas=6)).values())
    wanted = [action("deletePod", "Pod", name) for name in names for _ in range(2)]
    made = await asyncio.gather(*(api.call("POST", collection_path(namespace), body=each) for each in wanted))
    said = []
    for each in made:
        end = await asyncio.to_thread(finished, cluster, namespace, each["metadata"]["name"])
        said += [change for change in end.get("changes", []) if change.endswith("was evicted.")]
    assert sorted(said) == sorted(f"Pod {name} was evicted." for name in names)


def test_delete_pod_needs_no_controller(cluster: Cluster, namespace: str, operator: Operator) -> None:
    template = by_hand("x")["spec"]["template"]["spec"]
    cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": template}, namespace=namespace
    )
    wait_for("its start", lambda: "Running" in cluster.kubectl("get", "pods", f"--namespace={namespace}"))
    refused = finished(cluster, namespace, create(cluster, namespace, action("restartPod", "Pod", "bare")))
    assert (refused["phase"], "no controller" in refused["message"]) == ("Failed", True)
    assert "bare" in pods(cluster, namespace).values()
    end = finished(cluster, namespace, create(cluster, namespace, action("deletePod", "Pod", "bare")))
    assert (end["phase"], end["message"]) == ("Succeeded", "Pod bare is gone.")
    assert end["changes"] == ["Pod bare was evicted."]
    assert pods(cluster, namespace) == {}


def test_restart_deployment_rolls_every_pod_out_anew(cluster: Cluster, namespace: str, operator: Operator) -> None:
    before = deployed(cluster, namespace, replicas=3)
    made = create(cluster, namespace, action("restartDeployment", "Deployment", "api"))
    end = finished(cluster, namespace, made)
    assert end["phase"] == "Succeeded"
    after = {
        pod["metadata"]["uid"]
        for pod in cluster.get("pods", f"--namespace={namespace}")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }
    assert len(after) == 3
    assert not after & before.keys()
    wait_for("the event", lambda: operator.phases(made)[-1:] == ["healingSucceeded"])


@pytest.mark.parametrize("uid", ["", "another"])
def test_a_target_that_is_gone_or_another_fails_and_nothing_is_touched(
    cluster: Cluster, namespace: str, operator: Operator, uid: str
) -> None:
    ((own, name),) = deployed(cluster, namespace).items()
    wanted = action("deletePod", "Pod", name if uid else "never-was", uid)
    made = create(cluster, namespace, wanted)
    end = finished(cluster, namespace, made)
    assert end["phase"] == "Failed"
    assert ("another one has its name" if uid else "never-was is gone") in end["message"]
    assert pods(cluster, namespace) == {own: name}
    wait_for("the event", lambda: operator.phases(made) == ["healingFailed"])


def test_a_replacement_that_fails_as_well_is_said(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    (first,) = wait_for("a pod", lambda: list(pods(cluster, namespace).values()))
    made = create(cluster, namespace, action("restartPod", "Pod", first))

    def second() -> list[str]:
        return [name for name in pods(cluster, namespace).values() if name != first]

    (name,) = wait_for("its replacement", second)
    cluster.patch_status("pod", namespace, name, crash_looping(terminated(3)))
    end = finished(cluster, namespace, made)
    assert end["phase"] == "Failed"
    assert f"was replaced by {name}, which fails as well" in end["message"]


def test_an_eviction_waits_for_a_disruption_budget_and_ends_where_no_replacement_is_wanted(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    ((_, name),) = deployed(cluster, namespace).items()
    forbid_evictions(cluster, namespace)
    made = create(cluster, namespace, action("restartPod", "Pod", name))
    wait_for("the refusal", lambda: "disruption budget" in status(cluster, namespace, made).get("message", ""))
    assert name in pods(cluster, namespace).values()
    cluster.kubectl("scale", "deployment/api", "--replicas=0", f"--namespace={namespace}")
    end = finished(cluster, namespace, made)
    assert (end["phase"], "wants 0 pods" in end["message"]) == ("Succeeded", True)


def test_an_operator_that_ends_in_the_middle_leaves_the_rest_to_the_next_one(
    cluster: Cluster, namespace: str, choice: ClusterChoice
) -> None:
    cluster.apply(by_hand("api", 2), namespace=namespace)
    before = wait_for("the pods", lambda: len(found := pods(cluster, namespace)) == 2 and found)
    for name in before.values():
        cluster.patch_status("pod", namespace, name, running(seconds_ago=5))
    with Operator(choice, namespace).running():
        made = create(cluster, namespace, action("restartDeployment", "Deployment", "api"))
        # The new pods are by hand and do not become ready, so it stands still here.
        wait_for("the rollout", lambda: "pods are new" in status(cluster, namespace, made).get("message", ""))
    assert status(cluster, namespace, made)["phase"] == "Running"

    def run_new_pods() -> bool:
        for name in pods(cluster, namespace).values():
            pod = cluster.get("pods", f"--namespace={namespace}", f"--field-selector=metadata.name={name}")["items"]
            if pod and not (pod[0].get("status") or {}).get("containerStatuses"):
                cluster.patch_status("pod", namespace, name, running(seconds_ago=5))
        return status(cluster, namespace, made)["phase"] == "Succeeded"

    with Operator(choice, namespace).running() as second:
        wait_for("the end", run_new_pods)
        wait_for("the event", lambda: second.phases(made)[-1:] == ["healingSucceeded"])
    sets = cluster.get("replicasets", f"--namespace={namespace}")["items"]
    assert len(sets) == 2, "it was restarted once"


def test_an_outage_of_the_api_server_only_takes_time(
    cluster: Cluster, namespace: str, operator: Operator, local_cluster: local.LocalCluster
) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    forbid_evictions(cluster, namespace)
    made = create(cluster, namespace, action("restartPod", "Pod", name))
    wait_for("the refusal", lambda: "disruption budget" in status(cluster, namespace, made).get("message", ""))
    local_cluster.restart_apiserver()
    cluster.kubectl("delete", "pdb", "keep", f"--namespace={namespace}")
    end = finished(cluster, namespace, made)
    assert (end["phase"], end["changes"]) == ("Succeeded", [f"Pod {name} was evicted."])
    assert uid not in pods(cluster, namespace)
    wait_for("the kinds that the API server's admission knows", lambda: knows_kinds(cluster, namespace))


async def test_a_click_right_after_the_api_servers_start_is_one_action(
    cluster: Cluster, namespace: str, local_cluster: local.LocalCluster
) -> None:
    choice = await asyncio.to_thread(with_admission, cluster)
    api = await Api.connect(choice)
    try:
        await asyncio.to_thread(local_cluster.restart_apiserver)
        wanted = action("deletePod", "Pod", "never-was", requestedBy="somebody")
        wanted["metadata"] = {"name": "clicked", "namespace": namespace}
        made = await create_named(api, collection_path(namespace), wanted)
        assert made["spec"]["requestedBy"] != "somebody"
    finally:
        await api.close()


def test_an_action_that_is_deleted_asks_for_nothing_more(cluster: Cluster, namespace: str, operator: Operator) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    forbid_evictions(cluster, namespace)
    made = create(cluster, namespace, action("restartPod", "Pod", name))
    wait_for("the refusal", lambda: "disruption budget" in status(cluster, namespace, made).get("message", ""))
    cluster.kubectl("delete", "healingaction", made, f"--namespace={namespace}")
    cluster.kubectl("delete", "pdb", "keep", f"--namespace={namespace}")
    # Another action that is carried out shows that the operator had its turn.
    other = create(cluster, namespace, action("deletePod", "Pod", "never-was"))
    finished(cluster, namespace, other)
    assert pods(cluster, namespace) == {uid: name}


def test_a_finished_action_goes_when_its_time_is_over(cluster: Cluster, namespace: str, operator: Operator) -> None:
    made = create(cluster, namespace, action("deletePod", "Pod", "never-was", ttlSecondsAfterFinished=1))
    wait_for(
        "its end",
        lambda: made not in cluster.kubectl("get", "healingactions", f"--namespace={namespace}", "--output=name"),
    )


def test_force_deletes_what_a_disruption_budget_keeps(cluster: Cluster, namespace: str, operator: Operator) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    forbid_evictions(cluster, namespace)
    end = carried_out(cluster, namespace, action("restartPod", "Pod", name, parameters={"force": True}))
    assert end["changes"] == [f"Pod {name} was deleted."]
    assert uid not in pods(cluster, namespace)


def test_a_dry_run_asks_the_api_server_and_changes_nothing(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    before = deployed(cluster, namespace)
    (name,) = before.values()
    for verb in ("restartPod", "deletePod"):
        end = carried_out(cluster, namespace, action(verb, "Pod", name, dryRun=True))
        assert end["changes"] == [f"Pod {name} would be evicted."]
        assert end["message"] == "Dry run: nothing was changed."
        assert pods(cluster, namespace) == before
    forbid_evictions(cluster, namespace)
    kept = carried_out(cluster, namespace, action("restartPod", "Pod", name, dryRun=True))
    assert "disruption budget" in kept["changes"][0]
    forced = carried_out(cluster, namespace, action("deletePod", "Pod", name, dryRun=True, parameters={"force": True}))
    assert forced["changes"] == [f"Pod {name} would be deleted."]
    assert pods(cluster, namespace) == before
    events = cluster.get("events", f"--namespace={namespace}")["items"]
    assert [each for each in events if each.get("reportingComponent") == "kubedom"] == []


def test_the_status_the_target_and_the_log_say_who_asked_and_what_was_done(
    cluster: Cluster, namespace: str, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kubedom.audit")
    deployed(cluster, namespace)
    made = create(cluster, namespace, action("restartDeployment", "Deployment", "api", requestedBy="ann"))
    end = finished(cluster, namespace, made)
    (change,) = end["changes"]
    assert change.startswith("The template of Deployment api was stamped ")
    assert end["rightsOf"] == cluster.get("healingaction", made, f"--namespace={namespace}")["spec"]["requestedBy"]
    assert end["startedAt"] <= end["finishedAt"]
    assert (end["observedGeneration"], end["conditions"][0]["status"]) == (1, "True")
    described = cluster.kubectl("describe", "deployment", "api", f"--namespace={namespace}")
    for reason in ("HealingStarted", "HealingSucceeded"):
        (line,) = [each for each in described.splitlines() if reason in each]
        assert " kubedom " in line
        assert made in line
    line = wait_for("the line", lambda: [each for each in caplog.messages if made in each])[0]
    told = json.loads(line)
    assert (told["event"], told["outcome"], told["changes"]) == ("healing", "Succeeded", end["changes"])
    assert told["target"] == f"restartDeployment Deployment {namespace}/api"


def test_a_deadline_that_passes_fails_it_and_says_what_is_missing(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    forbid_evictions(cluster, namespace)
    message = failed(cluster, namespace, action("restartPod", "Pod", name, activeDeadlineSeconds=2))
    assert message.startswith("Its deadline of 2 seconds has passed. Still missing: Waiting for a disruption budget")
    assert uid in pods(cluster, namespace)


async def test_an_action_of_the_same_name_is_not_written_to(
    cluster: Cluster, namespace: str, choice: ClusterChoice
) -> None:
    made = create(cluster, namespace, action("deletePod", "Pod", "never-was"))
    found = read(cluster.get("healingaction", made, f"--namespace={namespace}"))
    api = await Api.connect(choice)
    try:
        clock = ServerClock(time.time)
        for gone in (found._replace(uid="another"), found._replace(name="never-was")):
            with pytest.raises(ActionGone):
                await Record(api, gone, clock).enter("Running", "Go.")
        await Record(api, found, clock).enter("Running", "Go.")
    finally:
        await api.close()
    assert status(cluster, namespace, made)["message"] == "Go."


def decide(cluster: Cluster, namespace: str, name: str, **approval: str) -> None:
    # Somebody else than who asked, as admission wants it where it is in force.
    boss = ("--as=boss", "--as-group=system:masters", f"--namespace={namespace}")
    patch = json.dumps({"spec": {"approval": approval}})
    cluster.kubectl("patch", "healingaction", name, *boss, "--type=merge", f"--patch={patch}")


def waiting(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> str:
    made = create(cluster, namespace, wanted)
    wait_for("its wait", lambda: status(cluster, namespace, made).get("phase") == "AwaitingApproval")
    return made


def test_an_action_that_needs_an_approval_waits_for_it(cluster: Cluster, namespace: str, operator: Operator) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    made = waiting(cluster, namespace, action("restartPod", "Pod", name, approvalRequired=True))
    assert status(cluster, namespace, made)["targetUID"] == uid
    assert uid in pods(cluster, namespace)
    decide(cluster, namespace, made, decision="Approve", by="bob")
    end = finished(cluster, namespace, made)
    assert (end["phase"], end["observedGeneration"]) == ("Succeeded", 2)
    conditions = {each["type"]: each for each in end["conditions"]}
    assert (conditions["Approved"]["status"], conditions["Complete"]["status"]) == ("True", "True")
    assert uid not in pods(cluster, namespace)
    wait_for("the event", lambda: operator.phases(made)[-1:] == ["healingSucceeded"])
    assert operator.phases(made) == ["healingAwaitingApproval", "healingStarted", "healingSucceeded"]


def test_an_action_that_is_denied_or_not_decided_about_does_nothing(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    denied = waiting(cluster, namespace, action("restartPod", "Pod", name, approvalRequired=True))
    decide(cluster, namespace, denied, decision="Deny", by="bob", reason="Not now.")
    end = finished(cluster, namespace, denied)
    assert end["phase"] == "Denied"
    assert end["message"].startswith("Denied by ")
    assert end["message"].endswith(": Not now.")
    wanted = action("restartPod", "Pod", name, approvalRequired=True, activeDeadlineSeconds=2)
    late = create(cluster, namespace, wanted)
    end = finished(cluster, namespace, late)
    assert (end["phase"], end["message"]) == ("Expired", "Nobody approved it within 2 seconds.")
    assert "startedAt" not in end
    assert pods(cluster, namespace) == {uid: name}
    wait_for("the event", lambda: operator.phases(late)[-1:] == ["healingFailed"])


def test_an_approval_that_came_while_no_operator_ran_is_found(
    cluster: Cluster, namespace: str, choice: ClusterChoice
) -> None:
    ((uid, name),) = deployed(cluster, namespace).items()
    with Operator(choice, namespace).running():
        made = waiting(cluster, namespace, action("deletePod", "Pod", name, approvalRequired=True))
    decide(cluster, namespace, made, decision="Approve", by="bob")
    with Operator(choice, namespace).running():
        assert finished(cluster, namespace, made)["phase"] == "Succeeded"
    assert uid not in pods(cluster, namespace)


APPROVED = {"approval": {"decision": "Approve"}}


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (action("restartPod", "Deployment", "api"), "restartPod and deletePod act on a Pod."),
        (action("restartDeployment", "Pod", "api"), "pauseRollout and resumeRollout act on a Deployment."),
        (action("drain", "Pod", "api"), "Unsupported value"),
        (action("explode", "Pod", "api"), "Unsupported value"),
        (action("deletePod", "Pod", ""), "spec.target.name"),
        (action("scale", "Deployment", "api"), "scale needs parameters.replicas."),
        (action("scale", "Deployment", "api", parameters={"replicas": -1}), "greater than or equal to 0"),
        (action("scale", "DaemonSet", "api", parameters={"replicas": 1}), "scale acts on a Deployment or StatefulSet"),
        (action("setImage", "Deployment", "api", parameters={"container": "a"}), "setImage needs parameters.image."),
        (action("restartPod", "Pod", "a", parameters={"replicas": 1}), "replicas is a parameter of scale only."),
        (action("rollback", "Deployment", "a", parameters={"force": True}), "force is a parameter of restartPod and"),
        (action("restartPod", "Pod", "a", **APPROVED), "needs no approval"),
    ],
)
def test_the_api_server_refuses_what_makes_no_sense(
    cluster: Cluster, namespace: str, choice: ClusterChoice, wanted: dict[str, Any], complaint: str
) -> None:
    assert complaint in refusal(
        cluster, "create", f"--namespace={namespace}", "--filename=-", stdin=yaml.safe_dump(wanted)
    )


def test_an_action_cannot_be_changed_but_for_one_approval(
    cluster: Cluster, namespace: str, choice: ClusterChoice
) -> None:
    made = create(cluster, namespace, action("deletePod", "Pod", "a", approvalRequired=True))

    def refused(**spec: Any) -> str:
        patch = f"--patch={json.dumps({'spec': spec})}"
        return refusal(cluster, "patch", "healingaction", made, f"--namespace={namespace}", "--type=merge", patch)

    for change in (
        {"target": {"name": "b"}},
        {"action": "restartPod"},
        {"parameters": {"force": True}},
        {"dryRun": True},
        {"requestedBy": "eve"},
        {"reason": "x"},
        {"approvalRequired": False},
        {"activeDeadlineSeconds": 1},
        {"ttlSecondsAfterFinished": 1},
        {"policyRef": {"name": "p"}},
    ):
        assert "An action cannot be changed" in refused(**change)
    decide(cluster, namespace, made, decision="Deny")
    assert "was decided about already" in refused(approval={"decision": "Approve"})
    assert "was decided about already" in refused(approval=None)
