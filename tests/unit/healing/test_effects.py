"""Every action of the table has an effect; the small judgements of effects on pods, nodes and replicas."""

from __future__ import annotations

from typing import Any

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_operator.healing.effects import EFFECTS
from kubedom_operator.healing.effects.nodes import to_go
from kubedom_operator.healing.effects.pods import replacing_controller
from kubedom_operator.healing.effects.scaling import replicas
from kubedom_operator.healing.effects.work import HEALED, marks
from kubedom_operator.healing.model import ActionFailed, Owner

MIRROR = {"kubernetes.io/config.mirror": "x"}


def pod(name: str, owner: str = "", *, controller: bool = True, **metadata: Any) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": owner, "name": "o", "uid": "uid-o", "controller": controller}
    owners = {"ownerReferences": [reference]} if owner else {}
    return {"metadata": {"name": name, **owners, **metadata}}


def test_every_action_of_the_table_has_an_effect() -> None:
    assert EFFECTS.keys() == ACTION_KINDS.keys()


def test_a_drain_leaves_what_belongs_to_the_node() -> None:
    pods = [
        pod("web", "ReplicaSet"),
        pod("agent", "DaemonSet"),
        pod("etcd", "Node", annotations=MIRROR),
        pod("bare"),
        pod("watched", "DaemonSet", controller=False),
    ]
    assert [each["metadata"]["name"] for each in to_go(pods)] == ["web", "bare", "watched"]


def test_a_pod_is_replaced_by_its_controller() -> None:
    assert replacing_controller(pod("web", "ReplicaSet")) == Owner("apps/v1", "ReplicaSet", "o", "uid-o")


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (pod("bare"), "no controller that would make it again"),
        (pod("etcd", "Node", annotations=MIRROR), "is a static pod"),
    ],
)
def test_a_pod_that_nobody_would_make_again_is_not_restarted(found: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ActionFailed, match=complaint):
        replacing_controller(found)


def workload(**status: int) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {"observedGeneration": 2, **status}}


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (workload(observedGeneration=1), (False, "Deployment web: waiting for its controller.")),
        (workload(replicas=5, availableReplicas=5), (False, "Deployment web: 2 pods are still to go.")),
        (workload(replicas=3, availableReplicas=1), (False, "Deployment web: 1 of 3 pods are available.")),
        (workload(replicas=3, availableReplicas=3), (True, "Deployment web has 3 available pods.")),
    ],
)
def test_a_workload_is_scaled_when_so_many_pods_are_available(found: dict[str, Any], answer: tuple[bool, str]) -> None:
    assert replicas("Deployment web", found, 3) == answer


def test_another_number_meanwhile_is_not_waited_for() -> None:
    with pytest.raises(ActionFailed, match="was scaled to 3 by somebody else"):
        replicas("Deployment web", workload(), 4)


@pytest.mark.parametrize(
    ("annotations", "read"),
    [
        (None, {}),
        ({HEALED: '{"uid-a": "It was paused."}'}, {"uid-a": "It was paused."}),
        ({HEALED: "not ours"}, {}),
        ({HEALED: "[1]"}, {}),
    ],
)
def test_marks_are_read_whatever_somebody_wrote_there(annotations: Any, read: dict[str, str]) -> None:
    assert marks({"metadata": {"annotations": annotations}}) == read
