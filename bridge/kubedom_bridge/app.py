"""The HTTP half of the bridge: the page and its modules, sign-in, health, and the one REST call of a plain form.

Every request passes the guard first: host and origin are judged before anything else (origin.py), and every answer has
the strict content policy. Errors are RFC 9457 problem documents.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import audit, origin, pages
from .authority import Authority
from .errors import KubedomError, NotPermitted
from .identity import Identity, Proof, SignInRefused, checked_token, token_of_header
from .limits import Buckets
from .signin import SESSION_SECONDS, LocalSignIn

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # With no-referrer a form of our own would be sent with the origin `null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# The page's author names the default of `POST /api/deploy` by this cookie, which the SDK sets from an attribute.
DEFAULT_DEPLOYMENT_COOKIE = "kubedom_default_deployment"
#: A body is a token with a little around it; browsers keep no cookie that is larger than this.
LONGEST_BODY = 32_768
LONGEST_COOKIE = 3_800
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

mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the HTTP half serves and asks.

    Args:
        origins: The exact origins that are ours.
        cookie: The session cookie's name; cookies of one host are shared by all ports, so it contains ours.
        secure_cookie: Whether browsers come over https, so that the cookie is not for anything else.
        signin: The sign-in of the local user; None where users sign in otherwise.
        by_token: Whether users sign in with a token.
        authority: Says who asks.
        sign_ins: How often an address may try to sign in.
        web_dirs: Folders with the page and the SDK, the first that has a file wins.
        not_ready: Says why the bridge is not ready; an empty string when it is.
        deploy: Starts a rollout of `namespace/name` (empty: the configured default) for somebody at an
            address, and gives the HealingAction.
        refused: Counts a refusal by its reason.

    """

    origins: frozenset[str]
    cookie: str
    secure_cookie: bool
    signin: LocalSignIn | None
    by_token: bool
    authority: Authority
    sign_ins: Buckets
    web_dirs: tuple[Path, ...]
    not_ready: Callable[[], str]
    deploy: Callable[[str, Identity, str], Awaitable[dict[str, object]]]
    refused: Callable[[str], None]
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    async def identify(self, request: Request) -> Identity:
        """Say who sends a request; errors as for `Authority.identify`."""
        headers: dict[str, list[str]] = {}
        for name, value in request.headers.items():
            headers.setdefault(name, []).append(value)
        token = token_of_header(request.headers.get("authorization", ""))
        return await self.authority.identify(
            Proof(token=token, cookies=request.cookies, headers=headers, peer=_peer(request))
        )


def packaged_web_dir() -> Path:
    """Find the web folder: in the wheel beside this module, in a checkout at its top."""
    packaged = Path(str(files("kubedom_bridge"))) / "web"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "web"


