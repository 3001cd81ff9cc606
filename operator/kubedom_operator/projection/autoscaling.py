"""Horizontal pod autoscalers (autoscaling/v2) and pod disruption budgets (policy/v1)."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, ObjectReference, Shape


class HorizontalPodAutoscalerSpec(Shape):
    """What is scaled, and between which bounds."""

    scale_target_ref: ObjectReference | None = None
    min_replicas: int | None = None
    max_replicas: int | None = 0


class HorizontalPodAutoscalerStatus(Shape):
    """What the autoscaler decided."""

    observed_generation: int | None = None
    last_scale_time: str | None = None
    current_replicas: int | None = 0
    desired_replicas: int | None = 0
    conditions: tuple[Condition, ...] | None = ()


class HorizontalPodAutoscaler(Shape):
    """A horizontal pod autoscaler."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: HorizontalPodAutoscalerSpec | None = None
    status: HorizontalPodAutoscalerStatus | None = None


class PodDisruptionBudgetSpec(Shape):
    """How many pods must stay."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class PodDisruptionBudgetStatus(Shape):
    """How many pods are there, and how many may go."""

    observed_generation: int | None = None
    disruptions_allowed: int | None = 0
    current_healthy: int | None = 0
    desired_healthy: int | None = 0
    expected_pods: int | None = 0
    conditions: tuple[Condition, ...] | None = ()


class PodDisruptionBudget(Shape):
    """A pod disruption budget."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PodDisruptionBudgetSpec | None = None
    status: PodDisruptionBudgetStatus | None = None
