"""Writes what is generated from the protocol's structs: `python -m kubedom_operator.message_schema`, in a checkout.

The structs of the protocol give the shapes and the descriptions, the catalogue of failures the names of the events and
their details. Out come docs/kubedom.v1.schema.json, the JSON Schema of every message in both directions, and the
AsyncAPI document beside it that refers to it. The TypeScript types of web/messages.d.ts are made from the schema file.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from kubedom_bridge import protocol

from . import asyncapi
from .diagnosis import CATALOGUE
from .projection.shape import Metadata
from .telling import Display, Workload

DOCS = Path("docs")
SCHEMA_FILE = "kubedom.v1.schema.json"
ASYNCAPI_FILE = "kubedom.v1.asyncapi.json"
GENERATED = (
    "Generated from kubedom_bridge/protocol.py and the catalogue of failures"
    " by `python -m kubedom_operator.message_schema`: do not edit it."
)
HEALING_EVENTS = (
    "healingPlanned",
    "healingSkipped",
    "healingAwaitingApproval",
    "healingStarted",
    "healingSucceeded",
    "healingFailed",
)

_REFERENCES = "#/$defs/{name}"
_UNIONS = (
    ("ClientMessage", "What a page sends.", protocol.ClientMessage),
    ("ServerMessage", "What a page is sent.", protocol.ServerMessage),
    ("Entry", "A state or an event, as the journal has it.", protocol.Entry),
)

Schema = dict[str, Any]


def event_types() -> list[str]:
    """Every event that kubedom itself tells, but for `<kind>Removed`, which ends what was open of a deleted object."""
    return sorted({*_detail_fields(), *HEALING_EVENTS})


def schema() -> Schema:
    """The JSON Schema: any message of the protocol, with every part of it as a definition."""
    shapes, found = msgspec.json.schema_components(
        [*(union for _, _, union in _UNIONS), Metadata, Display, Workload], ref_template=_REFERENCES
    )
    _, asked = msgspec.json.schema_components([protocol.ClientMessage], ref_template=_REFERENCES)
    parts = {name: _tidy(part) if name in asked else _told(_tidy(part)) for name, part in found.items()}
    unions = {
        name: {"title": name, "description": description, **_tidy(shape)}
        for (name, description, _), shape in zip(_UNIONS, shapes, strict=False)
    }
    parts["Changes"]["properties"]["entries"]["items"] = _reference("Entry")
    parts["EventEntry"]["properties"]["type"] = _reference("EventType")
    state = parts["StateEntry"]["properties"]
    for field, name in (("object", "KubernetesObject"), ("display", "Display"), ("workload", "Workload")):
        state[field] = _described(name, state[field])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:kubedom:{protocol.SUBPROTOCOL}",
        "$comment": GENERATED,
        "x-version": protocol.SCHEMA_VERSION,
        "title": "Message",
        "description": "Any message of the socket. A reader ignores messages and fields that it does not know.",
        "anyOf": [_reference("ClientMessage"), _reference("ServerMessage")],
        "$defs": {
            **unions,
            **parts,
            "EventType": _event_type(),
            "KubernetesObject": _kubernetes_object(),
            "CloseCode": _close_code(),
        },
    }


def render() -> str:
    """The schema as its file has it."""
    return _text(schema())


def render_asyncapi() -> str:
    """The AsyncAPI document as its file has it."""
    return _text(asyncapi.document(SCHEMA_FILE, GENERATED))


def _detail_fields() -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for kind in CATALOGUE.values():
        for event in filter(None, (kind.event, kind.recovery_event)):
            known = fields.setdefault(event, [])
            known.extend(field for field in kind.detail_fields if field not in known)
    return fields


def _event_type() -> Schema:
    return {
        "title": "EventType",
        "description": "What happened, see docs/failures.md; `<kind>Removed` ends what was open of an object.",
        "anyOf": [{"enum": event_types()}, {"type": "string", "pattern": "^[a-z][A-Za-z]*Removed$"}],
        "x-detailFields": dict(sorted(_detail_fields().items())),
    }


def _kubernetes_object() -> Schema:
    unlisted = {"type": "object", "additionalProperties": True}
    return {
        "title": "KubernetesObject",
        "description": "A resource in Kubernetes' own shape, with the fields that kubedom lets out.",
        "type": "object",
        "properties": {"metadata": _reference("Metadata"), "spec": unlisted, "status": unlisted},
    }


def _close_code() -> Schema:
    return {
        "title": "CloseCode",
        "description": "Why the bridge closed the socket.",
        "oneOf": [
            {"const": code.value, "description": code.why, "x-comeBack": code.come_back, "x-retry": code.retry}
            for code in protocol.CloseCode
        ],
    }


def _reference(name: str) -> Schema:
    return {"$ref": _REFERENCES.format(name=name)}


def _described(name: str, field: Schema) -> Schema:
    return {"description": field["description"], "allOf": [_reference(name)]}


def _told(part: Schema) -> Schema:
    """What the bridge sends has no null: a field at its default is left out."""
    for name, field in part["properties"].items():
        if "default" in field and field["default"] is None:
            del field["default"]
            left = [one for one in field.pop("anyOf", ()) if one != {"type": "null"}]
            part["properties"][name] = _joined(field, left)
    return part


def _joined(field: Schema, left: list[Schema]) -> Schema:
    if not left:
        return field
    if "$ref" in left[0]:
        return {**field, "allOf": left} if field else left[0]
    return {**left[0], **field}


def _tidy(part: Any) -> Any:
    """Plain JSON Schema: without what only OpenAPI knows, and without keywords beside a `$ref`, which some ignore."""
    if isinstance(part, list):
        return [_tidy(one) for one in part]
    if not isinstance(part, dict):
        return part
    tidy = {key: _tidy(value) for key, value in part.items() if key != "discriminator"}
    if tidy.get("required") == []:
        del tidy["required"]
    # The bridge takes a set's values also when some are repeated.
    tidy.pop("uniqueItems", None)
    if isinstance(description := tidy.get("description"), str):
        tidy["description"] = _prose(description)
    if isinstance(choices := tidy.get("enum"), list) and len(choices) == 1:
        tidy["const"] = tidy.pop("enum")[0]
    if tidy.get("type") == "object" and "properties" not in tidy:
        tidy.setdefault("additionalProperties", True)
    if "$ref" in tidy and len(tidy) > 1:
        tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
    return tidy


def _prose(docstring: str) -> str:
    """A docstring without its line ends, and with the names of fields as they are on the wire."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return re.sub(r"`[a-z_]+`", lambda name: re.sub(r"_([a-z])", lambda to: to[1].upper(), name[0]), text)


def _text(document: Schema) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both."""
    (DOCS / SCHEMA_FILE).write_text(render(), encoding="utf-8")
    (DOCS / ASYNCAPI_FILE).write_text(render_asyncapi(), encoding="utf-8")


if __name__ == "__main__":
    main()
