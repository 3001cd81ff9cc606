"""What the user asks for: what is told, until when, and of which bridge. Pure; whatever cannot be is a sentence."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.protocol import SOCKET_PATH, Filter
from kubedom_bridge.selector import BadSelector, parse
from kubedom_operator.message_schema import event_types
from kubedom_operator.pipeline import TOLD
from kubedom_operator.projection import KINDS

from .items import Entry

DEFAULT_URL = "http://127.0.0.1:8384"
_SECURE = {"http": False, "ws": False, "https": True, "wss": True}


class Until(NamedTuple):
    """An event that is waited for: its type and its object's name, both as shell patterns."""

    type: str
    name: str

    def met_by(self, entry: Entry) -> bool:
        """Whether this is it."""
        return fnmatchcase(entry.type, self.type) and fnmatchcase(entry.name, self.name)

    def __str__(self) -> str:
        return self.type if self.name == "*" else f"{self.type}/{self.name}"


class Address(NamedTuple):
    """Where a bridge is; with the `code` of a sign-in link, which works once."""

    origin: str
    socket: str
    loopback: bool
    code: str = ""


def known_types() -> frozenset[str]:
    """Every type of event."""
    removed = {f"{kind[:1].lower()}{kind[1:]}Removed" for kind in TOLD}
    return frozenset(event_types()) | removed


def read_filter(namespaces: Iterable[str], kinds: Iterable[str], types: Iterable[str], selector: str) -> Filter:
    """Read what is to be told.

    Raises:
        ConfigurationError: for a kind, a type or a selector that is none.

    """
    for event_type in types:
        if event_type not in known_types():
            raise _unknown("--type", event_type, known_types())
    try:
        parse(selector)
    except BadSelector as problem:
        raise ConfigurationError(f"--selector: {problem.message}", remedy=problem.remedy, field="--selector") from None
    return Filter(
        namespaces=frozenset(namespaces),
        kinds=frozenset(map(_kind, kinds)),
        types=frozenset(types),
        label_selector=selector,
    )


def read_until(text: str, types: Iterable[str]) -> Until:
    """Read one `--until`.

    Args:
        text: `TYPE` or `TYPE/NAME`; both may be patterns, as `podRecovered/web-*`.
        types: What is told; empty for everything.

    Raises:
        ConfigurationError: where no event that is told could ever be it.

    """
    wanted, _, name = text.partition("/")
    if not any(fnmatchcase(one, wanted) for one in known_types()):
        raise _unknown("--until", wanted, known_types())
    told = tuple(types)
    if told and not any(fnmatchcase(one, wanted) for one in told):
        raise ConfigurationError(
            f"--until waits for {wanted}, which --type leaves out.",
            remedy=f"Add --type {wanted}, or leave --type out.",
            field="--until",
        )
    return Until(wanted, name or "*")


def read_timeout(seconds: float | None) -> float | None:
    """Check a number of seconds.

    Raises:
        ConfigurationError: where it is none.

    """
    if seconds is not None and not 0 < seconds < math.inf:
        raise ConfigurationError(
            f"--timeout {seconds:g} is no number of seconds.", remedy="Write --timeout 60.", field="--timeout"
        )
    return seconds


def read_address(url: str) -> Address:
    """Read the address of a page, or a sign-in link.

    Raises:
        ConfigurationError: where no bridge can be there.

    """
    try:
        parts = urlsplit(url.strip())
        secure, port = _SECURE.get(parts.scheme.lower()), parts.port
    except ValueError:
        secure, port, parts = None, None, urlsplit("")
    if secure is None or not parts.hostname:
        raise ConfigurationError(
            f"--url {url[:200]!r} is not the address of a page.", remedy=f"Write --url {DEFAULT_URL}.", field="--url"
        )
    if "@" in parts.netloc:
        raise ConfigurationError(
            "--url must not have a name or password in it.", remedy="Sign in with --token-file.", field="--url"
        )
    code = "".join(parse_qs(parts.query).get("code", [])) if parts.path == "/signin" else ""
    if parts.path not in {"", "/"} and not code:
        raise ConfigurationError(
            f"--url names {parts.path[:100]!r}, and kubedom serves its page and its socket from the root.",
            remedy=f"Write --url {parts.scheme}://{parts.netloc}.",
            field="--url",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{port}" if port is not None else host
    return Address(
        origin=f"http{'s' if secure else ''}://{place}",
        socket=f"ws{'s' if secure else ''}://{place}{SOCKET_PATH}",
        loopback=parts.hostname in {"localhost", "::1"} or parts.hostname.startswith("127."),
        code=code,
    )


def _kind(text: str) -> str:
    """A kind as it is written, in lower case or as kubectl's plural."""
    names = {kind.lower(): kind for kind in TOLD} | {KINDS[kind].plural: kind for kind in TOLD}
    found = names.get(text.lower())
    if found is None:
        raise _unknown("--kind", text, TOLD)
    return found


def _unknown(option: str, text: str, known: Iterable[str]) -> ConfigurationError:
    nearest = difflib.get_close_matches(text, sorted(known), n=1)
    remedy = f"Did you mean {nearest[0]}?" if nearest else "docs/failures.md has them all."
    what = "kind" if option == "--kind" else "type of event"
    return ConfigurationError(f"{option} {text[:80]}: there is no such {what}.", remedy=remedy, field=option)
