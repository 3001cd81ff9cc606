"""Cluster-wide actions on nodes: cordon, uncordon and drain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cluster.healing import (
    Operator,
    action,
    carried_out,
    create,
    finished,
    forbid_evictions,
    own_node,
    pods,
    refusal,
    rolled_out,
    sent_to,
    status,
    workload,
)
from tests.conftest import Cluster
from tests.running import wait_for

from kubedom_bridge.kube import ClusterChoice

pytestmark = pytest.mark.cluster


@pytest.fixture
def everywhere(choice: ClusterChoice) -> Iterator[Operator]:
    """An operator of the whole cluster: one of a namespace leaves nodes alone."""
    with Operator(choice, None).running() as operator:
        yield operator


@pytest.fixture
def node(cluster: Cluster, namespace: str) -> Iterator[str]:
    with own_node(cluster, f"own-{namespace}") as name:
        yield name


def cordoned(cluster: Cluster, node: str) -> bool:
    return bool(cluster.get("node", node)["spec"].get("unschedulable"))


def on(cluster: Cluster, node: str) -> set[str]:
    found = cluster.get("pods", "--all-namespaces", f"--field-selector=spec.nodeName={node}")["items"]
    return {pod["metadata"]["name"] for pod in found}


def test_a_node_is_cordoned_and_uncordoned_and_told_of_on_it(cluster: Cluster, everywhere: Operator, node: str) -> None:
    dry = carried_out(cluster, "", action("cordon", "Node", node, dryRun=True))
    assert (dry["changes"], cordoned(cluster, node)) == ([f"Node {node} would be cordoned."], False)
    made = create(cluster, "", action("cordon", "Node", node))
    end = finished(cluster, "", made)
    assert (end["phase"], end["message"], cordoned(cluster, node)) == ("Succeeded", f"Node {node} is cordoned.", True)
    wait_for("the event", lambda: everywhere.phases(made)[-1:] == ["healingSucceeded"])
    assert everywhere.phases(made) == ["healingStarted", "healingSucceeded"]
    told = everywhere.told(made)[-1]
    assert (told.kind, told.namespace, told.speaks_of) == ("Node", "", ("ClusterHealingAction",))
    described = cluster.kubectl("describe", "node", node)
    assert "HealingSucceeded" in described
    end = carried_out(cluster, "", action("uncordon", "Node", node))
    assert (end["message"], cordoned(cluster, node)) == (f"Node {node} takes new pods.", False)


def test_a_drain_waits_for_budgets_says_who_blocks_and_leaves_daemon_sets(
    cluster: Cluster, namespace: str, everywhere: Operator, node: str
) -> None:
    cluster.apply(
        workload("Deployment", **sent_to(node)),
        workload("Deployment", "web", 2, **sent_to(node)),
        workload("DaemonSet", "agent", **sent_to(node)),
        namespace=namespace,
    )
    for kind, name in (("Deployment", "api"), ("Deployment", "web"), ("DaemonSet", "agent")):
        rolled_out(cluster, namespace, kind, name)
    forbid_evictions(cluster, namespace)
    (kept,) = [name for name in pods(cluster, namespace).values() if name.startswith("api-")]

    before = pods(cluster, namespace)
    dry = carried_out(cluster, "", action("drain", "Node", node, dryRun=True))
    assert dry["changes"][0] == f"Node {node} would be cordoned."
    assert sum(each.endswith(" would be evicted.") for each in dry["changes"]) == 2
    assert dry["changes"][-1].startswith(f"Pod {namespace}/{kept} would wait: ")
    assert (pods(cluster, namespace), cordoned(cluster, node)) == (before, False)

    made = create(cluster, "", action("drain", "Node", node))
    blocked = f"Node {node}: 1 pod is still to go. A disruption budget keeps {namespace}/{kept}: "
    wait_for("the budget", lambda: status(cluster, "", made).get("message", "").startswith(blocked))
    cluster.kubectl("delete", "pdb", "keep", f"--namespace={namespace}")
    end = finished(cluster, "", made)
    assert (end["phase"], end["message"]) == ("Succeeded", f"Node {node} is empty.")
    assert end["changes"][0] == f"Node {node} was cordoned."
    assert sorted(end["changes"][1:]) == sorted(
        f"Pod {namespace}/{name} was evicted." for name in before.values() if not name.startswith("agent-")
    )
    assert {name.partition("-")[0] for name in on(cluster, node)} == {"agent"}


def test_a_node_that_is_uncordoned_is_not_drained_any_further(
    cluster: Cluster, namespace: str, everywhere: Operator, node: str
) -> None:
    cluster.apply(workload("Deployment", **sent_to(node)), namespace=namespace)
    rolled_out(cluster, namespace)
    forbid_evictions(cluster, namespace)
    made = create(cluster, "", action("drain", "Node", node))
    wait_for("the budget", lambda: "disruption budget" in status(cluster, "", made).get("message", ""))
    cluster.kubectl("uncordon", node)
    end = finished(cluster, "", made)
    assert (end["phase"], "was uncordoned meanwhile" in end["message"]) == ("Failed", True)


def test_a_cluster_wide_action_is_on_a_node(cluster: Cluster, choice: ClusterChoice) -> None:
    wanted = (
        '{"apiVersion": "kubedom.dev/v1alpha1", "kind": "ClusterHealingAction", "metadata": {"name": "x"},'
        ' "spec": {"action": "cordon", "target": {"kind": "Pod", "name": "p"}}}'
    )
    assert "Unsupported value" in refusal(cluster, "create", "--filename=-", stdin=wanted)
