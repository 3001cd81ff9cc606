"""From the API server's bytes, or a Kopf handler's body, to a projection.

In goes one line of a watch, one page of a list, or a mapping; out comes the kind's struct. An object that does not fit
raises `UnreadableObject`, which names the field; of one such object in a page the rest of the page is still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from .kinds import KINDS
from .shape import Metadata, Minimal, Projection, Shape

T = TypeVar("T")


class UnreadableObject(ValueError):
    """An object has a field of a type that the API does not allow there.

    `field` is its path in the object, `status.containerStatuses[0].restartCount`, and empty if the text is no JSON
    object at all.
    """

    def __init__(self, kind: str, namespace: str, name: str, field: str, problem: str = "") -> None:
        where = f"{namespace}/{name}" if namespace else name
        super().__init__(f"{kind} {where or '(no name)'} cannot be read: {field or '(whole object)'}: {problem}")
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.field = field
        self.problem = problem


class Line(Shape, Generic[T]):
    """One line of a watch: ADDED, MODIFIED or DELETED with the object, or BOOKMARK with metadata.resourceVersion."""

    type: str
    object: T


class ListMetadata(Shape):
    """Where a list stands, and how to get its next page."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(name="continue", default=None)
    remaining_item_count: int | None = None


class Page(Shape, Generic[T]):
    """One page of a list; `unreadable` has the objects of it that could not be read, with what they are called."""

    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: tuple[T, ...] | None = ()
    unreadable: tuple[tuple[UnreadableObject, Minimal], ...] = ()


class WatchStatus(Shape):
    """What an ERROR line carries; code 410 means that the resourceVersion is too old."""

    code: int | None = None
    reason: str | None = None
    message: str | None = None


class WatchError(Exception):
    """The API server ended a watch with an ERROR line."""

    def __init__(self, status: WatchStatus) -> None:
        super().__init__(f"the API server ended the watch: {status.code} {status.reason}: {status.message}")
        self.status = status


class _RawLine(Shape):
    type: str
    object: msgspec.Raw


class _RawPage(Shape):
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: tuple[msgspec.Raw, ...] | None = ()


