"""Nodes."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, Shape


class Taint(Shape):
    """What keeps pods off a node."""

    key: str | None = None
    value: str | None = None
    effect: str | None = None
    time_added: str | None = None


class NodeSpec(Shape):
    """What a node should be."""

    unschedulable: bool | None = None
    taints: tuple[Taint, ...] | None = ()


class NodeInfo(Shape):
    """What a node runs."""

    kubelet_version: str | None = None


class NodeStatus(Shape):
    """How a node fares; the list of its images, which can be long, is left out."""

    conditions: tuple[Condition, ...] | None = ()
    node_info: NodeInfo | None = None


class Node(Shape):
    """A node."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: NodeSpec | None = None
    status: NodeStatus | None = None
