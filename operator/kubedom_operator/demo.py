"""The demo: a few deployments for the local cluster, some of which fail and heal."""

from __future__ import annotations

from kubedom_bridge.kube import Api

from .install import apply, manifests, packaged

NAMESPACE = "demo"


async def install_demo(api: Api) -> None:
    """Apply the demo's namespace and deployments."""
    for manifest in manifests(packaged("demo_manifests", "demo")):
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "Namespace":
            path = f"/api/v1/namespaces/{name}"
        else:
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        await apply(api, path, manifest)
