"""What each action does to its target, in a way that can be repeated without doing it twice.

Each effect begins by looking: a target with another uid is another object, and an effect that is already there (the
pod is gone, the template carries the uid of the action) is not brought about again. It ends when the effect was
reached, not when a request for it was accepted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from kubedom_bridge.actions import target_path
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.kube import STRATEGIC_PATCH, Api, ApiError
from kubedom_bridge.protocol import Target
from kubedom_operator.diagnosis import NOTHING_RELATED, Settings, diagnose
from kubedom_operator.projection import UnreadableObject, from_object

from .model import Action

POLL_SECONDS = 0.25
SLOWEST_POLL_SECONDS = 2.0
#: On a deployment's template: which action restarted it last.
RESTARTED_BY = "kubedom.dev/restarted-by"
#: The annotation that `kubectl rollout restart` sets, so that both are the same to every reader.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

#: Built-in kinds that make pods anew, with the field that says how many.
_COUNTED = {
    "ReplicaSet": "replicas",
    "StatefulSet": "replicas",
    "ReplicationController": "replicas",
    "Job": "",
    "DaemonSet": "",
}

Progress = Callable[[str], Awaitable[None]]


class ActionFailed(Exception):
    """The action cannot reach its effect; the message is a sentence for people."""


class Effects:
    """Carries out actions on one cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def look(self, action: Action) -> dict[str, Any] | None:
        """Get the target, None where it is gone or another object has its name."""
        found = await self._named(action)
        if found is None or (action.pinned_uid and found["metadata"]["uid"] != action.pinned_uid):
            return None
        return found

    async def pin(self, action: Action) -> str:
        """Give the uid of the target.

        Raises:
            ActionFailed: where it is gone, or another object than was meant has its name.

        """
        found = await self._named(action)
        if found is None:
            raise ActionFailed(f"{action.kind} {action.namespace}/{action.target} is gone.")
        uid = str(found["metadata"]["uid"])
        if action.pinned_uid and uid != action.pinned_uid:
            raise ActionFailed(
                f"{action.kind} {action.namespace}/{action.target} is gone; another one has its name now (uid {uid})."
                " Start a new action if that one is meant."
            )
        return uid

    async def _named(self, action: Action) -> dict[str, Any] | None:
        return await self._get(self._path(action))

    async def _get(self, path: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._api.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def carry_out(self, action: Action, progress: Progress) -> str:
        """Do it, and give the sentence that tells what was reached.

        Args:
            action: With the uid of its target pinned.
            progress: Takes a sentence each time something is reached on the way.

        Raises:
            ActionFailed: where it cannot be reached.

        """
        if action.verb == "restartDeployment":
            return await self._restart_deployment(action, progress)
        if action.verb not in {"restartPod", "deletePod"}:
            raise ActionFailed(f"This operator does not carry out {action.verb}.")
        return await self._remove_pod(action, progress, evict=action.verb == "restartPod")

    async def _remove_pod(self, action: Action, progress: Progress, *, evict: bool) -> str:
        pod = await self.look(action)
        controller = replacing_controller(pod) if pod is not None and evict else None
        poll = POLL_SECONDS
        while pod is not None:
            if "deletionTimestamp" not in pod["metadata"]:
                await self._ask_to_go(action, progress, evict=evict)
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)
            pod = await self.look(action)
        if controller is None:
            # Also where an operator before this one saw it go and told nobody: whose pod it was is gone with it.
            return f"Pod {action.target} is gone."
        await progress(f"Pod {action.target} is gone; waiting for its replacement.")
        return await self._replacement(action, controller, progress)

    async def _ask_to_go(self, action: Action, progress: Progress, *, evict: bool) -> None:
        preconditions = {"preconditions": {"uid": action.pinned_uid}}
        try:
            if evict:
                await self._api.call(
                    "POST",
                    f"{self._path(action)}/eviction",
                    body={
                        "apiVersion": "policy/v1",
                        "kind": "Eviction",
                        "metadata": {"name": action.target, "namespace": action.namespace},
                        "deleteOptions": preconditions,
                    },
                )
            else:
                await self._api.call("DELETE", self._path(action), body=preconditions)
        except ApiError as error:
            if error.status == 429:
                await progress(f"Waiting for a disruption budget: {error.message}")
            elif error.status not in {404, 409}:
                raise

    async def _replacement(self, action: Action, controller: dict[str, Any], progress: Progress) -> str:
        """Wait for a pod of the same controller, not older than the action, until it is ready or fails as well.

        Creation times have seconds only, so a pod that was made in the very second in which the action began counts.
        """
        gone, poll = f"Pod {action.target} is gone", POLL_SECONDS
        while True:
            pods = [
                pod
                for pod in (await self._api.call("GET", f"/api/v1/namespaces/{action.namespace}/pods"))["items"]
                if "deletionTimestamp" not in pod["metadata"]
                and (_controller(pod) or {}).get("uid") == controller["uid"]
            ]
            young = [pod for pod in pods if pod["metadata"]["creationTimestamp"] >= action.started_at[:19]]
            for pod in young:
                name, failing = pod["metadata"]["name"], _failing(pod)
                if failing:
                    raise ActionFailed(f"Pod {action.target} was replaced by {name}, which fails as well: {failing}")
                if _is_ready(pod):
                    return f"Pod {action.target} was replaced by {name}."
            if young:
                await progress(f"{gone}; {young[0]['metadata']['name']} replaces it and is not ready yet.")
            elif reason := await self._no_replacement(action, controller, len(pods)):
                return f"{gone}; {reason}"
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)

    async def _no_replacement(self, action: Action, controller: dict[str, Any], pods: int) -> str:
        """Say why the controller will make no other pod; an empty string where it will, or nobody can tell."""
        name = f"{controller['kind']} {controller['name']}"
        version = controller["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        path = f"{root}/namespaces/{action.namespace}/{controller['kind'].lower()}s"
        try:
            found = await self._get(f"{path}/{controller['name']}")
        except (ApiError, NotPermitted):
            return ""
        if found is None:
            # A kind of somebody's own may have another plural; of the built-in ones this is known.
            return f"{name} is gone too." if controller["kind"] in _COUNTED else ""
        if found["metadata"]["uid"] != controller["uid"] or "deletionTimestamp" in found["metadata"]:
            return f"{name} is gone too."
        wanted = found["spec"].get(_COUNTED.get(controller["kind"], ""))
        if wanted is not None and pods >= wanted:
            return f"{name} wants {wanted} pods and has them."
        return ""

    async def _restart_deployment(self, action: Action, progress: Progress) -> str:
        deployment = await self.look(action)
        if deployment is None:
            raise ActionFailed(f"Deployment {action.target} is gone.")
        annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
        if annotations.get(RESTARTED_BY) != action.uid:
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            stamped = {RESTARTED_AT: now, RESTARTED_BY: action.uid}
            deployment = await self._api.call(
                "PATCH",
                self._path(action),
                body={
                    "metadata": {"uid": action.pinned_uid},
                    "spec": {"template": {"metadata": {"annotations": stamped}}},
                },
                content_type=STRATEGIC_PATCH,
            )
        generation, told, poll = deployment["metadata"]["generation"], "", POLL_SECONDS
        while True:
            done, sentence = rollout(deployment, generation)
            if done:
                return sentence
            if sentence != told:
                await progress(told := sentence)
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)
            found = await self.look(action)
            if found is None:
                raise ActionFailed(f"Deployment {action.target} was deleted while it rolled out.")
            deployment = found

    @staticmethod
    def _path(action: Action) -> str:
        return target_path(Target(kind=action.kind, namespace=action.namespace, name=action.target))


