"""The HTTP half of the bridge: the page and its modules, sign-in, health, and the one REST call of a plain form.

Every request passes the guard first: host and origin are judged before anything else (origin.py), and every answer has
the strict content policy. Errors are RFC 9457 problem documents.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import origin
from .errors import KubedomError, NotPermitted
from .signin import SESSION_SECONDS, LocalSignIn

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# The page's author names the default of `POST /api/deploy` by this cookie, which the SDK sets from an attribute.
DEFAULT_DEPLOYMENT_COOKIE = "kubedom_default_deployment"
_STATUS = {"targetGone": 404, "forbidden": 403, "clusterUnreachable": 503, "apiError": 502, "notInstalled": 503}

mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the HTTP half serves and asks.

    Args:
        origins: The exact origins that are ours.
        cookie: The session cookie's name; cookies of one host are shared by all ports, so it contains ours.
        signin: The sign-in of the local user.
        web_dirs: Folders with the page and the SDK, the first that has a file wins.
        not_ready: Says why the bridge is not ready; an empty string when it is.
        deploy: Starts a rollout of `namespace/name` (empty: the configured default) and gives the HealingAction.

    """

    origins: frozenset[str]
    cookie: str
    signin: LocalSignIn
    web_dirs: tuple[Path, ...]
    not_ready: Callable[[], str]
    deploy: Callable[[str], Awaitable[dict[str, object]]]
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    def is_signed_in(self, cookies: dict[str, str]) -> bool:
        """Whether a request's cookies hold a session that lives."""
        return self.signin.is_signed_in(cookies.get(self.cookie))


def packaged_web_dir() -> Path:
    """Find the web folder: in the wheel beside this module, in a checkout at its top."""
    packaged = Path(str(files("kubedom_bridge"))) / "web"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "web"


def make_app(site: Site) -> Starlette:
    """Put the HTTP half together."""

    async def page(request: Request) -> Response:
        if not site.is_signed_in(request.cookies):
            return _sign_in_page(
                "Sign in", "Open the sign-in link that kubedom printed in its terminal. It works once.", 401
            )
        return _file(site, request.path_params.get("path") or "index.html")

    async def signin(request: Request) -> Response:
        if request.method == "HEAD":
            # Link checkers look with it; looking must not use the link up.
            return Response()
        if site.is_signed_in(request.cookies):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        session = site.signin.exchange(request.query_params.get("code", ""))
        if session is None:
            return _sign_in_page(
                "This link does not work any more",
                "A sign-in link works once, within an hour. Press Enter in kubedom's terminal for a new one.",
                403,
            )
        # Not a redirect: when another site or a terminal opened the link, the browser would leave a strict cookie out
        # of the request that a redirect makes; the page's own refresh is a request of ours.
        answer = HTMLResponse(
            '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>kubedom</title>'
        )
        answer.set_cookie(site.cookie, session, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict")
        return answer

    async def favicon(_: Request) -> Response:
        # Asked for by browsers beside a page that names no icon, as the sign-in's; a 404 would show in their console.
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = site.not_ready()
        return PlainTextResponse(f"{reason or 'ok'}\n", 503 if reason else 200)

    async def deploy(request: Request) -> Response:
        if not site.is_signed_in(request.cookies):
            return problem(401, "signIn", "You are not signed in.", remedy="Open the sign-in link.")
        if await request.body():
            return problem(
                415, "badRequest", "This request takes no body.", remedy="Send it without one; it starts the default."
            )
        try:
            started = await site.deploy(unquote(request.cookies.get(DEFAULT_DEPLOYMENT_COOKIE, "")))
        except NotPermitted as error:
            return problem(403, error.code, error.message, remedy=error.remedy, at=error.field)
        except KubedomError as error:
            return problem(_STATUS.get(error.code, 422), error.code, error.message, remedy=error.remedy, at=error.field)
        return JSONResponse(started, 202)

    async def failed(_: Request, __: Exception) -> Response:
        # Starlette answers what nobody expected outside of every middleware, so the guard does not see it.
        answer = problem(500, "http", "Internal Server Error.")
        answer.headers.update(site.headers)
        return answer

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/signin", signin),
            Route("/favicon.ico", favicon),
            Route("/api/deploy", deploy, methods=["POST"]),
            Route("/", page),
            Route("/{path:path}", page),
        ],
        middleware=[Middleware(Guard, site=site)],
        exception_handlers={HTTPException: _http_problem, Exception: failed},
    )


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
                host=headers.get("host", ""),
                origin=headers.get("origin"),
                fetch_site=headers.get("sec-fetch-site"),
                allowed=self._site.origins,
            )
        )
        if reason:
            await problem(403, "origin", reason)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


def problem(status: int, code: str, title: str, *, remedy: str = "", at: str = "") -> JSONResponse:
    """Make an RFC 9457 problem document."""
    document: dict[str, object] = {"type": f"urn:kubedom:{code}", "title": title, "status": status}
    if remedy:
        document["detail"] = remedy
    if at:
        document["field"] = at
    return JSONResponse(document, status, media_type="application/problem+json")


async def _http_problem(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    answer = problem(status, "http", HTTPStatus(status).phrase + ".")
    answer.headers.update(headers or {})
    return answer


def _file(site: Site, path: str) -> Response:
    for folder in site.web_dirs:
        root = folder.resolve()
        try:
            found = (root / path).resolve()
            if found.is_relative_to(root) and found.is_file():
                return FileResponse(found)
        except (OSError, ValueError):
            # A null byte or an overlong name: no file system can have it.
            continue
    return problem(404, "http", f"There is nothing at /{path[:200]}.")


def _sign_in_page(title: str, sentence: str, status: int) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>kubedom: {escape(title)}</title><h1>{escape(title)}</h1><p>{escape(sentence)}</p></html>",
        status,
    )
