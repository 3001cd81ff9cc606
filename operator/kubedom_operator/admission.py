"""Healing begins with a proof: admission is installed where that is permitted, and then tried.

In come an `Api` and what the API server serves; out comes why there is no healing, an empty string where there is. What
is promised: the operator carries nothing out unless the API server has just refused an action because its creator
lacked the right to do the same by hand.

The canary. An identity without any rights would be refused by RBAC before admission is asked, which proves nothing. So
the user `kubedom-canary`, who may create HealingActions in one namespace and do nothing else, is impersonated for a
dry-run create of a restart. Only the policy's own sentence about the missing right counts as refused. Where this
identity may not impersonate it, or the canary was not given its right, the most that can be shown is that the policy is
in force: an action that approves itself is refused to everybody, so this identity tries that one. A policy takes a
second or two to come into force, hence both are repeated until a deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from kubedom_bridge.action_catalogue import TargetKind
from kubedom_bridge.actions import VERSION, collection_path
from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.kube import Api, ApiError

from .admission_manifests import CANARY, POLICY, canary_rights, mutating, validating
from .install import apply
from .projection import seconds

REGISTRATION = "/apis/admissionregistration.k8s.io"
_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
DEADLINE_SECONDS = 15.0
POLL_SECONDS = 0.2
#: Why an administrator is needed, and for what.
NOT_INSTALLED = (
    " This identity may not install the admission policies: apply the files of deploy/admission, or the chart, as an "
    "administrator."
)
_STAMPING_VERSIONS = ("v1", "v1beta1", "v1alpha1")

log = logging.getLogger(__name__)


class Proof(NamedTuple):
    """What the try at the start has shown.

    Args:
        why: Why actions cannot be carried out; an empty string where they can.
        tried: When that was, by the API server's clock, in seconds since the epoch.

    """

    why: str
    tried: float


class Served(NamedTuple):
    """Which admission policies an API server has.

    Args:
        validating: Whether ValidatingAdmissionPolicy is there, as it is from 1.30 on.
        mutating: The version in which MutatingAdmissionPolicy is served, v1 from 1.36 on; empty where it is not.

    """

    validating: bool
    mutating: str

    @property
    def manifests(self) -> list[dict[str, Any]]:
        """The policies that this API server gets: where none can stamp who asked, they hold the user to saying it."""
        if not self.validating:
            return []
        # What stamps comes first, so that nobody is held to what is not stamped yet.
        stamps = mutating(self.mutating) if self.mutating else []
        return [*stamps, *validating(stamped=bool(stamps))]


def served(lists: Iterable[Mapping[str, Any]]) -> Served:
    """Read the APIResourceLists of admissionregistration.k8s.io."""
    plurals: dict[str, Collection[str]] = {
        each["groupVersion"].partition("/")[2]: {one["name"] for one in each["resources"]} for each in lists
    }
    stamping = (version for version in _STAMPING_VERSIONS if "mutatingadmissionpolicies" in plurals.get(version, ()))
    return Served("validatingadmissionpolicies" in plurals.get("v1", ()), next(stamping, ""))


async def start_admission(api: Api, namespace: str | None, *, deadline: float = DEADLINE_SECONDS) -> str:
    """Install admission where that is permitted, and try it.

    Args:
        api: The API server, with the operator's credentials; the CustomResourceDefinitions are there already.
        namespace: The only namespace that is watched; None for all.
        deadline: How many seconds the policies have to come into force.

    Returns:
        Why actions cannot be carried out; an empty string where they can.

    Raises:
        KubedomError: where the API server cannot be asked.

    """
    found = await discover(api)
    if not found.validating:
        return "Not healing because the API server has no ValidatingAdmissionPolicy: that takes Kubernetes 1.30."
    installed = await _install(api, found.manifests)
    where = namespace or "default"
    why = await _canary(api, where, may_wait=await _install(api, canary_rights(where)), deadline=deadline)
    if not why:
        return ""
    return f"Not healing because {why}{'' if installed else NOT_INSTALLED}"


async def server_time(api: Api) -> float:
    """The API server's clock, as it stamps it on what it makes, in seconds since the epoch."""
    return seconds((await review_self(api))["metadata"].get("creationTimestamp") or "") or 0.0


