"""Actions as kubectl creates them, and the workloads that they are done to."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from tests.conftest import Cluster
from tests.kubelet import by_hand
from tests.running import wait_for

from kubedom_bridge.kube import ClusterChoice
from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator import local
from kubedom_operator.resuming import Told
from kubedom_operator.runtime import OperatorThread
from kubedom_operator.watch.choice import Mode

ENDED = {"Succeeded", "Failed", "Denied", "Expired"}
IMAGE = "example.com/main"


class Operator:
    """A running operator and what it tells."""

    def __init__(
        self, choice: ClusterChoice, namespace: str | None, *, watch: Mode = "auto", told: Told | None = None
    ) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._thread = OperatorThread(
            choice, "test", self._take, namespace=namespace, proof=None, watch=watch, told=told
        )

    def _take(self, entries: list[Entry]) -> None:
        with self._lock:
            self.entries.extend(entries)

    def told(self, action: str) -> list[EventEntry]:
        """The events of one action in their order."""
        with self._lock:
            return [
                each
                for each in self.entries
                if isinstance(each, EventEntry) and each.detail.get("actionName") == action
            ]

    def events(self, kind: str) -> list[EventEntry]:
        """The events of one type in their order."""
        with self._lock:
            return [each for each in self.entries if isinstance(each, EventEntry) and each.type == kind]

    def unready(self) -> str:
        """Why it cannot be relied on yet."""
        return self._thread.not_ready()

    def phases(self, action: str) -> list[str]:
        """The types of the events of one action in their order, each with how often it came in a row left out."""
        told = [each.type for each in self.told(action)]
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


def action(verb: str, kind: str, name: str, uid: str = "", **spec: Any) -> dict[str, Any]:
    """The manifest of an action; what is named beside its target goes into its spec."""
    target = {"kind": kind, "name": name} | ({"uid": uid} if uid else {})
    return {
        "apiVersion": "kubedom.dev/v1alpha1",
        "kind": "ClusterHealingAction" if kind == "Node" else "HealingAction",
        "metadata": {"generateName": f"{verb.lower()}-"},
        "spec": {"action": verb, "target": target, **spec},
    }


def create(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> str:
    """`kubectl create -f -`, and the name that the API server made."""
    command = ("create", *where(namespace), "--filename=-", "--output=jsonpath={.metadata.name}")
    return cluster.kubectl(*command, stdin=yaml.safe_dump(wanted))


def knows_kinds(cluster: Cluster, namespace: str) -> bool:
    """Whether the API server, some seconds after its start, can stamp actions."""
    wanted = yaml.safe_dump(action("deletePod", "Pod", "never-was"))
    dry = ("create", *where(namespace), "--filename=-", "--dry-run=server")
    done = _kubectl(cluster, *dry, stdin=wanted)
    assert done.returncode == 0 or "ServiceUnavailable" in done.stderr, done.stderr
    return done.returncode == 0


def status(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """The status of an action; without a namespace, of a cluster-wide one."""
    kind = "healingaction" if namespace else "clusterhealingaction"
    found: dict[str, Any] = cluster.get(kind, name, *where(namespace)).get("status") or {}
    return found


def finished(cluster: Cluster, namespace: str, name: str, nudge: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """Wait for the end of an action, and give its status; `nudge` is what a kubelet would do meanwhile."""

    def end() -> dict[str, Any] | None:
        nudge()
        found = status(cluster, namespace, name)
        return found if found.get("phase") in ENDED else None

    found = wait_for(f"the end of {name}", end, seconds=120)
    assert found is not None
    return found


def carried_out(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Create an action, hold it to its success, and give its status."""
    end = finished(cluster, namespace, create(cluster, namespace, wanted))
    assert end["phase"] == "Succeeded", end["message"]
    return end


def failed(cluster: Cluster, namespace: str, wanted: dict[str, Any]) -> str:
    """Create an action, hold it to its failure, and give its sentence."""
    end = finished(cluster, namespace, create(cluster, namespace, wanted))
    assert end["phase"] == "Failed", end
    message: str = end["message"]
    return message


