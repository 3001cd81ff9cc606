"""`GET /api/v1/namespaces/{namespace}/pods/{name}/log`: a container's log as text, and on request what comes to it.

Bounded: so many lines and bytes at once; who follows is told for an hour at most, has so many open, and ends it by
going. The text comes as it is read, so a slow reader holds the log back and nothing is gathered here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kubedom_bridge.errors import CommandRefused
from kubedom_bridge.identity import User
from kubedom_bridge.site import Site

from .asking import answered, name_of, namespace_of, number_of, query_of, seconds_of, truth_of

MOST_LINES = 10_000
MOST_BYTES = 4 * 2**20
FOLLOW_SECONDS = 3600.0
FOLLOWED_BY_A_USER = 5
READ_SECONDS = 30.0
_LONGEST_REFUSAL = 65_536


def log_route(site: Site) -> Route:
    """Make the route, as below `/api`."""
    followed: Counter[User] = Counter()

    async def log(request: Request) -> Response:
        identity = await site.identify(request)
        namespace = namespace_of(request.path_params["namespace"])
        name = name_of(request.path_params["name"], "name")
        query = query_of(request, "container", "previous", "tail", "follow", "since")
        # Who asks for the head alone would never hear of the end.
        follow = truth_of(query.get("follow", "false"), "follow") and request.method != "HEAD"
        wanted = {"tailLines": str(number_of(query.get("tail", "1000"), "tail", MOST_LINES, least=0))}
        if query.get("container"):
            wanted["container"] = name_of(query["container"], "container")
        if truth_of(query.get("previous", "false"), "previous"):
            wanted["previous"] = "true"
        if query.get("since"):
            wanted["sinceSeconds"] = str(seconds_of(query["since"], "since"))
        wanted |= {"follow": "true"} if follow else {"limitBytes": str(MOST_BYTES)}
        site.commands.ask(identity)
        api, user = site.authority.api(identity), identity.user
        async with AsyncExitStack() as opened:
            if follow:
                if followed[user] >= FOLLOWED_BY_A_USER:
                    raise CommandRefused(
                        "tooMany",
                        f"At most {FOLLOWED_BY_A_USER} logs are followed at once.",
                        remedy="Close one of them.",
                        field="follow",
                    )
                followed[user] += 1
                opened.callback(followed.subtract, {user: 1})
            answer = await opened.enter_async_context(
                api.stream(
                    f"/api/v1/namespaces/{namespace}/pods/{name}/log",
                    wanted,
                    inactivity=FOLLOW_SECONDS if follow else READ_SECONDS,
                    accept="*/*",
                )
            )
            if answer.status >= 400:
                raise api.refusal_of(answer.status, await answer.content.read(_LONGEST_REFUSAL))
            return _Told(answer.content, opened.pop_all())

    return Route("/v1/namespaces/{namespace}/pods/{name}/log", answered(log), methods=["GET"])


class _Told(StreamingResponse):
    """What comes of the API server; `opened` is closed when the reader has it all, or has gone."""

    media_type = "text/plain"

    def __init__(self, content: aiohttp.StreamReader, opened: AsyncExitStack) -> None:
        super().__init__(_as_it_comes(content))
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        async with self._opened:
            await super().__call__(scope, receive, send)


async def _as_it_comes(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    deadline = asyncio.get_running_loop().time() + FOLLOW_SECONDS
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                part = await content.readany()
        except (TimeoutError, aiohttp.ClientError):
            return
        if not part:
            return
        yield part
