"""`/api/session`: signing in with a token, asking who one is, and signing out."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from . import audit, bodies, pages
from .errors import KubedomError
from .identity import Proof, SignInRefused, checked_token
from .problems import problem, refused
from .site import Site, peer

#: A path, with its query, which no browser takes for another site's address.
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]{0,2000}")
#: Browsers keep no cookie that is larger.
LONGEST_COOKIE = 3_800


def session_route(site: Site) -> Route:
    """Make the route, as below `/api`."""

    async def who(request: Request) -> Response:
        try:
            identity = await site.identify(request)
        except SignInRefused as refusal:
            way = "token" if site.by_token else "link" if site.signin is not None else "proxy"
            return problem(401, refusal.code, refusal.message, remedy=refusal.remedy, more={"signIn": way})
        except KubedomError as error:
            return refused(error)
        return JSONResponse({"user": identity.user.name, "groups": identity.user.groups, "expires": identity.expires})

    async def sign_in(request: Request) -> Response:
        source = peer(request)
        then: str | None = None
        if not site.by_token:
            return problem(422, "signIn", "Nobody signs in with a token here.", remedy="Start with --sign-in token.")
        if not site.sign_ins.take(source, asyncio.get_running_loop().time()):
            site.refused("rate")
            audit.record("signIn", source=source, outcome="refused", reason="too many attempts")
            return problem(429, "tooMany", "Too many attempts to sign in.", remedy="Wait a little.")
        try:
            token, then = await _token_of_body(request)
            identity = await site.authority.identify(Proof(token=token))
        except KubedomError as error:
            audit.record("signIn", source=source, outcome="refused", reason=error.message)
            return pages.sign_in(error.message, then or "/") if _wants_page(request) else refused(error)
        if len(token) > LONGEST_COOKIE:
            return problem(
                413,
                "tooLarge",
                "The token is too long for a browser's cookie.",
                remedy=f"Use one of at most {LONGEST_COOKIE} characters, or a proxy that signs in.",
                at="token",
            )
        # Behind a proxy all users come from one address, and only those who guess are to be slowed down.
        site.sign_ins.give_back(source)
        audit.record("signIn", user=identity.user.name, source=source, outcome="accepted")
        answer: Response = (
            JSONResponse({"user": identity.user.name}, 201)
            if then is None
            else RedirectResponse(then, HTTPStatus.SEE_OTHER)
        )
        answer.set_cookie(site.cookie, token, httponly=True, samesite="strict", secure=site.secure_cookie)
        return answer

    async def sign_out(request: Request) -> Response:
        audit.record("signOut", source=peer(request), outcome="accepted")
        if site.signin is not None:
            site.signin.end(request.cookies.get(site.cookie))
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        answer.delete_cookie(site.cookie, httponly=True, samesite="strict", secure=site.secure_cookie)
        return answer

    answers = {"GET": who, "HEAD": who, "POST": sign_in, "DELETE": sign_out}

    async def session(request: Request) -> Response:
        return await answers[request.method](request)

    return Route("/session", session, methods=list(answers))


async def _token_of_body(request: Request) -> tuple[str, str | None]:
    """Read the token, and where a form is to lead; None for what is no form."""
    kind = bodies.media_type(request)
    sent = bodies.fields(kind, await bodies.body(request), ["token", "next"] if kind == bodies.FORM else ["token"])
    token = sent.get("token")
    if not isinstance(token, str) or not token.strip():
        raise bodies.BadBody(422, "There is no token in the body.", remedy='Send {"token": "..."}.', field="token")
    then = sent.get("next", "/") if kind == bodies.FORM else None
    return checked_token(token.strip()), then if then is None or _OWN_PATH.fullmatch(then) else "/"


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
