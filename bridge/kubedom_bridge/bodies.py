"""The bodies of requests: of bounded size, and of a type that the request takes."""

from __future__ import annotations

from starlette.requests import Request

from .errors import KubedomError

#: A body is a token with a little around it.
LONGEST_BODY = 32_768


class BadBody(KubedomError):
    """A request's body is too large, or not of a type or shape that is taken."""

    code = "badRequest"

    def __init__(self, status: int, message: str, *, remedy: str, field: str = "") -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.code = {413: "tooLarge", 415: "mediaType"}.get(status, self.code)


async def body(request: Request) -> bytes:
    """Read it.

    Raises:
        BadBody: where it is too large.

    """
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > LONGEST_BODY:
            raise BadBody(413, "The body is too large.", remedy=f"Send at most {LONGEST_BODY} bytes.")
    return read
