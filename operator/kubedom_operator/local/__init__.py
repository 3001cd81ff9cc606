"""The local cluster: a real control plane on this machine, without Docker.

pins       what it consists of, in which versions
toolchain  Go and kubectl
build      a part from its pinned Go module
download   a part from where its project publishes it
binaries   all parts, from the cache or put into it
cluster    a cluster made of them
"""

from __future__ import annotations

from .binaries import VARIABLE, WAYS, Binaries, chosen_way, ensure_binaries
from .cluster import DEFAULT_NAME, ClusterStatus, LocalCluster, find_cluster, status
from .context_guard import check_test_context, is_test_context
from .errors import (
    BinariesUnavailable,
    BuildFailed,
    ClusterStartFailed,
    DownloadFailed,
    KubectlMissing,
    NoSuchCluster,
    NotATestCluster,
    ToolchainMissing,
)
from .pins import find_pins
from .start import ensure_cluster
from .toolchain import find_kubectl

__all__ = [
    "DEFAULT_NAME",
    "VARIABLE",
    "WAYS",
    "Binaries",
    "BinariesUnavailable",
    "BuildFailed",
    "ClusterStartFailed",
    "ClusterStatus",
    "DownloadFailed",
    "KubectlMissing",
    "LocalCluster",
    "NoSuchCluster",
    "NotATestCluster",
    "ToolchainMissing",
    "check_test_context",
    "chosen_way",
    "ensure_binaries",
    "ensure_cluster",
    "find_cluster",
    "find_kubectl",
    "find_pins",
    "is_test_context",
    "status",
]
