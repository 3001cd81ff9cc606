"""The way to the API server: which cluster is meant, and one call that answers with plain dictionaries.

The identity is the kubeconfig's (or the pod's service account). Typed models are not used: they refuse objects that a
real API server returns. Every failure is a `KubedomError` whose sentence names the cluster and the remedy.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio import client
from multidict import CIMultiDict

from .credentials import IN_CLUSTER, SERVICE_ACCOUNT, load_configuration
from .credentials import ClusterChoice as ClusterChoice
from .errors import AdmissionDenied, ClusterUnreachable, ConfigurationError, KubedomError, NotPermitted

REQUEST_SECONDS = 30.0
CLOSING_SECONDS = 0.1
#: An API server that has just started learns every 5 s which custom kinds its admission policies can patch, and refuses
#: to create one until then. Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating
UNAVAILABLE_SECONDS = 12.0
UNAVAILABLE_POLL_SECONDS = 0.5
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
#: How the API server wraps a policy's sentence. Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating
_DENIED = re.compile(
    r"ValidatingAdmissionPolicy '(?P<policy>[^']+)'(?: with binding '[^']+')? denied request: (?P<sentence>.*)",
    re.DOTALL,
)
#: What a header's name may hold beside letters and digits, but for the percent sign that escapes the rest.
_TOKEN_CHARACTERS = "!#$&'*+-.^_`|~"  # noqa: S105 - a token in the sense of HTTP's grammar


class Cause(NamedTuple):
    """What the API server says of one field; `reason` is machine-readable, such as `FieldManagerConflict`."""

    reason: str
    field: str
    message: str


class ApiError(KubedomError):
    """The API server's refusal, with its own sentence.

    Args:
        status: The HTTP status.
        reason: The machine-readable reason of the Status object, such as `NotFound`.
        message: The API server's sentence.
        causes: What the Status object says of single fields.

    """

    code = "apiError"

    def __init__(self, status: int, reason: str, message: str, causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.causes = tuple(causes)


class Api:
    """Calls to one API server as one identity."""

    def __init__(self, configuration: client.Configuration, name: str, choice: ClusterChoice | None = None) -> None:
        self.name = name
        self.server: str = configuration.host
        self._client = client.ApiClient(configuration)
        # Credentials are read anew from the same place; the context is fixed, since another may be current by then.
        self._choice = choice._replace(context=name) if choice else None
        self._renewal = asyncio.Lock()
        self._former: client.ApiClient | None = None
        self._acting: tuple[tuple[str, str], ...] = ()
        self._without_credentials: client.ApiClient | None = None

    @classmethod
    async def connect(cls, choice: ClusterChoice) -> Api:
        """Connect to the chosen cluster; nothing is sent yet."""
        configuration, name = await load_configuration(choice)
        try:
            return cls(configuration, name, choice)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise ConfigurationError(
                f"The certificates of context {name} cannot be read: {error}.",
                remedy=f"Check {SERVICE_ACCOUNT}/ca.crt in the pod."
                if name == IN_CLUSTER
                else "Check certificate-authority and client-certificate in the kubeconfig.",
                field="--kubeconfig",
            ) from None

    def with_token(self, token: str) -> Api:
        """The same API server, as whoever this bearer token is of and with nothing of this identity."""
        if self._without_credentials is None:
            # A client certificate would be believed before the token, so this one has none.
            ours = self._client.configuration
            bare = client.Configuration(host=ours.host)
            bare.ssl_ca_cert, bare.ca_cert_data, bare.verify_ssl = ours.ssl_ca_cert, ours.ca_cert_data, ours.verify_ssl
            bare.tls_server_name = ours.tls_server_name
            bare.proxy, bare.proxy_headers = ours.proxy, ours.proxy_headers
            self._without_credentials = client.ApiClient(bare)
        return self._acting_as([("Authorization", f"Bearer {token}")], self._without_credentials)

    def impersonating(
        self,
        user: str,
        groups: Iterable[str] = (),
        *,
        uid: str = "",
        extra: Iterable[tuple[str, Iterable[str]]] = (),
    ) -> Api:
        """The same API server, as another user by this identity's right to impersonate.

        Args:
            user: The user's name.
            groups: Their groups; `system:authenticated` comes by itself.
            uid: Their uid; each uid and each extra field needs a right of its own.
            extra: Their extra fields, each with its values; the API server reads the names in lower case.

        """
        # Where this identity is a token, it is the token's right.
        headers = [(name, value) for name, value in self._acting if name == "Authorization"]
        headers.append(("Impersonate-User", user))
        headers += [("Impersonate-Group", group) for group in groups]
        if uid:
            headers.append(("Impersonate-Uid", uid))
        headers += [
            (f"Impersonate-Extra-{quote(name, safe=_TOKEN_CHARACTERS)}", value)
            for name, values in extra
            for value in values
        ]
        return self._acting_as(headers, self._client)

    def _acting_as(self, headers: list[tuple[str, str]], by: client.ApiClient) -> Api:
        acting = Api.__new__(Api)
        acting.__dict__.update(self.__dict__)
        acting._client, acting._acting = by, tuple(headers)
        return acting

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._without_credentials is not None:
            await self._without_credentials.close()
        if self._former is not None:
            await self._former.close()
        # TLS connections are only really closed some turns of the loop later, and the loop may end with this.
        await asyncio.sleep(CLOSING_SECONDS)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """Make one request and give the answer's JSON.

        Args:
            method: The HTTP method.
            path: From the server's root, such as `/api/v1/pods`.
            body: What is sent, as JSON.
            query: The query's parameters.
            content_type: The type of the body; one of the patch types for PATCH.
            accept: The type that is wanted back.

        Raises:
            ApiError: where the server refuses.
            NotPermitted: where it refuses who asks or what right they have (401, 403).
            ClusterUnreachable: where it does not answer.

        """
        headers = CIMultiDict([("Accept", accept), ("Content-Type", content_type), *self._acting])
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self.server + path + ("?" + urlencode(query) if query else "")
        try:
            response = await self._client.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=REQUEST_SECONDS
            )
            data = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ClusterUnreachable(
                f"The API server {self.server} of context {self.name} does not answer: {str(error) or 'timed out'}.",
                remedy=self._remedy(),
                field="--kubeconfig",
            ) from None
        if response.status >= 400:
            raise self.refusal_of(response.status, data)
        answer: dict[str, Any] = json.loads(data) if data else {}
        return answer

    @asynccontextmanager
    async def stream(
        self, path: str, query: dict[str, str], *, inactivity: float, accept: str = "application/json"
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a GET whose answer is read while it comes, whatever its status; refused credentials are read anew once.

        Args:
            path: From the server's root, such as `/api/v1/pods`.
            query: The query's parameters.
            inactivity: After how many seconds without a byte the connection counts as dead (`TimeoutError`).
            accept: The type that is wanted.

        Raises:
            ClusterUnreachable: where the server does not answer.

        """
        used = self._client
        response = await self._open(path, query, inactivity, accept)
        # Somebody else's credentials are never made good by our own.
        if response.status == 401 and not self._acting:
            response.close()
            await self._renew(used)
            response = await self._open(path, query, inactivity, accept)
        connection = response.connection
        async with response:
            try:
                yield response
            finally:
                # Of an answer that is left before its end nothing more is wanted. Closing would wait for TLS's goodbye,
                # which may come when the loop is no more, or from a silent server never.
                if not response.content.at_eof() and connection is not None and connection.transport is not None:
                    connection.transport.abort()

    async def _open(self, path: str, query: dict[str, str], inactivity: float, accept: str) -> aiohttp.ClientResponse:
        # Compressing a list costs the API server more time than sending it, and a watch is never compressed.
        headers = CIMultiDict([("Accept", accept), ("Accept-Encoding", "identity"), *self._acting])
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS / 3, sock_read=inactivity)
        try:
            answer = await self._client.rest_client.request(
                "GET", self.server + path + "?" + urlencode(query), headers=headers, _request_timeout=timeout
            )
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ClusterUnreachable(
                f"The API server {self.server} of context {self.name} does not answer: {str(error) or 'timed out'}.",
                remedy=self._remedy(),
                field="--kubeconfig",
            ) from None
        response: aiohttp.ClientResponse = answer.response
        return response

    def _remedy(self) -> str:
        if self.name == IN_CLUSTER:
            return "Check that the pod may reach the API server: a NetworkPolicy has to let it out."
        return "Check that the cluster runs and that the address in the kubeconfig is right."

    def refusal_of(self, status: int, data: bytes) -> KubedomError:
        """The error that an answer of the API server with this status and body tells of."""
        return _refusal(status, data, self.name)

    async def _renew(self, refused: client.ApiClient) -> None:
        async with self._renewal:
            if self._client is not refused or self._choice is None:
                return
            configuration, _ = await load_configuration(self._choice)
            if configuration.host != self.server:
                return
            # What is under way on the refused client may end; so it is closed one renewal later.
            former, self._former = self._former, refused
            self._client = client.ApiClient(configuration)
            if former is not None:
                await former.close()


async def create_named(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create an object that has a name, and ask again while the API server cannot take it yet.

    Having a name, it is not made twice where an answer that was lost had made it: that is a conflict (409).

    Args:
        api: The API server, asked as whoever creates it.
        path: The collection's.
        body: The object.

    Raises:
        KubedomError: as `Api.call`.

    """
    ends = time.monotonic() + UNAVAILABLE_SECONDS
    while True:
        try:
            return await api.call("POST", path, body=body)
        except ApiError as error:
            if error.status != 503 or time.monotonic() >= ends:
                raise
        await asyncio.sleep(UNAVAILABLE_POLL_SECONDS)


def _refusal(status: int, data: bytes, name: str) -> KubedomError:
    causes: list[Cause] = []
    try:
        problem = json.loads(data)
        message, reason = str(problem["message"]), str(problem.get("reason", ""))
        causes = [
            Cause(str(each.get("reason", "")), str(each.get("field", "")), str(each.get("message", "")))
            for each in (problem.get("details") or {}).get("causes") or ()
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        message, reason = data[:200].decode(errors="replace") or f"HTTP {status}", ""
    if status == 401:
        return NotPermitted(
            f"The API server of context {name} does not accept the credentials: {message}.",
            remedy="Check that the pod's service account still exists."
            if name == IN_CLUSTER
            else "Sign in again, or renew the kubeconfig.",
        )
    if denied := _DENIED.search(message):
        remedy = "Ask for this right." if reason == "Forbidden" and status == 403 else ""
        return AdmissionDenied(denied["policy"], denied["sentence"], remedy=remedy)
    if status == 403:
        return NotPermitted(
            f"The API server of context {name} says: {message}.",
            remedy="Give the pod's service account this right."
            if name == IN_CLUSTER
            else "Ask for this right, or use another context.",
        )
    return ApiError(status, reason, message, causes)
