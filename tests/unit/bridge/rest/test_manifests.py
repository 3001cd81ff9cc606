"""What a manifest may be, and that everything else is refused before it costs anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubedom_bridge.bodies import BadBody
from kubedom_bridge.rest import manifests
from kubedom_bridge.rest.manifests import DEEPEST, MOST_CHARACTERS, MOST_OBJECTS, MOST_VALUES, objects

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def test_documents_lists_and_objects_are_read_in_their_order() -> None:
    other = SETTINGS | {"metadata": {"name": "other"}}
    text = f"---\n{yaml.safe_dump(SETTINGS)}---\n---\n{yaml.safe_dump(other)}"
    assert objects(text) == [SETTINGS, other]
    assert objects([SETTINGS, other]) == [SETTINGS, other]
    assert objects(SETTINGS) == [SETTINGS]
    assert objects({"apiVersion": "v1", "kind": "List", "items": [SETTINGS, other]}) == [SETTINGS, other]
    assert objects(json.dumps(SETTINGS)) == [SETTINGS]


def test_a_date_stays_a_text_as_kubernetes_reads_it() -> None:
    assert objects("data: {released: 2026-01-02}")[0]["data"] == {"released": "2026-01-02"}


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        ("", "has no objects"),
        ("---\n---\n", "has no objects"),
        ([], "has no objects"),
        ("metadata: [", "not YAML"),
        ("a: \tb: c", "not YAML"),
        ("!!python/object/apply:os.system [id]", "not YAML"),
        ("just text", "no object"),
        (7, "no object"),
        (None, "no object"),
        ([SETTINGS, 7], "no object"),
        ({1: 2}, "not a text"),
        ("1: 2", "not a text"),
        ("a: .nan", "none of JSON's"),
        ("a: .inf", "none of JSON's"),
        ("a: !!binary aGk=", "none of JSON's"),
        ("a: !!set {b, c}", "none of JSON's"),
        ("a: &a {b: *a}", "nested too deeply"),
        ([SETTINGS] * (MOST_OBJECTS + 1), "more than 50 objects"),
        ({"a": [0] * (MOST_VALUES + 1)}, "too large"),
        ({"a": "x" * (MOST_CHARACTERS + 1)}, "too large"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_the_field(manifest: object, sentence: str) -> None:
    with pytest.raises(BadBody) as caught:
        objects(manifest)
    assert sentence in caught.value.message
    assert caught.value.field == "manifest"
    assert caught.value.remedy


def test_a_small_text_does_not_become_a_large_object() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(BadBody, match="too large"):
        objects("\n".join(lines))


def test_nesting_has_an_end() -> None:
    nested: Any = {}
    for _ in range(DEEPEST + 2):
        nested = {"a": nested}
    with pytest.raises(BadBody, match="nested too deeply"):
        objects(nested)
    with pytest.raises(BadBody):
        objects("{a: " * 5_000 + "}" * 5_000)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = objects(text)
    except BadBody:
        return
    # What is read is JSON, so that it can be sent.
    assert json.loads(json.dumps(found)) == found


@given(st.dictionaries(st.text(min_size=1), VALUES, min_size=1))
def test_any_json_object_is_read_as_it_is(wanted: dict[str, Any]) -> None:
    if wanted.get("kind") == "List":
        return
    assert manifests.objects(wanted) == [wanted]
