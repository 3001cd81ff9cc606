"""Rolling back to a revision, as `kubectl rollout undo` does.

Deployments keep their former templates in replica sets, stateful sets and daemon sets in ControllerRevisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubedom_operator.healing.model import ActionFailed

from .rollouts import check_rolls_out
from .work import Change, Object, Work, controller_of

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
_HASH = "pod-template-hash"


class Revision(NamedTuple):
    """A former template: its number, the patch that brings it back, and why it was made."""

    number: int
    patch: Object
    cause: str | None = None


async def roll_back(work: Work) -> None:
    """Bring back the template of the revision that is asked for, else of the one before the current.

    Raises:
        ActionFailed: where there is no such revision, it is the current one, or nothing would be rolled out.

    """
    wanted = work.action.parameters.get("revision")

    async def plan(found: Object) -> Change:
        check_rolls_out(work, found)
        now, chosen = choose(work.action.target_name, await _revisions(work, found), wanted)
        sentence = f"{work.action.target_name} {work.was} rolled back from revision {now} to revision {chosen.number}."
        annotations = {CHANGE_CAUSE: chosen.cause} if work.action.kind == "Deployment" else {}
        return Change(sentence, chosen.patch, annotations)

    await work.patch(plan)


def choose(name: str, revisions: Iterable[Revision], wanted: int | None) -> tuple[int, Revision]:
    """Choose the revision to go back to, and give the number of the current one with it.

    Raises:
        ActionFailed: where there is none, or it is the current one.

    """
    ordered = sorted(revisions, key=lambda revision: revision.number)
    current = ordered[-1].number if ordered else 0
    if wanted == current:
        raise ActionFailed(f"{name} is at revision {current} already.")
    earlier = ordered[:-1]
    if not earlier:
        raise ActionFailed(f"{name} has no revision before the current one.")
    if wanted is None:
        return current, earlier[-1]
    for revision in earlier:
        if revision.number == wanted:
            return current, revision
    known = ", ".join(str(revision.number) for revision in earlier)
    raise ActionFailed(f"{name} has no revision {wanted}. Before the current one it has {known}.")


async def _revisions(work: Work, found: Object) -> list[Revision]:
    kind = "replicasets" if work.action.kind == "Deployment" else "controllerrevisions"
    collection = f"/apis/apps/v1/namespaces/{work.action.namespace}/{kind}"
    labels = found["spec"]["selector"].get("matchLabels") or {}
    # The selector may ask for more than labels; whose they are is decided by the owner reference.
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())} if labels else {}
    owned = [
        each
        for each in await work.list(collection, **query)
        if (controller_of(each) or {}).get("uid") == work.action.pinned_uid
    ]
    return [of_replica_set(each) if kind == "replicasets" else of_controller_revision(each) for each in owned]


def of_replica_set(found: Object) -> Revision:
    """The revision that a deployment's replica set keeps."""
    annotations, template = found["metadata"].get("annotations") or {}, found["spec"]["template"]
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    patch = {"spec": {"template": {"$patch": "replace", "metadata": metadata, "spec": template["spec"]}}}
    return Revision(int(annotations.get(REVISION) or 0), patch, annotations.get(CHANGE_CAUSE))


def of_controller_revision(found: Object) -> Revision:
    """The revision that a ControllerRevision keeps: its data is the patch."""
    return Revision(found["revision"], found["data"])
