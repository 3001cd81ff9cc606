"""What is in the image, and that it is the same whoever builds it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.image import building
from tests.image.building import Workshop
from tests.image.conftest import NAME, Image
from tests.release.lock import ROOT

# The image is built from the file systems of Debian's packages, which are made first.
pytestmark = pytest.mark.timeout(900, func_only=False)


def files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder, _, names in os.walk(root):
        for name in (".", *names):
            path = Path(folder, name)
            yield str(Path("/") / path.relative_to(root)), path.lstat()


def test_who_it_runs_as_and_what_it_runs(image: Image) -> None:
    settings = image.settings
    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["kubedom"]
    assert set(settings["ExposedPorts"]) == {"8384/tcp", "8081/tcp"}
    assert "Cmd" not in settings


def test_its_labels_say_where_it_is_from(image: Image) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image.settings["Labels"].items()}
    assert labels["title"] == project["name"]
    assert labels["version"] == project["version"]
    assert labels["licenses"] == project["license"]
    assert labels["description"] == project["description"]
    assert labels["source"] in project["urls"]["Changelog"]


def test_it_has_no_shell(image: Image) -> None:
    programs = {Path(path).name for path, _ in files(image.root) if Path(path).parent.name in {"bin", "sbin"}}
    assert "python3" in programs
    assert programs.isdisjoint({"sh", "bash", "dash", "busybox", "pip", "uv", "apt"})


def test_nothing_in_it_is_more_than_its_user_needs(image: Image) -> None:
    problems = []
    for path, found in files(image.root):
        if stat.S_ISLNK(found.st_mode):
            continue
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            problems.append(f"{path} is setuid or setgid")
        if found.st_mode & stat.S_IWOTH and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
            problems.append(f"{path} can be written by everybody")
        if path.startswith("/opt/kubedom") and (found.st_uid, found.st_gid) != (0, 0):
            problems.append(f"{path} belongs to {found.st_uid}:{found.st_gid}, who could change it")
        if path.startswith("/opt/kubedom") and not found.st_mode & stat.S_IROTH:
            problems.append(f"{path} cannot be read by others")
    assert problems == []


def test_it_has_the_page_and_what_is_installed_in_a_cluster(image: Image) -> None:
    lib = image.root / "opt/kubedom/lib"
    for source, place in (("web", "kubedom_bridge/web"), ("deploy/crds", "kubedom_operator/crds")):
        # What is not tracked lies about in a checkout, and is not part of it.
        tracked = subprocess.run(["git", "ls-files", source], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in tracked.stdout.split():
            assert (lib / place / Path(name).relative_to(source)).read_bytes() == (ROOT / name).read_bytes()


def test_built_twice_it_is_the_same(image: Image, workshop: Workshop, tmp_path: Path) -> None:
    # Elsewhere, by somebody with other habits, at another time.
    checkout = tmp_path / "elsewhere"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "node_modules", "tests", "dist")
    shutil.copytree(ROOT, checkout, ignore=ignored, symlinks=True)
    for path in checkout.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1, 1))
    again = workshop.build(f"{NAME}-again", checkout=checkout)
    assert building.digest(again) == building.digest(image.layout)
