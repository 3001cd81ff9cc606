"""What was told of an object as JSON is read back as what it was."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from tests.unit.diagnosis.replay import recording

from kubedom_bridge import protocol
from kubedom_operator.projection import KINDS, from_object


def written(obj: Any) -> Any:
    return json.loads(protocol.encode(obj))


def test_everything_that_a_real_cluster_had_is_read_back() -> None:
    steps = [*recording(), *recording("nodedown-")]
    assert {step.kind for step in steps} >= {"Pod", "Deployment", "ReplicaSet", "Job", "Node", "Event"}
    for step in steps:
        assert from_object(step.kind, written(step.object)) == step.object


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Any JSON that a type takes, null and nothing at all among it."""
    if isinstance(kind, inspect.UnionType):
        return st.one_of(*map(values, kind.types))
    if isinstance(kind, inspect.StructType):
        required = {field.encode_name: values(field.type) for field in kind.fields if field.required}
        optional = {field.encode_name: values(field.type) for field in kind.fields if not field.required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(kind, inspect.VarTupleType):
        return st.lists(values(kind.item_type), max_size=2)
    if isinstance(kind, inspect.DictType):
        return st.dictionaries(st.text(max_size=3), values(kind.value_type), max_size=2)
    simple: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
        inspect.NoneType: st.none(),
        inspect.BoolType: st.booleans(),
        inspect.IntType: st.integers(-(2**53), 2**53),
        inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
        inspect.StrType: st.text(max_size=3),
    }
    return simple[type(kind)]


@cache
def objects(kind: str) -> st.SearchStrategy[Any]:
    return values(inspect.type_info(KINDS[kind].struct))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_an_object_has_is_read_back(kind: str, data: st.DataObject) -> None:
    obj = from_object(kind, data.draw(objects(kind)))
    again = from_object(kind, written(obj))
    assert again == obj
    assert msgspec.json.encode(again) == msgspec.json.encode(obj)
