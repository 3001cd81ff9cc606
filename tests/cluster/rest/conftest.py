"""A bridge with a shop whose people sign in with their tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest
from tests.cluster.rest.asking import User
from tests.cluster.shop import Shop, opened_shop, with_admission
from tests.conftest import Cluster
from tests.running import KubedomRun

from kubedom_bridge.kube import ClusterChoice


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    return with_admission(cluster)


@pytest.fixture(scope="module")
def run(cluster: Cluster, choice: ClusterChoice) -> Iterator[KubedomRun]:
    options = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--sign-in=token")
    with KubedomRun(*options, "--config-path=/django/api/v1/config/") as started:
        yield started


@pytest.fixture
def shop(choice: ClusterChoice, cluster: Cluster, namespace: str) -> Shop:
    return opened_shop(cluster, namespace)


@pytest.fixture
async def sign_in(run: KubedomRun, shop: Shop) -> AsyncIterator[Callable[[str], User]]:
    async with aiohttp.ClientSession() as http:
        yield lambda name: User(http, run.origin, {"Authorization": f"Bearer {shop.token(name)}"})
