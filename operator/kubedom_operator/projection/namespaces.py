"""Namespaces."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, Shape


class NamespaceStatus(Shape):
    """How a namespace fares."""

    phase: str | None = None
    conditions: tuple[Condition, ...] | None = ()


class Namespace(Shape):
    """A namespace."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: NamespaceStatus | None = None
