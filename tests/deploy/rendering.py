"""What is installed, as objects: the overlays of deploy/kustomize as kubectl renders them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml
from tests.deploy.tools import ROOT

from kubedom_operator.local import find_kubectl

Manifest = dict[str, Any]
KUSTOMIZE = ROOT / "deploy" / "kustomize"
OVERLAYS = ("cluster-wide", "namespaced-only", "scaled-out")
#: The kinds that make pods.
WORKLOADS = ("Deployment", "StatefulSet", "Job")


def kustomized(folder: Path) -> list[Manifest]:
    """The objects of a kustomization."""
    done = subprocess.run(
        [find_kubectl().path, "kustomize", folder], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return parsed(done.stdout)


def overlay(name: str) -> list[Manifest]:
    """The objects of an overlay."""
    return kustomized(KUSTOMIZE / "overlays" / name)


def parsed(text: str) -> list[Manifest]:
    """The objects of a stream of YAML."""
    return [each for each in yaml.safe_load_all(text) if each]


def named(each: Manifest) -> str:
    """An object's name, for a reader."""
    return "/".join(filter(None, (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])))


def pods(objects: list[Manifest], namespace: str) -> list[Manifest]:
    """A pod as each workload makes it, named by that."""
    found = []
    for each in objects:
        if each["kind"] in WORKLOADS:
            template = each["spec"]["template"]
            metadata = template["metadata"] | {"name": each["metadata"]["name"], "namespace": namespace}
            claimed = [claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())]
            volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claimed]
            spec = template["spec"] | {"volumes": [*template["spec"].get("volumes", ()), *volumes]}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return found
