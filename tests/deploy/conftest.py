"""What every test of deploy/ starts from: the pinned programs, a cluster with every kind, and its schemas."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import Cluster, teller
from tests.deploy import kinds, schemas
from tests.deploy.tools import ROOT, ensure_tools

from kubedom_operator.install import manifests

#: Runs a program with its arguments and standard input.
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """Run one of the pinned programs; what it prints and how it ends is the test's to judge."""
    tools = ensure_tools(teller(request.config))

    def run(name: str, *arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(tools.path(name)), *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=ROOT)

    return run


@pytest.fixture(scope="session")
def every_kind(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with kubedom's kinds and those of others that the chart can render."""
    own, others = manifests(ROOT / "deploy" / "crds"), kinds.definitions()
    text = yaml.safe_dump_all([*own, *others])
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)
    names = [f"crd/{each['metadata']['name']}" for each in (*own, *others)]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=120s", *names)
    yield cluster
    # kubedom's own kinds stay: other tests expect what they find, or install them.
    cluster.kubectl("delete", "--filename=-", "--wait=false", stdin=yaml.safe_dump_all(others))


@pytest.fixture(scope="session")
def schema_location(every_kind: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where kubeconform finds the schemas of everything that this API server serves."""
    return schemas.write(every_kind, tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="session")
def restricted(every_kind: Cluster) -> Iterator[str]:
    """The namespace that the overlays name, which takes only pods that Pod Security calls restricted."""
    name = "kubedom"
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    namespace: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": levels}}
    every_kind.apply(namespace)
    yield name
    every_kind.kubectl("delete", "namespace", name, "--wait=false")
