"""Services."""

from __future__ import annotations

from kubedom_operator.projection import Service, seconds

from .model import Diagnosis, FailureKind, Related, Settings, Verdict

LOAD_BALANCER_PENDING = FailureKind(
    name="ServiceLoadBalancerPending",
    resource="Service",
    family="service-balancer",
    event="serviceLoadBalancerPending",
    recovery_event="serviceRecovered",
    severity="warning",
    rule="spec.type is LoadBalancer and status.loadBalancer.ingress is empty for 300 s.",
    next_step="See whether the cluster has a load balancer controller, and its quota.",
    hold=300.0,
    detail_fields=("reason",),
)
NO_ENDPOINTS = FailureKind(
    name="ServiceNoEndpoints",
    resource="Service",
    family="service-endpoints",
    event="serviceNoEndpoints",
    recovery_event="serviceRecovered",
    severity="error",
    rule="No endpoint in the service's EndpointSlices is ready for 60 s although its selector matches pods."
    " Needs the slices"
    " and the pods; without them there is no verdict.",
    next_step="See why the service's pods are not ready.",
    hold=60.0,
    detail_fields=("reason", "pods"),
)
KINDS = (LOAD_BALANCER_PENDING, NO_ENDPOINTS)


def diagnose_service(service: Service, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a service."""
    verdict = Verdict(now, settings)
    spec = service.spec
    if spec is None or service.metadata.deletion_timestamp:
        return verdict.diagnosis()
    balancer = service.status.load_balancer if service.status else None
    if spec.type == "LoadBalancer" and not (balancer and balancer.ingress):
        verdict.add(
            LOAD_BALANCER_PENDING,
            "The service has no load balancer yet.",
            since=seconds(service.metadata.creation_timestamp),
            reason="NoIngress",
            detail={"reason": "NoIngress"},
        )
    if spec.selector and related.slices is not None and related.pods:
        # An endpoint without a word on readiness is ready, by the API's rule.
        ready = any(
            one.conditions is None or one.conditions.ready in (None, True)
            for part in related.slices
            for one in part.endpoints or ()
        )
        if not ready:
            verdict.add(
                NO_ENDPOINTS,
                "Nothing answers for the service: none of its pods is ready.",
                reason="NoEndpoints",
                detail={"reason": "NoEndpoints", "pods": len(related.pods)},
            )
    return verdict.diagnosis()
