"""The CRDs in deploy/crds are those that the table of the actions gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_bridge.actions import CLUSTER_PLURAL, PARAMETERS, PLURAL
from kubedom_operator.healing import crds

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("plural", "namespaced"), [(PLURAL, True), (CLUSTER_PLURAL, False)])
def test_the_files_are_current(plural: str, namespaced: bool) -> None:
    assert (ROOT / crds.FOLDER / f"{plural}.yaml").read_text(encoding="utf-8") == crds.render(namespaced=namespaced)


def test_each_action_is_in_one_of_them() -> None:
    by_kind = [{each.name for each in crds.actions_of(namespaced=namespaced)} for namespaced in (True, False)]
    assert by_kind[0] | by_kind[1] == ACTION_KINDS.keys()
    assert by_kind[1] == {"cordon", "uncordon", "drain"}


def test_bridge_and_schema_know_the_same_parameters() -> None:
    spec = crds.crd(namespaced=True)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    named = {
        name: {"integer": int, "string": str, "boolean": bool}[field["type"]]
        for name, field in spec["properties"]["parameters"]["properties"].items()
    }
    assert named == {name: wanted for name, (wanted, _) in PARAMETERS.items()}
    assert {name for each in ACTION_KINDS.values() for name in (*each.required, *each.optional)} == named.keys()
