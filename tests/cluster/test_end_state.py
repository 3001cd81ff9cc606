"""Whatever happens, a page ends with what the API server lists for its user, kind by kind."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.cluster.test_many_users import Page, page
from tests.conftest import Cluster
from tests.running import KubedomRun
from tests.users import Someone
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.cluster

STEPS = 30
KINDS = {
    "Pod": "pods",
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}


class Visitor:
    """Somebody whose page comes and goes, and goes on where it was."""

    def __init__(self, run: KubedomRun, user: Someone) -> None:
        self.run = run
        self.user = user
        self.token = user.token()
        self.opened: list[ClientConnection] = []
        self.page: Page | None = None

    async def come(self) -> None:
        since = self.page.position if self.page is not None else None
        former = self.page
        self.page = await page(self.run, self.token, self.opened, **({"since": since} if since else {}))
        if former is not None and since:
            self.page.objects = former.objects

    async def go(self) -> None:
        if self.page is not None:
            self.page.socket.transport.abort()
            with contextlib.suppress(ConnectionClosed):
                await self.page.socket.wait_closed()

    def listed(self, plural: str) -> dict[str, str]:
        """Ask the API server as this user."""
        arguments = (plural, f"--namespace={self.user.namespace}")
        items = self.user.cluster.get(*arguments, f"--as=system:serviceaccount:{self.user.namespace}:reader")["items"]
        return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in items}

    def shown(self, kind: str) -> dict[str, str]:
        assert self.page is not None
        return {uid: entry["resourceVersion"] for uid, entry in self.page.objects.items() if entry["kind"] == kind}


@pytest.fixture
def users(cluster: Cluster) -> Iterator[list[Someone]]:
    found = [Someone(cluster) for _ in range(2)]
    for user in found:
        user.prepare()
    yield found
    for user in found:
        cluster.kubectl("delete", "namespace", user.namespace, "--wait=false")


@pytest.fixture
async def visitors(cluster: Cluster, users: list[Someone]) -> AsyncIterator[list[Visitor]]:
    with KubedomRun(f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--sign-in=token") as run:
        found = [Visitor(run, user) for user in users for _ in range(2)]
        yield found
        for visitor in found:
            for socket in visitor.opened:
                await socket.close()


def workload(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "main", "image": "registry.example/main"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def claim(name: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


async def test_a_page_ends_with_what_its_user_may_list(visitors: list[Visitor], users: list[Someone]) -> None:
    chance = random.Random(5)
    for visitor in visitors:
        await visitor.come()
    for _ in range(STEPS):
        user, visitor = chance.choice(users), chance.choice(visitors)
        match chance.choice(["scale", "scale", "claim", "remove", "go", "come", "read"]):
            case "scale":
                name = chance.choice(["web", "api"])
                user.cluster.apply(workload(name, chance.randint(0, 4)), namespace=user.namespace)
            case "claim":
                user.cluster.apply(claim(chance.choice(["data", "logs"])), namespace=user.namespace)
            case "remove":
                what = chance.choice(["deployment/web", "pvc/data", "pod/pod-" + user.mark])
                user.cluster.kubectl("delete", what, f"--namespace={user.namespace}", "--ignore-not-found", "--now")
            case "go":
                await visitor.go()
            case "come":
                await visitor.go()
                await visitor.come()
            case _:
                assert visitor.page is not None
                with contextlib.suppress(ConnectionClosed):
                    await visitor.page.read(0.1)
    for visitor in visitors:
        await visitor.go()
        await visitor.come()
    for visitor in visitors:
        await _until_right(visitor)
        others = [user.mark for user in users if user is not visitor.user]
        assert visitor.page is not None
        assert not any(mark in text for text in visitor.page.raw for mark in others)


async def _until_right(visitor: Visitor) -> None:
    assert visitor.page is not None
    async with asyncio.timeout(60):
        while True:
            await visitor.page.read(0.3)
            # What the controllers still change between the two questions is asked again.
            listed = {kind: await asyncio.to_thread(visitor.listed, plural) for kind, plural in KINDS.items()}
            if all(visitor.shown(kind) == listed[kind] for kind in KINDS):
                break
