"""What the API server's refusal of a list or a watch means for the next attempt.

In goes an answer that is not 200, or the Status of an ERROR line; out comes an exception: `Expired` (list again), or
`Refused` with a sentence for people and how long to wait.
"""

from __future__ import annotations

import aiohttp
import msgspec

from kubedom_operator.projection import KindInfo, WatchStatus

from .backoff import retry_after

# Rights and API groups are changed by people, so asking twice a second helps nobody.
SHORTEST_LONG_WAIT = 30.0


class Expired(Exception):
    """The resourceVersion or the continue token is too old: only a new list helps."""


class Refused(Exception):
    """The API server will not list or watch now.

    Args:
        sentence: Why, for people.
        wait: How many seconds to wait at least.
        useless: Whether asking the same again will hardly help, since the server does not take the resourceVersion or
            the continue token.

    """

    def __init__(self, sentence: str, *, wait: float = 0.0, useless: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.wait = wait
        self.useless = useless


async def refusal_of(response: aiohttp.ClientResponse, info: KindInfo, cluster: str) -> Expired | Refused:
    """Read an answer that is not 200."""
    text = await response.content.read(16_384)
    try:
        status = msgspec.json.decode(text, type=WatchStatus)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = WatchStatus(message=" ".join(text[:200].decode("utf-8", "replace").split()))
    return explain(status, info, cluster, code=response.status, wait=retry_after(response.headers.get("Retry-After")))


def explain(
    status: WatchStatus, info: KindInfo, cluster: str, *, code: int | None = None, wait: float = 0.0
) -> Expired | Refused:
    """Say what a Status means; `code` and `wait` are the answer's, where there is one."""
    code = code or status.code or 0
    if code == 410 or status.reason in ("Expired", "Gone"):
        return Expired(status.message or "too old")
    said = (status.message or status.reason or f"HTTP {code}").rstrip(".")
    what = f"{info.plural}.{info.group}" if info.group else info.plural
    if code == 401:
        return Refused(f"The API server of {cluster} does not accept the credentials for {what}: {said}.", wait=wait)
    if code == 403:
        sentence = f"Grant list and watch of {what}: the API server of {cluster} says: {said}."
        return Refused(sentence, wait=max(wait, SHORTEST_LONG_WAIT))
    if code == 404:
        version = f"{info.group}/{info.version}" if info.group else info.version
        sentence = f"The API server of {cluster} does not serve {info.plural} of {version}: {said}."
        return Refused(sentence, wait=max(wait, SHORTEST_LONG_WAIT))
    if code == 429:
        return Refused(f"The API server of {cluster} is overloaded and asks {what} to wait.", wait=wait)
    # A restored etcd, or a replica that lags behind; the text is the only mark that all versions have in common.
    useless = code == 400 or (code == 504 and "too large resource version" in said.lower())
    return Refused(f"The API server of {cluster} cannot serve {what} ({code}): {said}.", wait=wait, useless=useless)
