"""Jobs and cron jobs: a failed job once more, a cron job now, and its suspension.

A job that an action makes is named after the action's uid, so that the API server refuses a second one. It begins
suspended, and is let go once the action's status tells of it: a quick job that is cleaned up at once cannot be missed
and made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kubedom_bridge.kube import STRATEGIC_PATCH, ApiError
from kubedom_operator.healing.model import Action, ActionFailed

from .work import Change, Object, Work

#: On a job that an action made: the action's uid.
HEALED_BY = "kubedom.dev/healed-by"
#: On a job that begins suspended: that it is to be let go.
HELD = "kubedom.dev/held"
INSTANTIATE = "cronjob.kubernetes.io/instantiate"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LONGEST_NAME = 63
#: How long the end of a retry can be seen at least, where its job is cleaned up by itself.
LEAST_TTL_SECONDS = 300
#: Labels that the job controller generates.
GENERATED = frozenset(
    {"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"}
)


async def retry(work: Work) -> None:
    """Make a failed job once more.

    Raises:
        ActionFailed: where it has not failed.

    """
    name = job_name(work.action)

    async def manifest() -> Object:
        failed = await work.target()
        if _condition(failed, "Failed") is None:
            raise ActionFailed(f"{work.action.target_name} has not failed, so that there is nothing to retry.")
        return retried(failed, name)

    await _make(work, name, manifest, f"Job {name} {work.was} made from {work.action.target_name}.")


async def run_now(work: Work) -> None:
    """Make a cron job's job, as `kubectl create job --from` does."""
    name = job_name(work.action)

    async def manifest() -> Object:
        return instantiated(await work.target(), name)

    await _make(work, name, manifest, f"Job {name} {work.was} made from {work.action.target_name}.")


async def _make(work: Work, name: str, manifest: Any, sentence: str) -> None:
    collection = f"/apis/batch/v1/namespaces/{work.action.namespace}/jobs"
    path = f"{collection}/{name}"
    found = await work.get(path)
    if found is None and not work.action.changes:
        try:
            found = await work.change("POST", collection, held(await manifest(), work.action.uid))
        except ApiError as error:
            # Made by a request whose answer was lost.
            if error.status != 409 or (found := await work.get(path)) is None:
                raise
    if found is None:
        return
    annotations = found["metadata"].get("annotations") or {}
    if annotations.get(HEALED_BY) != work.action.uid:
        raise ActionFailed(f"There is a Job {name} already, which is not this action's.")
    await work.record.changed(sentence)
    if HELD in annotations and not work.action.dry_run:
        let_go = {"uid": found["metadata"]["uid"], "annotations": {HELD: None}}
        await work.change("PATCH", path, {"metadata": let_go, "spec": {"suspend": False}}, content_type=STRATEGIC_PATCH)


async def run_through(work: Work) -> str:
    """Wait until the retry is complete.

    Raises:
        ActionFailed: where it failed as well, or is gone.

    """
    name = job_name(work.action)

    async def look() -> tuple[bool, str]:
        found = await work.get(f"/apis/batch/v1/namespaces/{work.action.namespace}/jobs/{name}")
        if found is None:
            raise ActionFailed(f"Job {name} was deleted before its end was seen.")
        if (failed := _condition(found, "Failed")) is not None:
            raise ActionFailed(f"Job {name} failed as well: {failed.get('message', '')}")
        return _condition(found, "Complete") is not None, f"Job {name} {_progress(found)}"

    return await work.until(look)


async def made(work: Work) -> str:
    """The cron job's job exists, and runs by itself."""
    return f"Job {job_name(work.action)} was made from {work.action.target_name}."


async def suspend(work: Work) -> None:
    """Suspend a cron job's schedule."""
    await _set_suspended(work, suspended=True)


async def resume(work: Work) -> None:
    """Resume a cron job's schedule."""
    await _set_suspended(work, suspended=False)


async def _set_suspended(work: Work, *, suspended: bool) -> None:
    async def plan(found: Object) -> Change | None:
        if bool(found["spec"].get("suspend")) is suspended:
            return None
        sentence = f"{work.action.target_name} {work.was} {'suspended' if suspended else 'resumed'}."
        return Change(sentence, {"spec": {"suspend": suspended}})

    await work.patch(plan)


async def suspended(work: Work) -> str:
    """The schedule is as it was asked for."""
    found = await work.target()
    return f"{work.action.target_name} {'is suspended' if found['spec'].get('suspend') else 'runs by its schedule'}."


def job_name(action: Action) -> str:
    """The name of the job that an action makes: the same whenever it is asked."""
    word = "retry" if action.verb == "retryJob" else "run"
    ending = f"-{word}-{hashlib.sha256(action.uid.encode()).hexdigest()[:10]}"
    return action.target[: LONGEST_NAME - len(ending)].rstrip("-.") + ending


def retried(failed: Object, name: str) -> Object:
    """The manifest of a failed job once more: without what the job controller had generated for it."""
    metadata, template = failed["metadata"], failed["spec"]["template"]
    spec = {key: value for key, value in failed["spec"].items() if key not in {"selector", "manualSelector"}}
    spec["template"] = {**template, "metadata": _without_generated(template.get("metadata") or {})}
    if "ttlSecondsAfterFinished" in spec:
        spec["ttlSecondsAfterFinished"] = max(spec["ttlSecondsAfterFinished"], LEAST_TTL_SECONDS)
    owners = {"ownerReferences": metadata["ownerReferences"]} if metadata.get("ownerReferences") else {}
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    return _job(metadata["namespace"], name, {"annotations": kept, **owners} | _labels(metadata), spec)


def instantiated(cron_job: Object, name: str) -> Object:
    """The manifest of a cron job's job that is run by hand."""
    metadata, template = cron_job["metadata"], cron_job["spec"]["jobTemplate"]
    own = template.get("metadata") or {}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": metadata["name"],
        "uid": metadata["uid"],
        # Without blockOwnerDeletion, which would ask for a right on the cron job's finalizers.
        "controller": True,
    }
    annotations = {**(own.get("annotations") or {}), INSTANTIATE: "manual"}
    wanted = {"annotations": annotations, "ownerReferences": [owner]} | _labels(own)
    return _job(metadata["namespace"], name, wanted, template["spec"])


def held(job: Object, action_uid: str) -> Object:
    """The job with the action's mark, and suspended unless it is so anyway."""
    marks = {HEALED_BY: action_uid}
    spec = job["spec"]
    if not spec.get("suspend"):
        marks[HELD] = "true"
        spec = {**spec, "suspend": True}
    metadata = {**job["metadata"], "annotations": {**job["metadata"]["annotations"], **marks}}
    return {**job, "metadata": metadata, "spec": spec}


def _job(namespace: str, name: str, metadata: Object, spec: Object) -> Object:
    named = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": named, "spec": spec}


def _labels(metadata: Mapping[str, Any]) -> Object:
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in GENERATED}
    return {"labels": labels} if labels else {}


def _without_generated(metadata: Object) -> Object:
    rest = {key: value for key, value in metadata.items() if key not in {"labels", "creationTimestamp"}}
    return rest | _labels(metadata)


def _condition(job: Object, kind: str) -> Object | None:
    conditions: list[Object] = (job.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind and each["status"] == "True"), None)


def _progress(job: Object) -> str:
    status = job.get("status") or {}
    done, failed = status.get("succeeded", 0), status.get("failed", 0)
    if _condition(job, "Complete") is not None:
        return "is complete."
    if _condition(job, "Suspended") is not None:
        return "is suspended."
    return f"runs: {done} of {job['spec'].get('completions', 1)} pods succeeded, {failed} failed."
