"""What the image is made of is what pyproject.toml asks for, each with a hash."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from packaging.requirements import Requirement
from tests.release import lock

PROJECT = tomllib.loads((lock.ROOT / "pyproject.toml").read_text())
LOCKED = "click==8.5.1 \\\n    --hash=sha256:00\nattrs==26.1.0 \\\n    --hash=sha256:01 \\\n    --hash=sha256:02\n"
REMEDY = "`python -m tests.release.lock` writes it anew."


@pytest.mark.parametrize(
    ("name", "asked_for"),
    [("requirements.txt", lock.wanted), ("build-requirements.txt", lock.wanted_to_build)],
)
def test_the_lock_files_are_current(name: str, asked_for: Callable[[dict[str, Any]], list[Requirement]]) -> None:
    text = (lock.ROOT / lock.IMAGE / name).read_text()
    assert lock.differences(name, asked_for(PROJECT), text) == []


def test_what_is_not_locked_is_named() -> None:
    assert lock.differences("requirements.txt", [Requirement("Click>=8,<9"), Requirement("kopf>=1.45")], LOCKED) == [
        f"requirements.txt lacks kopf, which pyproject.toml asks for. {REMEDY}"
    ]


def test_a_version_that_is_not_asked_for_any_more_is_named() -> None:
    assert lock.differences("requirements.txt", [Requirement("click>=9")], LOCKED) == [
        f"requirements.txt has click 8.5.1, but pyproject.toml asks for click>=9. {REMEDY}"
    ]


def test_a_line_without_a_hash_is_named() -> None:
    text = LOCKED.replace("click==8.5.1 \\\n    --hash=sha256:00\n", "click==8.5.1\n")
    assert lock.differences("requirements.txt", [], text) == [f"requirements.txt has no hash of click. {REMEDY}"]
