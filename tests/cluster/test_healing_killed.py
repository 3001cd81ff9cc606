"""An operator that is killed at a named point of an action is followed by one that finishes it, and does it once.

Each round kills `kubedom run` at one point of one action. How many rounds there are says `KUBEDOM_KILL_ROUNDS`: six
reach every point once, seventy-eight every point of every action.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from tests.cluster.healing import (
    IMAGE,
    action,
    create,
    cron_job,
    deployed,
    end_pods,
    fail_job,
    finished,
    own_node,
    pods,
    rolled_out,
    sent_to,
    where,
    workload,
)
from tests.conftest import Cluster
from tests.running import KubedomRun, wait_for

from kubedom_bridge.kube import ClusterChoice
from kubedom_operator.healing import failpoints

pytestmark = pytest.mark.cluster

ROUNDS = int(os.environ.get("KUBEDOM_KILL_ROUNDS", "6"))


class Case(NamedTuple):
    """An action, what the kubelet does meanwhile, and how often its effect is there."""

    wanted: dict[str, Any]
    effects: Callable[[], int | bool]
    changes: int = 1
    nudge: Callable[[], object] = lambda: None


class Stage:
    """A namespace with what an action is done to."""

    def __init__(self, cluster: Cluster, namespace: str, nodes: ExitStack) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._nodes = nodes

    def get(self, *arguments: str) -> Any:
        return self.cluster.get(*arguments, f"--namespace={self.namespace}")

    def pods_made(self) -> int:
        """How many pods controllers have made so far, also those that are gone."""
        events = self.get("events", "--field-selector=reason=SuccessfulCreate")["items"]
        return sum(each["count"] for each in events if each["message"].startswith("Created pod"))

    def generation(self, kind: str, name: str = "api") -> int:
        answer: int = self.get(kind.lower(), name)["metadata"]["generation"]
        return answer

    # Each gives the case of one action; what counts its effect is 1 where it came once.

    def restart(self, kind: str) -> Case:
        deployed(self.cluster, self.namespace, kind=kind)
        return Case(action(f"restart{kind}", kind, "api"), lambda: self.generation(kind) - 1)

    def restart_deployment(self) -> Case:
        case = self.restart("Deployment")
        return case._replace(effects=lambda: len(self.get("replicasets")["items"]) - 1)

    def restart_pod(self) -> Case:
        ((uid, name),) = deployed(self.cluster, self.namespace).items()
        return Case(action("restartPod", "Pod", name, uid), lambda: self.pods_made() - 1)

    def delete_pod(self) -> Case:
        names = sorted(deployed(self.cluster, self.namespace, replicas=2).values())
        wanted = action("deletePod", "Pod", names[0], parameters={"force": True})

        def effects() -> int:
            wait_for("the next pod", lambda: len(pods(self.cluster, self.namespace)) == 2)
            return self.pods_made() - 2

        return Case(wanted, effects)

    def scale(self) -> Case:
        deployed(self.cluster, self.namespace)
        wanted = action("scale", "Deployment", "api", parameters={"replicas": 3})
        return Case(wanted, lambda: self.generation("Deployment") - 1)

    def set_image(self) -> Case:
        deployed(self.cluster, self.namespace)
        wanted = action("setImage", "Deployment", "api", parameters={"image": f"{IMAGE}:2.0"})
        return Case(wanted, lambda: len(self.get("replicasets")["items"]) - 1)

    def rollback(self) -> Case:
        deployed(self.cluster, self.namespace)
        for version in ("2.0", "3.0"):
            self.cluster.kubectl("set", "image", "deployment/api", f"main={IMAGE}:{version}", *where(self.namespace))
            rolled_out(self.cluster, self.namespace)

        def effects() -> int:
            # A second rollback would bring the third image back.
            (container,) = self.get("deployment", "api")["spec"]["template"]["spec"]["containers"]
            assert container["image"] == f"{IMAGE}:2.0"
            return self.generation("Deployment") - 3

        return Case(action("rollback", "Deployment", "api"), effects)

    def pause(self) -> Case:
        deployed(self.cluster, self.namespace)
        return Case(action("pauseRollout", "Deployment", "api"), lambda: self.generation("Deployment") - 1)

    def retry(self) -> Case:
        fail_job(self.cluster, self.namespace, "backup")
        return Case(
            action("retryJob", "Job", "backup"),
            lambda: self.pods_made() - 1,
            nudge=lambda: end_pods(self.cluster, self.namespace, "Succeeded"),
        )

    def run_cron_job(self) -> Case:
        wanted = cron_job("nightly")
        # The job is gone as soon as it is done.
        wanted["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = 0
        self.cluster.apply(wanted, namespace=self.namespace)

        def effects() -> int:
            wait_for("the job's end", lambda: not self.get("jobs")["items"])
            return self.pods_made()

        return Case(action("runCronJob", "CronJob", "nightly"), effects)

    def suspend(self) -> Case:
        self.cluster.apply(cron_job("nightly"), namespace=self.namespace)
        return Case(action("suspendCronJob", "CronJob", "nightly"), lambda: self.generation("CronJob", "nightly") - 1)

    def cordon(self) -> Case:
        node = self._nodes.enter_context(own_node(self.cluster, f"own-{self.namespace}"))
        return Case(
            action("cordon", "Node", node), lambda: int(self.cluster.get("node", node)["spec"]["unschedulable"])
        )

    def drain(self) -> Case:
        node = self._nodes.enter_context(own_node(self.cluster, f"own-{self.namespace}"))
        self.cluster.apply(workload("Deployment", replicas=2, **sent_to(node)), namespace=self.namespace)
        rolled_out(self.cluster, self.namespace)

        def effects() -> int:
            wait_for("the next pods", lambda: self.pods_made() >= 4)
            return self.pods_made() // 2 - 1

        return Case(action("drain", "Node", node), effects, changes=3)


CASES: dict[str, Callable[[Stage], Case]] = {
    "restartDeployment": Stage.restart_deployment,
    "restartPod": Stage.restart_pod,
    "scale": Stage.scale,
    "runCronJob": Stage.run_cron_job,
    "drain": Stage.drain,
    "rollback": Stage.rollback,
    "retryJob": Stage.retry,
    "deletePod": Stage.delete_pod,
    "setImage": Stage.set_image,
    "restartStatefulSet": lambda stage: stage.restart("StatefulSet"),
    "suspendCronJob": Stage.suspend,
    "pauseRollout": Stage.pause,
    "cordon": Stage.cordon,
}
POINTS = ("after-effect", "before-effect", "after-pin", "before-final-status", "before-pin", "after-final-status")
# Their numbers have no common divisor, so that in time every action meets every point.
PLAN = [(list(CASES)[at % len(CASES)], POINTS[at % len(POINTS)]) for at in range(ROUNDS)]


@pytest.fixture
def stage(cluster: Cluster, namespace: str) -> Iterator[Stage]:
    with ExitStack() as nodes:
        yield Stage(cluster, namespace, nodes)


def operator(cluster: Cluster, point: str = "") -> KubedomRun:
    return KubedomRun(
        f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", environment={failpoints.VARIABLE: point}
    )


def test_every_point_is_met_by_the_actions_in_turn() -> None:
    assert set(POINTS) == set(failpoints.POINTS)
    assert len({(at % len(CASES), at % len(POINTS)) for at in range(len(CASES) * len(POINTS))}) == 78


@pytest.mark.parametrize(("verb", "point"), PLAN)
def test_the_next_operator_finishes_and_the_effect_came_once(
    cluster: Cluster, namespace: str, choice: ClusterChoice, stage: Stage, verb: str, point: str
) -> None:
    case = CASES[verb](stage)
    home = "" if case.wanted["spec"]["target"]["kind"] == "Node" else namespace
    with operator(cluster, point) as first:
        made = create(cluster, home, case.wanted)

        def killed() -> bool:
            case.nudge()
            return first.killed()

        wait_for(f"its end at {point}", killed)
        first.kill()
    with operator(cluster):
        end = finished(cluster, home, made, case.nudge)
        assert end["phase"] == "Succeeded", end
        assert case.effects() == 1, end
    assert len(end["changes"]) == case.changes, end
    assert len(set(end["changes"])) == case.changes
    assert cluster.get("healingaction" if home else "clusterhealingaction", made, *where(home))["status"] == end
    told = [
        (each["reason"], each["count"])
        for each in cluster.get("events", f"--namespace={home or 'default'}")["items"]
        if each.get("reportingComponent") == "kubedom" and made in each["message"]
    ]
    assert sorted(told) == [("HealingStarted", 1), ("HealingSucceeded", 1)]


def test_an_action_that_comes_meanwhile_does_not_hide_what_was_done(
    cluster: Cluster, namespace: str, choice: ClusterChoice
) -> None:
    deployed(cluster, namespace)
    wanted = action("restartDeployment", "Deployment", "api")
    with operator(cluster, "after-effect") as first:
        made = [create(cluster, namespace, wanted)]
        wait_for("its end", first.killed)
        first.kill()
    made.extend(create(cluster, namespace, wanted) for _ in range(3))
    with operator(cluster):
        ends = [finished(cluster, namespace, each) for each in made]
    assert [end["phase"] for end in ends] == ["Succeeded"] * 4
    assert [len(end["changes"]) for end in ends] == [1] * 4
    assert cluster.get("deployment", "api", f"--namespace={namespace}")["metadata"]["generation"] == 5
