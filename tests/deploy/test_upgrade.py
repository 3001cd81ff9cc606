"""Helm installs, upgrades, rolls back and uninstalls on a real API server: nothing is refused, and policies stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.policies import policy
from tests.conftest import Cluster
from tests.deploy import kinds
from tests.deploy.charting import CHART, NAMESPACE, VALUES
from tests.deploy.conftest import Run
from tests.deploy.rendering import OVERLAYS

from kubedom_operator import local

pytestmark = pytest.mark.cluster

#: Runs helm for the release against the cluster.
Helm = Callable[..., str]
OWN = ("healingactions", "clusterhealingactions", "healingpolicies", "healingvetoes")
#: The values that together render every kind of object.
UPGRADED = (*OVERLAYS, "ci/everything", "ci/team")


@pytest.fixture(scope="module")
def alone() -> Iterator[Cluster]:
    """A cluster in which only helm has installed anything, but for others' kinds."""
    made = local.ensure_cluster(f"kubedom-test-{os.getpid()}-chart", progress=lambda _: None)
    cluster = Cluster(made.kubeconfig, made.context, made.server, made)
    try:
        cluster.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(kinds.definitions()))
        yield cluster
    finally:
        made.delete()


@pytest.fixture
def helm(alone: Cluster, run: Run) -> Iterator[Helm]:
    """Helm, and a cluster without kubedom again afterwards."""

    def helm(command: str, *arguments: str | Path, namespace: str = NAMESPACE) -> str:
        where = (f"--kubeconfig={alone.kubeconfig}", f"--kube-context={alone.context}", f"--namespace={namespace}")
        done = run("helm", command, *arguments, *where)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield helm
    for namespace in (NAMESPACE, "shop"):
        for name in helm("list", "--short", namespace=namespace).split():
            helm("uninstall", name, "--wait", namespace=namespace)
        alone.kubectl("delete", "persistentvolumeclaims", "--all", f"--namespace={namespace}")
    alone.kubectl("delete", "crd", "--ignore-not-found", *(f"{plural}.kubedom.dev" for plural in OWN))


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The chart as a release before this one was: with its version, and with what that one did otherwise."""
    chart = tmp_path / "previous"
    shutil.copytree(CHART, chart)
    file = chart / "Chart.yaml"
    about = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(about | {"version": "0.0.9", "appVersion": "0.0.9"}), encoding="utf-8")
    pod = chart / "templates" / "_pod.tpl"
    text = pod.read_text(encoding="utf-8")
    text = text.replace("sizeLimit: 16Mi", "sizeLimit: 8Mi").replace("seconds: 5", "seconds: 3")
    pod.write_text(text, encoding="utf-8")
    return chart


def versions(cluster: Cluster) -> set[str]:
    """What the labels of kubedom's workloads say."""
    found = cluster.get("deployments,statefulsets,services,serviceaccounts,configmaps", f"--namespace={NAMESPACE}")
    labels = [each["metadata"].get("labels", {}) for each in found["items"]]
    return {each["app.kubernetes.io/version"] for each in labels if "app.kubernetes.io/version" in each}


def policies(cluster: Cluster) -> list[tuple[str, dict[str, Any]]]:
    """The policies that there are, each by its uid: one that was made anew is another one."""
    found = cluster.get("healingpolicies", "--namespace=default")["items"]
    return [(each["metadata"]["uid"], each["spec"]) for each in found]


@pytest.mark.parametrize("name", UPGRADED)
def test_an_upgrade_and_the_way_back_change_nothing_that_cannot_be_changed(
    alone: Cluster, helm: Helm, previous: Path, name: str
) -> None:
    if name == "ci/team":
        alone.kubectl("apply", "--server-side", "--filename=deploy/crds")
    values = f"--values={VALUES[name]}"
    helm("install", "kubedom", previous, values, "--create-namespace")
    assert versions(alone) == {"0.0.9"}
    alone.apply(policy())
    before = policies(alone)
    assert len(before) == 1
    current = yaml.safe_load(CHART.joinpath("Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    helm("upgrade", "kubedom", CHART, values)
    assert versions(alone) == {current}
    assert policies(alone) == before
    helm("rollback", "kubedom", "1")
    assert versions(alone) == {"0.0.9"}
    assert policies(alone) == before
    helm("uninstall", "kubedom")
    assert policies(alone) == before


def test_one_process_becomes_many_and_one_again(alone: Cluster, helm: Helm) -> None:
    def deployments() -> set[str]:
        found = alone.get("deployments", f"--namespace={NAMESPACE}")["items"]
        return {each["metadata"]["name"] for each in found}

    helm("install", "kubedom", CHART, "--create-namespace")
    assert deployments() == {"kubedom"}
    helm("upgrade", "kubedom", CHART, "--set=nats.mode=bundled")
    assert deployments() == {"kubedom-operator", "kubedom-bridge"}
    helm("upgrade", "kubedom", CHART, "--set=nats.mode=none")
    assert deployments() == {"kubedom"}


def test_an_upgrade_keeps_the_passwords_that_an_installation_made(alone: Cluster, helm: Helm) -> None:
    def passwords() -> dict[str, str]:
        data: dict[str, str] = alone.get("secret", "kubedom-nats", f"--namespace={NAMESPACE}")["data"]
        return data

    helm("install", "kubedom", CHART, "--create-namespace", "--set=nats.mode=bundled")
    made = passwords()
    assert made.keys() == {"operator-password", "bridge-password"}
    assert len(set(made.values())) == 2
    helm("upgrade", "kubedom", CHART, "--set=nats.mode=bundled", "--set=bridge.replicas=2")
    assert passwords() == made


def test_a_teams_release_stands_beside_that_of_the_cluster(alone: Cluster, helm: Helm) -> None:
    helm("install", "kubedom", CHART, "--create-namespace")
    shared = ("crds.install", "admission.enabled", "userRoles.create")
    options = ("--set=scope=namespace", *(f"--set={each}=false" for each in shared))
    helm("install", "shop", CHART, "--create-namespace", *options, namespace="shop")
    bound = [each["metadata"]["name"] for each in alone.get("clusterrolebindings")["items"]]
    assert {"shop-kubedom-operator-namespaced", "kubedom-operator"} <= set(bound)


def test_missing_kinds_are_told_before_anything_is_installed(alone: Cluster, helm: Helm) -> None:
    with pytest.raises(AssertionError, match=r"crds.install is false.*Apply deploy/crds as an administrator first"):
        helm("install", "kubedom", CHART, "--create-namespace", "--set=crds.install=false")
    found = alone.get("clusterroles")["items"]
    assert [each["metadata"]["name"] for each in found if each["metadata"]["name"].startswith("kubedom")] == []
