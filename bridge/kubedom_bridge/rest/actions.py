"""`GET /api/v1/actions`, `/policies` and `/vetoes`: kubedom's own objects that the user may list, the newest first."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kubedom_bridge.actions import collection_path
from kubedom_bridge.site import Site

from .asking import answered, namespace_of, number_of, query_of
from .listing import MOST, listed, newest, permitted, shown

_LISTS = {"policies": "HealingPolicy", "vetoes": "HealingVeto"}


def healing_routes(site: Site) -> list[Route]:
    """Make the routes, as below `/api`."""

    async def actions(request: Request) -> Response:
        identity = await site.identify(request)
        namespace, limit = _asked(request)
        site.commands.ask(identity)
        api = site.authority.api(identity)
        within = listed(site, api, identity, "HealingAction", namespace)
        if namespace:
            found = await within
        else:
            on_nodes, others = await asyncio.gather(permitted(api, collection_path("")), within)
            found = (on_nodes or []) + others
        return JSONResponse(newest(list(map(shown, found)), limit))

    def list_of(kind: str) -> Route:
        async def others(request: Request) -> Response:
            identity = await site.identify(request)
            namespace, limit = _asked(request)
            site.commands.ask(identity)
            found = await listed(site, site.authority.api(identity), identity, _LISTS[kind], namespace)
            return JSONResponse(newest(list(map(shown, found)), limit))

        return Route(f"/v1/{kind}", answered(others), methods=["GET"])

    return [Route("/v1/actions", answered(actions), methods=["GET"]), *map(list_of, _LISTS)]


def _asked(request: Request) -> tuple[str, int]:
    query = query_of(request, "namespace", "limit")
    namespace = namespace_of(query["namespace"]) if "namespace" in query else ""
    return namespace, number_of(query.get("limit", str(MOST)), "limit", MOST)
