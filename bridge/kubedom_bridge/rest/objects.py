"""`GET /api/v1/objects`: one object as YAML, without what only machines read. Secrets are not shown at all."""

from __future__ import annotations

import asyncio
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.known_kinds import SHOWN
from kubedom_bridge.site import Site

from .applying import Kinds, UnknownKind
from .asking import BadQuery, answered, name_of, namespace_of, query_of

MEDIA_TYPE = "application/yaml"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def objects_route(site: Site) -> Route:
    """Make the route, as below `/api`."""

    async def shown(request: Request) -> Response:
        identity = await site.identify(request)
        query = query_of(request, "apiVersion", "kind", "namespace", "name")
        kind, name = query.get("kind", ""), name_of(query.get("name", ""), "name")
        known = SHOWN.get(kind)
        api_version = query.get("apiVersion") or (known.api_version if known else "v1")
        site.commands.ask(identity)
        api = site.authority.api(identity)
        try:
            found_kind = await Kinds(api).find(api_version, kind)
        except UnknownKind as unknown:
            # Nothing of it can be there; in a manifest it is the content that is wrong.
            unknown.code = "notFound"
            raise
        if (found_kind.group, found_kind.plural) == ("", "secrets"):
            raise NotPermitted("Secrets are not shown.", remedy="Use kubectl, if you may.")
        if "namespace" in query and not found_kind.namespaced:
            raise BadQuery(f"A {kind} is in no namespace.", remedy="Leave it out.", field="namespace")
        found = await api.call("GET", found_kind.path(namespace_of(query.get("namespace", "default")), name))
        # Large ones take their time, and others are waiting.
        text = await asyncio.to_thread(as_yaml, found)
        return Response(text, media_type=MEDIA_TYPE)

    return Route("/v1/objects", answered(shown), methods=["GET"])


def as_yaml(found: dict[str, Any]) -> str:
    """Write an object as `kubectl get --output=yaml` does, without its managed fields and what was last applied."""
    metadata = {key: value for key, value in found.get("metadata", {}).items() if key != "managedFields"}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != _LAST_APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    text: str = yaml.dump(
        found | {"metadata": metadata}, Dumper=yaml.CSafeDumper, sort_keys=True, allow_unicode=True, width=120
    )
    return text
