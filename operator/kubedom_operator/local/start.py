"""Bring a local cluster up, whatever state it is in.

In: a name and a way to get the binaries. Out: a `LocalCluster` that is ready. One that runs is taken as it is, one that
lost processes (a reboot, a crash) is started again with what is in it, and only one that cannot be is made anew; each
of these is said in a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .binaries import Binaries, alone, chosen_way, ensure_binaries
from .cluster import DEFAULT_NAME, LocalCluster, find_cluster
from .errors import ClusterStartFailed
from .pins import Pins, find_pins
from .ports import is_free

Progress = Callable[[str], None]


def ensure_cluster(
    name: str = DEFAULT_NAME,
    *,
    binaries: str | None = None,
    nodes: int = 3,
    progress: Progress = print,
    audit_policy: Path | None = None,
) -> LocalCluster:
    """Return the local cluster of this name, ready; make it, or start it again, where needed.

    Args:
        name: Its name.
        binaries: The way to get the binaries (`auto`, `cache`, `download`, `build`); without one KUBEDOM_BINARIES,
            else `auto`.
        nodes: How many nodes it has at least.
        progress: Told what is being done, line by line.
        audit_policy: What the API server of a new cluster writes to its audit log; None for nothing.

    Raises:
        BinariesUnavailable: The binaries can be had in none of the allowed ways.
        ClusterStartFailed: It does not come up.

    """
    way = chosen_way(binaries)
    found = find_cluster(name)
    # One start at a time, whatever the name: two at once could find the same ports free.
    with alone(found.folder.parents[2] / "start.lock", "is starting a cluster", progress):
        if _revive(found, progress):
            found.add_nodes(nodes)
            found.wait_ready()
            return found
        pins = find_pins()
        ready = ensure_binaries(pins, way=way, progress=progress)
        try:
            _create(found, ready, pins, nodes, progress, audit_policy)
        except ClusterStartFailed as error:
            # Another program may have taken a port since it was found free; with new ports it works, or never does.
            progress(f"{error.message.splitlines()[0]} Trying once more, with other ports.")
            _create(found, ready, pins, nodes, progress, audit_policy)
    return found


def _revive(cluster: LocalCluster, progress: Progress) -> bool:
    state = cluster.status()
    if state.state == "running":
        progress(f"The cluster {cluster.name!r} is running.")
        if cluster.made_from != find_pins().fingerprint:
            progress(
                "It was made from other versions or stages than kubedom has now; "
                f"to renew it: kubedom cluster down --name {cluster.name}, then up."
            )
        return True
    if state.state == "absent":
        return False
    down = [name for name, running in state.components.items() if not running]
    what = f"{', '.join(down)} down" if down else "it does not answer"
    progress(f"The cluster {cluster.name!r} is {state.state} ({what}); starting it again.")
    taken = [
        f"{port} ({name})"
        for name in down
        for port in cluster.components[name].ports
        if cluster.components[name].binary.exists() and not is_free(port)
    ]
    missing = [name for name in down if not cluster.components[name].binary.exists()]
    if not taken and not missing and cluster.kubeconfig.exists():
        try:
            cluster.start()
        except ClusterStartFailed as error:
            progress(f"{error.message.splitlines()[0]} Making it anew; what was in it is lost.")
            return False
        return True
    why = f"its ports {', '.join(taken)} are in use" if taken else "parts of it are gone"
    progress(f"It cannot be started again, because {why}; making it anew, what was in it is lost.")
    return False


def _create(
    cluster: LocalCluster,
    binaries: Binaries,
    pins: Pins,
    nodes: int,
    progress: Progress,
    audit_policy: Path | None,
) -> None:
    progress(f"Starting the cluster {cluster.name!r}, Kubernetes {pins.version_of('kube-apiserver')}.")
    begun = time.monotonic()
    cluster.create(binaries, pins, nodes, audit_policy)
    progress(f"The cluster {cluster.name!r} is ready, after {time.monotonic() - begun:.1f} s.")
