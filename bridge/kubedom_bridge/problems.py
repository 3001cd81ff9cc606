"""Errors of the HTTP half, as RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .errors import KubedomError, NotPermitted

_STATUS = {
    "signIn": 401,
    "tooLarge": 413,
    "mediaType": 415,
    "tooMany": 429,
    "targetGone": 404,
    "forbidden": 403,
    "clusterUnreachable": 503,
    "apiError": 502,
    "notInstalled": 503,
}


def refused(error: KubedomError) -> Response:
    """Tell of an error that somebody can mend."""
    status = 403 if isinstance(error, NotPermitted) else _STATUS.get(error.code, 422)
    return problem(status, error.code, error.message, remedy=error.remedy, at=error.field)


def problem(status: int, code: str, title: str, *, remedy: str = "", at: str = "") -> JSONResponse:
    """Make an RFC 9457 problem document."""
    document: dict[str, object] = {"type": f"urn:kubedom:{code}", "title": title, "status": status}
    if remedy:
        document["detail"] = remedy
    if at:
        document["field"] = at
    return JSONResponse(document, status, media_type="application/problem+json")


async def http_problem(_: Request, error: Exception) -> Response:
    """Tell of an error of HTTP itself: a path or a method that is not there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    answer = problem(status, "http", HTTPStatus(status).phrase + ".")
    answer.headers.update(headers or {})
    return answer
