"""The chart as helm renders it, and what is left of an object when what only helm writes is taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.deploy.conftest import Run
from tests.deploy.rendering import KUSTOMIZE, OVERLAYS, Manifest, parsed
from tests.deploy.tools import ROOT

CHART = ROOT / "deploy" / "helm" / "kubedom"
#: The values with which the chart is checked: those that belong to an overlay, and the chart's own cases.
VALUES: dict[str, Path] = {
    **{name: KUSTOMIZE / "overlays" / name / "values.yaml" for name in OVERLAYS},
    **{f"ci/{file.stem}": file for file in sorted(CHART.joinpath("ci").glob("*.yaml"))},
}
NEWEST = "1.36.0"
NAMESPACE = "kubedom"
#: What a cluster with others' kinds serves.
OTHERS = ("monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1")
_WITHOUT_NAMESPACE = ("apiextensions.k8s.io/", "admissionregistration.k8s.io/")
_ONLY_HELM = ("helm.sh/", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "checksum/")


def rendering(run: Run, *options: str, version: str = NEWEST) -> tuple[str, str]:
    """What `helm template` prints of the chart, and what it has against it.

    Args:
        run: Runs helm.
        options: Its options, such as `--set`.
        version: The API server's.

    """
    served = [f"--api-versions={each}" for each in OTHERS]
    done = run(
        "helm", "template", "kubedom", CHART, f"--namespace={NAMESPACE}", f"--kube-version={version}", *served, *options
    )
    return (done.stdout, "") if done.returncode == 0 else ("", done.stderr)


def templated(run: Run, *options: str, version: str = NEWEST) -> list[Manifest]:
    """The objects of the chart; arguments as for `rendering`."""
    text, why = rendering(run, *options, version=version)
    assert not why, why
    return [_placed(each) for each in parsed(text)]


def _placed(each: Manifest) -> Manifest:
    """The object in the release's namespace, where helm installs what names none."""
    if each["kind"].startswith("Cluster") or each["apiVersion"].startswith(_WITHOUT_NAMESPACE):
        return each
    return each | {"metadata": {"namespace": NAMESPACE} | each["metadata"]}


def of_a_test(each: Manifest) -> bool:
    """Whether it is for `helm test`, and not a part of the installation."""
    return each["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"


def without_helm(each: Any) -> Any:
    """The same without the labels and annotations with which only helm marks what it renders, at every depth."""
    if isinstance(each, list):
        return [without_helm(one) for one in each]
    if not isinstance(each, dict):
        return each
    kept = {}
    for key, value in each.items():
        if key in {"labels", "annotations"} and isinstance(value, dict):
            value = {name: text for name, text in value.items() if not name.startswith(_ONLY_HELM)}
            if not value:
                continue
        kept[key] = without_helm(value)
    return kept
