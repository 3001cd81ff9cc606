"""The kubedom kinds in the cluster: applied at start, so that a newcomer need not."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kubedom_bridge.actions import GROUP, VERSION
from kubedom_bridge.kube import APPLY_PATCH, Api, ApiError

FIELD_MANAGER = "kubedom"
SERVED_SECONDS = 0.1
SERVED_LOOKS = 100


def packaged(folder: str, checkout: str) -> Path:
    """Find a folder of manifests: in the wheel beside this module, in a checkout under deploy/."""
    inside = Path(str(files("kubedom_operator"))) / folder
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "deploy" / checkout


def manifests(folder: Path) -> list[dict[str, Any]]:
    """Read every object of a folder's YAML files, in the order of the files' names."""
    return [
        document
        for file in sorted(folder.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
        if document
    ]


async def install_crds(api: Api) -> None:
    """Apply the CustomResourceDefinitions, and wait until the API server serves them.

    Raises:
        KubedomError: where the user may not, or the API server is away.

    """
    wanted = set()
    for crd in manifests(packaged("crds", "crds")):
        name = crd["metadata"]["name"]
        await apply(api, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", crd)
        wanted.add(crd["spec"]["names"]["plural"])
    # Whoever looks for them at once would take them for missing.
    for _ in range(SERVED_LOOKS):
        if wanted <= await _served(api):
            break
        await asyncio.sleep(SERVED_SECONDS)


async def missing_kinds(api: Api) -> list[str]:
    """The plurals of the kubedom kinds that the API server does not have.

    Raises:
        KubedomError: where it cannot be asked.

    """
    wanted = {crd["spec"]["names"]["plural"] for crd in manifests(packaged("crds", "crds"))}
    return sorted(wanted - await _served(api))


async def _served(api: Api) -> set[str]:
    try:
        resources = (await api.call("GET", f"/apis/{GROUP}/{VERSION}"))["resources"]
    except ApiError:
        return set()
    return {each["name"] for each in resources}


async def apply(api: Api, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Apply one object on the server's side; what others own is taken over."""
    return await api.call(
        "PATCH",
        path,
        body=manifest,
        query={"fieldManager": FIELD_MANAGER, "force": "true"},
        content_type=APPLY_PATCH,
    )
