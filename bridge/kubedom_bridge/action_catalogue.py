"""Every action that a HealingAction can name: what it acts on, its parameters, and which right it stands for.

Pure data. The command line, the socket, the operator, the CRDs and the admission policies all speak of these rows, and
tests hold them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Right(NamedTuple):
    """What the API server is asked of the requesting user, for the target's own name unless `any_name`."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    any_name: bool = False


class TargetKind(NamedTuple):
    """A kind that actions act on, and where it is in the API."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As an object's `apiVersion` names it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def collection(self, namespace: str) -> str:
        """Where the objects of it in a namespace are in the API; without one, all of them."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{within}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """Where an object of it is in the API."""
        return f"{self.collection(namespace)}/{name}"


class ActionKind(NamedTuple):
    """One action.

    Args:
        name: As in `spec.action`.
        targets: The kinds that it acts on.
        required: The parameters that it needs.
        optional: The parameters that it takes beside these.
        forced: The right that takes the place of the ordinary one with `force`; None where `force` is not taken.

    """

    name: str
    targets: tuple[str, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    forced: Right | None = None

    def rights(self, target: str, *, force: bool = False) -> tuple[Right, ...]:
        """What a user must be allowed to do themself, to ask for this on a target of this kind."""
        if force and self.forced is not None:
            return (self.forced,)
        return _RIGHTS[self.name](TARGETS[target])


TARGETS: Mapping[str, TargetKind] = {
    "Pod": TargetKind("", "v1", "pods"),
    "Deployment": TargetKind("apps", "v1", "deployments"),
    "StatefulSet": TargetKind("apps", "v1", "statefulsets"),
    "DaemonSet": TargetKind("apps", "v1", "daemonsets"),
    "ReplicaSet": TargetKind("apps", "v1", "replicasets"),
    "Job": TargetKind("batch", "v1", "jobs"),
    "CronJob": TargetKind("batch", "v1", "cronjobs"),
    "Node": TargetKind("", "v1", "nodes", namespaced=False),
}

_ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
_DELETE_POD = Right("delete", "", "pods")
_EVICT = Right("create", "", "pods", "eviction")


def _patch(kind: TargetKind) -> tuple[Right, ...]:
    return (Right("patch", kind.group, kind.plural),)


def _make_job(_: TargetKind) -> tuple[Right, ...]:
    return (Right("create", "batch", "jobs", any_name=True),)


ACTION_KINDS: Mapping[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind("restartPod", ("Pod",), optional=("force",), forced=_DELETE_POD),
        ActionKind("deletePod", ("Pod",), optional=("force",), forced=_DELETE_POD),
        ActionKind("restartDeployment", ("Deployment",)),
        ActionKind("restartStatefulSet", ("StatefulSet",)),
        ActionKind("restartDaemonSet", ("DaemonSet",)),
        ActionKind("scale", ("Deployment", "StatefulSet", "ReplicaSet"), required=("replicas",)),
        ActionKind("rollback", _ROLLED_OUT, optional=("revision",)),
        ActionKind("pauseRollout", ("Deployment",)),
        ActionKind("resumeRollout", ("Deployment",)),
        ActionKind("setImage", _ROLLED_OUT, required=("image",), optional=("container",)),
        ActionKind("retryJob", ("Job",)),
        ActionKind("suspendCronJob", ("CronJob",)),
        ActionKind("resumeCronJob", ("CronJob",)),
        ActionKind("runCronJob", ("CronJob",)),
        ActionKind("cordon", ("Node",)),
        ActionKind("uncordon", ("Node",)),
        ActionKind("drain", ("Node",)),
    )
}

_RIGHTS: Mapping[str, Callable[[TargetKind], tuple[Right, ...]]] = {
    **dict.fromkeys(ACTION_KINDS, _patch),
    **dict.fromkeys(("restartPod", "deletePod"), lambda _: (_EVICT,)),
    "scale": lambda kind: (Right("patch", kind.group, kind.plural, "scale"),),
    **dict.fromkeys(("retryJob", "runCronJob"), _make_job),
    "drain": lambda kind: (*_patch(kind), _EVICT._replace(any_name=True)),
}
