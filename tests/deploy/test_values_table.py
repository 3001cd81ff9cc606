"""Every value of the chart is documented, and docs/values.md is what values.yaml says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy.charting import CHART
from tests.deploy.values_table import PAGE, VALUES, Undocumented, comments, page

from kubedom_operator.diagnosis import CATALOGUE

TEXT = VALUES.read_text(encoding="utf-8")


def paths(values: dict[str, Any], above: str = "") -> set[str]:
    """The path of every value, and of every part of them."""
    found = set()
    for name, value in values.items():
        found.add(f"{above}{name}")
        if isinstance(value, dict):
            found |= paths(value, f"{above}{name}.")
    return found


def test_the_page_is_what_the_values_say() -> None:
    remedy = "run `python -m tests.deploy.values_table`"
    assert PAGE.read_text(encoding="utf-8") == page(TEXT), remedy


def test_every_value_is_documented() -> None:
    missing = paths(yaml.safe_load(TEXT)) - comments(TEXT).keys()
    # What a value that is taken as a whole has by default.
    taken_whole = ("resources.", "annotations.", "labels.")
    assert {each for each in missing if not any(part in each for part in taken_whole)} == set()


def test_a_value_without_a_comment_is_refused() -> None:
    with pytest.raises(Undocumented, match=r"bridge\.replicas has no comment"):
        comments("# The bridges.\nbridge:\n  replicas: 3\n")


def test_a_comment_is_of_the_value_right_below_it() -> None:
    with pytest.raises(Undocumented, match="scope"):
        comments("# About the file.\n\nscope: cluster\n")


def test_the_schema_knows_every_kind_of_failure() -> None:
    schema = json.loads(Path(CHART, "values.schema.json").read_text(encoding="utf-8"))
    hold = schema["properties"]["watching"]["properties"]["hold"]
    assert list(hold["properties"]) == sorted(CATALOGUE)
