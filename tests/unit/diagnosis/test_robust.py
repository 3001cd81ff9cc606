"""Whatever an object looks like, diagnosis answers, and what cannot be read is named."""

import copy
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedom_operator.diagnosis import NOTHING_RELATED, Settings, diagnose, faults, pod_status, transitions, workload_of
from kubedom_operator.projection import KINDS, Pod, UnreadableObject, from_object, minimal

from .objects import NOW, event
from .replay import KIND_OF, RECORDED


def _bodies() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted(RECORDED.glob("*.jsonl.gz")):
        kind = KIND_OF[path.name.removesuffix(".jsonl.gz").removeprefix("nodedown-")]
        lines = gzip.decompress(path.read_bytes()).splitlines()
        for line in lines[:: max(1, len(lines) // 25)]:
            body = json.loads(line)["object"]
            body["metadata"].pop("managedFields", None)
            found.append((kind, body))
    return found


BODIES = _bodies()
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        "",
        "x",
        0,
        -1,
        10**30,
        1.5,
        True,
        [],
        {},
        [None],
        ["x"],
        [{}],
        {"a": None},
        "2999-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
    ]
)


def _places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [place for key, value in items for place in ((*path, key), *_places(value, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_an_object_with_anything_missing_or_odd_is_diagnosed_or_named(data: st.DataObject) -> None:
    kind, body = data.draw(st.sampled_from(BODIES))
    body = copy.deepcopy(body)
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(body)
        if not places:
            break
        *way, last = data.draw(st.sampled_from(places))
        inner = body
        for key in way:
            inner = inner[key]
        if data.draw(st.booleans()) and isinstance(inner, dict):
            del inner[last]
        else:
            inner[last] = copy.deepcopy(data.draw(ODD))
    before = dict(faults)
    read = None
    try:
        read = from_object(kind, body)
    except UnreadableObject as error:
        named = error.field
    else:
        named = ""
    if named:
        assert minimal(kind, body).metadata is not None
        return
    assert read is not None, "what cannot be read must be named"
    found = diagnose(read, NOTHING_RELATED, NOW, Settings())
    assert found.recheck is None or found.recheck > NOW
    if isinstance(read, Pod):
        pod_status(read, NOW)
        workload_of(read)
        transitions(read, read)
    assert faults == before


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_object_without_anything(kind: str) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"metadata": {}},
        {"metadata": {}, "spec": None, "status": None},
        {"metadata": {}, "status": {}, "spec": {}},
    )
    for body in bodies:
        found = diagnose(from_object(kind, body), NOTHING_RELATED, NOW, Settings())
        assert found.failures == ()
    assert faults == {}


def test_an_event_without_anything_enriches_nothing() -> None:
    assert event("Killing").time is not None
    assert from_object("Event", {"metadata": {}, "involvedObject": None, "eventTime": None}).time is None
