"""`GET /api/v1/actions`: the HealingActions that the user may list, those on nodes among them, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kubedom_bridge.actions import GROUP, PLURAL, VERSION, collection_path
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.identity import Identity
from kubedom_bridge.kube import Api
from kubedom_bridge.site import Site

from .asking import answered, namespace_of, number_of, query_of

MOST = 500
AT_ONCE = 8
_SHOWN = ("namespace", "name", "uid", "creationTimestamp", "labels")


def actions_route(site: Site) -> Route:
    """Make the route, as below `/api`."""

    async def listed(request: Request) -> Response:
        identity = await site.identify(request)
        query = query_of(request, "namespace", "limit")
        limit = number_of(query.get("limit", str(MOST)), "limit", MOST)
        site.commands.ask(identity)
        api = site.authority.api(identity)
        if "namespace" in query:
            found = await _list(api, collection_path(namespace_of(query["namespace"])))
        else:
            found = await _everywhere(site, api, identity)
        found.sort(key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]), reverse=True)
        return JSONResponse({"items": found[:limit], "more": len(found) > limit})

    return Route("/v1/actions", answered(listed), methods=["GET"])


async def _everywhere(site: Site, api: Api, identity: Identity) -> list[dict[str, Any]]:
    """List them in the whole cluster, else in every namespace in which the user may; and those on nodes."""
    on_nodes, within = await asyncio.gather(_permitted(api, collection_path("")), _within(site, api, identity))
    return on_nodes + within


async def _within(site: Site, api: Api, identity: Identity) -> list[dict[str, Any]]:
    try:
        return await _list(api, f"/apis/{GROUP}/{VERSION}/{PLURAL}")
    except NotPermitted:
        rights = await site.authority.rights(identity)
        namespaces = sorted(namespace for kind, namespace in rights.within if kind == "HealingAction")
    at_once = asyncio.Semaphore(AT_ONCE)

    async def of(namespace: str) -> list[dict[str, Any]]:
        async with at_once:
            # The right may have been withdrawn since it was reviewed.
            return await _permitted(api, collection_path(namespace))

    return [one for some in await asyncio.gather(*map(of, namespaces)) for one in some]


async def _permitted(api: Api, path: str) -> list[dict[str, Any]]:
    try:
        return await _list(api, path)
    except NotPermitted:
        return []


async def _list(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query = {"limit": str(MOST)}
    while True:
        listed = await api.call("GET", path, query=query)
        found += map(_shown, listed.get("items") or ())
        following = (listed.get("metadata") or {}).get("continue")
        if not following:
            return found
        query["continue"] = following


def _shown(action: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": _only(action["metadata"], _SHOWN),
        "spec": action["spec"],
        "status": action.get("status") or {},
    }


def _only(found: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {field: found[field] for field in fields if field in found}
