"""Whoever changes a version in one place is told of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.release import versions
from tests.release.lock import ROOT

CHART = "deploy/helm/kubedom/Chart.yaml"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which everything is 1.2.3."""
    package = {"version": "1.2.3"}
    files = {
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "web/package.json": json.dumps(package),
        "web/package-lock.json": json.dumps(package | {"packages": {"": package}}),
        "deploy/image/Containerfile": 'LABEL org.opencontainers.image.version="1.2.3"\n',
        CHART: "version: 1.2.3\nappVersion: 1.2.3\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (2026-11-26)\n\n- A thing.\n\n## 1.2.2 (2026-10-01)\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def change(checkout: Path) -> Callable[[str, str, str], None]:
    def change(name: str, old: str, new: str) -> None:
        text = (checkout / name).read_text()
        assert old in text
        (checkout / name).write_text(text.replace(old, new, 1))

    return change


def test_this_checkout_has_one_version() -> None:
    assert versions.differences(ROOT) == []


def test_a_release_of_one_version_is_told_nothing(checkout: Path) -> None:
    assert versions.differences(checkout, "v1.2.3") == []


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("web/package.json", "`version`"),
        ("web/package-lock.json", "`version`"),
        ("deploy/image/Containerfile", "the label `org.opencontainers.image.version`"),
        (CHART, "`version`"),
    ],
)
def test_another_version_elsewhere(
    checkout: Path, change: Callable[[str, str, str], None], name: str, what: str
) -> None:
    change(name, "1.2.3", "1.2.4")
    assert versions.differences(checkout) == [f"{name} says 1.2.4 as {what}, but pyproject.toml 1.2.3."]


def test_another_version_of_what_the_chart_installs(checkout: Path, change: Callable[[str, str, str], None]) -> None:
    change(CHART, "appVersion: 1.2.3", "")
    assert versions.differences(checkout) == [f"{CHART} has no version as `appVersion`; write 1.2.3 there."]


def test_no_chart_is_no_difference(checkout: Path) -> None:
    (checkout / CHART).unlink()
    assert versions.differences(checkout) == []


def test_the_tag_of_another_version(checkout: Path) -> None:
    assert versions.differences(checkout, "v1.2.4") == [
        "The tag is v1.2.4, but pyproject.toml says 1.2.3: tag v1.2.3, or correct pyproject.toml."
    ]


@pytest.mark.parametrize("heading", ["Unreleased", "1.2.2 (2026-11-26)", "1.2.3"])
def test_a_release_that_the_changelog_does_not_have(
    checkout: Path, change: Callable[[str, str, str], None], heading: str
) -> None:
    change("CHANGELOG.md", "1.2.3 (2026-11-26)", heading)
    assert versions.differences(checkout, "v1.2.3") == [
        f"CHANGELOG.md begins with `{heading}`; a release of 1.2.3 begins with `1.2.3 (YYYY-MM-DD)`."
    ]


def test_between_releases_the_changelog_begins_with_what_is_not_released(
    checkout: Path, change: Callable[[str, str, str], None]
) -> None:
    change("CHANGELOG.md", "## 1.2.3", "## Unreleased\n\n## 1.2.3")
    assert versions.differences(checkout) == []


def test_the_command_says_it_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert versions.main(["v0.0.0"]) == 1
    assert "The tag is v0.0.0" in capsys.readouterr().err
    assert versions.main(["v0.0.0", "v0.0.1"]) == 2
