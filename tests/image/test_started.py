"""The image as it is started in a cluster: a user without rights, a read-only file system, no folder to write to."""

from __future__ import annotations

import base64
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from tests.conftest import Cluster
from tests.image.conftest import Image
from tests.release.lock import ROOT
from tests.running import wait_for

from kubedom_bridge.credentials import SERVICE_ACCOUNT
from kubedom_operator.local.ports import free_ports

pytestmark = pytest.mark.timeout(900, func_only=False)


def answered(address: str, token: str = "") -> tuple[int, str]:
    """The status and the text of an answer to the bearer of a token; 0 where nobody answers."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


def test_it_says_its_version(image: Image) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with image.start("--version") as container:
        assert container.wait() == 0, container.output()
        assert container.output() == f"kubedom, version {version}\n"


def test_what_is_wrong_is_said_in_a_sentence(image: Image) -> None:
    with image.start("operator", "--kubeconfig=/nothing") as container:
        assert container.wait() == 2, container.output()
        assert container.output().startswith("kubedom: ")
        assert "Traceback" not in container.output()
        assert "The watch ended" not in container.output()


@pytest.fixture
def account(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """The folder that the kubelet gives a pod, of an account that may do everything."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    cluster.kubectl("create", "serviceaccount", "kubedom", f"--namespace={namespace}")
    who = f"--serviceaccount={namespace}:kubedom"
    cluster.kubectl("create", "clusterrolebinding", namespace, "--clusterrole=cluster-admin", who)
    token = cluster.kubectl("create", "token", "kubedom", f"--namespace={namespace}").strip()
    given = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    data = given.get("certificate-authority-data")
    authority = base64.b64decode(data) if data else Path(given["certificate-authority"]).read_bytes()
    for name, content in (("token", token.encode()), ("ca.crt", authority)):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    yield folder
    cluster.kubectl("delete", "clusterrolebinding", namespace)


@pytest.mark.cluster
def test_it_shows_the_cluster_that_it_runs_in(image: Image, cluster: Cluster, account: Path) -> None:
    page, probes = free_ports(2)
    server = urlsplit(cluster.server)
    environment = {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
    # As a chart sets it, by the environment.
    environment |= {
        "KUBEDOM_RUN_PORT": str(page),
        "KUBEDOM_RUN_PROBE_PORT": str(probes),
        "KUBEDOM_RUN_SIGN_IN": "token",
    }
    with image.start("run", "--no-open", files={str(SERVICE_ACCOUNT): account}, environment=environment) as container:

        def ready() -> bool:
            return container.running() and answered(f"http://127.0.0.1:{probes}/readyz")[0] == 200

        wait_for("/readyz", ready, seconds=120)
        assert answered(f"http://127.0.0.1:{page}/")[0] == 401
        token = (account / "token").read_text()
        for path, file in (("", "index.html"), ("kubedom.js", "kubedom.js")):
            status, text = answered(f"http://127.0.0.1:{page}/{path}", token)
            assert (status, text) == (200, (ROOT / "web" / file).read_text())
        assert answered(f"http://127.0.0.1:{probes}/metrics")[0] == 200
        assert container.stop() == 0, container.output()
        assert "Traceback" not in container.output()
        assert "The watch ended" not in container.output()
