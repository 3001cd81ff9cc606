"""Writes docs/kubedom.v1.schema.json, the JSON Schema of the protocol: `python -m kubedom_operator.message_schema`.

The structs of the protocol give the shapes, the catalogue of failures the names of the events.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from kubedom_bridge.protocol import Command, DeleteEntry, EventEntry, StateEntry, Subscribe

from .diagnosis import CATALOGUE

HEALING_EVENTS = ("healingPlanned", "healingSkipped", "healingStarted", "healingSucceeded", "healingFailed")


def event_types() -> list[str]:
    """Every event that kubedom itself tells, but for `<kind>Removed`, which ends what was open of a deleted object."""
    names = {name for kind in CATALOGUE.values() for name in (kind.event, kind.recovery_event) if name}
    return sorted(names | set(HEALING_EVENTS))


def render() -> str:
    """Render the schema."""
    messages, components = msgspec.json.schema_components(
        [Subscribe, Command, StateEntry, DeleteEntry, EventEntry], ref_template="#/$defs/{name}"
    )
    event: dict[str, Any] = components["EventEntry"]["properties"]["type"]
    event["anyOf"] = [{"enum": event_types()}, {"pattern": "^[a-z][A-Za-z]*Removed$"}]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:kubedom:kubedom.v1",
        "title": "kubedom.v1: what a page sends (Subscribe, Command) and the entries that it is sent",
        "oneOf": list(messages),
        "$defs": dict(sorted(components.items())),
    }
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write it."""
    Path("docs/kubedom.v1.schema.json").write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
