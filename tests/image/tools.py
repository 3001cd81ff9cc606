"""The programs that build and start images: mmdebstrap, buildah, runc.

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


def check() -> None:
    """Skip the test for whoever is not root, whose file systems images are; fail it where a program is missing."""
    if os.geteuid() != 0:
        pytest.skip("the file systems of an image are root's; run tests/image as root")
    missing = [name for name in NEEDED if _found(name) is None]
    if missing:
        pytest.fail(f"Not installed: {', '.join(missing)}. tests/install-image-tools.sh installs them.")


def command(*words: str | Path) -> list[str]:
    """A command with the place of its program."""
    return [_found(str(words[0])) or str(words[0]), *map(str, words[1:])]


def run(*words: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program, and give what it prints to standard output."""
    done = subprocess.run(
        command(*words),
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, f"{' '.join(map(str, words))}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def _found(name: str) -> str | None:
    # runc's folder is not on everybody's PATH.
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
