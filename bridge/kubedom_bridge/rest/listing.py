"""Lists of what the user may see: in the whole cluster, else in every namespace in which they may.

In come the API as the user and a kind; out come its objects, page by page. Nobody is refused a list because a part of
it is not theirs: where a right was withdrawn since it was reviewed, that part is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.identity import Identity
from kubedom_bridge.known_kinds import SHOWN
from kubedom_bridge.kube import Api
from kubedom_bridge.site import Site

MOST = 500
#: Of more the rest is left out, for all have to be read to know which are the newest.
_MOST_PAGES = 20
_AT_ONCE = 8

Object = dict[str, Any]


async def listed(
    site: Site, api: Api, identity: Identity, kind: str, namespace: str, query: dict[str, str] | None = None
) -> list[Object]:
    """List a namespaced kind.

    Args:
        site: Knows the user's rights.
        api: The API server, asked as the user.
        identity: Who asks.
        kind: One of `SHOWN`.
        namespace: Of which namespace; empty for all that the user may list.
        query: Selectors for the API server.

    Raises:
        NotPermitted: where the one namespace is not theirs, or none is.
        KubedomError: where the API server refuses otherwise, or cannot be asked.

    """
    place = SHOWN[kind]
    if namespace:
        return await pages(api, place.collection(namespace), query)
    try:
        return await pages(api, place.collection(""), query)
    except NotPermitted as refusal:
        refused = refusal
    rights = await site.authority.rights(identity)
    # A kind that is no part of the journal is not reviewed; who may list pods may often list what is said about them.
    known = {within for each, within in rights.within if each == kind} or {within for _, within in rights.within}
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def of(within: str) -> list[Object] | None:
        async with at_once:
            return await permitted(api, place.collection(within), query)

    found = [some for some in await asyncio.gather(*map(of, sorted(known))) if some is not None]
    if not found:
        raise refused
    return [one for some in found for one in some]


async def permitted(api: Api, path: str, query: dict[str, str] | None = None) -> list[Object] | None:
    """List a collection; None where the user may not."""
    try:
        return await pages(api, path, query)
    except NotPermitted:
        return None


async def pages(api: Api, path: str, query: dict[str, str] | None = None) -> list[Object]:
    """List a collection in pages, 10,000 objects at most; errors as `Api.call`."""
    found: list[Object] = []
    asked = {"limit": str(MOST), **(query or {})}
    for _ in range(_MOST_PAGES):
        page = await api.call("GET", path, query=asked)
        found += page.get("items") or ()
        following = (page.get("metadata") or {}).get("continue")
        if not following:
            break
        asked["continue"] = following
    return found


def shown(found: Object) -> Object:
    """An object as it is told: who it is, what is wanted and how it is."""
    return {
        "metadata": only(found["metadata"], ("namespace", "name", "uid", "creationTimestamp", "labels")),
        "spec": found["spec"],
        "status": found.get("status") or {},
    }


def only(found: Object, fields: Iterable[str]) -> Object:
    """The fields of these names that are there."""
    return {field: found[field] for field in fields if field in found}


def newest(found: list[Object], limit: int) -> Object:
    """The answer: the newest first, and whether there are more."""
    found.sort(key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]), reverse=True)
    return {"items": found[:limit], "more": len(found) > limit}
