"""Who sends a request: what it brings as proof, and whom the proof is of.

Pure. How a proof is judged is the matter of `authority.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import KubedomError

#: As the API server itself takes a token from a browser, which can set no header on a WebSocket.
#: Source: k8s.io/apiserver/pkg/authentication/request/websocket
TOKEN_SUBPROTOCOL = "base64url.bearer.authorization.k8s.io."  # noqa: S105 - a prefix, no token
LONGEST_TOKEN = 16_384


class SignInRefused(KubedomError):
    """There is no proof of who asks, or it is not good (any more)."""

    code = "signIn"


@dataclass(frozen=True)
class User:
    """A user as the API server knows them; `extra` in the order of its keys."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Identity:
    """Somebody who is signed in.

    Args:
        user: Who it is.
        token: Their bearer token, with which the bridge acts as them; empty for the others.
        impersonated: Whether the bridge acts as them by impersonation, for a trusted proxy vouches for them.
        expires: When the token ends, in seconds since the epoch.

    """

    user: User
    token: str = field(default="", repr=False)
    impersonated: bool = False
    expires: float | None = None


@dataclass(frozen=True)
class Proof:
    """What a request brings.

    Args:
        token: A bearer token, of the header or the subprotocol.
        cookies: Its cookies.
        headers: Its headers by lower-case name, all values of each.
        peer: The address that the connection comes from.

    """

    token: str = field(default="", repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    peer: str = ""


def token_of_header(value: str) -> str:
    """Read an Authorization header; empty where there is none.

    Raises:
        SignInRefused: for another scheme than Bearer.

    """
    if not value:
        return ""
    scheme, _, token = value.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SignInRefused(
            "Only bearer tokens are taken.", remedy="Send `Authorization: Bearer <token>`.", field="Authorization"
        )
    return checked_token(token.strip())


def token_of_subprotocols(offered: Sequence[str]) -> str:
    """Find the token among the subprotocols that a WebSocket offers; empty where there is none.

    Raises:
        SignInRefused: for two of them, or one that is not base64url.

    """
    found = [one.removeprefix(TOKEN_SUBPROTOCOL) for one in offered if one.startswith(TOKEN_SUBPROTOCOL)]
    if not found:
        return ""
    if len(found) > 1:
        raise SignInRefused("More than one token was offered.", remedy="Offer one.", field="Sec-WebSocket-Protocol")
    try:
        return checked_token(base64.b64decode(found[0] + "=" * (-len(found[0]) % 4), b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        raise SignInRefused(
            "The token that was offered as a subprotocol is not base64url.",
            remedy="Encode it as base64url without padding.",
            field="Sec-WebSocket-Protocol",
        ) from None


def expiry_of(token: str) -> float | None:
    """When a JWT says that it ends, in seconds since the epoch; None where it does not say or is no JWT.

    Only of use once the API server has accepted the token: nothing is verified here.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def fingerprint(token: str) -> str:
    """A token's name for caches and logs, from which it cannot be found."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True)
class TrustedProxies:
    """A proxy that signs users in (oauth2-proxy, Pomerium) and says who it is in headers.

    Args:
        networks: The addresses that are believed; a header from any other means nothing.
        user_header: The header with the user's name, in lower case.
        groups_header: The header with their groups, separated by commas, in lower case.

    """

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    user_header: str = "x-forwarded-user"
    groups_header: str = "x-forwarded-groups"

    def vouch(self, proof: Proof) -> User | None:
        """Say whom the proxy vouches for; None where the request does not come from one.

        Raises:
            SignInRefused: where the proxy names nobody, several, or one of Kubernetes' own users.

        """
        try:
            address = ipaddress.ip_address(proof.peer)
        except ValueError:
            return None
        if not any(address in network for network in self.networks):
            return None
        names = [name.strip() for name in proof.headers.get(self.user_header, ()) if name.strip()]
        if len(names) != 1:
            raise SignInRefused(
                f"The proxy names {'no' if not names else 'more than one'} user.",
                remedy=f"Let it set the header {self.user_header} once, and drop the client's own.",
                field=self.user_header,
            )
        groups = ",".join(proof.headers.get(self.groups_header, ())).split(",")
        if names[0].startswith("system:"):
            raise SignInRefused(
                "A proxy cannot vouch for a user of Kubernetes itself.",
                remedy="Use names that do not begin with `system:`.",
                field=self.user_header,
            )
        kept = {group.strip() for group in groups if group.strip() and not group.strip().startswith("system:")}
        return User(names[0], groups=(*sorted(kept), "system:authenticated"))


def checked_token(token: str) -> str:
    """Give the token back if it could be one.

    Raises:
        SignInRefused: where no API server could accept it.

    """
    if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise SignInRefused(
            "The token is not one that the API server could accept.", remedy="Sign in again.", field="token"
        )
    return token