class Decoder:
    """Reads one kind."""

    def __init__(self, kind: str) -> None:
        struct = KINDS[kind].struct
        self._kind = kind
        self._object: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct)
        self._line: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Line[struct])  # type: ignore[valid-type]
        self._page: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Page[struct])  # type: ignore[valid-type]
        # Looked up once: this is the hottest call of the whole process.
        self._decode_line = self._line.decode

    def object(self, text: bytes | str) -> Any:
        """One object, as a GET answers it."""
        try:
            return self._object.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _unreadable(self._kind, text, error) from None

    def line(self, text: bytes | str) -> Line[Any]:
        """One line of a watch; an ERROR line raises `WatchError`, an object that does not fit `UnreadableObject`."""
        try:
            line: Line[Any] = self._decode_line(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # A Status has a text where an object has its status, so an ERROR line usually comes this way.
            try:
                raw = msgspec.json.decode(text, type=_RawLine)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise UnreadableObject(self._kind, "", "", "", str(error)) from None
            if raw.type == "ERROR":
                raise WatchError(_status(raw.object)) from None
            return Line(raw.type, self.object(bytes(raw.object)))
        if line.type == "ERROR":
            raise WatchError(_status(msgspec.json.decode(text, type=_RawLine).object))
        return line

    def page(self, text: bytes | str) -> Page[Any]:
        """One page of a list; raises only if the page itself is no list."""
        try:
            page: Page[Any] = self._page.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._page_one_by_one(text)
        return page

    def _page_one_by_one(self, text: bytes | str) -> Page[Any]:
        try:
            raw = msgspec.json.decode(text, type=_RawPage)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnreadableObject(f"{self._kind}List", "", "", "", str(error)) from None
        items: list[Any] = []
        unreadable: list[tuple[UnreadableObject, Minimal]] = []
        for item in raw.items or ():
            try:
                items.append(self.object(bytes(item)))
            except UnreadableObject as error:
                unreadable.append((error, minimal(self._kind, _mapping(bytes(item)))))
        return Page(raw.metadata, tuple(items), tuple(unreadable))


def decoder(kind: str) -> Decoder:
    """Make a decoder for the bytes of one kind."""
    return Decoder(kind)


def from_object(kind: str, body: Mapping[str, Any]) -> Any:
    """Project an object that is a mapping already, as Kopf hands it over."""
    struct = KINDS[kind].struct
    try:
        return msgspec.convert(body, struct)
    except (msgspec.ValidationError, TypeError) as error:
        raise _explained(kind, body, struct, error) from None


def minimal(kind: str, body: object) -> Minimal:  # noqa: ARG001 - the seam names the kind
    """Keep of an object that cannot be read those parts of its metadata that are what they should be."""
    given = body.get("metadata") if isinstance(body, Mapping) else None
    metadata = Metadata()
    if not isinstance(given, Mapping):
        return Minimal(metadata)
    for field in msgspec.structs.fields(Metadata):
        if field.encode_name in given:
            try:
                value = msgspec.convert(given[field.encode_name], field.type)
            except (msgspec.ValidationError, TypeError):
                continue
            setattr(metadata, field.name, value)
    return Minimal(metadata)


def _status(raw: msgspec.Raw) -> WatchStatus:
    try:
        return msgspec.json.decode(raw, type=WatchStatus)
    except msgspec.DecodeError:
        return WatchStatus(message=bytes(raw)[:200].decode("utf-8", "replace"))


def _mapping(text: bytes | str) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def _unreadable(kind: str, text: bytes | str, error: Exception) -> UnreadableObject:
    return _explained(kind, _mapping(text), KINDS[kind].struct, error)


def _explained(kind: str, body: Any, struct: type[Any], error: Exception) -> UnreadableObject:
    metadata = minimal(kind, body).metadata if isinstance(body, Mapping) else Metadata()
    problem, _, path = str(error).partition(" - at `$")
    return UnreadableObject(
        kind, metadata.namespace, metadata.name, _with_indices(path.rstrip("`"), body, struct), problem
    )


def _with_indices(path: str, body: Any, struct: type[Any]) -> str:
    """Find out which element of a list is wrong, where msgspec only says `[...]`; dear, but for bad objects only."""
    parts = path.lstrip(".").split("[...]")
    if len(parts) == 1:
        return parts[0]
    place, keys = parts[0], _keys(parts[0])
    for part in parts[1:]:
        inner = _at(body, keys)
        if not isinstance(inner, (list, tuple)):
            place, keys = f"{place}[...]{part}", [*keys, *_keys(part)]
            continue
        wrong = next((i for i in range(len(inner)) if not _fits(_replaced(body, keys, [inner[i]]), struct)), 0)
        body = _replaced(body, keys, [inner[wrong]])
        place = f"{place}[{wrong}]{part}"
        keys = [*keys, 0, *_keys(part)]
    return place


def _keys(part: str) -> list[str | int]:
    return [key for key in part.split(".") if key]


def _at(body: Any, keys: list[str | int]) -> Any:
    for key in keys:
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _replaced(body: Any, keys: list[str | int], value: Any) -> Any:
    if not keys:
        return value
    if isinstance(body, Mapping):
        return {**body, keys[0]: _replaced(body[str(keys[0])], keys[1:], value)}
    copy = list(body)
    copy[int(keys[0])] = _replaced(copy[int(keys[0])], keys[1:], value)
    return copy


def _fits(body: Any, struct: type[Any]) -> bool:
    try:
        msgspec.convert(body, struct)
    except (msgspec.ValidationError, TypeError):
        return False
    return True


__all__ = [
    "Decoder",
    "Line",
    "ListMetadata",
    "Page",
    "Projection",
    "UnreadableObject",
    "WatchError",
    "WatchStatus",
    "decoder",
    "from_object",
    "minimal",
]
