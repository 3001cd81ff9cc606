"""What the overlay `namespaced-only` grants is enough to see and to heal its namespace, and reaches no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml
from tests.cluster import healing
from tests.cluster.healing import action, carried_out
from tests.cluster.identities import Somebody
from tests.cluster.policies import crash, deployed, policy, with_healer
from tests.conftest import Cluster
from tests.deploy.rendering import KUSTOMIZE, Manifest, kustomized, overlay
from tests.running import KubedomRun, wait_for

pytestmark = pytest.mark.cluster


def elsewhere(namespace: str, folder: Path) -> list[Manifest]:
    """The overlay in another namespace, as docs/kustomize.md tells."""
    within = os.path.relpath(KUSTOMIZE / "overlays" / "namespaced-only" / "within", folder.resolve())
    folder.joinpath("kustomization.yaml").write_text(yaml.safe_dump({"namespace": namespace, "resources": [within]}))
    return kustomized(folder.resolve())


@pytest.fixture
def account(every_kind: Cluster, namespace: str, tmp_path: Path) -> Iterator[Somebody]:
    """The overlay's service account, with what the overlay grants it in this namespace."""
    folder = tmp_path / "mine"
    folder.mkdir()
    once = [each for each in overlay("namespaced-only") if "namespace" not in each["metadata"]]
    mine = elsewhere(namespace, folder)
    granted = [each for each in mine if "Role" in each["kind"] or each["kind"] == "ServiceAccount"]
    options = ("--server-side", "--force-conflicts", "--filename=-")
    every_kind.kubectl("apply", *options, stdin=yaml.safe_dump_all([*once, *granted]))
    yield Somebody(every_kind, "kubedom", namespace)
    bindings = [each["metadata"]["name"] for each in granted if each["kind"] == "ClusterRoleBinding"]
    every_kind.kubectl("delete", "clusterrolebinding", *bindings)


async def test_its_account_sees_and_heals_the_namespace(
    every_kind: Cluster, account: Somebody, namespace: str, tmp_path: Path
) -> None:
    cluster = every_kind

    def healed() -> bool:
        found = cluster.get("healingactions", f"--namespace={namespace}")["items"]
        own = [each for each in found if "policyRef" in each["spec"]]
        return any((each.get("status") or {}).get("phase") == "Succeeded" for each in own)

    who = (f"--kubeconfig={account.kubeconfig(tmp_path)}", f"--namespace={namespace}")
    with KubedomRun(*who, "--sign-in=token", "--verbose") as run:
        healing.deployed(cluster, namespace, "web", 1, "Deployment")
        carried_out(cluster, namespace, action("restartDeployment", "Deployment", "web"))
        with_healer(cluster, namespace)
        pod = deployed(cluster, namespace, "crashes")
        cluster.apply(policy(selector={"matchLabels": {"app": "crashes"}}), namespace=namespace)
        crash(cluster, namespace, pod)
        wait_for("the policy's action", healed)
        token = cluster.kubectl("create", "token", "kubedom", f"--namespace={namespace}").strip()
        signed_in = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
        async with signed_in as http, http.get(f"{run.origin}/api/session") as answer:
            assert answer.status == 200
        refused = [line for line in run.output().splitlines() if "is forbidden" in line]
        # What its start may not install it says once; nothing else is asked for in vain.
        assert [line for line in refused if " taken as " not in line] == []


def test_its_account_can_do_nothing_in_another_namespace(every_kind: Cluster, account: Somebody) -> None:
    who = f"--as=system:serviceaccount:{account.namespace}:kubedom"
    may = {
        place: every_kind.kubectl("auth", "can-i", "--list", who, place)
        for place in (f"-n{account.namespace}", "-ndefault")
    }
    here, there = may.values()
    assert "deployments.apps" in here
    assert "deployments.apps" not in there
    assert "kubedom.dev  " not in there
