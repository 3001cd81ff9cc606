"""Taking a pod away: by an eviction, so that disruption budgets hold, or with `force` by its deletion."""

from __future__ import annotations

import asyncio

from kubedom_bridge.kube import ApiError
from kubedom_operator.healing.model import ActionFailed, Owner

from .replacement import replacement
from .work import POLL_SECONDS, SLOWEST_POLL_SECONDS, Object, Work, controller_of

MIRROR = "kubernetes.io/config.mirror"


async def remove(work: Work) -> None:
    """Ask for the pod to go, until it does; a restart first finds out who makes another.

    Raises:
        ActionFailed: where nobody would make another, or the pod was gone before anything was asked.

    """
    pod = await work.find()
    if work.action.changes:
        return
    if pod is not None and work.action.verb == "restartPod":
        await work.record.will_be_replaced_by(replacing_controller(pod))
    name, poll = work.action.target_name, POLL_SECONDS
    while pod is not None:
        # Of two actions that ask for the same, one finds what the other has done: a second eviction is let pass too.
        async with work.alone:
            pod = await work.find()
            if pod is None:
                break
            if "deletionTimestamp" in pod["metadata"]:
                await work.record.changed(f"{name} was on its way out already.")
                return
            refusal = await _ask_to_go(work)
        if not refusal or work.action.dry_run:
            return
        await work.record.say(refusal)
        await asyncio.sleep(poll)
        poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)
    # An operator before this one may have seen it go and told nobody.
    await work.record.changed(f"{name} went away while nobody looked.")


async def _ask_to_go(work: Work) -> str:
    """Evict or delete it, and give the refusal of a disruption budget."""
    action = work.action
    force = bool(action.parameters.get("force"))
    try:
        if force:
            await work.change("DELETE", action.target_path, {"preconditions": {"uid": action.pinned_uid}})
        else:
            await evict(work, action.namespace, action.target, action.pinned_uid)
    except ApiError as error:
        if error.status == 429:
            refusal = f"Waiting for a disruption budget: {error.message}"
            if action.dry_run:
                await work.record.changed(f"{action.target_name} would be evicted. {refusal}")
            return refusal
        if error.status in {404, 409}:
            return "It changes at this moment."
        raise
    await work.record.changed(f"{action.target_name} {work.was} {'deleted' if force else 'evicted'}.")
    return ""


async def evict(work: Work, namespace: str, name: str, uid: str) -> None:
    """Ask for the eviction of this very pod; a disruption budget refuses with status 429."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }
    await work.change("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body)


async def gone(work: Work) -> str:
    """Wait until the pod is gone."""
    name = work.action.target_name

    async def look() -> tuple[bool, str]:
        pod = await work.find()
        return (True, f"{name} is gone.") if pod is None else (False, f"{name} is on its way out.")

    return await work.until(look)


async def replaced(work: Work) -> str:
    """Wait until the pod is gone and another is ready in its place.

    Raises:
        ActionFailed: where that one fails as well.

    """
    sentence = await gone(work)
    owner = work.action.owner
    return sentence if owner is None else await replacement(work, owner)


def replacing_controller(pod: Object) -> Owner:
    """Find whoever makes a pod anew: its controlling owner reference.

    Raises:
        ActionFailed: where nobody would.

    """
    name = f"Pod {pod['metadata']['name']}"
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        raise ActionFailed(
            f"{name} is a static pod: its node's kubelet runs it from a file, and only that restarts it."
        )
    controller = controller_of(pod)
    if controller is None:
        raise ActionFailed(f"{name} has no controller that would make it again. Delete it and create it anew.")
    return Owner(controller["apiVersion"], controller["kind"], controller["name"], controller["uid"])
