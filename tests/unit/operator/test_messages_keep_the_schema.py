"""What the bridge and the operator write is valid by the published schema, and what is valid the bridge reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.unit.diagnosis.replay import recording

from kubedom_bridge import frames, protocol
from kubedom_bridge.errors import CommandRefused
from kubedom_bridge.protocol import BadMessage, decode_client_message, encode
from kubedom_operator import message_schema, telling
from kubedom_operator.asyncapi import EXAMPLES
from kubedom_operator.projection.shape import Metadata, Minimal, OwnerReference

from .listener import Listener

SCHEMA = message_schema.schema()


@cache
def by(name: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]})


def valid(name: str, message: Any) -> bool:
    return by(name).is_valid(message)


def check(name: str, text: bytes) -> None:
    by(name).validate(msgspec.json.decode(text))


words = st.text(max_size=8)
seconds = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    # JSON Schema takes 3.0 for an integer and msgspec does not; JSON.stringify writes no such number.
    st.none() | st.booleans() | st.integers() | seconds.filter(lambda x: x % 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def filled(struct: type[msgspec.Struct], **fields: Any) -> st.SearchStrategy[Any]:
    """Instances with every field, or with the defaults of some."""
    every = {field.name: ... for field in msgspec.structs.fields(struct)} | fields
    optional = [field.name for field in msgspec.structs.fields(struct) if not field.required]
    return st.sets(st.sampled_from(optional) if optional else st.nothing()).flatmap(
        lambda left: st.builds(struct, **{name: value for name, value in every.items() if name not in left})
    )


objects = st.builds(Minimal, filled(Metadata, owner_references=st.none() | st.tuples(filled(OwnerReference))))
states = filled(
    protocol.StateEntry,
    object=objects,
    display=st.none() | filled(telling.Display),
    workload=st.none() | filled(telling.Workload),
)
events = filled(
    protocol.EventEntry,
    type=st.sampled_from(message_schema.event_types()) | st.just("podRemoved"),
    detail=st.dictionaries(words, json_values, max_size=3),
    incident=st.none() | filled(protocol.Incident),
)
entries = st.one_of(states, events, filled(protocol.DeleteEntry))
hellos = filled(
    protocol.Hello,
    heartbeat=seconds,
    limits=st.builds(protocol.Limits, max_message_bytes=st.integers(), commands_per_second=seconds),
)
told = st.one_of(
    hellos,
    filled(protocol.Snapshot, entries=st.lists(states, max_size=2), incidents=st.lists(events, max_size=2)),
    filled(protocol.SnapshotEnd),
    filled(protocol.Changes, entries=st.lists(entries, max_size=3)),
    filled(protocol.Heartbeat, lag=seconds),
    filled(protocol.Resync),
    filled(protocol.Ack, action=filled(protocol.ActionInfo)),
    filled(protocol.Result),
    filled(protocol.Verdicts),
    filled(protocol.ErrorMessage),
)
wanted = st.one_of(
    filled(protocol.Subscribe, id=st.text(max_size=64), filter=filled(protocol.Filter)),
    filled(protocol.Unsubscribe),
    filled(protocol.Token),
    filled(
        protocol.Command,
        target=filled(protocol.Target),
        parameters=st.dictionaries(words, json_values, max_size=3),
    ),
    filled(protocol.Can, questions=st.lists(filled(protocol.Question, target=filled(protocol.Target)), max_size=3)),
)


@given(told)
@settings(deadline=None)
def test_whatever_message_is_encoded_is_valid(message: Any) -> None:
    check("ServerMessage", encode(message))
    # What a later version adds does no harm.
    assert valid("ServerMessage", msgspec.json.decode(encode(message)) | {"later": 1})


@given(told, st.data())
@settings(deadline=None)
def test_a_message_without_a_field_that_the_struct_requires_is_not_valid(message: Any, data: st.DataObject) -> None:
    written = msgspec.json.decode(encode(message))
    required = [field.encode_name for field in msgspec.structs.fields(message) if field.required]
    del written[data.draw(st.sampled_from(["type", *required]))]
    assert not valid("ServerMessage", written)


@given(entries)
@settings(deadline=None)
def test_whatever_entry_is_encoded_is_valid(entry: Any) -> None:
    check("Entry", encode(entry))


@given(st.lists(entries.map(encode), max_size=3), st.lists(events.map(encode), max_size=2), words)
@settings(deadline=None)
def test_what_is_joined_from_bytes_is_valid(some: list[bytes], incidents: list[bytes], subscription: str) -> None:
    check("ServerMessage", frames.changes(some, subscription))
    of_states = [one for one in some if b'"op":"upsert"' in one[:15]]
    check("ServerMessage", frames.snapshot_chunk(of_states, incidents, subscription))
    check("ServerMessage", frames.error(CommandRefused("gone", "It is gone.", field="target"), subscription))


@pytest.mark.parametrize("prefix", ["", "nodedown-"])
def test_what_recorded_objects_make_the_operator_tell_is_valid(prefix: str) -> None:
    listener = Listener()
    for step in recording(prefix):
        listener.advance(step.time)
        if step.type == "DELETED":
            listener.gone(step.kind, step.object.metadata.uid, str(step.version))
        else:
            listener.changed(step.kind, step.object)
    for entry in listener.entries:
        check(type(entry).__name__, encode(entry))
    assert {type(entry) for entry in listener.entries} >= {protocol.StateEntry, protocol.EventEntry}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: type(one).__name__)
def test_the_examples_of_the_document_are_valid(example: msgspec.Struct) -> None:
    check(type(example).__name__, encode(example))


def places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in it, with each key or index."""
    for key, inner in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield part, key
        yield from places(inner)


@st.composite
def nearly_right(draw: st.DrawFn) -> Any:
    """A client's message in which something may be left out, put in place of something else, or added."""
    message = msgspec.json.decode(encode(draw(wanted)))
    for what in draw(st.lists(st.sampled_from(["leave out", "replace", "replace", "add"]), max_size=2)):
        container, key = draw(st.sampled_from(list(places(message)) or [(message, "type")]))
        if what == "replace":
            container[key] = draw(json_values)
        elif what == "leave out":
            container.pop(key, None) if isinstance(container, dict) else container.pop(key)
        elif isinstance(container, dict):
            container["later"] = draw(json_values)
    return message


def accepted(message: Any) -> bool:
    try:
        decode_client_message(msgspec.json.encode(message).decode())
    except BadMessage:
        return False
    return True


@given(nearly_right() | json_values)
@settings(max_examples=500, deadline=None)
def test_the_bridge_reads_exactly_what_is_valid(message: Any) -> None:
    assert accepted(message) == valid("ClientMessage", message)


@given(wanted)
@settings(deadline=None)
def test_what_a_client_of_the_same_structs_writes_is_valid_and_read_as_it_was(message: Any) -> None:
    text = encode(message)
    check("ClientMessage", text)
    assert decode_client_message(text.decode()) == message
