"""Pods: what their containers are called, and how they fare."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, Named, Shape

Quantity = str | int | float


class ResourceRequirements(Shape):
    """What a container asks for and may use."""

    requests: dict[str, Quantity] | None = None
    limits: dict[str, Quantity] | None = None


class Probe(Shape):
    """A probe's timing; what it calls is left out, as it may carry credentials in headers or arguments."""

    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    failure_threshold: int | None = None
    success_threshold: int | None = None


class Container(Shape):
    """A container's specification without env, command, args, ports and mounts."""

    name: str = ""
    image: str | None = None
    restart_policy: str | None = None
    resources: ResourceRequirements | None = None
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None


class ClaimSource(Shape):
    """The claim that a volume uses."""

    claim_name: str | None = None


class Volume(Shape):
    """A volume's name and its claim; every other source is left out."""

    name: str | None = None
    persistent_volume_claim: ClaimSource | None = None


class ReadinessGate(Shape):
    """A condition that must hold before the pod counts as ready."""

    condition_type: str | None = None


class PodSpec(Shape):
    """What a pod should be."""

    node_name: str | None = None
    restart_policy: str | None = None
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    containers: tuple[Container, ...] | None = ()
    init_containers: tuple[Container, ...] | None = ()
    ephemeral_containers: tuple[Named, ...] | None = ()
    volumes: tuple[Volume, ...] | None = ()
    readiness_gates: tuple[ReadinessGate, ...] | None = ()
    scheduling_gates: tuple[Named, ...] | None = ()


class Waiting(Shape):
    """A container that does not run yet, or not again yet."""

    reason: str | None = None
    message: str | None = None


class Running(Shape):
    """A container that runs."""

    started_at: str | None = None


class Terminated(Shape):
    """A container that ended."""

    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Shape):
    """One of waiting, running and terminated."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Shape):
    """How one container fares."""

    name: str = ""
    ready: bool | None = None
    started: bool | None = None
    restart_count: int | None = 0
    image: str | None = None
    container_id: str | None = msgspec.field(name="containerID", default=None)
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(Shape):
    """How a pod fares."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    start_time: str | None = None
    nominated_node_name: str | None = None
    conditions: tuple[Condition, ...] | None = ()
    init_container_statuses: tuple[ContainerStatus, ...] | None = ()
    container_statuses: tuple[ContainerStatus, ...] | None = ()
    ephemeral_container_statuses: tuple[ContainerStatus, ...] | None = ()


class Pod(Shape):
    """A pod."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PodSpec | None = None
    status: PodStatus | None = None
