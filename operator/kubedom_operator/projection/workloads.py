"""Deployments, replica sets, stateful sets and daemon sets; of their pod templates nothing is kept."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, Shape

IntOrPercent = int | str


class RollingUpdate(Shape):
    """How many replicas an update may take or add at once."""

    max_unavailable: IntOrPercent | None = None
    max_surge: IntOrPercent | None = None
    partition: int | None = None


class Strategy(Shape):
    """How an update proceeds."""

    type: str | None = None
    rolling_update: RollingUpdate | None = None


class LabelSelector(Shape):
    """Which pods belong to a workload."""

    match_labels: dict[str, str] | None = None


class DeploymentSpec(Shape):
    """What a deployment should be."""

    replicas: int | None = None
    paused: bool | None = None
    min_ready_seconds: int | None = None
    progress_deadline_seconds: int | None = None
    strategy: Strategy | None = None
    selector: LabelSelector | None = None


class DeploymentStatus(Shape):
    """How a deployment fares."""

    observed_generation: int | None = None
    replicas: int | None = 0
    updated_replicas: int | None = 0
    ready_replicas: int | None = 0
    available_replicas: int | None = 0
    unavailable_replicas: int | None = 0
    terminating_replicas: int | None = None
    conditions: tuple[Condition, ...] | None = ()


class Deployment(Shape):
    """A deployment."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: DeploymentSpec | None = None
    status: DeploymentStatus | None = None


class ReplicaSetSpec(Shape):
    """What a replica set should be."""

    replicas: int | None = None
    min_ready_seconds: int | None = None


class ReplicaSetStatus(Shape):
    """How a replica set fares."""

    observed_generation: int | None = None
    replicas: int | None = 0
    fully_labeled_replicas: int | None = 0
    ready_replicas: int | None = 0
    available_replicas: int | None = 0
    conditions: tuple[Condition, ...] | None = ()


class ReplicaSet(Shape):
    """A replica set."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ReplicaSetSpec | None = None
    status: ReplicaSetStatus | None = None


class StatefulSetSpec(Shape):
    """What a stateful set should be."""

    replicas: int | None = None
    min_ready_seconds: int | None = None
    pod_management_policy: str | None = None
    service_name: str | None = None
    update_strategy: Strategy | None = None


class StatefulSetStatus(Shape):
    """How a stateful set fares."""

    observed_generation: int | None = None
    replicas: int | None = 0
    ready_replicas: int | None = 0
    available_replicas: int | None = 0
    current_replicas: int | None = 0
    updated_replicas: int | None = 0
    current_revision: str | None = None
    update_revision: str | None = None


class StatefulSet(Shape):
    """A stateful set."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: StatefulSetSpec | None = None
    status: StatefulSetStatus | None = None


class DaemonSetSpec(Shape):
    """What a daemon set should be."""

    min_ready_seconds: int | None = None
    update_strategy: Strategy | None = None


class DaemonSetStatus(Shape):
    """How a daemon set fares."""

    observed_generation: int | None = None
    current_number_scheduled: int | None = 0
    desired_number_scheduled: int | None = 0
    number_available: int | None = 0
    number_misscheduled: int | None = 0
    number_ready: int | None = 0
    number_unavailable: int | None = 0
    updated_number_scheduled: int | None = 0


class DaemonSet(Shape):
    """A daemon set."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: DaemonSetSpec | None = None
    status: DaemonSetStatus | None = None
