"""Others' kinds that the chart can render: their CustomResourceDefinitions, as their own projects publish them.

In: deploy/checks/kinds, which pins the projects' Go modules. Out: the definitions, from Go's module cache.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from tests.deploy.tools import PINS

from kubedom_operator.local.toolchain import find_go

MONITORING = "github.com/prometheus-operator/prometheus-operator"
GATEWAY = "sigs.k8s.io/gateway-api"
FILES = {
    MONITORING: ("example/prometheus-operator-crd", "monitoring.coreos.com_", ("prometheusrules", "servicemonitors")),
    GATEWAY: ("config/crd/standard", "gateway.networking.k8s.io_", ("httproutes",)),
}


def definitions() -> list[dict[str, Any]]:
    """Every definition, with its own project's schema."""
    go = find_go(PINS.go_version)
    done = subprocess.run(
        [go.path, "mod", "download", "-json", *FILES],
        cwd=PINS.folder / "kinds",
        env=os.environ | go.environment | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folders = {each["Path"]: Path(each["Dir"]) for each in _objects(done.stdout)}
    return [
        yaml.safe_load((folders[module] / folder / f"{start}{plural}.yaml").read_text(encoding="utf-8"))
        for module, (folder, start, plurals) in FILES.items()
        for plural in plurals
    ]


def _objects(text: str) -> list[dict[str, Any]]:
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found
