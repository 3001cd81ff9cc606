"""HealingActions as kubectl creates them, carried out by the real operator on a real API server."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import yaml
from tests.conftest import Cluster
from tests.kubelet import by_hand, crash_looping, running, terminated
from tests.running import wait_for

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator import local
from kubedom_operator.install import install_crds
from kubedom_operator.runtime import OperatorThread

pytestmark = pytest.mark.cluster


class Operator:
    """A running operator and what it tells."""

    def __init__(self, choice: ClusterChoice, namespace: str) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._thread = OperatorThread(choice, "test", self._take, namespace=namespace)

    def _take(self, entries: list[Entry]) -> None:
        with self._lock:
            self.entries.extend(entries)

    def phases(self, action: str) -> list[str]:
        """The events of one action in their order, each with how often it came in a row left out."""
        with self._lock:
            told = [
                each.type
                for each in self.entries
                if isinstance(each, EventEntry) and each.detail.get("actionName") == action
            ]
        return [kind for at, kind in enumerate(told) if at == 0 or told[at - 1] != kind]

    @contextmanager
    def running(self) -> Iterator[Operator]:
        self._thread.start()
        try:
            wait_for("the operator's readiness", lambda: not self._thread.not_ready())
            yield self
        finally:
            self._thread.stop()


Start = Callable[[], Operator]


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    choice = ClusterChoice(str(cluster.kubeconfig), cluster.context)

    async def install() -> None:
        api = await Api.connect(choice)
        try:
            await install_crds(api)
        finally:
            await api.close()

    asyncio.run(install())
    return choice


@pytest.fixture
def start(choice: ClusterChoice, namespace: str) -> Iterator[Start]:
    with ExitStack() as operators:
        yield lambda: operators.enter_context(Operator(choice, namespace).running())


@pytest.fixture
def operator(start: Start) -> Operator:
    return start()


def action(verb: str, kind: str, name: str, uid: str = "", **spec: Any) -> dict[str, Any]:
    target = {"kind": kind, "name": name} | ({"uid": uid} if uid else {})
    return {
        "apiVersion": "kubedom.dev/v1alpha1",
        "kind": "HealingAction",
        "metadata": {"generateName": f"{verb.lower()}-"},
        "spec": {"action": verb, "target": target, **spec},
    }


def create(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> str:
    """`kubectl create -f -`, and the name that the API server made."""
    command = ("create", f"--namespace={namespace}", "--filename=-", "--output=jsonpath={.metadata.name}")
    return cluster.kubectl(*command, stdin=yaml.safe_dump(wanted))


def status(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("healingaction", name, f"--namespace={namespace}").get("status") or {}
    return found


def finished(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """Wait for the end of an action, and give its status."""

    def end() -> dict[str, Any] | None:
        found = status(cluster, namespace, name)
        return found if found.get("phase") in {"Succeeded", "Failed"} else None

    found = wait_for(f"the end of {name}", end)
    assert found is not None
    return found


def pods(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The pods' uids and names."""
    found = cluster.get("pods", f"--namespace={namespace}")["items"]
    return {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in found}


def deployed(cluster: Cluster, namespace: str, name: str = "api", replicas: int = 1) -> dict[str, str]:
    """Roll out a deployment whose pods become ready by themselves."""
    wanted = by_hand(name, replicas)
    del wanted["spec"]["template"]["metadata"]["labels"]["demo.kubedom.dev/behaviour"]
    cluster.apply(wanted, namespace=namespace)
    cluster.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=60s")
    return pods(cluster, namespace)


def forbid_evictions(cluster: Cluster, namespace: str) -> None:
    """Let a disruption budget keep the deployment's only pod, and wait until it is known to."""
    cluster.apply(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "keep"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}},
        },
        namespace=namespace,
    )

    def knows_the_pod() -> bool:
        found = cluster.get("pdb", "keep", f"--namespace={namespace}").get("status") or {}
        return bool(found.get("expectedPods")) and found.get("disruptionsAllowed") == 0

    wait_for("the budget", knows_the_pod)


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
    assert ["restartPod", name, "Succeeded"] == printed.splitlines()[1].split()[1:4]


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


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (action("restartPod", "Deployment", "api"), "restartPod and deletePod act on a Pod"),
        (action("restartDeployment", "Pod", "api"), "restartDeployment on a Deployment"),
        (action("explode", "Pod", "api"), "Unsupported value"),
        (action("deletePod", "Pod", ""), "spec.target.name"),
    ],
)
def test_the_api_server_refuses_what_makes_no_sense(
    cluster: Cluster, namespace: str, choice: ClusterChoice, wanted: dict[str, Any], complaint: str
) -> None:
    assert complaint in refusal(
        cluster, "create", f"--namespace={namespace}", "--filename=-", stdin=yaml.safe_dump(wanted)
    )


def test_an_action_cannot_be_changed(cluster: Cluster, namespace: str, choice: ClusterChoice) -> None:
    made = create(cluster, namespace, action("deletePod", "Pod", "a"))
    patch = '--patch={"spec": {"target": {"name": "b"}}}'
    command = ("patch", "healingaction", made, f"--namespace={namespace}", "--type=merge", patch)
    assert "An action cannot be changed" in refusal(cluster, *command)


def refusal(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl, which is to fail, and give what it complains of."""
    command = [str(local.find_kubectl().path), f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"]
    done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr
