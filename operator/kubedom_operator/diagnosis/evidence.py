"""What core Events add to a failure that status has decided already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kubedom_operator.projection import Event, seconds

_MOST = 5
_LONGEST = 512


def evidence(events: Sequence[Event], reasons: Collection[str], after: float | None = None) -> list[str]:
    """The latest Events with one of the reasons, oldest first, each as `Reason: message`."""
    found = matching(events, reasons, after)
    return [f"{one.reason}: {(one.message or '')[:_LONGEST]}" for one in found[-_MOST:]]


def matching(events: Sequence[Event], reasons: Collection[str], after: float | None = None) -> list[Event]:
    """The Events with one of the reasons, oldest first; with `after` only those that were seen later."""
    if not events:
        return []
    found = [one for one in events if one.reason in reasons]
    if after is not None:
        found = [one for one in found if (seconds(one.time) or 0.0) > after]
    return sorted(found, key=lambda one: seconds(one.time) or 0.0) if len(found) > 1 else found
