"""The programs that build and start images, as root: mmdebstrap, buildah, runc.

In: a command. Out: what it prints; a test fails with what it says. Nothing is taken from or told to a registry.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

NEEDED = ("mmdebstrap", "buildah", "runc")


def as_root(command: list[str]) -> list[str]:
    """The command as root runs it; file systems of images are root's, and what is mounted in them too."""
    missing = [name for name in NEEDED if found(name) is None]
    if missing:
        pytest.fail(f"Not installed: {', '.join(missing)}. tests/install-image-tools.sh installs them.")
    command = [found(command[0]) or command[0], *command[1:]]
    if os.geteuid() == 0:
        return command
    if shutil.which("sudo") is None or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode != 0:
        pytest.fail("Building an image needs root. Run as root, or let sudo do without a password.")
    return ["sudo", "-n", *command]


def found(name: str) -> str | None:
    """Where a program is; runc's folder is not on everybody's PATH."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def run(*command: str | Path, environment: Mapping[str, str] | None = None, stdin: str | None = None) -> str:
    """Run a program as root, and give what it prints to standard output."""
    variables = [f"{name}={value}" for name, value in (environment or {}).items()]
    words = [str(word) for word in command]
    done = subprocess.run(
        as_root(words) if not variables else as_root(["env", *variables, found(words[0]) or words[0], *words[1:]]),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
