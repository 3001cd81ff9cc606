"""Finding the deletions that a watch has missed: a metadata-only LIST, compared by uid.

Kopf relists after a 410 and after the API server was away, but tells nothing of what was deleted meanwhile. So after
each relist, and at a slow interval, the uids that exist are listed (names only, in pages) and what is known beyond them
is gone. Only what was known *before* the list began is judged: an object that was created during it is not missing.
"""

from __future__ import annotations

from kubedom_bridge.kube import Api
from kubedom_operator.projection import KINDS

PAGE = "500"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


async def listed_uids(api: Api, kind: str, namespace: str | None) -> set[str]:
    """List the uids of a kind that exist, page by page."""
    path = collection_path(kind, namespace)
    uids: set[str] = set()
    query = {"limit": PAGE}
    while True:
        page = await api.call("GET", path, query=query, accept=METADATA_ONLY)
        uids.update(item["metadata"]["uid"] for item in page.get("items") or ())
        token = page["metadata"].get("continue")
        if not token:
            return uids
        query["continue"] = token


def collection_path(kind: str, namespace: str | None) -> str:
    """Where the objects of a kind are, in one namespace or in all."""
    info = KINDS[kind]
    if namespace is None or not info.namespaced:
        return info.path
    root = f"/apis/{info.group}/{info.version}" if info.group else f"/api/{info.version}"
    return f"{root}/namespaces/{namespace}/{info.plural}"
