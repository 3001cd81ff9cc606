"""`GET /api/v1/events` and `/api/v1/namespaces/{namespace}/events`: Kubernetes Events, the newest first.

The times and counts of both kinds of Events are read: those of old recorders have `lastTimestamp` and `count`, those of
new ones `eventTime` and a series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kubedom_bridge.site import Site

from .asking import BadQuery, answered, namespace_of, number_of, query_of
from .listing import listed

MOST = 500
#: What each field of the object can be; none of it has to be escaped in a field selector.
_OBJECT = ("kind", "name", "uid")
_FIELDS = {
    "type": re.compile("[A-Za-z]{1,63}"),
    "kind": re.compile("[A-Za-z]{1,63}"),
    "name": re.compile(r"[A-Za-z0-9][-A-Za-z0-9.:_]{0,252}"),
    "uid": re.compile("[A-Za-z0-9][-A-Za-z0-9]{0,62}"),
}


def events_routes(site: Site) -> list[Route]:
    """Make the routes, as below `/api`: of all that the user may list, and of an object or a namespace."""

    async def everywhere(request: Request) -> Response:
        identity = await site.identify(request)
        query = query_of(request, "type", "limit")
        limit = number_of(query.get("limit", str(MOST)), "limit", MOST)
        selector = {"fieldSelector": f"type={_value(query['type'], 'type')}"} if "type" in query else None
        site.commands.ask(identity)
        found = await listed(site, site.authority.api(identity), identity, "Event", "", selector)
        return _answer(found, limit)

    async def of_one(request: Request) -> Response:
        identity = await site.identify(request)
        namespace = namespace_of(request.path_params["namespace"])
        query = query_of(request, *_OBJECT, "limit")
        limit = number_of(query.get("limit", str(MOST)), "limit", MOST)
        named = [field for field in _OBJECT if field in query]
        selector = ",".join(f"involvedObject.{field}={_value(query[field], field)}" for field in named)
        site.commands.ask(identity)
        found = await site.authority.api(identity).call(
            "GET", f"/api/v1/namespaces/{namespace}/events", query={"fieldSelector": selector} if selector else None
        )
        return _answer(found.get("items") or (), limit)

    return [
        Route("/v1/events", answered(everywhere), methods=["GET"]),
        Route("/v1/namespaces/{namespace}/events", answered(of_one), methods=["GET"]),
    ]


def _answer(found: Iterable[dict[str, Any]], limit: int) -> Response:
    events = sorted(map(_shown, found), key=lambda event: event["lastTime"], reverse=True)
    return JSONResponse({"items": events[:limit], "more": len(events) > limit})


def _value(value: str, field: str) -> str:
    if not _FIELDS[field].fullmatch(value):
        raise BadQuery(f"{value[:80]!r} is no {field} of an object.", remedy=f"Correct {field}.", field=field)
    return value


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    series = event.get("series") or {}
    first = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or first
    concerned = event.get("involvedObject") or {}
    return {
        "type": event.get("type") or "",
        "reason": event.get("reason") or "",
        "message": event.get("message") or "",
        "count": series.get("count") or event.get("count") or 1,
        "firstTime": first or "",
        "lastTime": last or "",
        "source": event.get("reportingComponent") or (event.get("source") or {}).get("component") or "",
        "object": {
            field: concerned[field]
            for field in ("kind", "namespace", "name", "uid", "fieldPath")
            if concerned.get(field)
        },
    }
