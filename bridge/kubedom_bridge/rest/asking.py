"""How every request of a user begins and ends: who asks, how much they may, and a problem document where it fails."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from kubedom_bridge.bodies import BadBody
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.problems import refused

#: What the API server takes as an object's name: a segment of a path.
_NAME = re.compile(r"[^/%\x00-\x1f\x7f]{1,253}")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_YES = frozenset({"true", "on", "1", "yes"})
_NO = frozenset({"false", "off", "0", "no", ""})
_MOST_SECONDS = 31_536_000

Handler = Callable[[Request], Awaitable[Response]]


class BadQuery(KubedomError):
    """A parameter of a request's path or query cannot be used."""

    code = "badRequest"


def answered(handler: Handler) -> Handler:
    """Let a handler's `KubedomError` be its answer."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except KubedomError as error:
            return refused(error)

    return answer


def query_of(request: Request, *known: str) -> Mapping[str, str]:
    """Read the query.

    Raises:
        BadQuery: where a parameter is unknown or comes twice.

    """
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            remedy = f"Use {', '.join(known)}." if known else "Leave it out."
            raise BadQuery(f"There is no parameter {name[:80]!r}.", remedy=remedy, field=name[:80])
        if name in found:
            raise BadQuery(f"The parameter {name} comes twice.", remedy="Send it once.", field=name)
        found[name] = value
    return found


def name_of(value: str, field: str) -> str:
    """Give a name back that can be part of a path.

    Raises:
        BadQuery: where no object can have it.

    """
    if not _NAME.fullmatch(value) or value in {".", ".."}:
        raise BadQuery(f"{value[:80]!r} is no object's name.", remedy=f"Correct {field}.", field=field)
    return value


def namespace_of(value: str, field: str = "namespace") -> str:
    """Give a namespace's name back; errors as for `name_of`."""
    if not _NAMESPACE.fullmatch(value):
        raise BadQuery(f"{value[:80]!r} is no namespace's name.", remedy=f"Correct {field}.", field=field)
    return value


def truth_of(value: object, field: str) -> bool:
    """Read true or false, as JSON, a checkbox or a query says it.

    Raises:
        BadBody: where it is neither.

    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _YES | _NO:
        return value.lower() in _YES
    raise BadBody(422, f"{field} is neither true nor false.", remedy="Send true or false.", field=field)


def number_of(value: str, field: str, most: int, *, least: int = 1) -> int:
    """Read a whole number.

    Raises:
        BadQuery: where it is none, or out of bounds.

    """
    if not value.isascii() or not value.isdigit() or len(value) > 9 or not least <= int(value) <= most:
        raise BadQuery(
            f"{value[:80]!r} is no whole number from {least} to {most}.", remedy=f"Correct {field}.", field=field
        )
    return int(value)


def seconds_of(value: str, field: str) -> int:
    """Read a time that has passed: seconds, or `90s`, `15m`, `2h`, `1d`; errors as for `number_of`."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400}.get(value[-1:], 0)
    number = value[:-1] if unit else value
    factor = unit or 1
    return factor * number_of(number, field, _MOST_SECONDS // factor)