def make_app(site: Site) -> Starlette:
    """Put the HTTP half together."""

    async def page(request: Request) -> Response:
        try:
            await site.identify(request)
        except SignInRefused as refusal:
            return pages.sign_in(refusal.message) if site.by_token else pages.message("Sign in", str(refusal), 401)
        except KubedomError as error:
            return pages.message("The cluster cannot be asked", str(error), 503)
        return _file(site, request.path_params.get("path") or "index.html")

    async def signin(request: Request) -> Response:
        if request.method == "HEAD" or site.signin is None:
            # Link checkers look with it; looking must not use the link up.
            return Response() if site.signin is not None else RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if site.signin.is_signed_in(request.cookies.get(site.cookie)):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        session = site.signin.exchange(request.query_params.get("code", ""))
        audit.record("signIn", source=_peer(request), outcome="accepted" if session else "refused")
        if session is None:
            return pages.message(
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

    async def who(request: Request) -> Response:
        try:
            identity = await site.identify(request)
        except KubedomError as error:
            return refused(error)
        return JSONResponse({"user": identity.user.name, "groups": identity.user.groups, "expires": identity.expires})

    async def sign_in(request: Request) -> Response:
        source = _peer(request)
        if not site.by_token:
            return problem(422, "signIn", "Nobody signs in with a token here.", remedy="Start with --sign-in token.")
        if not site.sign_ins.take(source, asyncio.get_running_loop().time()):
            site.refused("rate")
            audit.record("signIn", source=source, outcome="refused", reason="too many attempts")
            return problem(429, "tooMany", "Too many attempts to sign in.", remedy="Wait a little.")
        try:
            token, form = await _token_of_body(request)
            identity = await site.authority.identify(Proof(token=token))
        except KubedomError as error:
            audit.record("signIn", source=source, outcome="refused", reason=error.message)
            return pages.sign_in(error.message) if _wants_page(request) else refused(error)
        if len(token) > LONGEST_COOKIE:
            return problem(
                413,
                "badRequest",
                "The token is too long for a browser's cookie.",
                remedy=f"Use one of at most {LONGEST_COOKIE} characters, or a proxy that signs in.",
                at="token",
            )
        audit.record("signIn", user=identity.user.name, source=source, outcome="accepted")
        answer: Response = (
            RedirectResponse("/", HTTPStatus.SEE_OTHER) if form else JSONResponse({"user": identity.user.name}, 201)
        )
        answer.set_cookie(site.cookie, token, httponly=True, samesite="strict", secure=site.secure_cookie)
        return answer

    async def sign_out(request: Request) -> Response:
        audit.record("signOut", source=_peer(request), outcome="accepted")
        if site.signin is not None:
            site.signin.end(request.cookies.get(site.cookie))
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        answer.delete_cookie(site.cookie, httponly=True, samesite="strict", secure=site.secure_cookie)
        return answer

    async def style(_: Request) -> Response:
        # The one file that the sign-in's own pages need, so it is for everybody.
        return _file(site, pages.STYLE)

    async def favicon(_: Request) -> Response:
        # Asked for by browsers beside a page that names no icon, as the sign-in's; a 404 would show in their console.
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reason = site.not_ready()
        return PlainTextResponse(f"{reason or 'ok'}\n", 503 if reason else 200)

    async def deploy(request: Request) -> Response:
        try:
            identity = await site.identify(request)
            if await _body(request):
                return problem(
                    415,
                    "badRequest",
                    "This request takes no body.",
                    remedy="Send it without one; it starts the default.",
                )
            named = unquote(request.cookies.get(DEFAULT_DEPLOYMENT_COOKIE, ""))
            started = await site.deploy(named, identity, _peer(request))
        except KubedomError as error:
            return refused(error)
        return JSONResponse(started, 202)

    def refused(error: KubedomError) -> Response:
        status = 403 if isinstance(error, NotPermitted) else _STATUS.get(error.code, 422)
        return problem(status, error.code, error.message, remedy=error.remedy, at=error.field)

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
            Route(f"/{pages.STYLE}", style),
            Route("/favicon.ico", favicon),
            Route("/api/session", who, methods=["GET"]),
            Route("/api/session", sign_in, methods=["POST"]),
            Route("/api/session", sign_out, methods=["DELETE"]),
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
            self._site.refused("origin")
            client = scope.get("client")
            audit.record(
                "refusal", source=client[0] if client else "", target=scope["path"], outcome="origin", reason=reason
            )
            await problem(403, "origin", reason)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)


class BadBody(KubedomError):
    """A request's body is too large, or not of a type or shape that is taken."""

    code = "badRequest"

    def __init__(self, status: int, message: str, *, remedy: str, field: str = "") -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.code = {413: "tooLarge", 415: "mediaType"}.get(status, self.code)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise BadBody(413, "The body is too large.", remedy=f"Send at most {LONGEST_BODY} bytes.")
    return body


async def _token_of_body(request: Request) -> tuple[str, bool]:
    """Read the token, and whether a form sent it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await _body(request)
    token: Any = None
    try:
        if kind == "application/json":
            sent = msgspec.json.decode(body)
            token = sent.get("token") if isinstance(sent, dict) else None
        elif kind == "application/x-www-form-urlencoded":
            token = dict(parse_qsl(body.decode("ascii"), max_num_fields=8)).get("token")
        else:
            raise BadBody(415, f"A body of type {kind[:80]!r} is not taken.", remedy="Send JSON or a form.")
    except (msgspec.DecodeError, ValueError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.strip():
        raise BadBody(422, "There is no token in the body.", remedy='Send {"token": "..."}.', field="token")
    return checked_token(token.strip()), kind != "application/json"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


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
