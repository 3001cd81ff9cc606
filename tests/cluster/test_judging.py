"""Nothing is carried out that the API server has not judged, also when its policies are taken away under way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.cluster import healing
from tests.cluster.admitting import REGISTRATION, admitted, create, switched_off
from tests.cluster.healing import action, carried_out, finished
from tests.cluster.identities import Make, rules
from tests.cluster.shop import with_admission
from tests.conftest import Cluster
from tests.running import KubedomRun, wait_for

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator import rbac_manifests
from kubedom_operator.admission_manifests import CANARY, POLICY

pytestmark = pytest.mark.cluster
BINDING = f"{REGISTRATION}/validatingadmissionpolicybindings/{POLICY}"
RESTART = action("restartDeployment", "Deployment", "api")


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    return with_admission(cluster)


def generation(cluster: Cluster, namespace: str) -> int:
    return int(cluster.get("deployment", "api", f"--namespace={namespace}")["metadata"]["generation"])


async def test_what_was_created_while_nobody_judged_is_denied_also_by_an_operator_that_starts_later(
    api: Api, cluster: Cluster, namespace: str
) -> None:
    healing.deployed(cluster, namespace)
    cluster.kubectl(
        "create", "rolebinding", "canary", "--clusterrole=kubedom-edit", f"--user={CANARY}", f"--namespace={namespace}"
    )
    async with switched_off(api):
        # The canary may create actions and do nothing else, and nobody asks what it may do.
        made = await admitted(lambda: create(api.impersonating(CANARY), RESTART, namespace, dry=False))
    with KubedomRun(f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"):
        end = await asyncio.to_thread(finished, cluster, namespace, made["metadata"]["name"])
        assert (end["phase"], "create it again" in end["message"]) == ("Denied", True)
        assert generation(cluster, namespace) == 1
        # A policy that was put back a moment ago may not be in force yet, so what is asked then may be denied too.
        await asyncio.to_thread(wait_for, "an action that is judged", lambda: succeeded(cluster, namespace))
        assert generation(cluster, namespace) == 2


def succeeded(cluster: Cluster, namespace: str) -> bool:
    made = healing.create(cluster, namespace, RESTART)
    return bool(finished(cluster, namespace, made)["phase"] == "Succeeded")


async def test_an_operator_that_cannot_put_the_policy_back_begins_nothing_until_somebody_has(
    api: Api, cluster: Cluster, namespace: str, somebody: Make, tmp_path: Path
) -> None:
    healing.deployed(cluster, namespace)
    own = somebody("kubedom", *rules(rbac_manifests.operator(), "kubedom-operator")).kubeconfig(tmp_path)
    with KubedomRun(f"--kubeconfig={own}", "--verbose") as run:
        await asyncio.to_thread(carried_out, cluster, namespace, RESTART)
        async with switched_off(api):
            made = await asyncio.to_thread(healing.create, cluster, namespace, RESTART)
            end = await asyncio.to_thread(finished, cluster, namespace, made)
            assert end["phase"] == "Denied"
            assert end["message"].startswith("Not healing because the API server let an action pass")
            assert run.output().count("WARNING kubedom_operator.judging: Not healing because") == 1
        await asyncio.to_thread(wait_for, "an action that is judged", lambda: succeeded(cluster, namespace))
        assert "healing goes on" in run.output()
    assert generation(cluster, namespace) == 3


async def test_an_operator_that_may_puts_the_policy_back(api: Api, cluster: Cluster, namespace: str) -> None:
    healing.deployed(cluster, namespace)
    with KubedomRun(f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"):
        await asyncio.to_thread(carried_out, cluster, namespace, RESTART)
        before = (await api.call("GET", BINDING))["metadata"]["uid"]
        await api.call("DELETE", BINDING)
        made = await asyncio.to_thread(healing.create, cluster, namespace, RESTART)
        end = await asyncio.to_thread(finished, cluster, namespace, made)
        assert (end["phase"], "create it again" in end["message"]) == ("Denied", True)
        assert (await api.call("GET", BINDING))["metadata"]["uid"] != before
        await asyncio.to_thread(wait_for, "an action that is judged", lambda: succeeded(cluster, namespace))
    assert generation(cluster, namespace) == 3
