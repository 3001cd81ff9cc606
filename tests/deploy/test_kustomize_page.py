"""The kustomizations of docs/kustomize.md render as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.deploy.rendering import Manifest, kustomized, overlay
from tests.deploy.tools import ROOT

PAGE = (ROOT / "docs" / "kustomize.md").read_text(encoding="utf-8")
OWN, ELSEWHERE, WITHIN = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with kubedom's checkout in it."""
    tmp_path.joinpath("deploy").symlink_to(ROOT / "deploy")
    return tmp_path.resolve()


def only(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def test_an_overlay_of_ones_own_says_the_address_and_changes_nothing_else(checkout: Path) -> None:
    checkout.joinpath("kustomization.yaml").write_text(OWN)
    mine, ours = kustomized(checkout), overlay("cluster-wide")
    (container,) = only(mine, "Deployment")["spec"]["template"]["spec"]["containers"]
    (origin,) = [each for each in container["env"] if each["name"] == "KUBEDOM_RUN_ORIGIN"]
    assert origin["value"] == "https://pages.example.org"
    origin["value"] = "https://kubedom.example.org"
    assert mine == ours


def test_in_another_namespace_the_canary_stays_where_the_operator_looks_for_it(checkout: Path) -> None:
    checkout.joinpath("kustomization.yaml").write_text(ELSEWHERE)
    checkout.joinpath("within").mkdir()
    checkout.joinpath("within", "kustomization.yaml").write_text(WITHIN)
    mine = kustomized(checkout)
    places = {each["metadata"].get("namespace") for each in mine if "canary" not in each["metadata"]["name"]}
    assert places == {None, "watching"}
    assert only(mine, "Role")["metadata"]["namespace"] == "default"
    subjects = [subject for each in mine if each["kind"] == "ClusterRoleBinding" for subject in each["subjects"]]
    assert {each["namespace"] for each in subjects} == {"watching"}
    assert len(mine) == len(overlay("cluster-wide"))
