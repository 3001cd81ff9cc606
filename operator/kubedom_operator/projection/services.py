"""Services and endpoint slices: whether anything answers, not where."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, Shape


class ServiceSpec(Shape):
    """What a service offers."""

    type: str | None = None
    selector: dict[str, str] | None = None
    load_balancer_class: str | None = None


class Ingress(Shape):
    """An address that a load balancer got."""

    ip: str | None = None
    hostname: str | None = None


class LoadBalancerStatus(Shape):
    """What a load balancer got."""

    ingress: tuple[Ingress, ...] | None = ()


class ServiceStatus(Shape):
    """How a service fares."""

    load_balancer: LoadBalancerStatus | None = None
    conditions: tuple[Condition, ...] | None = ()


class Service(Shape):
    """A service."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ServiceSpec | None = None
    status: ServiceStatus | None = None


class EndpointConditions(Shape):
    """Whether an endpoint takes traffic."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Shape):
    """One endpoint; its addresses are left out."""

    conditions: EndpointConditions | None = None


class EndpointSlice(Shape):
    """A part of a service's endpoints; the service is the label kubernetes.io/service-name."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    endpoints: tuple[Endpoint, ...] | None = ()
