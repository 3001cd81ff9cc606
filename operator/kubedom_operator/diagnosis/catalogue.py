"""Every failure kind by its name."""

from __future__ import annotations

from . import autoscaling, batch, containers, edges, namespaces, nodes, pods, services, storage, workloads
from .model import FailureKind

CATALOGUE: dict[str, FailureKind] = {
    kind.name: kind
    for module in (containers, pods, edges, workloads, batch, autoscaling, nodes, storage, namespaces, services)
    for kind in module.KINDS
}
