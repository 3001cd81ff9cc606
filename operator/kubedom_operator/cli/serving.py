"""What `kubedom run` and `kubedom bridge` have in common: a bridge's kinds, its port and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.reviews import Resource
from kubedom_operator.pipeline import TOLD
from kubedom_operator.projection import KINDS

_KUBEDOM_KINDS = {
    "HealingAction": Resource("kubedom.dev", "healingactions", True),
    "HealingPolicy": Resource("kubedom.dev", "healingpolicies", True),
    "ClusterHealingAction": Resource("kubedom.dev", "clusterhealingactions", False),
}


def told_resources() -> Mapping[str, Resource]:
    """The kinds that pages are told of."""
    watched = {kind: Resource(info.group, info.plural, info.namespaced) for kind, info in KINDS.items() if kind in TOLD}
    return watched | _KUBEDOM_KINDS


def address_of(bridge: Bridge) -> str:
    """Where a bridge listens, as a URL."""
    return f"http://{f'[{bridge.host}]' if ':' in bridge.host else bridge.host}:{bridge.port}/"
