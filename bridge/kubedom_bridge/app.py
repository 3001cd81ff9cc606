"""The HTTP half of the bridge: the page and its modules, sign-in, health, and the requests of `rest`.

Every request passes the guard first: host and origin are judged before anything else (origin.py), and every answer has
the strict content policy. Errors are RFC 9457 problem documents.
"""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from . import audit, pages, protocol
from .errors import KubedomError
from .guard import Guard
from .identity import SignInRefused
from .problems import http_problem, problem
from .rest.actions import healing_routes
from .rest.config import config_route
from .rest.deploy import deploy_route
from .rest.events import events_routes
from .rest.logs import log_route
from .rest.objects import objects_route
from .session_api import session_route
from .settings import DEFAULT_CONFIG_PATH
from .signin import SESSION_SECONDS
from .site import Site, peer

mimetypes.add_type("text/javascript", ".js")


def packaged_web_dir() -> Path:
    """Find the web folder: in the wheel beside this module, in a checkout at its top."""
    packaged = Path(str(files("kubedom_bridge"))) / "web"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "web"


def description(config_path: str = DEFAULT_CONFIG_PATH) -> dict[str, Any]:
    """The OpenAPI document of a bridge that takes forms at this path too."""
    document: dict[str, Any] = msgspec.json.decode((files("kubedom_bridge") / "openapi.json").read_bytes())
    if config_path != DEFAULT_CONFIG_PATH:
        operation = document["paths"][DEFAULT_CONFIG_PATH]["post"]
        document["paths"][config_path] = {"post": operation | {"operationId": "configureHere"}}
    return document


def make_app(site: Site) -> Starlette:
    """Put the HTTP half together."""

    async def page(request: Request) -> Response:
        try:
            await site.identify(request)
        except SignInRefused as refusal:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
                return pages.again(asked)
            if site.by_token:
                return pages.sign_in(refusal.message, asked)
            return pages.message("Sign in", str(refusal), 401)
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
        audit.record("signIn", source=peer(request), outcome="accepted" if session else "refused")
        if session is None:
            return pages.message(
                "This link does not work any more",
                "A sign-in link works once, within an hour. Press Enter in kubedom's terminal for a new one.",
                403,
            )
        answer = pages.again("/")
        answer.set_cookie(site.cookie, session, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict")
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

    async def openapi(_: Request) -> Response:
        return JSONResponse(described)

    async def socket(_: Request) -> Response:
        answer = problem(426, "http", "This is the socket's address.", remedy="Open it as a WebSocket.")
        answer.headers["upgrade"] = "websocket"
        return answer

    async def failed(_: Request, __: Exception) -> Response:
        # Starlette answers what nobody expected outside of every middleware, so the guard does not see it.
        answer = problem(500, "http", "Internal Server Error.")
        answer.headers.update(site.headers)
        return answer

    described = description(site.config_path)
    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/signin", signin),
            Route(f"/{pages.STYLE}", style),
            Route("/favicon.ico", favicon),
            # Mounted, so that a wrong path or method in it is told as such and not taken for a page's.
            Mount(
                "/api",
                routes=[
                    session_route(site),
                    deploy_route(site),
                    config_route(site, DEFAULT_CONFIG_PATH.removeprefix("/api")),
                    *healing_routes(site),
                    objects_route(site),
                    *events_routes(site),
                    log_route(site),
                    Route("/openapi.json", openapi),
                    Route(protocol.SOCKET_PATH.removeprefix("/api"), socket),
                ],
            ),
            *([] if site.config_path == DEFAULT_CONFIG_PATH else [config_route(site, site.config_path)]),
            Route("/", page),
            Route("/{path:path}", page),
        ],
        middleware=[Middleware(Guard, site=site)],
        exception_handlers={HTTPException: http_problem, Exception: failed},
    )


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
