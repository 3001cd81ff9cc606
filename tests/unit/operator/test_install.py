"""What kubedom brings along is found and is what the API server expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS
from kubedom_bridge.actions import GROUP, VERSION
from kubedom_bridge.kube import Api
from kubedom_operator import demo, install

KINDS = ("clusterhealingactions", "healingactions", "healingpolicies", "healingvetoes")


class Recorder:
    """Takes the calls that would go to an API server, which serves a kind more each time that it is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    async def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        self.calls.append((method, path, more))
        asked = sum(call[0] == "GET" for call in self.calls)
        return {"resources": [{"name": name} for name in KINDS[:asked]]} if method == "GET" else {}


async def test_the_crds_are_applied_and_waited_for_and_what_others_own_is_taken_over() -> None:
    api = Recorder()
    await install.install_crds(cast(Api, api))
    applied = [call for call in api.calls if call[0] == "PATCH"]
    assert [path for _, path, _ in applied] == [
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{GROUP}" for plural in KINDS
    ]
    for _, _, more in applied:
        assert more["query"] == {"fieldManager": "kubedom", "force": "true"}
        assert more["content_type"] == "application/apply-patch+yaml"
    assert len(api.calls) == 2 * len(KINDS), "it asked until the last one was served"


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
def test_the_crds_know_every_action_of_the_catalogue(scope: str) -> None:
    crds = install.manifests(install.packaged("crds", "crds"))
    (crd,) = [each for each in crds if each["spec"]["scope"] == scope and "action" in each["spec"]["names"]["singular"]]
    (version,) = crd["spec"]["versions"]
    assert version["name"] == VERSION
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    within = scope == "Namespaced"
    assert set(spec["target"]["properties"]["kind"]["enum"]) == {
        kind for kind, place in TARGETS.items() if place.namespaced is within
    }
    assert set(spec["action"]["enum"]) == {
        name for name, kind in ACTION_KINDS.items() if any(TARGETS[each].namespaced is within for each in kind.targets)
    }
    assert "status" in version["subresources"]


async def test_the_demo_begins_with_its_namespace() -> None:
    api = Recorder()
    await demo.install_demo(cast(Api, api))
    paths = [path for _, path, _ in api.calls]
    assert paths[0] == "/api/v1/namespaces/demo"
    assert len(paths) > 1
    assert all(path.startswith("/apis/apps/v1/namespaces/demo/deployments/") for path in paths[1:])
    for _, path, more in api.calls[1:]:
        assert more["body"]["metadata"].get("namespace", "demo") == "demo", path


def test_manifests_come_in_the_order_of_their_files_and_empty_documents_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "2.yaml").write_text("kind: C\n---\n---\nkind: D\n")
    (tmp_path / "1.yaml").write_text("kind: A\n---\nkind: B\n")
    (tmp_path / "notes.txt").write_text("kind: no\n")
    assert [one["kind"] for one in install.manifests(tmp_path)] == ["A", "B", "C", "D"]
