"""The published schema, its AsyncAPI document, the SDK and the documentation know the same messages and events."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kubedom_bridge.protocol import CloseCode
from kubedom_operator import message_schema

ROOT = Path(__file__).parents[3]
WEB = ROOT / "web"
SCHEMA = message_schema.schema()
ASYNCAPI = json.loads(message_schema.render_asyncapi())
PROTOCOL_PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def tags(union: str) -> dict[str, dict[str, Any]]:
    parts = [SCHEMA["$defs"][one["$ref"].rpartition("/")[2]] for one in SCHEMA["$defs"][union]["anyOf"]]
    return {next(field["const"] for field in part["properties"].values() if "const" in field): part for part in parts}


def test_the_schema_is_current_and_valid() -> None:
    assert (ROOT / "docs" / message_schema.SCHEMA_FILE).read_text(encoding="utf-8") == message_schema.render()
    Draft202012Validator.check_schema(SCHEMA)


def test_the_asyncapi_document_is_current() -> None:
    document = (ROOT / "docs" / message_schema.ASYNCAPI_FILE).read_text(encoding="utf-8")
    assert document == message_schema.render_asyncapi()


def test_the_asyncapi_document_has_every_message_its_way_and_an_example() -> None:
    ways = {
        (operation["action"], message["$ref"].rpartition("/")[2])
        for operation in ASYNCAPI["operations"].values()
        for message in operation["messages"]
    }
    asked, told = tags("ClientMessage"), tags("ServerMessage")
    assert ways == {("receive", tag) for tag in asked} | {("send", tag) for tag in told}
    for tag, part in (asked | told).items():
        message = ASYNCAPI["components"]["messages"][tag]
        assert message["payload"] == {"$ref": f"{message_schema.SCHEMA_FILE}#/$defs/{part['title']}"}
        assert message["examples"]


def test_schema_and_types_have_the_same_events() -> None:
    told = SCHEMA["$defs"]["EventType"]["anyOf"][0]["enum"]
    typed = set(re.findall(r"(?m)^ +(\w+): ClusterEvent<", (WEB / "index.d.ts").read_text()))
    typed |= set(re.findall(r"(?m)^ +(?:\| )?'(\w+)'$", (WEB / "failures.d.ts").read_text()))
    assert typed == set(told)
    # What the SDK makes itself from states that come and go.
    elements = re.findall(r"(?m)^ +'kube-\w+': Kube(\w+);", (WEB / "index.d.ts").read_text())
    lifecycle = re.search(r"LifecycleEvents<\s+(['\w |]+?)\s+>", (WEB / "index.d.ts").read_text())
    assert lifecycle
    assert set(re.findall(r"\w+", lifecycle[1])) == {kind[0].lower() + kind[1:] for kind in elements} - {"cluster"}


def test_bridge_schema_document_page_and_sdk_have_the_same_close_codes() -> None:
    codes = {code.value: (code.why, code.come_back) for code in CloseCode}
    assert {
        one["const"]: (one["description"], one["x-comeBack"]) for one in SCHEMA["$defs"]["CloseCode"]["oneOf"]
    } == codes
    listed = ASYNCAPI["channels"]["socket"]["x-closeCodes"]
    assert {int(code): (one["description"], one["comeBack"]) for code, one in listed.items()} == codes
    rows = re.findall(r"(?m)^\| (\d{4}) \| (.+) \| (.+) \|$", PROTOCOL_PAGE)
    assert {int(code): (why, come_back) for code, why, come_back in rows} == codes
    closings = re.findall(r"(?s)\b(\d{4}): \{.*?final: (true|false)", (WEB / "closings.js").read_text())
    assert {int(code): final == "false" for code, final in closings} == {code.value: code.retry for code in CloseCode}


@pytest.mark.parametrize("union", ["ClientMessage", "ServerMessage", "Entry"])
def test_the_documentation_names_every_message_and_field(union: str) -> None:
    words = set(re.findall(r"\w+", PROTOCOL_PAGE))
    for tag, part in tags(union).items():
        assert {tag, *part["properties"]} <= words
