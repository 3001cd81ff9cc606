"""What kubedom brings along is found and is what the API server expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from kubedom_bridge.actions import CLUSTER_PLURAL, GROUP, PLURAL
from kubedom_bridge.kube import Api
from kubedom_operator import demo, install


class Recorder:
    """Takes the calls that would go to an API server."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    async def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        self.calls.append((method, path, more))
        return {}


async def test_the_crds_are_applied_and_what_others_own_is_taken_over() -> None:
    api = Recorder()
    await install.install_crds(cast(Api, api))
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    applied = {path: more for method, path, more in api.calls if method == "PATCH"}
    assert applied.keys() >= {f"{crds}/{plural}.{GROUP}" for plural in (PLURAL, CLUSTER_PLURAL)}
    for more in applied.values():
        assert more["query"] == {"fieldManager": "kubedom", "force": "true"}
        assert more["content_type"] == "application/apply-patch+yaml"


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
