"""Helm and kustomize install the same objects, field by field."""

from __future__ import annotations

import json

import pytest
from tests.deploy.charting import VALUES, of_a_test, templated, without_helm
from tests.deploy.conftest import Run
from tests.deploy.rendering import OVERLAYS, Manifest, named, overlay


def lines(objects: list[Manifest]) -> dict[str, list[str]]:
    """Each object as lines, so that a difference is told by the line."""
    return {named(each): json.dumps(without_helm(each), indent=1, sort_keys=True).splitlines() for each in objects}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_chart_renders_what_the_overlay_renders(run: Run, name: str) -> None:
    chart = lines([each for each in templated(run, f"--values={VALUES[name]}") if not of_a_test(each)])
    kustomize = lines(overlay(name))
    assert chart.keys() == kustomize.keys()
    for what, expected in kustomize.items():
        assert chart[what] == expected, what
