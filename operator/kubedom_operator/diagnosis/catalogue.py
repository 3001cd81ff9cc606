"""Every failure kind by its name."""

from __future__ import annotations

from . import autoscaling, batch, containers, edges, members, namespaces, nodes, pod_kinds, services, storage, workloads
from .model import FailureKind

_PODS = (containers, pod_kinds, edges)
_WORKLOADS = (workloads, members, batch, autoscaling)
_CLUSTER = (nodes, storage, namespaces, services)

CATALOGUE: dict[str, FailureKind] = {
    kind.name: kind for module in (*_PODS, *_WORKLOADS, *_CLUSTER) for kind in module.KINDS
}
