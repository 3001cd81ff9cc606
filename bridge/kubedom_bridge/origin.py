"""Where a request may come from: the Origin, Host and Sec-Fetch-Site headers, judged before anything else.

A page of another site can make a browser send requests, cookies included, to this port: it can open the WebSocket
(which the same-origin policy does not stop) and post forms. And a hostile name server can make a foreign name resolve
to 127.0.0.1. So the Host must be one of ours, and where the browser names an Origin or a site it must be ours exactly;
`same-site` is refused too, since another port of localhost is the same site and another user's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def joined(values: Sequence[str]) -> str | None:
    """Read a header that should come once as HTTP joins one that comes twice, so that no value is overlooked.

    None where it does not come at all.
    """
    return ", ".join(values) if values else None


def refusal(
    *, method: str, upgrade: bool, host: str, origin: str | None, fetch_site: str | None, allowed: Collection[str]
) -> str:
    """Say why a request is refused; an empty string lets it pass.

    Args:
        method: The HTTP method.
        upgrade: Whether it asks for a WebSocket; these carry cookies across sites and count as unsafe.
        host: The Host header.
        origin: The Origin header, None where there is none (a browser always sends one with a WebSocket or a POST).
        fetch_site: The Sec-Fetch-Site header.
        allowed: The exact origins that are ours, such as `http://127.0.0.1:8384`.

    """
    if host.lower() not in {urlsplit(ours).netloc for ours in allowed}:
        return f"The host {host[:80]!r} is not one that kubedom serves. Open one of: {', '.join(sorted(allowed))}."
    if method in SAFE_METHODS and not upgrade:
        return ""
    if origin is not None and origin.lower() not in allowed:
        return f"The origin {origin[:80]!r} is not allowed. Open the page from one of: {', '.join(sorted(allowed))}."
    if fetch_site is not None and fetch_site not in {"same-origin", "none"}:
        return f"A {fetch_site[:20]} request is not allowed. Send it from kubedom's own page."
    return ""
