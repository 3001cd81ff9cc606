"""Who asks and what they may see: the ways to sign in that are configured, behind one door.

With `LocalAuthority` there is one user, whose own rights kubedom watches with. With `ReviewedAuthority` the API server
judges every token and every right.
"""

from __future__ import annotations

from typing import Protocol

from .errors import KubedomError
from .identity import Identity, Proof, SignInRefused, TrustedProxies, User, checked_token
from .kube import Api
from .reviews import AccessReviews, TokenReviews
from .signin import LocalSignIn
from .stating import StatedApi
from .view import ALL_RIGHTS, Rights


class Authority(Protocol):
    """Judges proofs and rights."""

    #: Whether rights and sign-ins can change while a page is connected.
    changes: bool

    async def identify(self, proof: Proof) -> Identity:
        """Say who brings this proof.

        Raises:
            SignInRefused: where it proves nothing.
            KubedomError: where nobody can say at present.

        """

    async def confirm(self, identity: Identity) -> Identity:
        """Say who somebody who is signed in is now, as their groups may have changed; errors as for `identify`."""

    async def rights(self, identity: Identity) -> Rights:
        """Say what they may see.

        Raises:
            KubedomError: where nobody can say at present.

        """

    async def renew(self, identity: Identity, token: str) -> Identity:
        """Say the same of the same user with a newer token; errors as for `identify`."""

    def api(self, identity: Identity) -> Api:
        """The API server, asked as this user."""


class LocalAuthority:
    """The one user on this machine, who opened the link.

    Args:
        signin: The links and sessions.
        cookie: The session cookie's name.
        api: The API server, with the user's own credentials.
        user: Who the user is to the cluster.

    """

    changes = False

    def __init__(self, signin: LocalSignIn, cookie: str, api: Api, user: str) -> None:
        self._signin = signin
        self._cookie = cookie
        self._api = api
        self._identity = Identity(User(user))

    async def identify(self, proof: Proof) -> Identity:
        """The user, with a session's cookie."""
        if not self._signin.is_signed_in(proof.cookies.get(self._cookie)):
            raise SignInRefused("You are not signed in.", remedy="Open the sign-in link that kubedom printed.")
        return self._identity

    async def confirm(self, identity: Identity) -> Identity:
        """A session that was open stays so."""
        return identity

    async def renew(self, identity: Identity, token: str) -> Identity:  # noqa: ARG002
        """There is no token to renew."""
        raise SignInRefused("Nobody signs in with a token here.", remedy="Leave the message out.", field="token")

    async def rights(self, identity: Identity) -> Rights:  # noqa: ARG002
        """All that kubedom itself can list, for it does so as this user."""
        return ALL_RIGHTS

    def api(self, identity: Identity) -> Api:  # noqa: ARG002
        """The one that kubedom uses itself."""
        return self._api


class ReviewedAuthority:
    """Many users, whom the API server knows by their tokens or a trusted proxy by its headers.

    Args:
        api: With the right to review tokens and access, and with proxies to impersonate.
        tokens: The review of tokens; None where only a proxy signs in.
        access: The review of rights.
        cookie: The cookie that holds a browser's token.
        proxies: Who is believed without a token.
        stating: Whether the bridge asks for these users in its own name, for it may not impersonate.

    """

    changes = True

    def __init__(
        self,
        api: Api,
        *,
        tokens: TokenReviews | None,
        access: AccessReviews,
        cookie: str,
        proxies: TrustedProxies | None = None,
        stating: bool = False,
    ) -> None:
        self._api = api
        self._cookie = cookie
        self._proxies = proxies
        self._stating = stating
        self.tokens = tokens
        self.access = access

    async def identify(self, proof: Proof) -> Identity:
        """By the proxy where the request comes from one, else by the token of header, subprotocol or cookie."""
        if self._proxies is not None and (user := self._proxies.vouch(proof)) is not None:
            return Identity(user, impersonated=True)
        token = proof.token or proof.cookies.get(self._cookie, "")
        if self.tokens is None or not token:
            raise SignInRefused("You are not signed in.", remedy="Sign in with a token of this cluster.")
        return await self.tokens.identify(checked_token(token))

    async def confirm(self, identity: Identity) -> Identity:
        """Ask for the token again; whom a proxy vouches for is asked of it when the connection is old."""
        if self.tokens is None or not identity.token:
            return identity
        found = await self.tokens.identify(identity.token)
        if found.user.name != identity.user.name:
            raise SignInRefused("The token is another user's by now.", remedy="Sign in again.")
        return found

    async def renew(self, identity: Identity, token: str) -> Identity:
        """With a token of the same user only: a connection never changes hands."""
        if self.tokens is None:
            raise SignInRefused("Nobody signs in with a token here.", remedy="Leave the message out.", field="token")
        renewed = await self.tokens.identify(checked_token(token))
        if (renewed.user.name, renewed.user.uid) != (identity.user.name, identity.user.uid):
            raise SignInRefused(
                "This token is another user's.", remedy="Open a new connection for another user.", field="token"
            )
        return renewed

    async def rights(self, identity: Identity) -> Rights:
        """What the API server allows them to list and watch."""
        return await self.access.rights(identity.user, self.api(identity) if identity.token else None)

    def api(self, identity: Identity) -> Api:
        """With the user's own token; for whom the proxy vouched by impersonation, or by a review of their rights."""
        if identity.token:
            return self._api.with_token(identity.token)
        if identity.impersonated:
            user = identity.user
            if self._stating:
                return StatedApi(self._api, user)
            groups = [one for one in user.groups if one != "system:authenticated"]
            return self._api.impersonating(user.name, groups, uid=user.uid, extra=user.extra)
        raise KubedomError("Nobody is signed in.", remedy="Sign in.")
