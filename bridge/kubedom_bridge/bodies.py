"""The bodies of requests: of bounded size and time, and of a type that the request takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from . import origin
from .errors import KubedomError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
#: A body is a token with a little around it.
LONGEST_BODY = 32_768
BODY_SECONDS = 30.0
MOST_FIELDS = 32


class BadBody(KubedomError):
    """A request's body is too large or too slow, or not of a type or shape that is taken."""

    code = "badRequest"

    def __init__(self, status: int, message: str, *, remedy: str, field: str = "") -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.code = {408: "tooSlow", 413: "tooLarge", 415: "mediaType"}.get(status, self.code)


def media_type(request: Request) -> str:
    """The type that a body says to be of, without its parameters; empty where it says none."""
    return (origin.joined(request.headers.getlist("content-type")) or "").partition(";")[0].strip().lower()


async def parts(request: Request, longest: int) -> AsyncIterator[bytes]:
    """Read a body as it comes.

    Raises:
        BadBody: where it is longer than `longest` bytes, or does not come whole and in time.

    """
    length = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                length += len(part)
                if length > longest:
                    raise BadBody(413, "The body is too large.", remedy=f"Send at most {longest} bytes.")
                yield part
    except ClientDisconnect:
        # Nobody hears it; but who hangs up in the middle is no failure of ours.
        raise BadBody(422, "The body did not come to its end.", remedy="Send it whole.") from None
    except TimeoutError:
        raise BadBody(
            408, "The body did not come in time.", remedy=f"Send it within {BODY_SECONDS:g} seconds."
        ) from None


async def body(request: Request, longest: int = LONGEST_BODY) -> bytes:
    """Read the whole body; errors as for `parts`."""
    return b"".join([part async for part in parts(request, longest)])


def fields(kind: str, sent: bytes, known: Collection[str]) -> dict[str, Any]:
    """Decode a JSON object or a form.

    Args:
        kind: The type that the body says to be of.
        sent: The body.
        known: The fields that it may have.

    Raises:
        BadBody: where it is of another type, is not what it says to be, or has a field twice or an unknown one.

    """
    if kind not in {JSON, FORM}:
        raise BadBody(415, f"A body of type {kind[:80]!r} is not taken.", remedy="Send JSON or a form.")
    found = _json_object(sent) if kind == JSON else _form(sent)
    if found is None:
        wanted = "one JSON object" if kind == JSON else f"a form with at most {MOST_FIELDS} fields, each once"
        raise BadBody(422, f"The body is not {wanted}.", remedy=f"Encode it as {kind}.")
    for name in found:
        if name not in known:
            raise BadBody(422, f"There is no field {name[:80]!r}.", remedy=f"Use {', '.join(known)}.", field=name[:80])
    return found


def _json_object(sent: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(sent)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _form(sent: bytes) -> dict[str, Any] | None:
    try:
        pairs = parse_qsl(sent.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    found: dict[str, Any] = dict(pairs)
    return found if len(found) == len(pairs) else None
