"""Waiting for the pod that a controller makes in place of one that is gone."""

from __future__ import annotations

import time

from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.kube import ApiError
from kubedom_operator.diagnosis import NOTHING_RELATED, Settings, diagnose
from kubedom_operator.healing.model import ActionFailed, Owner
from kubedom_operator.projection import UnreadableObject, from_object

from .work import Object, Work, controller_of

#: Built-in kinds that make pods anew, with the field that says how many.
_COUNTED = {
    "ReplicaSet": "replicas",
    "StatefulSet": "replicas",
    "ReplicationController": "replicas",
    "Job": "",
    "DaemonSet": "",
}


async def replacement(work: Work, owner: Owner) -> str:
    """Wait for a pod of the same controller, not older than the action, until it is ready or fails as well.

    Creation times have seconds only, so a pod that was made in the very second in which the action began counts.

    Raises:
        ActionFailed: where it fails as well.

    """
    action = work.action
    was = f"{action.target_name} is gone"

    async def look() -> tuple[bool, str]:
        pods = [
            pod
            for pod in await work.list(f"/api/v1/namespaces/{action.namespace}/pods")
            if "deletionTimestamp" not in pod["metadata"] and (controller_of(pod) or {}).get("uid") == owner.uid
        ]
        young = [pod for pod in pods if pod["metadata"]["creationTimestamp"] >= action.started_at[:19]]
        for pod in young:
            name, failing = pod["metadata"]["name"], _failing(pod)
            if failing:
                raise ActionFailed(f"{action.target_name} was replaced by {name}, which fails as well: {failing}")
            if _is_ready(pod):
                return True, f"{action.target_name} was replaced by {name}."
        if young:
            return False, f"{was}; {young[0]['metadata']['name']} replaces it and is not ready yet."
        if reason := await _none_comes(work, owner, len(pods)):
            return True, f"{was}; {reason}"
        return False, f"{was}; waiting for its replacement."

    return await work.until(look)


async def _none_comes(work: Work, owner: Owner, pods: int) -> str:
    """Say why the controller will make no other pod; an empty string where it will, or nobody can tell."""
    name = f"{owner.kind} {owner.name}"
    root = f"/apis/{owner.api_version}" if "/" in owner.api_version else f"/api/{owner.api_version}"
    try:
        found = await work.get(f"{root}/namespaces/{work.action.namespace}/{owner.kind.lower()}s/{owner.name}")
    except (ApiError, NotPermitted):
        return ""
    if found is None:
        # A kind of somebody's own may have another plural; of the built-in ones this is known.
        return f"{name} is gone too." if owner.kind in _COUNTED else ""
    if found["metadata"]["uid"] != owner.uid or "deletionTimestamp" in found["metadata"]:
        return f"{name} is gone too."
    wanted = found["spec"].get(_COUNTED.get(owner.kind, ""))
    if wanted is not None and pods >= wanted:
        return f"{name} wants {wanted} pods and has them."
    return ""


def _is_ready(pod: Object) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return True
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())


def _failing(pod: Object) -> str:
    """What ails a pod, as a sentence; empty where nothing does, or nobody can tell."""
    try:
        read = from_object("Pod", pod)
    except UnreadableObject:
        return ""
    failures = diagnose(read, NOTHING_RELATED, time.time(), Settings()).failures
    return next((each.message for each in failures if each.severity in {"critical", "error"}), "")
