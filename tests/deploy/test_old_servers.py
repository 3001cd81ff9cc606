"""What the chart switches on by the API server's version, from 1.30 to 1.36."""

from __future__ import annotations

import pytest
from tests.deploy.charting import rendering, templated, without_helm
from tests.deploy.conftest import Run
from tests.deploy.rendering import Manifest
from tests.deploy.tools import ROOT

from kubedom_operator.install import manifests

ADMISSION = ROOT / "deploy" / "admission"
OLDER = [f"1.{minor}.0" for minor in range(30, 36)]
VERSIONS = [*OLDER, "1.36.0", "1.37.1"]


def verbs(objects: list[Manifest]) -> set[str]:
    """Every verb that a role of these objects grants."""
    rules = [rule for each in objects if each["kind"] in {"ClusterRole", "Role"} for rule in each["rules"]]
    return {verb for rule in rules for verb in rule["verbs"]}


def of_kinds(objects: list[Manifest], start: str) -> dict[str, Manifest]:
    return {
        f"{each['kind']} {each['metadata']['name']}": without_helm(each)
        for each in objects
        if each["kind"].startswith(start)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_who_asked_is_stamped_where_the_server_can_and_else_stated(run: Run, version: str) -> None:
    objects = templated(run, version=version)
    stamps = version not in OLDER
    expected = manifests(ADMISSION if stamps else ADMISSION / "without-stamp")
    for start in ("Mutating", "Validating"):
        found = of_kinds(objects, start)
        assert found.keys() == of_kinds(expected, start).keys()
        for name, each in of_kinds(expected, start).items():
            assert found[name]["spec"] == each["spec"], name


@pytest.mark.parametrize("version", VERSIONS)
def test_no_role_has_verbs_that_the_server_does_not_know_or_no_longer_needs(run: Run, version: str) -> None:
    found = verbs(templated(run, version=version))
    constrained = {verb for verb in found if verb.startswith(("impersonate:", "impersonate-on:"))}
    if version in OLDER:
        assert constrained == set()
    else:
        assert constrained
        assert "impersonate" not in found


@pytest.mark.parametrize("version", ["1.25.0", "1.29.9"])
def test_an_older_server_is_refused_with_the_version_that_it_takes(run: Run, version: str) -> None:
    _, why = rendering(run, version=version)
    assert "1.30" in why