def refusal(cluster: Cluster, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl, which is to fail, and give what it complains of."""
    done = _kubectl(cluster, *arguments, stdin=stdin)
    assert done.returncode != 0
    return done.stderr


def _kubectl(cluster: Cluster, *arguments: str, stdin: str | None) -> subprocess.CompletedProcess[str]:
    command = [str(local.find_kubectl().path), f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"]
    return subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, check=False)


def where(namespace: str) -> tuple[str, ...]:
    """Kubectl's option for a namespace, where there is one."""
    return (f"--namespace={namespace}",) if namespace else ()


def pods(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The pods' uids and names."""
    found = cluster.get("pods", f"--namespace={namespace}")["items"]
    return {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in found}


def workload(kind: str, name: str = "api", replicas: int = 1, **pod: Any) -> dict[str, Any]:
    """A deployment, stateful set or daemon set whose pods become ready by themselves."""
    wanted = by_hand(name, replicas)
    wanted["kind"] = kind
    template = wanted["spec"]["template"]
    del template["metadata"]["labels"]["demo.kubedom.dev/behaviour"]
    template["spec"].update(pod)
    if kind == "DaemonSet":
        del wanted["spec"]["replicas"]
    if kind == "StatefulSet":
        wanted["spec"] |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return wanted


def rolled_out(cluster: Cluster, namespace: str, kind: str = "Deployment", name: str = "api") -> None:
    """Wait until kubectl says so."""
    cluster.kubectl("rollout", "status", f"{kind.lower()}/{name}", f"--namespace={namespace}", "--timeout=60s")


def deployed(
    cluster: Cluster, namespace: str, name: str = "api", replicas: int = 1, kind: str = "Deployment"
) -> dict[str, str]:
    """Roll out a workload whose pods become ready by themselves, and give the namespace's pods."""
    cluster.apply(workload(kind, name, replicas), namespace=namespace)
    rolled_out(cluster, namespace, kind, name)
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


def job(name: str, **labels: str) -> dict[str, Any]:
    """A job of one pod; with the label `by-hand` its end is what somebody writes."""
    template = by_hand(name)["spec"]["template"]
    template["metadata"]["labels"] = {"app": name, **labels}
    template["spec"]["restartPolicy"] = "Never"
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def cron_job(name: str) -> dict[str, Any]:
    """A cron job that never comes to its time."""
    spec = {"schedule": "0 0 30 2 *", "jobTemplate": {"spec": job(name)["spec"]}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def end_pods(cluster: Cluster, namespace: str, phase: str, but: str = "\0") -> None:
    """Write the end of every job's pod that has none yet, except where the job's name begins with `but`."""
    for pod in cluster.get("pods", f"--namespace={namespace}", "--selector=job-name")["items"]:
        metadata = pod["metadata"]
        if pod["status"]["phase"] not in {"Succeeded", "Failed"} and not metadata["name"].startswith(but):
            cluster.patch_status("pod", namespace, metadata["name"], {"phase": phase})


def fail_job(cluster: Cluster, namespace: str, name: str) -> None:
    """Make a job, and let it fail."""
    cluster.apply(job(name, **{"demo.kubedom.dev/behaviour": "by-hand"}), namespace=namespace)

    def has_failed() -> bool:
        end_pods(cluster, namespace, "Failed")
        conditions = (cluster.get("job", name, f"--namespace={namespace}").get("status") or {}).get("conditions") or ()
        return any(each["type"] == "Failed" for each in conditions)

    wait_for("the job's failure", has_failed)


@contextmanager
def own_node(cluster: Cluster, name: str) -> Iterator[str]:
    """A node on which nothing runs but what is sent there, for as long as it is needed."""
    labels = {"type": "kwok", "test-node": name, "kubernetes.io/hostname": name}
    metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    capacity = {"cpu": "8", "memory": "16Gi", "pods": "110"}
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {"taints": [{"key": "test-node", "value": name, "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }
    cluster.apply(node)

    def ready() -> bool:
        conditions = (cluster.get("node", name).get("status") or {}).get("conditions") or ()
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    try:
        wait_for("the node", ready)
        yield name
    finally:
        cluster.kubectl("delete", "node", name, "--wait=false")


def sent_to(node: str) -> dict[str, Any]:
    """What a pod's spec says so that it runs on a test's own node and, once that takes none, on no other."""
    return {
        "nodeSelector": {"test-node": node},
        "tolerations": [{"key": "test-node", "operator": "Exists", "effect": "NoSchedule"}],
    }
