"""Server-side apply as the user: objects in, what became of them out, and conflicts with the fields and their owners.

Nothing is forced: a field that another manager owns with another value is a conflict, which the user decides about.
Several objects are tried without effect first, so that what the API server refuses leaves all of them as they were.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from kubedom_bridge.action_catalogue import TargetKind
from kubedom_bridge.bodies import BadBody
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.known_kinds import by_version
from kubedom_bridge.kube import APPLY_PATCH, Api, ApiError
from kubedom_bridge.problems import Detailed

FIELD_MANAGER = "kubedom"
_VERSION = re.compile(r"(?:(?P<group>[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)/)?(?P<version>v[a-z0-9]{1,30})")
_OWNER = re.compile(r'conflict with "(?P<manager>.*?)"(?: with subresource "[^"]*")?(?: using \S+)?')


class Conflict(Detailed):
    """Fields that are to be applied belong to other managers."""

    code = "conflict"


class UnknownKind(KubedomError):
    """The API server does not know a kind."""

    code = "badRequest"

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"The cluster does not know the kind {kind[:80]} of {api_version[:80]}.",
            remedy="Correct apiVersion and kind; `kubectl api-resources` lists them.",
            field="kind",
        )


class Place(NamedTuple):
    """An object's address in the API, and its names."""

    path: str
    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


class Kinds:
    """Where kinds are in the API, as the API server itself tells the user.

    Args:
        api: The API server, as the user.

    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._asked: dict[str, dict[str, TargetKind]] = {}

    async def find(self, api_version: str, kind: str) -> TargetKind:
        """Find out where a kind is in the API.

        Raises:
            UnknownKind: where the API server does not know it.

        """
        if (known := by_version(api_version, kind)) is not None:
            return known
        named = _VERSION.fullmatch(api_version)
        if named is None:
            raise UnknownKind(api_version, kind)
        group, version = named["group"] or "", named["version"]
        if api_version not in self._asked:
            try:
                listed = await self._api.call("GET", f"/apis/{group}/{version}" if group else f"/api/{version}")
            except ApiError as error:
                if error.status == 404:
                    raise UnknownKind(api_version, kind) from None
                raise
            self._asked[api_version] = {
                each["kind"]: TargetKind(group, version, each["name"], namespaced=bool(each["namespaced"]))
                for each in listed.get("resources") or ()
                if "/" not in each["name"]
            }
        found = self._asked[api_version].get(kind)
        if found is None:
            raise UnknownKind(api_version, kind)
        return found

    async def place(self, wanted: Mapping[str, Any], namespace: str) -> Place:
        """Find out where an object belongs.

        Args:
            wanted: The object.
            namespace: Where it belongs if it does not say.

        Raises:
            BadBody: where it has no name.
            UnknownKind: where the API server does not know its kind.

        """
        api_version, kind, metadata = wanted.get("apiVersion"), wanted.get("kind"), wanted.get("metadata")
        named = metadata.get("name") if isinstance(metadata, dict) else None
        for field, value in (("apiVersion", api_version), ("kind", kind), ("metadata.name", named)):
            if not isinstance(value, str) or not value:
                raise BadBody(
                    422, f"An object of the manifest has no {field}.", remedy=f"Write its {field}.", field=field
                )
        assert isinstance(metadata, dict)
        found = await self.find(str(api_version), str(kind))
        inside = str(metadata.get("namespace") or namespace) if found.namespaced else ""
        for field, value in (("metadata.name", str(named)), ("metadata.namespace", inside)):
            if value in {".", ".."} or "/" in value or "%" in value or len(value) > 253:
                raise BadBody(422, f"{value[:80]!r} is no name.", remedy=f"Correct {field}.", field=field)
        path = found.path(quote(inside, safe=""), quote(str(named), safe=""))
        return Place(path, str(api_version), str(kind), inside, str(named))


async def apply(api: Api, place: Place, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """Apply one object; gives it as it is then.

    Args:
        api: The API server, as the user.
        place: Where it belongs.
        wanted: What is wanted of it.
        dry_run: Whether the API server only says what would become of it.

    Raises:
        Conflict: where others own fields of it, with these.
        ApiError: where the API server refuses it for something else.
        NotPermitted: where the user may not.

    """
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
    metadata = {**wanted["metadata"], "name": place.name} | ({"namespace": place.namespace} if place.namespace else {})
    body = {**wanted, "metadata": metadata}
    try:
        return await api.call("PATCH", place.path, body=body, query=query, content_type=APPLY_PATCH)
    except ApiError as error:
        if error.status == 409 and (found := conflicts(error)):
            managers = ", ".join(sorted({one["manager"] for one in found}))
            raise Conflict(
                f"Fields of {place} belong to others: {managers}.",
                remedy="Leave these fields out, give them the value that they have, or change them with the tool that "
                "owns them.",
                field=found[0]["field"],
                more={"conflicts": found},
            ) from None
        raise


def conflicts(error: ApiError) -> list[dict[str, str]]:
    """The fields that the API server names in a refused apply, with their managers."""
    found = []
    for cause in error.causes:
        if cause.reason == "FieldManagerConflict":
            owner = _OWNER.fullmatch(cause.message)
            found.append({"field": cause.field, "manager": owner["manager"] if owner else cause.message})
    return found


async def apply_all(
    api: Api, wanted: Sequence[tuple[Place, Mapping[str, Any]]], *, dry_run: bool = False
) -> list[dict[str, Any]]:
    """Apply several objects in their order, or none where one is refused when it is tried; errors as for `apply`."""
    if dry_run or len(wanted) > 1:
        tried = await asyncio.gather(*(apply(api, place, one, dry_run=True) for place, one in wanted))
        if dry_run:
            return [reference(place, found) for (place, _), found in zip(wanted, tried, strict=True)]
    return [reference(place, await apply(api, place, one)) for place, one in wanted]


def reference(place: Place, found: Mapping[str, Any]) -> dict[str, Any]:
    """Name an object as answers do; nothing of its content is in it."""
    metadata = found.get("metadata") or {}
    return {
        "apiVersion": place.api_version,
        "kind": place.kind,
        **({"namespace": place.namespace} if place.namespace else {}),
        "name": place.name,
        "uid": str(metadata.get("uid", "")),
        "resourceVersion": str(metadata.get("resourceVersion", "")),
    }
