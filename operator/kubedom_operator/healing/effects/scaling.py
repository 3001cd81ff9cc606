"""Scaling through the scale subresource.

It has no place for the action's mark. But a change of the replicas makes the target's generation grow; so as long as
that is what it was when work began, nothing was done.
"""

from __future__ import annotations

from kubedom_bridge.errors import ClusterUnreachable
from kubedom_bridge.kube import MERGE_PATCH, ApiError
from kubedom_operator.healing.model import ActionFailed
from kubedom_operator.healing.record import outlast

from .work import Object, Work, controller_of


async def scale(work: Work) -> None:
    """Set the number of replicas.

    Raises:
        ActionFailed: where somebody else decides over it, or has decided meanwhile.

    """
    unsure = work.resumed

    async def step() -> None:
        nonlocal unsure
        try:
            await _scale(work, unsure=unsure)
        except (ClusterUnreachable, ApiError):
            unsure = True
            raise

    async with work.alone:
        await outlast(step)


async def _scale(work: Work, *, unsure: bool) -> None:
    found = await work.target()
    action, wanted = work.action, work.action.parameters["replicas"]
    if action.changes:
        return
    name, before = action.target_name, found["spec"].get("replicas", 1)
    touched = unsure and found["metadata"]["generation"] != action.pinned_generation
    if before == wanted:
        if touched:
            await work.record.changed(f"{name} was scaled to {wanted}.")
        return
    if touched:
        raise ActionFailed(f"{name} was changed by somebody else and has {before} replicas now, not {wanted}.")
    controller = controller_of(found)
    if controller is not None:
        whose = f"{controller['kind']} {controller['name']}"
        raise ActionFailed(f"{name} belongs to {whose}, which would undo it. Scale that.")
    body = {"metadata": {"uid": action.pinned_uid}, "spec": {"replicas": wanted}}
    await work.change("PATCH", f"{action.target_path}/scale", body, content_type=MERGE_PATCH)
    await work.record.changed(f"{name} {work.was} scaled from {before} to {wanted}.")


async def scaled(work: Work) -> str:
    """Wait until there are so many pods and all of them are available.

    Raises:
        ActionFailed: where somebody else has scaled it meanwhile.

    """
    wanted = work.action.parameters["replicas"]

    async def look() -> tuple[bool, str]:
        return replicas(work.action.target_name, await work.target(), wanted)

    return await work.until(look)


def replicas(name: str, found: Object, wanted: int) -> tuple[bool, str]:
    """Whether a workload has as many available pods as wanted, and a sentence.

    Raises:
        ActionFailed: where it is to have another number by now.

    """
    now = found["spec"].get("replicas", 1)
    if now != wanted:
        raise ActionFailed(f"{name} was scaled to {now} by somebody else meanwhile.")
    status = found.get("status") or {}
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False, f"{name}: waiting for its controller."
    made, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    if made > wanted:
        return False, f"{name}: {made - wanted} pods are still to go."
    if available < wanted:
        return False, f"{name}: {available} of {wanted} pods are available."
    return True, f"{name} has {wanted} available pods."
