"""Rollouts of deployments, stateful sets and daemon sets: restart, another image, pause and resume.

What is patched is what kubectl patches; a rollout is complete when `kubectl rollout status` says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from kubedom_operator.healing.model import ActionFailed

from .work import Change, Object, Work

#: On a template: which action restarted it last, so that two restarts in one second are two.
RESTARTED_BY = "kubedom.dev/restarted-by"
#: The annotation that `kubectl rollout restart` sets, so that both are the same to every reader.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


async def restart(work: Work) -> None:
    """Restart every pod as `kubectl rollout restart` does.

    Raises:
        ActionFailed: where nothing would be rolled out.

    """

    async def plan(found: Object) -> Change:
        check_rolls_out(work, found)
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        stamped = {RESTARTED_AT: now, RESTARTED_BY: work.action.uid}
        template = {"metadata": {"annotations": stamped}}
        return Change(f"The template of {work.action.target_name} {work.was} stamped {now}.", _spec(template=template))

    await work.patch(plan)


async def set_image(work: Work) -> None:
    """Give a container another image.

    Raises:
        ActionFailed: where it cannot be said which one is meant, or nothing would be rolled out.

    """
    image, named = work.action.parameters["image"], work.action.parameters.get("container") or ""

    async def plan(found: Object) -> Change | None:
        if not found["spec"].get("paused"):
            check_rolls_out(work, found)
        field, container = choose_container(found["spec"]["template"]["spec"], named)
        name, before = container["name"], container.get("image", "")
        if before == image:
            return None
        template = {"spec": {field: [{"name": name, "image": image}]}}
        what = f"Container {name} of {work.action.target_name}"
        return Change(f"{what} {work.was} given image {image} instead of {before}.", _spec(template=template))

    await work.patch(plan)


async def pause(work: Work) -> None:
    """Pause a deployment's rollouts."""
    await _set_paused(work, paused=True)


async def resume(work: Work) -> None:
    """Resume a deployment's rollouts."""
    await _set_paused(work, paused=False)


async def _set_paused(work: Work, *, paused: bool) -> None:
    async def plan(found: Object) -> Change | None:
        if bool(found["spec"].get("paused")) is paused:
            return None
        what = "paused" if paused else "resumed"
        return Change(f"The rollout of {work.action.target_name} {work.was} {what}.", _spec(paused=paused or None))

    await work.patch(plan)


def _spec(**fields: object) -> Object:
    return {"spec": fields}


def check_rolls_out(work: Work, found: Object) -> None:
    """Make sure that another template would come to the pods.

    Raises:
        ActionFailed: where it would not.

    """
    name, spec = work.action.target_name, found["spec"]
    if spec.get("paused"):
        raise ActionFailed(f"The rollout of {name} is paused. Resume it first (resumeRollout).")
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        raise ActionFailed(
            f"{name} has the strategy OnDelete: its pods change only as they go. Let them go (deletePod), or make it"
            " RollingUpdate."
        )


def choose_container(pod: Object, named: str) -> tuple[str, Object]:
    """Find the container that is meant in a pod's spec, and the field that it is in.

    Raises:
        ActionFailed: where there is none of this name, or none is named and there are several.

    """
    containers = [
        (field, container)
        for field in ("containers", "initContainers")
        for container in pod.get(field) or ()
        if not named or container["name"] == named
    ]
    ordinary = [each for each in containers if each[0] == "containers"]
    if named and containers:
        return containers[0]
    if not named and len(ordinary) == 1:
        return ordinary[0]
    every = [*(pod.get("containers") or ()), *(pod.get("initContainers") or ())]
    names = ", ".join(container["name"] for container in every)
    raise ActionFailed(
        f"There is no container {named}: name one of {names}."
        if named
        else f"There are several containers: name one of {names} in parameters.container."
    )


def rolled_out(done: str) -> Callable[[Work], Awaitable[str]]:
    """Wait for the rollout to be complete; `done` is what the last sentence says was done."""

    async def reached(work: Work) -> str:
        async def look() -> tuple[bool, str]:
            found = await work.target()
            if work.action.verb == "setImage" and found["spec"].get("paused"):
                return True, f"{work.action.target_name} {done}; its pods change when its rollout is resumed."
            complete, sentence = rollout(found)
            return complete, f"{work.action.target_name} {done}: {sentence}" if complete else (
                f"{work.action.target_name}: {sentence}"
            )

        return await work.until(look)

    return reached


async def paused(work: Work) -> str:
    """Wait until the controller knows that rollouts are paused."""

    async def look() -> tuple[bool, str]:
        found = await work.target()
        if not found["spec"].get("paused"):
            raise ActionFailed(f"The rollout of {work.action.target_name} was resumed meanwhile.")
        if _unseen(found):
            return False, f"{work.action.target_name}: waiting for its controller."
        return True, f"The rollout of {work.action.target_name} is paused."

    return await work.until(look)


def rollout(found: Object) -> tuple[bool, str]:
    """Whether a rollout is complete, as `kubectl rollout status` judges it, and the end of a sentence.

    Raises:
        ActionFailed: where the progress deadline has passed.

    """
    if _unseen(found):
        return False, "waiting for its controller."
    spec, status = found["spec"], found.get("status") or {}
    if found["kind"] == "DaemonSet":
        return _daemon_set(status)
    if found["kind"] == "StatefulSet":
        return _stateful_set(spec, status)
    return _deployment(found["metadata"]["name"], spec, status)


def _unseen(found: Object) -> bool:
    generation: int = found["metadata"]["generation"]
    return bool((found.get("status") or {}).get("observedGeneration", 0) < generation)


def _deployment(name: str, spec: Object, status: Object) -> tuple[bool, str]:
    for condition in status.get("conditions") or ():
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise ActionFailed(f"Deployment {name} did not roll out in time: {condition.get('message', '')}")
    wanted = spec.get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return False, f"{updated} of {wanted} pods are new."
    if status.get("replicas", 0) > updated:
        return False, f"{status['replicas'] - updated} old pods are still to go."
    if available < updated:
        return False, f"{available} of {updated} new pods are available."
    return True, f"{updated} new pods are available."


def _stateful_set(spec: Object, status: Object) -> tuple[bool, str]:
    wanted, ready, updated = spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    partition = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0
    if ready < wanted:
        return False, f"{ready} of {wanted} pods are ready."
    if partition:
        rolled = max(0, wanted - partition)
        if updated < rolled:
            return False, f"{updated} of {rolled} pods from {partition} on are new."
        return True, f"{updated} new pods are ready, those below {partition} stay as they were."
    if status.get("updateRevision") != status.get("currentRevision"):
        return False, f"{updated} of {wanted} pods are new."
    return True, f"{wanted} new pods are ready."


def _daemon_set(status: Object) -> tuple[bool, str]:
    wanted = status.get("desiredNumberScheduled", 0)
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated < wanted:
        return False, f"{updated} of {wanted} pods are new."
    if available < wanted:
        return False, f"{available} of {wanted} new pods are available."
    return True, f"{wanted} new pods are available."
