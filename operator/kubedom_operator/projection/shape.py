"""The base of every projected object: Kubernetes' own shape, and nothing that was not asked for.

A struct names the fields that may leave the API server's answer; msgspec never builds a Python object for any other, so
what is not listed (env, command, annotations, managedFields, data) does not exist in this process. Every field has a
default and takes null, since a real object may lack anything; lists are tuples, because the garbage collector stops
walking a tuple of structs that it need not follow.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class Shape(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """Part of a Kubernetes object, as far as it is projected."""


class OwnerReference(Shape):
    """Who made an object."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class Metadata(Shape):
    """The identity of an object; annotations and managedFields are left out on purpose."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    finalizers: tuple[str, ...] | None = None


class Condition(Shape):
    """One entry of status.conditions; heartbeats are left out, since they would change an object every few minutes."""

    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None
    last_update_time: str | None = None


class ObjectReference(Shape):
    """Names another object."""

    api_version: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    field_path: str | None = None


class Named(Shape):
    """Something of which only the name is kept."""

    name: str | None = None


class Projection(Protocol):
    """What every kind's struct has."""

    metadata: Metadata


class Minimal(Shape):
    """What can be shown of an object that could not be read."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)


def condition(conditions: tuple[Condition, ...] | None, wanted: str) -> Condition | None:
    """Find the condition of that type."""
    for one in conditions or ():
        if one.type == wanted:
            return one
    return None
