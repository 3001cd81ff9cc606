"""An operator that is started again, on a real API server, goes on from what the one before it told."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from tests.cluster.healing import Operator, action, create, deployed, finished
from tests.cluster.policies import policy, with_healer
from tests.conftest import Cluster
from tests.kubelet import by_hand, crash_looping, failed, running, terminated
from tests.running import wait_for
from tests.unit.operator.log import Log

from kubedom_bridge.kube import ClusterChoice
from kubedom_bridge.protocol import DeleteEntry, EventEntry, StateEntry
from kubedom_operator.watch.choice import Mode

pytestmark = pytest.mark.cluster


def hand_made(cluster: Cluster, namespace: str, name: str, status: dict[str, Any]) -> str:
    """A deployment with one pod, and the pod's name."""
    cluster.apply(by_hand(name), namespace=namespace)

    def pods() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = cluster.get("pods", f"--namespace={namespace}", f"--selector=app={name}")["items"]
        return [pod for pod in found if pod["spec"].get("nodeName")]

    found = wait_for(f"the pod of {name}", pods)
    pod = str(found[0]["metadata"]["name"])
    cluster.patch_status("pod", namespace, pod, status)
    return pod


def of_pod(operator: Operator, pod: str) -> list[tuple[str, bool]]:
    return [
        (each.type, each.replayed)
        for each in tuple(operator.entries)
        if isinstance(each, EventEntry) and each.detail.get("podName") == pod
    ]


def decided(cluster: Cluster, namespace: str, operator: Operator, *pods: str) -> None:
    """Wait for all that a dry run says of a failure, in the policy's status too, which is written once a second.

    It says what it would do, and then that it leaves the workload alone.
    """

    said = {("healingSkipped", False), ("healingPlanned", False)}

    def noted(pod: str) -> bool:
        status = cluster.get("healingpolicy", "restart", f"--namespace={namespace}").get("status") or {}
        found = status.get("decisions") or ()
        return any(each["decision"] == "DryRun" and pod in each["object"] for each in found)

    wait_for("the decisions", lambda: all(said <= set(of_pod(operator, pod)) and noted(pod) for pod in pods))


@pytest.mark.parametrize("watch", ["kopf", "stream"])
def test_a_restart_tells_what_happened_meanwhile_and_nothing_else(
    cluster: Cluster, choice: ClusterChoice, namespace: str, watch: Mode
) -> None:
    with_healer(cluster, namespace)
    # More than the failures here, so that each gets the same decisions.
    cluster.apply(policy(dryRun=True, limit={"count": 10, "windowSeconds": 3600}), namespace=namespace)
    first = Operator(choice, namespace, watch=watch)
    with first.running():
        deployed(cluster, namespace)
        stays = hand_made(cluster, namespace, "stays", crash_looping(terminated()))
        mends = hand_made(cluster, namespace, "mends", crash_looping(terminated(), 1))
        breaks = hand_made(cluster, namespace, "breaks", running())
        goes = hand_made(cluster, namespace, "goes", crash_looping(terminated()))
        done = create(cluster, namespace, action("restartDeployment", "Deployment", "api"))
        assert finished(cluster, namespace, done)["phase"] == "Succeeded"
        wait_for("the end of the action", lambda: "healingSucceeded" in first.phases(done))
        decided(cluster, namespace, first, stays, mends, goes)

    cluster.patch_status("pod", namespace, mends, running(2, terminated(), seconds_ago=3600))
    cluster.patch_status("pod", namespace, breaks, failed(terminated(3)))
    cluster.kubectl("delete", "deployment", "goes", f"--namespace={namespace}")
    wait_for("the deletion", lambda: goes not in cluster.kubectl("get", "pods", f"--namespace={namespace}"))
    mended = json.dumps({"status": {"message": "Otherwise."}})
    where = (f"--namespace={namespace}", "--subresource=status", "--type=merge")
    cluster.kubectl("patch", "healingaction", done, *where, f"--patch={mended}")

    log = Log(first.entries)
    second = Operator(choice, namespace, watch=watch, told=log.told(time.time()))
    with second.running():
        wait_for("what was written of the action", lambda: second.told(done))
        last = hand_made(cluster, namespace, "last", crash_looping(terminated()))
        decided(cluster, namespace, second, last)
    assert of_pod(second, stays) == []
    assert of_pod(second, mends) == [("podRestarted", False), ("podRecovered", False)]
    assert of_pod(second, breaks) == [("podFailed", False)]
    assert of_pod(second, goes) == [("podRemoved", False)]
    assert [(each.type, each.detail["message"], each.replayed) for each in second.told(done)] == [
        ("healingSucceeded", "Otherwise.", False)
    ]
    states = {each.object.metadata.name for each in second.entries if isinstance(each, StateEntry)}
    assert stays not in states
    assert {mends, breaks, last} <= states
    deleted = Counter(each.name for each in second.entries if isinstance(each, DeleteEntry))
    assert deleted[goes] == deleted["goes"] == 1

    whole = Log([*first.entries, *second.entries])
    third = Operator(choice, namespace, watch=watch, told=whole.told(time.time()))
    with third.running():
        wait_for("the policy's look", lambda: not third.unready())
        mark = hand_made(cluster, namespace, "mark", crash_looping(terminated()))
        decided(cluster, namespace, third, mark)
    told = [each for each in third.entries if isinstance(each, EventEntry)]
    assert {each.detail.get("podName", "") for each in told} - {mark} <= {""}, told
    assert third.told(done) == []


def test_kinds_that_are_not_watched_any_more_are_told_as_gone(
    cluster: Cluster, choice: ClusterChoice, namespace: str
) -> None:
    first = Operator(choice, namespace)
    with first.running():
        pod = hand_made(cluster, namespace, "stays", crash_looping(terminated()))
        wait_for("the incident", lambda: of_pod(first, pod))
    log = Log(first.entries)
    (state,) = [each for each in log.states.values() if each["object"]["metadata"]["name"] == "stays"]
    elsewhere = json.loads(json.dumps(state).replace(f'"{namespace}"', '"elsewhere"').replace(state["uid"], "uid-x"))
    node = {
        "op": "upsert",
        "kind": "Node",
        "uid": "uid-n",
        "time": state["time"],
        "object": {"metadata": {"uid": "uid-n", "name": "n"}},
    }
    log.states |= {"uid-x": elsewhere, "uid-n": node}
    second = Operator(choice, namespace, told=log.told(time.time()))
    with second.running():
        wait_for("the deletions", lambda: sum(isinstance(each, DeleteEntry) for each in tuple(second.entries)) == 2)
    assert {each.uid for each in second.entries if isinstance(each, DeleteEntry)} == {"uid-x", "uid-n"}
    assert of_pod(second, pod) == []
