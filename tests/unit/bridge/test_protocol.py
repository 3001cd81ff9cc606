"""What a page sends is read, or answered with the field at fault."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedom_bridge.errors import CommandRefused
from kubedom_bridge.frames import changes, error, snapshot_chunk
from kubedom_bridge.protocol import (
    BadMessage,
    Command,
    Filter,
    Position,
    Seen,
    Subscribe,
    decode_client_message,
    encode,
)

from .entries import state

TARGET = {"kind": "Pod", "namespace": "default", "name": "p"}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e473f-00f067aa0ba902b7-01"
COMMAND: dict[str, Any] = {"type": "command", "id": "c1", "name": "restartPod", "target": TARGET}


def read(message: Any) -> Any:
    return decode_client_message(msgspec.json.encode(message).decode())


def problem(text: str | bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        decode_client_message(text)
    return caught.value


def test_a_subscription_wants_everything_unless_it_says_otherwise() -> None:
    assert read({"type": "subscribe"}) == Subscribe()
    asked = {"filter": {"kinds": ["Pod"]}, "since": {"epoch": "e", "sequence": 3}}
    assert read({"type": "subscribe"} | asked) == Subscribe(
        filter=Filter(kinds=frozenset({"Pod"})), since=Position(epoch="e", sequence=3)
    )


def test_a_command_is_read_in_camel_case() -> None:
    command = read(COMMAND | {"idempotencyKey": "k"})
    assert isinstance(command, Command)
    assert (command.idempotency_key, command.target.name) == ("k", "p")


def test_as_many_events_as_a_message_may_have_are_acknowledged() -> None:
    assert read({"type": "seen", "traceparents": [TRACEPARENT] * 100}) == Seen(traceparents=[TRACEPARENT] * 100)


def test_what_a_later_version_adds_is_ignored() -> None:
    assert read({"type": "subscribe", "later": 1}) == Subscribe()


@pytest.mark.parametrize("text", ["", "{", "no", "[]", "1", "null", '"x"', '{"a":1}x', "[" * 9000, b"{}", b"\xff"])
def test_what_is_no_message_is_fatal(text: str | bytes) -> None:
    assert problem(text).fatal


@pytest.mark.parametrize("kind", ["unknown", "", None, 5, ["subscribe"], {"a": 1}])
def test_an_unknown_type_is_answered_under_the_messages_id(kind: Any) -> None:
    found = problem(encode({"type": kind, "id": "c7"}).decode())
    assert (found.fatal, found.field, found.message_id) == (False, "type", "c7")
    assert "subscribe, unsubscribe, token, command" in found.remedy


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "subscribe", "filter": 1}, "filter"),
        ({"type": "subscribe", "filter": {"kinds": "Pod"}}, "filter.kinds"),
        ({"type": "subscribe", "filter": {"kinds": [1]}}, "filter.kinds[0]"),
        ({"type": "subscribe", "since": {"epoch": "e"}}, "since.sequence"),
        ({"type": "subscribe", "since": {"epoch": "e", "sequence": "3"}}, "since.sequence"),
        ({"type": "command", "id": "c1", "name": "restartPod"}, "target"),
        (COMMAND | {"target": {"kind": "Pod"}}, "target.name"),
        (COMMAND | {"target": TARGET | {"uid": 5}}, "target.uid"),
        (COMMAND | {"id": 5}, "id"),
        ({}, "type"),
        ({"type": "seen"}, "traceparents"),
        ({"type": "seen", "traceparents": TRACEPARENT}, "traceparents"),
        ({"type": "seen", "traceparents": [1]}, "traceparents[0]"),
        ({"type": "seen", "traceparents": [""]}, "traceparents[0]"),
        ({"type": "seen", "traceparents": [TRACEPARENT.upper()]}, "traceparents[0]"),
        ({"type": "seen", "traceparents": [TRACEPARENT[:-1]]}, "traceparents[0]"),
        ({"type": "seen", "traceparents": [TRACEPARENT + "\n"]}, "traceparents[0]"),
        ({"type": "seen", "traceparents": [TRACEPARENT, "x" * 60_000]}, "traceparents[1]"),
        ({"type": "seen", "traceparents": [TRACEPARENT] * 101}, "traceparents"),
    ],
)
def test_the_field_at_fault_is_named_and_the_connection_may_go_on(message: dict[str, Any], field: str) -> None:
    found = problem(encode(message).decode())
    assert (found.fatal, found.field) == (False, field)
    assert found.remedy


def outcome(text: str) -> Any:
    try:
        return decode_client_message(text)
    except BadMessage as found:
        return found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["subscribe", "command", "x"]) | json_values},
        optional=dict.fromkeys(("id", "name", "target", "filter", "since", "reason"), json_values),
    )
    | json_values
)
def test_whatever_json_comes_is_read_or_refused_with_an_answer_that_can_be_sent(message: Any) -> None:
    found = outcome(msgspec.json.encode(message).decode())
    if isinstance(found, BadMessage):
        assert found.fatal == (not isinstance(message, dict))
        answer = msgspec.json.decode(error(found, found.message_id))
        assert (answer["type"], answer["code"]) == ("error", "badMessage")


@given(st.text(max_size=40))
def test_whatever_text_comes_only_a_bad_message_is_raised(text: str) -> None:
    assert outcome(text) is not None


def test_an_error_names_message_code_and_field_and_leaves_out_what_is_not_there() -> None:
    refusal = CommandRefused("targetGone", "It is gone.", remedy="Choose another.", field="target.name")
    assert msgspec.json.decode(error(refusal, "c1")) == {
        "type": "error",
        "id": "c1",
        "code": "targetGone",
        "message": "It is gone. Choose another.",
        "field": "target.name",
    }
    assert "id" not in msgspec.json.decode(error(CommandRefused("x", "y")))


def test_entries_are_joined_as_they_are() -> None:
    one, two = encode(state("a")), encode(state("b"))
    assert [entry["uid"] for entry in msgspec.json.decode(changes([one, two]))["entries"]] == ["a", "b"]
    assert msgspec.json.decode(changes([])) == {"type": "changes", "entries": []}
    assert msgspec.json.decode(snapshot_chunk([one], [])) == {
        "type": "snapshot",
        "entries": [msgspec.json.decode(one)],
        "incidents": [],
    }
