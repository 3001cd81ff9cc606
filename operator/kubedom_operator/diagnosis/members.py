"""What a workload shows when several of its pods fail alike; `kubedom_operator.rollups` counts them."""

from __future__ import annotations

from .model import FailureKind


def _kind(resource: str) -> FailureKind:
    lower = resource[:1].lower() + resource[1:]
    return FailureKind(
        name=f"{resource}PodsFailing",
        resource=resource,
        family=f"{lower}-members",
        event=f"{lower}PodsFailing",
        recovery_event=f"{lower}PodsRecovered",
        severity="error",
        rule="Two or more of its pods have an open failure of the same family. It is over when less than two have.",
        next_step="They fail alike, so look at one of them; what mends it mends the others.",
        detail_fields=("reason", "failureKind", "members", "pods"),
        speaks_of=("Pod",),
    )


#: By the kind of the workload.
BY_WORKLOAD = {
    resource: _kind(resource) for resource in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job")
}
KINDS = tuple(BY_WORKLOAD.values())
