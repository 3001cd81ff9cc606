"""A small OpenID Connect provider on loopback, which signs everybody in as one user without asking.

It speaks the authorization code flow: discovery, authorization, token and keys, with ID tokens signed by RS256.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from yarl import URL

from kubedom_operator.local.ports import free_ports

CLIENT, SECRET = "kubernetes", "not-a-secret"
_EXPONENT, _BITS = 65_537, 2_048
#: What PKCS #1 v1.5 puts before a SHA-256 digest.
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


class Provider:
    """The provider, and whom it signs in."""

    def __init__(self, claims: dict[str, Any]) -> None:
        self._claims = claims
        first, second = _prime(), _prime()
        self._modulus = first * second
        self._private = pow(_EXPONENT, -1, (first - 1) * (second - 1))
        self._nonces: dict[str, str] = {}
        (self.port,) = free_ports(1)
        self.issuer = f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._discovery),
                web.get("/authorize", self._authorize),
                web.post("/token", self._token),
                web.get("/keys", self._keys),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _discovery(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        assert request.query["client_id"] == CLIENT
        code = secrets.token_urlsafe(16)
        self._nonces[code] = request.query.get("nonce", "")
        back = URL(request.query["redirect_uri"]).update_query(code=code, state=request.query["state"])
        raise web.HTTPFound(back)

    async def _token(self, request: web.Request) -> web.Response:
        nonce = self._nonces.pop(str((await request.post())["code"]))
        now = int(time.time())
        claims = self._claims | {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 3600, "nonce": nonce}
        signed = f"{_json({'alg': 'RS256', 'kid': 'only', 'typ': 'JWT'})}.{_json(claims)}"
        token = f"{signed}.{self._sign(signed.encode())}"
        answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 3600}
        return web.json_response(answer | {"id_token": token})

    async def _keys(self, _: web.Request) -> web.Response:
        modulus, exponent = _encoded(_bytes(self._modulus)), _encoded(_bytes(_EXPONENT))
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "only", "n": modulus, "e": exponent}
        return web.json_response({"keys": [key]})

    def _sign(self, content: bytes) -> str:
        digest = _SHA256 + hashlib.sha256(content).digest()
        size = len(_bytes(self._modulus))
        padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
        return _encoded(pow(int.from_bytes(padded), self._private, self._modulus).to_bytes(size))


def _prime() -> int:
    """A number of half the key's bits that is as good as certainly prime."""
    half = _BITS // 2
    while True:
        number = secrets.randbits(half) | 1 | 3 << (half - 2)
        if number % _EXPONENT != 1 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)):
            return number


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _json(content: dict[str, Any]) -> str:
    return _encoded(json.dumps(content).encode())
