"""The scripts of deploy/kind, as far as they go without Docker, and what they name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kind"
VALUES = ROOT / "deploy" / "helm" / "kubedom" / "values.yaml"
SCRIPTS = ("up.sh", "down.sh")


def without_tools(script: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a script where nothing is installed."""
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, FOLDER / script, *arguments],
        env={"PATH": "/no/such/folder"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_tool_that_is_missing_is_a_sentence(script: str) -> None:
    assert without_tools(script) == (2, f"{script}: kind is not on the PATH. docs/kind.md says where it is from.\n")


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--nonsense"], {}, "There is no option --nonsense."),
        ([], {"KUBEDOM_PORT": "web"}, "KUBEDOM_PORT is web"),
        ([], {"KUBEDOM_IMAGE": "localhost:5000/kubedom"}, "Write it with a tag"),
    ],
)
def test_what_cannot_be_is_a_sentence(arguments: list[str], environment: dict[str, str], said: str) -> None:
    code, told = without_tools("up.sh", *arguments, **environment)
    assert code == 2
    assert said in told


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_can_be_started_and_read(script: str) -> None:
    assert os.access(FOLDER / script, os.X_OK)
    if shellcheck := shutil.which("shellcheck"):
        done = subprocess.run([shellcheck, FOLDER / script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_cluster_has_a_node_to_lose() -> None:
    cluster: Any = yaml.safe_load((FOLDER / "cluster.yaml").read_text())
    assert [node["role"] for node in cluster["nodes"]].count("worker") == 2
    assert cluster["networking"]["apiServerAddress"] == "127.0.0.1"


@pytest.mark.skipif(not VALUES.is_file(), reason="there is no chart in this checkout")
def test_what_is_set_are_values_of_the_chart() -> None:
    values: Any = yaml.safe_load(VALUES.read_text())
    keys = re.findall(r'--set "?([A-Za-z.]+)(?:\[\d\])?=', (FOLDER / "up.sh").read_text())
    assert len(keys) == 7
    for key in keys:
        found = values
        for part in key.split("."):
            assert part in found, key
            found = found[part]
