"""Claims, volumes and storage classes; a volume's source, which may name secrets, is left out."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, ObjectReference, Shape


class PersistentVolumeClaimSpec(Shape):
    """What a claim asks for."""

    storage_class_name: str | None = None
    volume_name: str | None = None
    access_modes: tuple[str, ...] | None = ()


class PersistentVolumeClaimStatus(Shape):
    """What a claim got."""

    phase: str | None = None
    conditions: tuple[Condition, ...] | None = ()
    allocated_resource_statuses: dict[str, str] | None = None


class PersistentVolumeClaim(Shape):
    """A persistent volume claim."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PersistentVolumeClaimSpec | None = None
    status: PersistentVolumeClaimStatus | None = None


class PersistentVolumeSpec(Shape):
    """Whom a volume serves, and what becomes of it afterwards."""

    storage_class_name: str | None = None
    persistent_volume_reclaim_policy: str | None = None
    claim_ref: ObjectReference | None = None


class PersistentVolumeStatus(Shape):
    """How a volume fares."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    last_phase_transition_time: str | None = None


class PersistentVolume(Shape):
    """A persistent volume."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PersistentVolumeSpec | None = None
    status: PersistentVolumeStatus | None = None


class StorageClass(Shape):
    """How volumes of a class are made."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    provisioner: str | None = None
    volume_binding_mode: str | None = None
