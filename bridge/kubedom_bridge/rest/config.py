"""`POST /api/v1/config/`: a page's form becomes a ConfigMap or a Secret, applied server-side as the user.

With `dryRun` only the difference is told, of a Secret its keys alone; with `restart` the workloads that use it are
rolled out anew, each by a HealingAction. What an earlier form had and this one lacks is removed; what others put there
stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kubedom_bridge.action_catalogue import TARGETS
from kubedom_bridge.bodies import BadBody
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.identity import Identity
from kubedom_bridge.known_kinds import APPLIED
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.protocol import Command, Target
from kubedom_bridge.site import Site, peer

from . import applying, uploads
from .asking import answered, name_of, namespace_of
from .usage import uses

RESTARTS = {
    "Deployment": "restartDeployment",
    "StatefulSet": "restartStatefulSet",
    "DaemonSet": "restartDaemonSet",
}
MOST_RESTARTS = 30
REASON = "POST /api/v1/config/"


def config_route(site: Site, path: str) -> Route:
    """Make the route at this path."""

    async def upload(request: Request) -> Response:
        identity, source = await site.identify(request), peer(request)
        site.commands.ask(identity)
        sent = await uploads.read(request)
        place = _place(sent, site.default_config)
        api = site.authority.api(identity)
        if sent.dry_run:
            difference = await _difference(api, place, sent)
            workloads = await _workloads(api, place) if sent.restart else []
            return JSONResponse(
                difference | {"dryRun": True, "restarts": [{"kind": kind, "name": name} for kind, name in workloads]}
            )
        with site.commands.change(identity, source, f"apply {place}"):
            applied = await applying.apply(api, place, sent.manifest())
        answer = {"applied": applying.reference(place, applied), "dryRun": False, "restarts": []}
        if sent.restart:
            answer["restarts"] = [
                await _restart(site, identity, source, place, kind, name) for kind, name in await _workloads(api, place)
            ]
        return JSONResponse(answer, HTTPStatus.ACCEPTED)

    return Route(path, answered(upload), methods=["POST"])


def _place(sent: uploads.Upload, default: str) -> applying.Place:
    """Where the form's object belongs.

    Raises:
        BadBody: where neither the form nor a default names it.

    """
    namespace, _, name = default.rpartition("/")
    namespace, name = sent.namespace or namespace or "default", sent.name or name
    if not name:
        raise BadBody(
            422,
            "The form does not say where it is to be kept.",
            remedy="Add a field `name` (and `namespace`), or start kubedom with --default-config NAMESPACE/NAME.",
            field="name",
        )
    path = APPLIED[sent.kind].path(namespace_of(namespace), name_of(name, "name"))
    return applying.Place(path, "v1", sent.kind, namespace, name)


async def _difference(api: Api, place: applying.Place, sent: uploads.Upload) -> dict[str, Any]:
    """What applying it would change, as the API server itself says."""
    try:
        before = await api.call("GET", place.path)
    except ApiError as error:
        if error.status != 404:
            raise
        before = {}
    after = await applying.apply(api, place, sent.manifest(), dry_run=True)
    old, new = _content(before), _content(after)
    found: dict[str, Any] = {
        "object": {"kind": place.kind, "namespace": place.namespace, "name": place.name, "exists": bool(before)},
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(key for key in old.keys() & new.keys() if old[key] != new[key]),
        "removed": sorted(old.keys() - new.keys()),
    }
    if place.kind == "ConfigMap":
        # The values of now, of what would be lost; a Secret's are never shown.
        texts = before.get("data") or {}
        found["before"] = {key: texts[key] for key in (*found["changed"], *found["removed"]) if key in texts}
    return found


def _content(found: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The values by key; the same bytes as text and as binary are two values."""
    return {key: (field, value) for field in ("data", "binaryData") for key, value in (found.get(field) or {}).items()}


async def _workloads(api: Api, place: applying.Place) -> list[tuple[str, str]]:
    """The kinds and names of what uses the object.

    Raises:
        BadBody: where these are too many.

    """
    found = []
    for kind in RESTARTS:
        target = TARGETS[kind]
        listed = await api.call("GET", target.collection(place.namespace))
        found += [
            (kind, str(one["metadata"]["name"]))
            for one in listed.get("items") or ()
            if uses(one["spec"]["template"]["spec"], place.kind, place.name)
        ]
    if len(found) > MOST_RESTARTS:
        raise BadBody(
            422,
            f"{len(found)} workloads use {place}; at most {MOST_RESTARTS} are restarted at once.",
            remedy="Leave `restart` out, and restart them one after the other.",
            field="restart",
        )
    return found


async def _restart(
    site: Site, identity: Identity, source: str, place: applying.Place, kind: str, name: str
) -> dict[str, Any]:
    """Ask for one restart; a refusal is told and keeps no other from being asked for."""
    target = Target(kind=kind, namespace=place.namespace, name=name)
    command = Command(id="config", name=RESTARTS[kind], target=target, reason=f"{REASON} changed {place}"[:1024])
    try:
        made = await site.commands.start(command, identity, source)
    except KubedomError as error:
        return {"kind": kind, "name": name, "refused": error.message}
    action = {"namespace": made.namespace, "name": made.name, "uid": made.uid}
    return {"kind": kind, "name": name, "healingAction": action}
