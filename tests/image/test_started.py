"""The image as it is started in a cluster: a user without rights, a read-only file system, no folder to write to."""

from __future__ import annotations

import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.conftest import Cluster
from tests.image.conftest import Image
from tests.release.lock import ROOT
from tests.running import wait_for

from kubedom_operator.local.ports import free_ports

pytestmark = pytest.mark.timeout(900, func_only=False)


def answered(address: str) -> tuple[int, str]:
    """The status and the text of an answer; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
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


@pytest.mark.cluster
def test_it_shows_a_cluster(image: Image, cluster: Cluster, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_bytes(cluster.kubeconfig.read_bytes())
    kubeconfig.chmod(0o644)
    page, probes = free_ports(2)
    options = ("--kubeconfig=/kubeconfig", f"--context={cluster.context}", f"--port={page}", f"--probe-port={probes}")
    with image.start("run", "--no-open", "--sign-in=token", *options, files={"/kubeconfig": kubeconfig}) as container:

        def ready() -> bool:
            return container.running() and answered(f"http://127.0.0.1:{probes}/readyz")[0] == 200

        wait_for("/readyz", ready, seconds=120)
        status, text = answered(f"http://127.0.0.1:{page}/signin")
        assert status == 200, (status, text)
        status, text = answered(f"http://127.0.0.1:{page}/kubedom.js")
        assert (status, text) == (200, (ROOT / "web/kubedom.js").read_text())
        assert answered(f"http://127.0.0.1:{probes}/metrics")[0] == 200
        assert container.stop() == 0, container.output()
        assert "Traceback" not in container.output()
