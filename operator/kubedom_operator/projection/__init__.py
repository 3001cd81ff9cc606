"""What kubedom keeps of every object: an explicit allow-list per kind, decoded straight into structs.

`decoder(kind)` reads the bytes of a watch or a list, `from_object(kind, body)` a mapping; both give the struct that
`KINDS[kind].struct` names, or raise `UnreadableObject`, after which `minimal` gives what can be shown all the same.
"""

from .autoscaling import HorizontalPodAutoscaler, PodDisruptionBudget
from .batch import CronJob, Job
from .decoding import (
    Decoder,
    Line,
    ListMetadata,
    Page,
    UnreadableObject,
    WatchError,
    WatchStatus,
    decoder,
    from_object,
    minimal,
)
from .events import Event
from .kinds import KINDS, KindInfo
from .namespaces import Namespace
from .nodes import Node
from .pods import Container, ContainerState, ContainerStatus, Pod, Terminated
from .services import EndpointSlice, Service
from .shape import Condition, Metadata, Minimal, ObjectReference, OwnerReference, Projection, condition
from .storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from .timestamps import seconds
from .workloads import DaemonSet, Deployment, ReplicaSet, StatefulSet

__all__ = [
    "KINDS",
    "Condition",
    "Container",
    "ContainerState",
    "ContainerStatus",
    "CronJob",
    "DaemonSet",
    "Decoder",
    "Deployment",
    "EndpointSlice",
    "Event",
    "HorizontalPodAutoscaler",
    "Job",
    "KindInfo",
    "Line",
    "ListMetadata",
    "Metadata",
    "Minimal",
    "Namespace",
    "Node",
    "ObjectReference",
    "OwnerReference",
    "Page",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "Projection",
    "ReplicaSet",
    "Service",
    "StatefulSet",
    "StorageClass",
    "Terminated",
    "UnreadableObject",
    "WatchError",
    "WatchStatus",
    "condition",
    "decoder",
    "from_object",
    "minimal",
    "seconds",
]
