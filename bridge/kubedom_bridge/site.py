"""What the HTTP half serves and asks, in one value that its parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from . import origin
from .authority import Authority
from .identity import Identity, Proof, token_of_header
from .limits import Buckets
from .rest.commands import Commands
from .signin import LocalSignIn

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; worker-src 'self'; "
    # Of the name `kubedom` one policy can be made: the SDK's, which makes the address of its worker and no other.
    "require-trusted-types-for 'script'; trusted-types kubedom; base-uri 'none'; form-action 'self'; "
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
        commands: Gives users' commands.
        default_deployment: `namespace/name` that `POST /api/deploy` starts when a page names none.
        default_manifest: A file whose objects it applies instead; None for none.
        default_config: `namespace/name` that a form is kept as when it names none.
        config_path: Where forms are taken beside `/api/v1/config/`.
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
    commands: Commands
    default_deployment: str
    default_manifest: Path | None
    default_config: str
    config_path: str
    refused: Callable[[str], None]
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    async def identify(self, request: Request) -> Identity:
        """Say who sends a request; errors as for `Authority.identify`."""
        headers: dict[str, list[str]] = {}
        for name, value in request.headers.items():
            headers.setdefault(name, []).append(value)
        token = token_of_header(origin.joined(headers.get("authorization", ())) or "")
        return await self.authority.identify(
            Proof(token=token, cookies=request.cookies, headers=headers, peer=peer(request))
        )


def peer(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else ""
