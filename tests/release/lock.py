"""Which distributions the image is made of: deploy/image/requirements.txt and build-requirements.txt, with hashes.

In: pyproject.toml. Out: the two files. `python -m tests.release.lock` writes them anew and keeps the versions that they
have, where pyproject.toml allows them; `--upgrade` takes the newest. All it is given goes to `uv pip compile`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
IMAGE = Path("deploy/image")
#: The extras that the image has.
EXTRAS = ("traces",)
#: What builds what comes as source only.
SOURCE_BACKENDS = ("setuptools",)

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")


def pinned(text: str) -> dict[str, Version]:
    """The version of each distribution that a lock file names."""
    found = (match for line in text.splitlines() if (match := _PIN.match(line)))
    return {canonicalize_name(match["name"]): Version(match["version"]) for match in found}


def unhashed(text: str) -> list[str]:
    """The distributions of a lock file that have no hash."""
    blocks = re.split(r"(?m)^(?=\S)", text)
    return [match["name"] for block in blocks if (match := _PIN.match(block)) and "--hash=sha256:" not in block]


def wanted(project: dict[str, Any]) -> list[Requirement]:
    """What a parsed pyproject.toml asks for at run time, with the extras that the image has."""
    extras = project["project"]["optional-dependencies"]
    lines = [*project["project"]["dependencies"], *(line for extra in EXTRAS for line in extras[extra])]
    return [Requirement(line) for line in lines]


def wanted_to_build(project: dict[str, Any]) -> list[Requirement]:
    """What builds the wheel and installs the rest: the build backend, uv, and the backends of others' sources."""
    [uv] = [line for line in project["project"]["optional-dependencies"]["dev"] if Requirement(line).name == "uv"]
    return [Requirement(line) for line in (*project["build-system"]["requires"], uv, *SOURCE_BACKENDS)]


def differences(name: str, requirements: list[Requirement], text: str) -> list[str]:
    """A sentence for each requirement that a lock file does not meet, and each of its lines without a hash."""
    have = pinned(text)
    remedy = "`python -m tests.release.lock` writes it anew."
    told = [f"{name} has no hash of {each}. {remedy}" for each in unhashed(text)]
    for requirement in requirements:
        version = have.get(canonicalize_name(requirement.name))
        if version is None:
            told.append(f"{name} lacks {requirement.name}, which pyproject.toml asks for. {remedy}")
        elif version not in requirement.specifier:
            told.append(f"{name} has {requirement.name} {version}, but pyproject.toml asks for {requirement}. {remedy}")
    return told


def main(arguments: list[str]) -> int:
    """Write both files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    files = {"requirements.txt": wanted(project), "build-requirements.txt": wanted_to_build(project)}
    for name, requirements in files.items():
        subprocess.run(
            [
                *(str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"),
                f"--python-version={project['project']['requires-python'].removeprefix('>=')}",
                *("--generate-hashes", "--no-annotate", "--custom-compile-command=python -m tests.release.lock"),
                *(f"--output-file={IMAGE / name}", *arguments, "-"),
            ],
            input="".join(f"{requirement}\n" for requirement in requirements),
            text=True,
            check=True,
            cwd=ROOT,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
