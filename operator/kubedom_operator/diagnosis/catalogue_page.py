"""Writes what is generated from the catalogue: `python -m kubedom_operator.diagnosis.catalogue_page`, in a checkout.

docs/failures.md for people, and web/failures.d.ts, so that the SDK's types know the very same events.
"""

from __future__ import annotations

from pathlib import Path

from .catalogue import CATALOGUE
from .model import FailureKind

_INTRODUCTION = """\
# What kubedom recognises

This page is generated from the rules by `python -m kubedom_operator.diagnosis.catalogue_page`: do not edit it.

Each failure begins with its event and ends with its recovery event, dispatched on the element of the resource. Failures
of one object, container and family are one incident: when the kind changes inside a family, the incident is updated,
not begun anew. "Hold" is how long a rule must hold before it counts; every hold can be configured by the kind's name.
"""

_TYPES = """\
// Generated from the catalogue of failures by `python -m kubedom_operator.diagnosis.catalogue_page`: do not edit it.
import type {{ FailureEvents }} from './index.js';

/** The events of docs/failures.md. Those of kinds without an element are dispatched on the namespace's or cluster's. */
export interface FailureEventMap
  extends {events} {{}}
"""


def render() -> str:
    """Render the page."""
    parts = [_INTRODUCTION]
    for resource in dict.fromkeys(kind.resource for kind in CATALOGUE.values()):
        kinds = [kind for kind in CATALOGUE.values() if kind.resource == resource]
        parts.append(f"## {resource}\n")
        parts.extend(_section(kind) for kind in kinds)
    return "\n".join(parts)


def _section(kind: FailureKind) -> str:
    hold = f"{kind.hold:g} s" if kind.hold else "none"
    fields = ", ".join(f"`{name}`" for name in kind.detail_fields) or "none beside the common ones"
    return "\n".join(
        (
            f"### `{kind.event}` ({kind.name})\n",
            f"- Rule: {kind.rule}",
            f"- Severity: {kind.severity}",
            f"- Recovery: {f'`{kind.recovery_event}`' if kind.recovery_event else 'none, it is over at once'}",
            f"- Family: {kind.family}",
            f"- Hold: {hold}",
            f"- A restart can mend it: {_restart(kind)}",
            f"- Next step: {kind.next_step}",
            f"- Detail: {fields}",
            "",
        )
    )


def _restart(kind: FailureKind) -> str:
    if kind.restart_helps:
        return "yes"
    return f"no. {kind.restart_futile} (A HealingPolicy that would is refused.)" if kind.restart_futile else "no"


def render_types() -> str:
    """Render the TypeScript types of the events."""
    types: dict[str, dict[str, None]] = {}
    for kind in CATALOGUE.values():
        events = types.setdefault(kind.resource, {})
        events.update(dict.fromkeys(event for event in (kind.event, kind.recovery_event) if event))
    return _TYPES.format(
        events=",\n    ".join(
            f"FailureEvents<\n      '{resource[0].lower()}{resource[1:]}',\n      "
            + "\n      | ".join(f"'{event}'" for event in events)
            + "\n    >"
            for resource, events in types.items()
        )
    )


def main() -> None:
    """Write both."""
    Path("docs/failures.md").write_text(render(), encoding="utf-8")
    Path("web/failures.d.ts").write_text(render_types(), encoding="utf-8")


if __name__ == "__main__":
    main()
