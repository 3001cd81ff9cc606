"""kubedom as in a pod: the service account's files say who it is, also after the kubelet has renewed the token."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from tests.cluster.identities import make_account
from tests.conftest import Cluster
from tests.kubelet import by_hand
from tests.unit.watch.mirror_sink import MirrorSink, eventually

from kubedom_bridge import credentials
from kubedom_bridge.credentials import ClusterChoice, kubeconfig_path
from kubedom_bridge.errors import ClusterUnreachable, ConfigurationError, NotPermitted
from kubedom_bridge.kube import Api
from kubedom_operator.admission import review_self
from kubedom_operator.watch.kopf_source import KopfSource
from kubedom_operator.watch.stream import StreamSource

pytestmark = pytest.mark.cluster
READS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]


class Pod:
    """The files and variables that a container finds, of an account that may read its namespace's pods."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self._cluster = cluster
        self._token = folder / "token"
        make_account(cluster, namespace, "reader", READS)
        given = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
        data = given.get("certificate-authority-data")
        authority = base64.b64decode(data) if data else Path(given["certificate-authority"]).read_bytes()
        (folder / "ca.crt").write_bytes(authority)
        self.renew("first")

    def renew(self, name: str) -> None:
        """Write another token into the file, one that ends with a Secret of this name."""
        where = f"--namespace={self.namespace}"
        self._cluster.kubectl("create", "secret", "generic", name, where)
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}")
        self._token.write_text(self._cluster.kubectl("create", "token", "reader", where, *bound).strip())

    def end(self, name: str) -> None:
        """Let the tokens end that were written with this name."""
        self._cluster.kubectl("delete", "secret", name, f"--namespace={self.namespace}")


@pytest.fixture
def pod(cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    files = tmp_path / "serviceaccount"
    files.mkdir()
    server = urlsplit(cluster.server)
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", files)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return Pod(cluster, namespace, files)


@pytest.fixture
async def inside(pod: Pod) -> AsyncIterator[Api]:
    """The API server, as the pod's account."""
    made = await Api.connect(ClusterChoice())
    yield made
    await made.close()


async def test_the_pods_account_is_who_asks(pod: Pod, inside: Api) -> None:
    assert inside.name == "in-cluster"
    user = (await review_self(inside))["status"]["userInfo"]["username"]
    assert user == f"system:serviceaccount:{pod.namespace}:reader"
    with pytest.raises(NotPermitted, match="Give the pod's service account this right"):
        await inside.call("GET", "/api/v1/nodes")


async def test_a_renewed_token_is_read(pod: Pod, inside: Api, cluster: Cluster) -> None:
    old = (await asyncio.to_thread((credentials.SERVICE_ACCOUNT / "token").read_text)).strip()
    path = f"/api/v1/namespaces/{pod.namespace}/pods"
    pod.renew("second")
    pod.end("first")
    await no_more(inside.with_token(old), path)
    async with inside.stream(path, {"limit": "1"}, inactivity=30) as answer:
        assert answer.status == 200


async def no_more(api: Api, path: str) -> None:
    """Wait until the API server does not take this token any more."""
    for _ in range(300):
        try:
            await api.call("GET", path)
        except NotPermitted:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("the old token is taken for ever")


@pytest.mark.parametrize("by", ["kopf", "stream"])
async def test_either_source_watches_as_the_pods_account(pod: Pod, inside: Api, cluster: Cluster, by: str) -> None:
    sink = MirrorSink()
    source = (
        KopfSource(ClusterChoice(), inside, ["Pod"], sink, namespace=pod.namespace)
        if by == "kopf"
        else StreamSource(inside, ["Pod"], sink, namespace=pod.namespace)
    )
    running = asyncio.create_task(source.run())
    try:
        await eventually(lambda: sink.syncs["Pod"] > 0)
        await asyncio.to_thread(cluster.apply, by_hand("api"), namespace=pod.namespace)
        await eventually(lambda: any(name.startswith("api-") for name in sink.names_of("Pod")))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_account_that_is_not_mounted_is_said(pod: Pod) -> None:
    (credentials.SERVICE_ACCOUNT / "token").unlink()
    with pytest.raises(ConfigurationError, match="automountServiceAccountToken"):
        await Api.connect(ClusterChoice())


async def test_an_api_server_that_the_pod_cannot_reach_is_said(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    api = await Api.connect(ClusterChoice())
    try:
        with pytest.raises(ClusterUnreachable, match="NetworkPolicy"):
            await api.call("GET", "/version")
    finally:
        await api.close()


def test_a_user_without_a_home_has_no_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 65532)
    assert kubeconfig_path(ClusterChoice()) is None
