"""What `kubedom run` and `kubedom bridge` have in common: a bridge's kinds, its port and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.outlook import Resource
from kubedom_bridge.settings import BridgeSettings
from kubedom_operator.pipeline import TOLD
from kubedom_operator.projection import KINDS
from kubedom_operator.versions import switched_off

log = logging.getLogger(__name__)
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


def warn_of_proxies(settings: BridgeSettings, version: str) -> None:
    """Say what a proxy's users lack on an API server of this version."""
    if settings.proxies is not None:
        for sentence in switched_off(version, "proxy"):
            log.warning("%s", sentence)
