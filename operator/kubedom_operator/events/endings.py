"""Why a connection to a bridge ended or did not come about, and what that means for a terminal.

Pure. In go close codes, HTTP statuses and errors; out comes an `Ending` to come back from, or the error to end with.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kubedom_bridge.errors import ClusterUnreachable, ConfigurationError, KubedomError, NotPermitted
from kubedom_bridge.protocol import SUBPROTOCOL, CloseCode

_HINT = re.compile(r"retry after ([\d.]+) s")
#: As many failures each of these counts for, so that the next attempt waits longer.
_PATIENCE = {
    CloseCode.RESTARTING: 3,
    CloseCode.BUSY: 3,
    CloseCode.SLOW: 0,
    CloseCode.TOO_MANY: 5,
    CloseCode.BACK_OFF: 5,
}
_SIGN_IN = (
    "Give a token that the cluster accepts with --token-file (`kubectl create token NAME` makes one), or, for a"
    " `kubedom run` of your own, its sign-in link as --url: Enter in its terminal prints one."
)


class NoBridge(ClusterUnreachable):
    """Nothing answers at the address, or not as a bridge; to a script the same as an API server that does not."""

    code = "noBridge"


class Ending(NamedTuple):
    """The connection is over and another is to be tried.

    Args:
        why: A sentence without its full stop.
        patience: How many failed attempts it counts for.
        wait: After how many seconds the bridge asked to come back; None where it said nothing.

    """

    why: str
    patience: int = 1
    wait: float | None = None

    @property
    def sentence(self) -> str:
        """`why` as a sentence of its own."""
        # An address is written as it is.
        why = self.why if self.why.startswith("http") else f"{self.why[:1].upper()}{self.why[1:]}"
        return f"{why.removesuffix('.')}."


def closed(code: int | None, told: str, origin: str) -> Ending | KubedomError:
    """Say what a close code means.

    Args:
        code: The bridge's code; None where the connection broke off without one.
        told: The bridge's own words.
        origin: Its address.

    """
    known = next((one for one in CloseCode if one == code), None)
    if known is CloseCode.SIGN_IN:
        return NotPermitted(f"{origin} does not let you in: {_sentence(told or known.why)}", remedy=_SIGN_IN)
    if known is CloseCode.FORBIDDEN:
        return NotPermitted(
            f"{origin} refuses: {_sentence(told or known.why)}",
            remedy="Ask for the right to list what you want to see.",
        )
    if known is CloseCode.VERSION:
        return ConfigurationError(
            f"{origin} speaks another version of the protocol than {SUBPROTOCOL}: {_sentence(told or known.why)}",
            remedy="Use the kubedom that runs there.",
            field="--url",
        )
    if known is CloseCode.BAD_MESSAGE:
        return KubedomError(
            f"{origin} could not read what was asked: {_sentence(told or known.why)}",
            remedy="Use the kubedom that runs there; if it is the same, this is a bug to report.",
        )
    hint = _HINT.search(told)
    wait = float(hint[1]) if hint else None
    if known is CloseCode.SLOW:
        return Ending("what is written here is read too slowly", 0, wait)
    why = told.partition("; retry after")[0] or (known.why if known is not None else "")
    return Ending(why or f"the connection to {origin} is lost", _PATIENCE.get(known, 1) if known else 1, wait)


def refused(status: int, body: str, origin: str, location: str = "") -> Ending | KubedomError:
    """Say what an HTTP answer to the handshake means.

    Args:
        status: Its status.
        body: Its text.
        origin: The bridge's address.
        location: Where it leads.

    """
    told = _sentence(" ".join(body.split())[:300]) if body and "<" not in body else ""
    if status == 403 and told:
        return NotPermitted(
            f"{origin} refuses: {told}", remedy="Name it as its own users do, or start it with --origin for that name."
        )
    if status in {401, 403, 407} or 300 <= status < 400:
        leads = f" and leads to {location[:200]}" if location else ""
        return NotPermitted(
            f"What stands before kubedom at {origin} asks for a sign-in (status {status}){leads}.",
            remedy="Give --token-file what it takes, or go past it with `kubectl port-forward`.",
        )
    if status == 429 or status >= 500:
        return Ending(f"{origin} answers with status {status}", 3)
    return NoBridge(
        f"There is no kubedom at {origin}: it answers with status {status}.", remedy="Correct --url.", field="--url"
    )


def unreachable(error: Exception, origin: str) -> Ending:
    """Say why there was no answer at all."""
    said = "it does not answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return Ending(f"{origin} cannot be reached: {said}")


def given_up(ending: Ending) -> NoBridge:
    """The error of a bridge that was never there."""
    return NoBridge(
        ending.sentence,
        remedy="See whether kubedom runs there, and correct --url; without it the cluster itself is watched.",
        field="--url",
    )


def no_session(status: int, origin: str) -> KubedomError:
    """The error of a sign-in link that gave no session."""
    if status == 403:
        return NotPermitted(
            f"The sign-in link does not work any more at {origin}: it works once, within an hour.",
            remedy="Enter in the terminal of `kubedom run` prints a new one.",
        )
    return NotPermitted(f"{origin} has no sign-in links (status {status}).", remedy=_SIGN_IN)


def _sentence(text: str) -> str:
    text = "".join(one if one.isprintable() else " " for one in text).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
