"""The manifests in deploy/ that are made from tables; `python -m kubedom_operator.manifest_files` writes them.

Out comes the text of each, by its path under deploy/; a test holds the files to it. A chart can read only what lies in
it, so Helm's has a copy of each, and of the CustomResourceDefinitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from . import rbac_manifests
from .admission_manifests import Manifest, canary_rights, mutating, validating
from .install import packaged
from .rbac_namespaced import namespaced

#: The roles that there are for one namespace as well.
NAMESPACED_BRIDGE = (
    "kubedom-bridge",
    "kubedom-bridge-impersonate",
    "kubedom-bridge-impersonate-apply",
    "kubedom-bridge-request-for",
)
NAMESPACED_OPERATOR = (
    "kubedom-operator",
    "kubedom-operator-unconstrained",
    "kubedom-operator-policies",
    "kubedom-operator-policies-unconstrained",
)
#: Where Helm's chart has its copies.
CHART = "helm/kubedom/files"
WRITTEN = "# Written by `python -m kubedom_operator.manifest_files`.\n"


def files() -> dict[str, str]:
    """Every file with its content, by its path under deploy/."""
    made = _made()
    crds = {f"crds/{file.name}": file.read_text(encoding="utf-8") for file in packaged("crds", "crds").glob("*.yaml")}
    return made | {f"{CHART}/{name}": text for name, text in sorted((made | crds).items())}


def _made() -> dict[str, str]:
    return {
        "admission/canary.yaml": _yaml(canary_rights("default")),
        "admission/mutating.yaml": _yaml(mutating()),
        "admission/validating.yaml": _yaml(validating(stamped=True)),
        "admission/without-stamp/validating.yaml": _yaml(validating(stamped=False)),
        "rbac/bridge.yaml": _yaml(rbac_manifests.bridge()),
        "rbac/namespaced/bridge.yaml": _yaml(namespaced(rbac_manifests.bridge(), NAMESPACED_BRIDGE)),
        "rbac/namespaced/operator.yaml": _yaml(namespaced(rbac_manifests.operator(), NAMESPACED_OPERATOR)),
        "rbac/operator.yaml": _yaml(rbac_manifests.operator()),
        "rbac/users.yaml": _yaml(rbac_manifests.users()),
    }


class _Dumper(yaml.SafeDumper):
    """Writes expressions as people read them: line by line, and nothing twice by reference."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # In a block, an expression's own quotation marks need no escaping.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text or "'" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(objects: Iterable[Manifest]) -> str:
    return WRITTEN + yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def write(folder: Path) -> None:
    """Write every file into the folder."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2] / "deploy")
