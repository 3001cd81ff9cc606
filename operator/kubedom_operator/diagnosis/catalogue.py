"""Every failure kind by its name."""

from __future__ import annotations

from . import containers, edges, pods, workloads
from .model import FailureKind

CATALOGUE: dict[str, FailureKind] = {
    kind.name: kind for module in (pods, containers, edges, workloads) for kind in module.KINDS
}
