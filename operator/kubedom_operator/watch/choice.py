"""What is watched, and by which source: what may be listed, how much there is, and what the user wants.

In go the API server's answers to the smallest lists there are; out comes a `Plan`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal, NamedTuple

from kubedom_bridge.actions import CLUSTER_PLURAL, GROUP, PLURAL, VERSION
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_operator.projection import KINDS

from .reconcile import collection_path

Mode = Literal["auto", "kopf", "stream"]
MODES: tuple[Mode, ...] = ("auto", "kopf", "stream")
#: What Kopf's handlers watch, as long as there are not too many of them.
KOPF_KINDS = ("Pod", "Deployment")
#: What the stream always watches.
STREAM_KINDS = (
    "Namespace",
    "Node",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "Event",
)
#: With more pods than this the stream takes them over: Kopf handles some 1,500 changes a CPU second, the stream many
#: times that (tests/bench/bench_watch.py).
STREAM_FROM_PODS = 2000
#: The custom resources that healing watches within namespaces, with their plurals.
HEALING_KINDS = {"HealingAction": PLURAL, "HealingPolicy": "healingpolicies", "HealingVeto": "healingvetoes"}


class Plan(NamedTuple):
    """What each source watches; `missing` are plurals that may not be listed, `reason` says why this source.

    With `policies` HealingPolicies are followed, which needs that actions are carried out; with `node_healing`
    ClusterHealingActions are carried out too, not where one namespace only is watched.
    """

    kopf: tuple[str, ...]
    stream: tuple[str, ...]
    healing: bool
    policies: bool
    node_healing: bool
    missing: tuple[str, ...]
    reason: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds that are watched."""
        return (*self.kopf, *self.stream)


async def plan(api: Api, mode: Mode, namespace: str | None, *, healing: bool) -> Plan:
    """Ask what may be watched, and choose.

    Args:
        api: The API server.
        mode: What the user wants.
        namespace: The only namespace that is watched; kinds without one are left out then.
        healing: Whether HealingActions are wanted.

    Raises:
        ClusterUnreachable: where the API server does not answer.

    """
    kinds = [kind for kind in (*KOPF_KINDS, *STREAM_KINDS) if namespace is None or KINDS[kind].namespaced]
    paths = {kind: collection_path(kind, namespace) for kind in kinds}
    scope = f"/namespaces/{namespace}" if namespace is not None else ""
    kubedom_kinds = {plural: f"/apis/{GROUP}/{VERSION}{scope}/{plural}" for plural in HEALING_KINDS.values()}
    if namespace is None:
        kubedom_kinds[CLUSTER_PLURAL] = f"/apis/{GROUP}/{VERSION}/{CLUSTER_PLURAL}"
    paths |= kubedom_kinds
    counts = dict(zip(paths, await asyncio.gather(*(_count(api, path) for path in paths.values())), strict=True))
    unlisted = [plural for plural in kubedom_kinds if counts.pop(plural) is None]
    may_heal = PLURAL not in unlisted
    may_heal_nodes = namespace is None and CLUSTER_PLURAL not in unlisted
    allowed = [kind for kind, count in counts.items() if count is not None]
    missing = [KINDS[kind].plural for kind, count in counts.items() if count is None]
    if healing:
        missing.extend(unlisted)
    pods = counts["Pod"] or 0
    by_kopf, reason = _choose(mode, pods)
    kopf = _of(allowed, KOPF_KINDS) if by_kopf else ()
    return Plan(
        kopf=kopf,
        stream=tuple(kind for kind in allowed if kind not in kopf),
        healing=healing and may_heal,
        policies=healing and not set(HEALING_KINDS.values()) & set(unlisted),
        node_healing=healing and may_heal_nodes,
        missing=tuple(missing),
        reason=reason,
    )


def _choose(mode: Mode, pods: int) -> tuple[bool, str]:
    """Whether Kopf watches pods and deployments, and why."""
    if mode != "auto":
        return mode == "kopf", f"as --watch {mode} says"
    if pods > STREAM_FROM_PODS:
        return False, f"for there are {pods} pods, more than {STREAM_FROM_PODS}"
    return True, f"for there are {pods} pods, not more than {STREAM_FROM_PODS}"


def _of(allowed: Iterable[str], kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(kind for kind in allowed if kind in kinds)


async def _count(api: Api, path: str) -> int | None:
    """How many objects a collection has; None where it may not be listed or is not there."""
    try:
        page = await api.call("GET", path, query={"limit": "1"})
    except NotPermitted:
        return None
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return len(page.get("items") or ()) + int(page["metadata"].get("remainingItemCount") or 0)
