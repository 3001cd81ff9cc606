"""Which workload a pod belongs to, told from the pod alone."""

from __future__ import annotations

from typing import NamedTuple

from kubedom_operator.projection import Pod


class Owner(NamedTuple):
    """A workload; `uid` is None where the pod does not tell it."""

    kind: str
    name: str
    uid: str | None


def workload_of(pod: Pod) -> Owner | None:
    """Find what a person would say the pod belongs to: the deployment, not its replica set.

    A replica set whose name ends in the pod's `pod-template-hash` was made by the deployment named before it.
    """
    owners = pod.metadata.owner_references
    if not owners:
        return None
    owner = next((one for one in owners if one.controller), owners[0])
    kind, name = owner.kind or "", owner.name or ""
    if kind == "ReplicaSet":
        suffix = "-" + ((pod.metadata.labels or {}).get("pod-template-hash") or "")
        if len(suffix) > 1 and len(name) > len(suffix) and name.endswith(suffix):
            return Owner("Deployment", name[: -len(suffix)], None)
    return Owner(kind, name, owner.uid or None) if kind and name else None
