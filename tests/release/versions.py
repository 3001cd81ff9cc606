"""One version in every place: pyproject.toml has it, and what else names it is held to that.

In: the checkout, and the tag of a release if one is made (`python -m tests.release.versions v0.1.0`). Out: a sentence
for each place that differs, and exit code 1 if there is one.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from tests.release.lock import ROOT

_HEADING = re.compile(r"(?m)^## (.+?)\s*$")
_RELEASED = re.compile(r"(?P<version>\S+) \(\d{4}-\d\d-\d\d\)")
_LABEL = re.compile(r'org\.opencontainers\.image\.version="([^"]*)"')


@dataclass(frozen=True)
class Place:
    """A place that names the version: the file, what in it, and what it says; None where it says nothing."""

    file: str
    what: str
    says: str | None


def version(root: Path) -> str:
    """The version of a checkout, from the one place that decides."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def places(root: Path) -> Iterator[Place]:
    """Every place that repeats the version, but for the changelog."""
    package = json.loads((root / "web/package.json").read_text())
    yield Place("web/package.json", "`version`", package.get("version"))
    lock = json.loads((root / "web/package-lock.json").read_text())
    yield Place("web/package-lock.json", "`version`", lock.get("version"))
    yield Place("web/package-lock.json", "`packages[''].version`", lock["packages"][""].get("version"))
    label = _LABEL.search((root / "deploy/image/Containerfile").read_text())
    yield Place("deploy/image/Containerfile", "the label `org.opencontainers.image.version`", label and label[1])
    chart = root / "deploy/helm/kubedom/Chart.yaml"
    if chart.exists():
        content = yaml.safe_load(chart.read_text())
        for key in ("version", "appVersion"):
            yield Place("deploy/helm/kubedom/Chart.yaml", f"`{key}`", str(content[key]) if key in content else None)


def differences(root: Path, tag: str | None = None) -> list[str]:
    """A sentence for each place that does not say what pyproject.toml says.

    Args:
        root: The checkout.
        tag: The tag that is released; without one the changelog may still begin with what is not released.

    """
    wanted = version(root)
    told = []
    for place in places(root):
        if place.says is None:
            told.append(f"{place.file} has no version as {place.what}; write {wanted} there.")
        elif place.says != wanted:
            told.append(f"{place.file} says {place.says} as {place.what}, but pyproject.toml {wanted}.")
    if tag is not None and tag != f"v{wanted}":
        told.append(f"The tag is {tag}, but pyproject.toml says {wanted}: tag v{wanted}, or correct pyproject.toml.")
    return told + _of_changelog(root, wanted, released=tag is not None)


def _of_changelog(root: Path, wanted: str, *, released: bool) -> list[str]:
    heading = _HEADING.search((root / "CHANGELOG.md").read_text())
    first = heading[1] if heading else "nothing"
    if first == "Unreleased" and not released:
        return []
    found = _RELEASED.fullmatch(first)
    if found is not None and found["version"] == wanted:
        return []
    return [f"CHANGELOG.md begins with `{first}`; a release of {wanted} begins with `{wanted} (YYYY-MM-DD)`."]


def main(arguments: list[str]) -> int:
    """Say what differs."""
    if len(arguments) > 1:
        print("Give the tag of the release, as v0.1.0, or nothing.", file=sys.stderr)
        return 2
    told = differences(ROOT, *arguments)
    for sentence in told:
        print(sentence, file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
