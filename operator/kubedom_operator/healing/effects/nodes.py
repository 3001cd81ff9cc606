"""Nodes: cordon, uncordon, and drain as `kubectl drain` does, with every eviction asked of the disruption budgets."""

from __future__ import annotations

import asyncio

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import ApiError
from kubedom_operator.healing.model import ActionFailed

from .pods import MIRROR, evict
from .work import POLL_SECONDS, SLOWEST_POLL_SECONDS, Change, Object, Work, controller_of

#: So many pods that block a drain are named, the others are counted.
NAMED = 5


async def cordon(work: Work) -> None:
    """Keep new pods away."""
    await _set_unschedulable(work, unschedulable=True)


async def uncordon(work: Work) -> None:
    """Let new pods come."""
    await _set_unschedulable(work, unschedulable=False)


async def _set_unschedulable(work: Work, *, unschedulable: bool) -> None:
    async def plan(found: Object) -> Change | None:
        if bool(found["spec"].get("unschedulable")) is unschedulable:
            return None
        sentence = f"{work.action.target_name} {work.was} {'cordoned' if unschedulable else 'uncordoned'}."
        return Change(sentence, {"spec": {"unschedulable": unschedulable or None}})

    await work.patch(plan)


async def schedulable(work: Work) -> str:
    """Whether new pods may come is as it was asked for."""
    found = await work.target()
    return f"{work.action.target_name} {'is cordoned' if found['spec'].get('unschedulable') else 'takes new pods'}."


async def drain(work: Work) -> None:
    """Cordon the node and ask for the eviction of its pods until they go; of a dry run once.

    Raises:
        ActionFailed: where it is uncordoned meanwhile.

    """
    await cordon(work)
    name, poll = work.action.target_name, POLL_SECONDS
    while True:
        node = await work.target()
        if not work.action.dry_run and not node["spec"].get("unschedulable"):
            raise ActionFailed(f"{name} was uncordoned meanwhile, so that it is not drained any further.")
        pods = to_go(await work.list("/api/v1/pods", fieldSelector=f"spec.nodeName={work.action.target}"))
        if not pods:
            return
        blocked = await _evict_all(work, pods)
        if work.action.dry_run:
            return
        await work.record.say(f"{name}: {_count(len(pods))} still to go.{_blocked(blocked)}")
        await asyncio.sleep(poll)
        poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)


async def empty(work: Work) -> str:
    """The node has no pods but those that belong to it."""
    return f"{work.action.target_name} is empty."


async def _evict_all(work: Work, pods: list[Object]) -> dict[str, str]:
    """Ask for each pod that does not go yet; give those that a budget keeps, with its sentence."""
    blocked: dict[str, str] = {}
    asked: list[str] = []
    problem: KubedomError | None = None
    for pod in pods:
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata:
            continue
        full_name = f"{metadata['namespace']}/{metadata['name']}"
        try:
            await evict(work, metadata["namespace"], metadata["name"], metadata["uid"])
        except ApiError as error:
            if error.status == 429:
                blocked[full_name] = error.message
            elif error.status not in {404, 409}:
                problem = error
                break
        except KubedomError as error:
            problem = error
            break
        else:
            asked.append(f"Pod {full_name} {work.was} evicted.")
    # What was done is told before anything ends for what was not.
    await work.record.changed(*asked)
    if problem is not None:
        raise problem
    if work.action.dry_run:
        await work.record.changed(*(f"Pod {pod} would wait: {why}" for pod, why in blocked.items()))
    return blocked


def to_go(pods: list[Object]) -> list[Object]:
    """Those of a node's pods that a drain moves: not a daemon set's, nor those that its kubelet runs from a file."""
    return [
        pod
        for pod in pods
        if (controller_of(pod) or {}).get("kind") != "DaemonSet"
        and MIRROR not in (pod["metadata"].get("annotations") or {})
    ]


def _blocked(blocked: dict[str, str]) -> str:
    if not blocked:
        return ""
    names = sorted(blocked)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" A disruption budget keeps {', '.join(names[:NAMED])}{more}: {blocked[names[0]]}"


def _count(pods: int) -> str:
    return "1 pod is" if pods == 1 else f"{pods} pods are"
