"""What kwokctl is told: one file with the options of the cluster and the stages that kwok plays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .binaries import Binaries
from .pins import Pins
from .ports import free_ports

_PORTS = (
    "etcdPort",
    "etcdPeerPort",
    "kubeApiserverPort",
    "kubeControllerManagerPort",
    "kubeSchedulerPort",
    "kwokControllerPort",
)


def configuration(binaries: Binaries, pins: Pins, audit_policy: Path | None = None) -> str:
    """Return the configuration of a new cluster: every component on loopback, on a free port.

    Args:
        binaries: Its components.
        pins: The versions and stages.
        audit_policy: What the API server writes to its audit log; None for nothing.

    """
    options: dict[str, Any] = {
        "runtime": "binary",
        # kwokctl's own default is every address.
        "bindAddress": "127.0.0.1",
        "kubeVersion": pins.version_of("kube-apiserver"),
        "etcdBinary": str(binaries.path("etcd")),
        "kubeApiserverBinary": str(binaries.path("kube-apiserver")),
        "kubeControllerManagerBinary": str(binaries.path("kube-controller-manager")),
        "kubeSchedulerBinary": str(binaries.path("kube-scheduler")),
        "kwokControllerBinary": str(binaries.path("kwok")),
        # A test that makes a thousand pods would wait for the clients' own limits, not for the API server.
        "disableQPSLimits": True,
        # kwokctl makes the intervals of the nodes' reports five times as long; a dead node would go unnoticed as long.
        "heartbeatFactor": 1,
        # So that a Logs object can say what the log of a container that does not really run is.
        "enableCRDs": ["Logs"],
        **({"kubeAuditPolicy": str(audit_policy)} if audit_policy else {}),
        **dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True)),
    }
    document = {"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokctlConfiguration", "options": options}
    return "\n---\n".join([yaml.safe_dump(document), *(stages(file) for file in pins.stages)])


def stages(file: Path) -> str:
    """Return a file of stages as it stands: kwok reads the templates in it, and no YAML writer keeps them readable."""
    return file.read_text(encoding="utf-8").rstrip()
