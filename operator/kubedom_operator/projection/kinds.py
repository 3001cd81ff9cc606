"""The kinds that kubedom reads, each with its place in the API and its struct."""

from __future__ import annotations

from typing import Any, NamedTuple

from .autoscaling import HorizontalPodAutoscaler, PodDisruptionBudget
from .batch import CronJob, Job
from .events import Event
from .namespaces import Namespace
from .nodes import Node
from .pods import Pod
from .services import EndpointSlice, Service
from .storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from .workloads import DaemonSet, Deployment, ReplicaSet, StatefulSet


class KindInfo(NamedTuple):
    """Where a kind is in the API, and what is read of it."""

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool
    struct: type[Any]

    @property
    def path(self) -> str:
        """The path of its collection over all namespaces."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return f"{root}/{self.version}/{self.plural}"


KINDS: dict[str, KindInfo] = {
    info.kind: info
    for info in (
        KindInfo("Pod", "", "v1", "pods", True, Pod),
        KindInfo("Deployment", "apps", "v1", "deployments", True, Deployment),
        KindInfo("ReplicaSet", "apps", "v1", "replicasets", True, ReplicaSet),
        KindInfo("StatefulSet", "apps", "v1", "statefulsets", True, StatefulSet),
        KindInfo("DaemonSet", "apps", "v1", "daemonsets", True, DaemonSet),
        KindInfo("Job", "batch", "v1", "jobs", True, Job),
        KindInfo("CronJob", "batch", "v1", "cronjobs", True, CronJob),
        KindInfo(
            "HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", True, HorizontalPodAutoscaler
        ),
        KindInfo("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", True, PodDisruptionBudget),
        KindInfo("Node", "", "v1", "nodes", False, Node),
        KindInfo("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", True, PersistentVolumeClaim),
        KindInfo("PersistentVolume", "", "v1", "persistentvolumes", False, PersistentVolume),
        KindInfo("StorageClass", "storage.k8s.io", "v1", "storageclasses", False, StorageClass),
        KindInfo("Namespace", "", "v1", "namespaces", False, Namespace),
        KindInfo("Service", "", "v1", "services", True, Service),
        KindInfo("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", True, EndpointSlice),
        KindInfo("Event", "", "v1", "events", True, Event),
    )
}
