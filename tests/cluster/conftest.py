"""An operator that carries out actions, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
from tests.cluster.healing import Operator, Start
from tests.cluster.identities import Make, somebodies
from tests.conftest import Cluster

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator.install import install_crds


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    """The cluster, with the kubedom kinds installed."""
    choice = ClusterChoice(str(cluster.kubeconfig), cluster.context)

    async def install() -> None:
        api = await Api.connect(choice)
        try:
            await install_crds(api)
        finally:
            await api.close()

    asyncio.run(install())
    crds = ("crd/healingactions.kubedom.dev", "crd/clusterhealingactions.kubedom.dev")
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *crds)
    return choice


@pytest.fixture
async def api(choice: ClusterChoice) -> AsyncIterator[Api]:
    """The API server, as its administrator."""
    made = await Api.connect(choice)
    yield made
    await made.close()


@pytest.fixture
def somebody(choice: ClusterChoice, cluster: Cluster, namespace: str) -> Iterator[Make]:
    """Makes service accounts of the test's own namespace, with the rights that it gives them."""
    with somebodies(cluster, namespace) as make:
        yield make


@pytest.fixture
def start(choice: ClusterChoice, namespace: str) -> Iterator[Start]:
    """Starts operators of the test's own namespace, which end with the test."""
    with ExitStack() as operators:
        yield lambda: operators.enter_context(Operator(choice, namespace).running())


@pytest.fixture
def operator(start: Start) -> Operator:
    """An operator of the test's own namespace."""
    return start()
