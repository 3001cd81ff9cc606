"""Restarts, other images, pauses, scaling and rolling back, on every kind that they act on, by the real controllers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cluster.healing import (
    IMAGE,
    Operator,
    action,
    carried_out,
    create,
    deployed,
    failed,
    finished,
    rolled_out,
    status,
    workload,
)
from tests.conftest import Cluster
from tests.running import wait_for

pytestmark = pytest.mark.cluster

ROLLED_OUT = ["Deployment", "StatefulSet", "DaemonSet"]


def found(cluster: Cluster, namespace: str, kind: str, name: str = "api") -> Any:
    return cluster.get(kind.lower(), name, f"--namespace={namespace}")


def images(cluster: Cluster, namespace: str) -> set[str]:
    """The images of the pods that are not on their way out."""
    return {
        pod["spec"]["containers"][0]["image"]
        for pod in cluster.get("pods", f"--namespace={namespace}")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


@pytest.mark.parametrize("kind", ROLLED_OUT)
def test_a_restart_replaces_every_pod(cluster: Cluster, namespace: str, operator: Operator, kind: str) -> None:
    before = deployed(cluster, namespace, replicas=2, kind=kind)
    dry = carried_out(cluster, namespace, action(f"restart{kind}", kind, "api", dryRun=True))
    assert "would be stamped" in dry["changes"][0]
    assert found(cluster, namespace, kind)["metadata"]["generation"] == 1
    end = carried_out(cluster, namespace, action(f"restart{kind}", kind, "api"))
    assert end["message"].startswith(f"{kind} api was restarted: ")
    live = [
        pod["metadata"]["uid"]
        for pod in cluster.get("pods", f"--namespace={namespace}")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    ]
    assert len(live) == len(before)
    assert not before.keys() & set(live)
    assert found(cluster, namespace, kind)["metadata"]["generation"] == 2


@pytest.mark.parametrize("kind", ROLLED_OUT)
def test_another_image_rolls_out_and_is_rolled_back(
    cluster: Cluster, namespace: str, operator: Operator, kind: str
) -> None:
    deployed(cluster, namespace, kind=kind)
    assert "no revision before" in failed(cluster, namespace, action("rollback", kind, "api"))
    for number in (2, 3):
        wanted = action("setImage", kind, "api", parameters={"image": f"{IMAGE}:{number}.0"})
        end = carried_out(cluster, namespace, wanted)
        assert images(cluster, namespace) == {f"{IMAGE}:{number}.0"}
    assert end["changes"] == [f"Container main of {kind} api was given image {IMAGE}:3.0 instead of {IMAGE}:2.0."]
    again = carried_out(cluster, namespace, wanted)
    assert "changes" not in again
    assert again["message"].endswith("It was so already, nothing had to be changed.")

    dry = carried_out(cluster, namespace, action("rollback", kind, "api", dryRun=True))
    assert dry["changes"] == [f"{kind} api would be rolled back from revision 3 to revision 2."]
    assert images(cluster, namespace) == {f"{IMAGE}:3.0"}
    end = carried_out(cluster, namespace, action("rollback", kind, "api"))
    assert end["changes"] == [f"{kind} api was rolled back from revision 3 to revision 2."]
    assert images(cluster, namespace) == {f"{IMAGE}:2.0"}
    carried_out(cluster, namespace, action("rollback", kind, "api", parameters={"revision": 1}))
    assert images(cluster, namespace) == {f"{IMAGE}:1.0"}
    # The former revisions 2 and 1 have become 4 and 5.
    message = failed(cluster, namespace, action("rollback", kind, "api", parameters={"revision": 5}))
    assert message == f"{kind} api is at revision 5 already."
    message = failed(cluster, namespace, action("rollback", kind, "api", parameters={"revision": 99}))
    assert message == f"{kind} api has no revision 99. Before the current one it has 3, 4."


def test_a_rollback_leaves_no_trace_in_the_template_so_that_the_former_replica_set_is_used(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    deployed(cluster, namespace)
    before = found(cluster, namespace, "Deployment")["spec"]["template"]
    carried_out(cluster, namespace, action("setImage", "Deployment", "api", parameters={"image": f"{IMAGE}:2.0"}))
    carried_out(cluster, namespace, action("rollback", "Deployment", "api"))
    assert found(cluster, namespace, "Deployment")["spec"]["template"] == before
    assert len(cluster.get("replicasets", f"--namespace={namespace}")["items"]) == 2


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_what_would_not_come_to_the_pods_is_not_begun(
    cluster: Cluster, namespace: str, operator: Operator, kind: str
) -> None:
    wanted = workload(kind)
    wanted["spec"]["updateStrategy"] = {"type": "OnDelete"}
    cluster.apply(wanted, namespace=namespace)
    assert "has the strategy OnDelete" in failed(cluster, namespace, action(f"restart{kind}", kind, "api"))
    assert found(cluster, namespace, kind)["metadata"]["generation"] == 1


def test_a_paused_rollout_waits_until_it_is_resumed(cluster: Cluster, namespace: str, operator: Operator) -> None:
    deployed(cluster, namespace)
    dry = carried_out(cluster, namespace, action("pauseRollout", "Deployment", "api", dryRun=True))
    assert dry["changes"] == ["The rollout of Deployment api would be paused."]
    assert "paused" not in found(cluster, namespace, "Deployment")["spec"]
    end = carried_out(cluster, namespace, action("pauseRollout", "Deployment", "api"))
    assert (end["message"], end["changes"]) == (
        "The rollout of Deployment api is paused.",
        ["The rollout of Deployment api was paused."],
    )
    assert "is paused" in failed(cluster, namespace, action("restartDeployment", "Deployment", "api"))
    wanted = action("setImage", "Deployment", "api", parameters={"image": f"{IMAGE}:2.0"})
    assert "when its rollout is resumed" in carried_out(cluster, namespace, wanted)["message"]
    assert images(cluster, namespace) == {f"{IMAGE}:1.0"}
    end = carried_out(cluster, namespace, action("resumeRollout", "Deployment", "api"))
    assert end["message"] == "Deployment api rolls out again: 1 new pods are available."
    assert images(cluster, namespace) == {f"{IMAGE}:2.0"}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_scaling_ends_when_the_pods_are_available(
    cluster: Cluster, namespace: str, operator: Operator, kind: str
) -> None:
    deployed(cluster, namespace, kind=kind)
    dry = carried_out(cluster, namespace, action("scale", kind, "api", dryRun=True, parameters={"replicas": 3}))
    assert dry["changes"] == [f"{kind} api would be scaled from 1 to 3."]
    assert found(cluster, namespace, kind)["spec"]["replicas"] == 1
    for wanted in (3, 0):
        end = carried_out(cluster, namespace, action("scale", kind, "api", parameters={"replicas": wanted}))
        assert end["message"] == f"{kind} api has {wanted} available pods."
        assert (found(cluster, namespace, kind)["status"].get("availableReplicas") or 0) == wanted
    assert end["changes"] == [f"{kind} api was scaled from 3 to 0."]


def test_a_replica_set_is_scaled_unless_a_deployment_would_undo_it(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    alone = workload("ReplicaSet", "alone")
    cluster.apply(alone, namespace=namespace)
    carried_out(cluster, namespace, action("scale", "ReplicaSet", "alone", parameters={"replicas": 2}))
    deployed(cluster, namespace)
    (owned,) = cluster.get("replicasets", f"--namespace={namespace}", "--selector=app=api")["items"]
    wanted = action("scale", "ReplicaSet", owned["metadata"]["name"], parameters={"replicas": 2})
    assert "belongs to Deployment api, which would undo it" in failed(cluster, namespace, wanted)


def test_a_scaling_that_somebody_else_overrules_fails(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(workload("Deployment", nodeSelector={"no": "such-node"}), namespace=namespace)
    made = create(cluster, namespace, action("scale", "Deployment", "api", parameters={"replicas": 3}))
    wait_for("its wait", lambda: "0 of 3 pods" in status(cluster, namespace, made).get("message", ""))
    cluster.kubectl("scale", "deployment/api", "--replicas=2", f"--namespace={namespace}")
    end = finished(cluster, namespace, made)
    assert (end["phase"], end["message"]) == ("Failed", "Deployment api was scaled to 2 by somebody else meanwhile.")


def test_a_container_has_to_be_named_where_there_are_several(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    containers = [{"name": name, "image": f"{IMAGE}:1.0"} for name in ("main", "proxy")]
    cluster.apply(workload("Deployment", containers=containers), namespace=namespace)
    rolled_out(cluster, namespace)
    wanted = {"image": f"{IMAGE}:2.0"}
    assert "name one of main, proxy" in failed(
        cluster, namespace, action("setImage", "Deployment", "api", parameters=wanted)
    )
    carried_out(
        cluster, namespace, action("setImage", "Deployment", "api", parameters={**wanted, "container": "proxy"})
    )
    template = found(cluster, namespace, "Deployment")["spec"]["template"]["spec"]
    assert {each["name"]: each["image"] for each in template["containers"]} == {
        "main": f"{IMAGE}:1.0",
        "proxy": f"{IMAGE}:2.0",
    }