async def review_self(api: Api) -> dict[str, Any]:
    """Ask the API server who it takes us for, which everybody may; errors as for `Api.call`."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return await api.call("POST", _REVIEWS, body=review)


async def policies(api: Api) -> list[dict[str, Any]]:
    """The policies and bindings that this API server is to have; errors as for `start_admission`."""
    return (await discover(api)).manifests


async def discover(api: Api) -> Served:
    """Ask the API server which admission policies it has; errors as for `start_admission`."""
    group = await api.call("GET", REGISTRATION)
    versions = [each["version"] for each in group["versions"]]
    return served(await asyncio.gather(*(api.call("GET", f"{REGISTRATION}/{version}") for version in versions)))


async def _install(api: Api, objects: Iterable[dict[str, Any]]) -> bool:
    """Apply them; False where this identity may not, for then somebody else has to have done so."""
    try:
        for each in objects:
            await apply(api, path_of(each), each)
    except NotPermitted as problem:
        log.info("Admission is taken as it is: %s", problem.message)
        return False
    return True


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where an object is in the API."""
    group, _, version = manifest["apiVersion"].partition("/")
    kind, metadata = manifest["kind"].lower(), manifest["metadata"]
    plural = f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"
    place = TargetKind(group, version, plural, namespaced="namespace" in metadata)
    return place.path(metadata.get("namespace", ""), metadata["name"])


async def _canary(api: Api, namespace: str, *, may_wait: bool, deadline: float) -> str:
    """Say why the proof failed; an empty string where it is there.

    Args:
        api: The API server, with the operator's credentials.
        namespace: Where the canary has its right.
        may_wait: Whether that right was just given, so that it may take a moment.
        deadline: For how many seconds it is tried.

    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + deadline
    canary = api.impersonating(CANARY)
    while True:
        try:
            why = await _try(canary, namespace, _unentitled(), f"{CANARY} may not patch deployments.apps")
        except NotPermitted as problem:
            why = problem.message
            if not may_wait or "cannot impersonate" in why or loop.time() >= ends:
                break
        if not why or loop.time() >= ends:
            return why
        await asyncio.sleep(POLL_SECONDS)
    log.info("What may be done by whom is not tried, for %s cannot be used: %s", CANARY, why)
    while True:
        try:
            why = await _try(api, namespace, _approving_itself(), "cannot approve an action while creating it")
        except NotPermitted as problem:
            return f"it cannot be shown that the API server judges actions: {problem.message}"
        if not why or loop.time() >= ends:
            return why
        await asyncio.sleep(POLL_SECONDS)


async def _try(api: Api, namespace: str, spec: dict[str, Any], sentence: str) -> str:
    """Create an action as a dry run; an empty string where the policy refuses it with this sentence.

    Raises:
        NotPermitted: where the policy was not asked.

    """
    action = {
        "apiVersion": f"kubedom.dev/{VERSION}",
        "kind": "HealingAction",
        "metadata": {"name": CANARY, "namespace": namespace},
        "spec": spec,
    }
    try:
        await api.call("POST", collection_path(namespace), body=action, query={"dryRun": "All"})
    except AdmissionDenied as refusal:
        if refusal.policy == POLICY and sentence in refusal.message:
            return ""
        return f"the policy {refusal.policy} refuses an action for another reason than it should: {refusal.message}"
    except ApiError as error:
        return f"the API server does not take HealingActions: {error.message}"
    return (
        f"the API server let an action pass that it has to refuse: the ValidatingAdmissionPolicy {POLICY}"
        " or its binding is not in force."
    )


def _unentitled() -> dict[str, Any]:
    """Ask as the canary for a restart of a deployment that it may not patch."""
    return {
        "action": "restartDeployment",
        "target": {"kind": "Deployment", "name": CANARY},
        "requestedBy": CANARY,
    }


def _approving_itself() -> dict[str, Any]:
    """Ask for what nobody may have, whatever their rights."""
    return _unentitled() | {"approvalRequired": True, "approval": {"decision": "Approve"}}
