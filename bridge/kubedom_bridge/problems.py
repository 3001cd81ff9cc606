"""Errors of the HTTP half, as RFC 9457 problem documents: a type, a sentence, the remedy, and the field at fault."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .errors import KubedomError, NotPermitted
from .kube import ApiError

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    "signIn": 401,
    "tooSlow": 408,
    "conflict": 409,
    "tooLarge": 413,
    "mediaType": 415,
    "tooMany": 429,
    "notFound": 404,
    "targetGone": 404,
    "clusterUnreachable": 503,
    "apiError": 502,
    "notInstalled": 503,
    "healingOff": 503,
}
#: What the API server says of a request is the answer to it; its other errors are not the asker's.
_PASSED_ON = frozenset({400, 404, 405, 409, 410, 413, 422, 429})


class Detailed(KubedomError):
    """An error whose problem document has members of its own, `more`."""

    def __init__(self, message: str, *, remedy: str = "", field: str = "", more: Mapping[str, object]) -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.more = more


def refused(error: KubedomError) -> Response:
    """Tell of an error that somebody can mend."""
    if isinstance(error, NotPermitted):
        status = 403
    elif isinstance(error, ApiError) and error.status in _PASSED_ON:
        status = error.status
    else:
        status = _STATUS.get(error.code, 422)
    more = error.more if isinstance(error, Detailed) else None
    return problem(status, error.code, error.message, remedy=error.remedy, at=error.field, more=more)


def problem(
    status: int, code: str, title: str, *, remedy: str = "", at: str = "", more: Mapping[str, object] | None = None
) -> JSONResponse:
    """Make an RFC 9457 problem document.

    Args:
        status: The HTTP status.
        code: What it is about, in one word; `type` is made of it.
        title: The sentence.
        remedy: What to do about it.
        at: The field at fault.
        more: The members that this type of problem has beside these.

    """
    document: dict[str, object] = {"type": f"urn:kubedom:{code}", "title": title, "status": status, **(more or {})}
    if remedy:
        document["detail"] = remedy
    if at:
        document["field"] = at
    # Where a body was not read to its end, nothing is to come after it.
    headers = {"connection": "close"} if status in {408, 413} else None
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


async def http_problem(_: Request, error: Exception) -> Response:
    """Tell of an error of HTTP itself: a path or a method that is not there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    answer = problem(status, "http", HTTPStatus(status).phrase + ".")
    answer.headers.update(headers or {})
    return answer