def rollout(deployment: dict[str, Any], generation: int) -> tuple[bool, str]:
    """Whether a deployment's rollout is complete, as `kubectl rollout status` judges it, and a sentence.

    Raises:
        ActionFailed: where the progress deadline has passed.

    """
    name, status = deployment["metadata"]["name"], deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < generation:
        return False, f"Deployment {name}: waiting for its controller."
    for condition in status.get("conditions") or ():
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise ActionFailed(f"Deployment {name} did not roll out in time: {condition.get('message', '')}")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return False, f"Deployment {name}: {updated} of {wanted} pods are new."
    if status.get("replicas", 0) > updated:
        return False, f"Deployment {name}: {status['replicas'] - updated} old pods are still to go."
    if available < updated:
        return False, f"Deployment {name}: {available} of {updated} new pods are available."
    return True, f"Deployment {name} was restarted: {updated} new pods are available."


def replacing_controller(pod: dict[str, Any]) -> dict[str, Any]:
    """Find whoever makes a pod anew: its controlling owner reference.

    Raises:
        ActionFailed: where nobody would.

    """
    name = f"Pod {pod['metadata']['name']}"
    if "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {}):
        raise ActionFailed(
            f"{name} is a static pod: its node's kubelet runs it from a file, and only that restarts it."
        )
    controller = _controller(pod)
    if controller is None:
        raise ActionFailed(f"{name} has no controller that would make it again. Delete it and create it anew.")
    return controller


def _controller(pod: dict[str, Any]) -> dict[str, Any] | None:
    owners: list[dict[str, Any]] = pod["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def _is_ready(pod: dict[str, Any]) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded":
        return True
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())


def _failing(pod: dict[str, Any]) -> str:
    """What ails a pod, as a sentence; empty where nothing does, or nobody can tell."""
    try:
        read = from_object("Pod", pod)
    except UnreadableObject:
        return ""
    failures = diagnose(read, NOTHING_RELATED, time.time(), Settings()).failures
    return next((each.message for each in failures if each.severity in {"critical", "error"}), "")
