"""What the controllers themselves write of workloads, claims, nodes and namespaces that are in trouble is recognised.

Nothing but pods' and nodes' own reports is written by the test: the controller manager does the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, running, terminated
from tests.running import wait_for

from kubedom_bridge.kube import ClusterChoice
from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator.admission import Proof
from kubedom_operator.diagnosis import Settings
from kubedom_operator.local import LocalCluster
from kubedom_operator.runtime import OperatorThread

pytestmark = pytest.mark.cluster
# How long the rules hold is tested with a clock; here it is only waited for.
HELD = ("DeploymentUnavailable", "DeploymentDegraded", "StatefulSetStuck", "DaemonSetStuck")
HOLDS = dict.fromkeys((*HELD, "PVCPending", "NodeNotReady", "NamespaceStuck"), 3.0)
Found = set[tuple[str, str, str]]


class Watching:
    """An operator of the whole cluster, and what is open of everything but pods."""

    def __init__(self, cluster: Cluster, watch: Any) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[str, str, str, str]] = {}
        self._thread = OperatorThread(
            ClusterChoice(str(cluster.kubeconfig), cluster.context),
            "test",
            self._take,
            proof=Proof("Not wanted here.", 0.0),
            watch=watch,
            settings=Settings(holds=HOLDS),
        )

    def _take(self, entries: list[Entry]) -> None:
        with self._lock:
            for entry in entries:
                if not isinstance(entry, EventEntry) or entry.incident is None or entry.kind == "Pod":
                    continue
                if entry.incident.phase == "end":
                    del self._open[entry.incident.id]
                else:
                    name = entry.subject.rpartition("/")[2]
                    self._open[entry.incident.id] = (entry.namespace, entry.kind, name, entry.incident.kind)

    def open_in(self, *namespaces: str) -> Found:
        with self._lock:
            return {(kind, name, failure) for where, kind, name, failure in self._open.values() if where in namespaces}

    @contextmanager
    def running(self) -> Iterator[Watching]:
        self._thread.start()
        try:
            wait_for("the operator's readiness", lambda: not self._thread.not_ready())
            yield self
        finally:
            self._thread.stop()


def workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    whole = by_hand(name)
    del whole["spec"]["replicas"]
    return whole | {"kind": kind, "spec": whole["spec"] | spec}


def pods_of(cluster: Cluster, namespace: str, app: str, count: int) -> list[str]:
    def there() -> list[str]:
        found = cluster.get("pods", f"--namespace={namespace}", f"--selector=app={app}")["items"]
        names = [pod["metadata"]["name"] for pod in found if pod["spec"].get("nodeName")]
        return names if len(names) == count else []

    return wait_for(f"the pods of {app}", there)


def test_workloads(cluster: Cluster, namespace: str) -> None:
    full = f"{namespace}-full"
    cluster.kubectl("create", "namespace", full)
    cluster.kubectl("create", "quota", "none", "--hard=pods=0", f"--namespace={full}")
    healthy = by_hand("fine", 2)
    del healthy["spec"]["template"]["metadata"]["labels"]["demo.kubedom.dev/behaviour"]
    with Watching(cluster, "kopf").running() as watching:
        cluster.apply(
            healthy,
            workload("Deployment", "stalled", replicas=1, progressDeadlineSeconds=4),
            workload("Deployment", "unavailable", replicas=2),
            workload("Deployment", "degraded", replicas=4),
            workload("StatefulSet", "stuck", replicas=1, serviceName="stuck"),
            workload("DaemonSet", "nowhere"),
            workload("Deployment", "asleep", replicas=0),
            job("fails"),
            cron_job("nightly"),
            namespace=namespace,
        )
        wait_for("the quota", lambda: cluster.get("quota", "none", f"--namespace={full}").get("status", {}).get("hard"))
        replica_set = workload("ReplicaSet", "alone", replicas=1)
        cluster.apply(workload("Deployment", "refused", replicas=1), replica_set, namespace=full)
        cluster.kubectl("create", "job", "nightly-1", "--from=cronjob/nightly", f"--namespace={namespace}")

        for app, count in (("unavailable", 2), ("degraded", 4)):
            names = pods_of(cluster, namespace, app, count)
            for name in names:
                cluster.patch_status("pod", namespace, name, running(seconds_ago=60))
            cluster.kubectl("rollout", "status", f"deployment/{app}", f"--namespace={namespace}", "--timeout=60s")
            for name in names if app == "unavailable" else names[:1]:
                cluster.patch_status("pod", namespace, name, failed(terminated(1)))
        for app in ("fails", "nightly"):
            (name,) = pods_of(cluster, namespace, app, 1)
            ended = failed(terminated(3))
            cluster.patch_status("pod", namespace, name, ended | {"phase": "Failed"})

        expected = {
            ("Deployment", "stalled", "DeploymentRolloutStuck"),
            ("Deployment", "unavailable", "DeploymentUnavailable"),
            ("Deployment", "unavailable", "DeploymentPodsFailing"),
            ("Deployment", "degraded", "DeploymentDegraded"),
            ("Deployment", "refused", "DeploymentReplicaFailure"),
            ("ReplicaSet", "alone", "ReplicaSetFailure"),
            ("StatefulSet", "stuck", "StatefulSetStuck"),
            ("DaemonSet", "nowhere", "DaemonSetStuck"),
            ("Job", "fails", "JobFailed"),
            ("Job", "nightly-1", "JobFailed"),
            ("CronJob", "nightly", "CronJobFailed"),
        }
        settle(watching, expected, namespace, full)
    cluster.kubectl("delete", "namespace", full, "--wait=false")


def settle(watching: Watching, expected: Found, *namespaces: str) -> None:
    """Wait for exactly what is expected, and say the difference where it does not come."""
    try:
        wait_for("what is expected", lambda: watching.open_in(*namespaces) == expected, seconds=120)
    except AssertionError:
        assert watching.open_in(*namespaces) == expected


def job(name: str) -> dict[str, Any]:
    template = by_hand(name)["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template},
    }


def cron_job(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        # Never by itself within this test.
        "spec": {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": job(name)["spec"]}},
    }


def claim(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def volume(name: str, namespace: str, claimed_by: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": claimed_by},
        },
    }


def test_claims(cluster: Cluster, namespace: str) -> None:
    kept, lost = f"{namespace}-kept", f"{namespace}-lost"
    cluster.apply(volume(kept, namespace, "kept"), volume(lost, namespace, "lost"))
    try:
        with Watching(cluster, "stream").running() as watching:
            cluster.apply(
                claim("pending"), claim("kept", volumeName=kept), claim("lost", volumeName=lost), namespace=namespace
            )

            def bound() -> bool:
                found = cluster.get("pvc", f"--namespace={namespace}")["items"]
                return sorted(each["status"].get("phase") for each in found) == ["Bound", "Bound", "Pending"]

            wait_for("the binding", bound)
            # As somebody does who forces it: the volume is in use, so its protection holds the deletion up.
            cluster.kubectl("delete", "pv", lost, "--wait=false")
            cluster.kubectl("patch", "pv", lost, "--type=merge", '--patch={"metadata": {"finalizers": null}}')
            expected = {
                ("PersistentVolumeClaim", "pending", "PVCPending"),
                ("PersistentVolumeClaim", "lost", "PVCLost"),
            }
            settle(watching, expected, namespace)
    finally:
        cluster.kubectl("delete", "pv", kept, lost, "--ignore-not-found", "--wait=false")


def test_a_namespace_that_cannot_go(cluster: Cluster, namespace: str) -> None:
    stuck = f"{namespace}-stuck"
    cluster.kubectl("create", "namespace", stuck)
    held = {"name": "held", "finalizers": ["example.com/never"]}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}, namespace=stuck)
    try:
        with Watching(cluster, "stream").running() as watching:
            cluster.kubectl("delete", "namespace", stuck, "--wait=false")
            settle(watching, {("Namespace", stuck, "NamespaceStuck")}, stuck)
    finally:
        patch = '--patch={"metadata": {"finalizers": null}}'
        cluster.kubectl("patch", "configmap", "held", f"--namespace={stuck}", "--type=merge", patch)


def test_nodes_that_report_no_more(cluster: Cluster, local_cluster: LocalCluster) -> None:
    nodes = [node["metadata"]["name"] for node in cluster.get("nodes")["items"]]
    assert nodes
    with Watching(cluster, "stream").running() as watching:
        assert watching.open_in("") == set()
        # Who plays the kubelets ends; what is left is the node controller that waits for their leases.
        local_cluster.stop_component("kwok-controller")
        try:
            settle(watching, {("Node", node, "NodeNotReady") for node in nodes}, "")
        finally:
            local_cluster.start_component("kwok-controller")
        settle(watching, set(), "")
