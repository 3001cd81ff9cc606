"""A namespace with two deployments, and two people with different rights in it, where the API server judges actions."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.cluster.identities import RBAC
from tests.conftest import Cluster

from kubedom_bridge.action_catalogue import TARGETS
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator import local, rbac_manifests
from kubedom_operator.admission import start_admission
from kubedom_operator.install import apply, install_crds

GROUP = "kubedom.dev"


def with_admission(cluster: Cluster) -> ClusterChoice:
    """The cluster with admission installed and shown to work; who may edit a namespace may create actions."""
    choice = ClusterChoice(str(cluster.kubeconfig), cluster.context)

    async def install() -> None:
        api = await Api.connect(choice)
        try:
            await install_crds(api)
            assert await start_admission(api, None) == ""
            for role in rbac_manifests.users():
                await apply(api, f"{RBAC}/clusterroles/{role['metadata']['name']}", role)
        finally:
            await api.close()

    asyncio.run(install())
    return choice


def action(verb: str, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "HealingAction" if TARGETS[kind].namespaced else "ClusterHealingAction",
        "metadata": {"generateName": "test-"},
        "spec": {"action": verb, "target": {"kind": kind, "name": name}, **spec},
    }


@dataclass
class Shop:
    """A namespace with two deployments. Alice may restart one of them; Bob may only ask."""

    cluster: Cluster
    namespace: str

    def user(self, name: str) -> str:
        return f"system:serviceaccount:{self.namespace}:{name}"

    def token(self, name: str) -> str:
        return self.cluster.kubectl("create", "token", name, f"--namespace={self.namespace}").strip()

    def kubectl_create(self, user: str, deployment: str) -> tuple[int, str]:
        """`kubectl create -f -` as this user, with what it prints."""
        wanted = action("restartDeployment", "Deployment", deployment)
        command = [str(local.find_kubectl().path), f"--kubeconfig={self.cluster.kubeconfig}"]
        command += [f"--context={self.cluster.context}", f"--as={self.user(user)}", f"--namespace={self.namespace}"]
        done = subprocess.run(
            [*command, "create", "--filename=-"],
            input=yaml.safe_dump(wanted),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def sentence(self, user: str, deployment: str) -> str:
        where = f'deployments.apps "{deployment}" in namespace {self.namespace}'
        return f"{self.user(user)} may not patch {where}, which restartDeployment would do."

    def let_alice(self) -> None:
        """Give Alice the right to restart `web`."""
        here, account = f"--namespace={self.namespace}", f"--serviceaccount={self.namespace}:alice"
        self.cluster.kubectl("create", "rolebinding", "restarts", "--role=restarting", account, here)

    def let_alice_no_more(self) -> None:
        """Take that right away."""
        self.cluster.kubectl("delete", "rolebinding", "restarts", f"--namespace={self.namespace}")


def opened_shop(cluster: Cluster, namespace: str) -> Shop:
    """Make the deployments, the people and their rights."""
    here = f"--namespace={namespace}"
    asking = ("create", "role", "asking", "--verb=create,get,list,watch", "--resource=healingactions.kubedom.dev", here)
    cluster.kubectl(*asking)
    restarting = ("--verb=patch", "--resource=deployments.apps", "--resource-name=web", here)
    cluster.kubectl("create", "role", "restarting", *restarting)
    for name in ("alice", "bob"):
        cluster.kubectl("create", "serviceaccount", name, here)
        account = f"--serviceaccount={namespace}:{name}"
        cluster.kubectl("create", "rolebinding", f"{name}-views", "--clusterrole=view", account, here)
        cluster.kubectl("create", "rolebinding", f"{name}-asks", "--role=asking", account, here)
    shop = Shop(cluster, namespace)
    shop.let_alice()
    for name in ("web", "db"):
        cluster.kubectl("create", "deployment", name, "--image=registry.example/web", here)
        cluster.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s", here)
    return shop


def with_log(shop: Shop, pod: str, folder: Path) -> Path:
    """Let kwok tell a log of a pod of `web`, five lines and one of the run before; gives the file that it stands in."""
    file, before = folder / "current.log", folder / "previous.log"
    file.write_text("".join(f"2026-01-01T00:00:0{n}Z stdout F line {n}\n" for n in range(5)))
    before.write_text("2026-01-01T00:00:00Z stderr F it crashed\n")
    told = {"containers": ["web"], "logsFile": str(file), "previousLogsFile": str(before), "follow": True}
    shop.cluster.apply(
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Logs",
            "metadata": {"name": pod},
            "spec": {"logs": [told]},
        },
        namespace=shop.namespace,
    )
    return file
