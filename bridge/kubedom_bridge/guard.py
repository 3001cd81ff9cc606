"""The door of the HTTP half: where a request comes from is judged before anything else."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import audit, origin
from .problems import problem
from .site import Site


class Guard:
    """Judges where a request comes from before anything else, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self._site.headers.items():
                    answer[name] = value
                answer.setdefault("cache-control", "no-cache")
            await send(message)

        # Probes come from the kubelet under the pod's address and see nothing of the cluster.
        probe = scope["path"] in {"/healthz", "/readyz"}
        reason = (
            ""
            if probe
            else origin.refusal(
                method=scope["method"],
                upgrade=False,
                host=origin.joined(headers.getlist("host")) or "",
                origin=origin.joined(headers.getlist("origin")),
                fetch_site=origin.joined(headers.getlist("sec-fetch-site")),
                allowed=self._site.origins,
            )
        )
        if reason:
            self._site.refused("origin")
            client = scope.get("client")
            audit.record(
                "refusal", source=client[0] if client else "", target=scope["path"], outcome="origin", reason=reason
            )
            await problem(403, "origin", reason)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)
