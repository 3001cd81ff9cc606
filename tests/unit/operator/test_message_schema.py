"""The published schema and the SDK's types know the events that the rules give, and no others."""

import json
import re
from pathlib import Path

from kubedom_operator import message_schema

ROOT = Path(__file__).parents[3]


def test_the_schema_is_current() -> None:
    assert (ROOT / "docs" / "kubedom.v1.schema.json").read_text(encoding="utf-8") == message_schema.render()


def test_schema_and_types_have_the_same_events() -> None:
    schema = json.loads(message_schema.render())
    told = schema["$defs"]["EventType"]["anyOf"][0]["enum"]
    types = (ROOT / "web" / "failures.d.ts").read_text() + (ROOT / "web" / "index.d.ts").read_text()
    typed = set(re.findall(r"(?m)^ +(\w+): ClusterEvent<", types))
    assert set(told) <= typed
    # What the SDK makes itself from states that come and go.
    assert typed - set(told) == {"podCreated", "podDeleted", "deploymentCreated", "deploymentDeleted"}


def test_the_asyncapi_document_is_current() -> None:
    document = (ROOT / "docs" / message_schema.ASYNCAPI_FILE).read_text(encoding="utf-8")
    assert document == message_schema.render_asyncapi()
