"""What each action does to its target, in a way that can be repeated without doing it twice.

Each effect begins by looking: a target with another uid is another object, and an effect that is already there (the
pod is gone, the template carries the uid of the action) is not brought about again. It ends when the effect was
reached, not when a request for it was accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from kubedom_bridge.actions import target_path
from kubedom_bridge.kube import STRATEGIC_PATCH, Api, ApiError
from kubedom_bridge.protocol import Target

from .model import Action

POLL_SECONDS = 0.25
SLOWEST_POLL_SECONDS = 2.0
#: On a deployment's template: which action restarted it last.
RESTARTED_BY = "kubedom.dev/restarted-by"
#: The annotation that `kubectl rollout restart` sets, so that both are the same to every reader.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"

Progress = Callable[[str], Awaitable[None]]


class ActionFailed(Exception):
    """The action cannot reach its effect; the message is a sentence for people."""


class Effects:
    """Carries out actions on one cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def look(self, action: Action) -> dict[str, Any] | None:
        """Get the target, None where it is gone or another object has its name."""
        try:
            found = await self._api.call("GET", self._path(action))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        if action.pinned_uid and found["metadata"]["uid"] != action.pinned_uid:
            return None
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
        return await self._remove_pod(action, progress, evict=action.verb == "restartPod")

    async def _remove_pod(self, action: Action, progress: Progress, *, evict: bool) -> str:
        pod = await self.look(action)
        if pod is not None and evict and not _controller(pod):
            raise ActionFailed(
                f"Pod {action.target} has no controller that would make it again. Delete it and create it anew."
            )
        controller = _controller(pod) if pod is not None else ""
        poll = POLL_SECONDS
        while pod is not None:
            if "deletionTimestamp" not in pod["metadata"]:
                await self._ask_to_go(action, progress, evict=evict)
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)
            pod = await self.look(action)
        if not evict or not controller:
            return f"Pod {action.target} is gone."
        await progress(f"Pod {action.target} is gone; waiting for its replacement.")
        return f"Pod {action.target} was replaced by {await self._replacement(action, controller)}."

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

    async def _replacement(self, action: Action, controller: str) -> str:
        """Wait for a pod of the same controller that is ready and younger than the action."""
        poll = POLL_SECONDS
        while True:
            pods = await self._api.call("GET", f"/api/v1/namespaces/{action.namespace}/pods")
            for pod in pods["items"]:
                metadata = pod["metadata"]
                if (
                    _controller(pod) == controller
                    and metadata["creationTimestamp"] >= action.started_at[:19]
                    and "deletionTimestamp" not in metadata
                ):
                    return str(metadata["name"])
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)

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


def _controller(pod: dict[str, Any]) -> str:
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return ""
