"""What depends on the API server's version: the table, its sentences, and that the documentation has the same table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubedom_operator.versions import (
    CONSTRAINED,
    FEATURES,
    NEWEST,
    OLDEST,
    STAMP,
    VALIDATION,
    minor_version,
    switched_off,
)

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "operations.md"


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("v1.36.3", (1, 36)),
        ("v1.31.1+k3s1", (1, 31)),
        ("v1.30.2-eks-036c24b", (1, 30)),
        ("v1.33.0-gke.100", (1, 33)),
        ("1.32", (1, 32)),
        ("", None),
        ("devel", None),
    ],
)
def test_versions_as_api_servers_write_them(version: str, numbers: tuple[int, int] | None) -> None:
    assert minor_version(version) == numbers


@pytest.mark.parametrize(
    ("minor", "off"), [(29, 3), (30, 2), (31, 2), (32, 2), (33, 2), (34, 2), (35, 2), (36, 0), (37, 0)]
)
def test_what_is_switched_off_for_the_operator(minor: int, off: int) -> None:
    sentences = switched_off(f"v1.{minor}.1", "operator")
    assert len(sentences) == off
    for sentence in sentences:
        assert sentence.startswith(f"Kubernetes v1.{minor}.1 is older than 1.3")
        assert sentence.endswith(".")


def test_before_1_30_nothing_is_healed() -> None:
    assert switched_off("v1.29.4", "operator")[0] == (
        "Kubernetes v1.29.4 is older than 1.30 and has no ValidatingAdmissionPolicy: nothing is healed."
    )


def test_what_a_feature_gate_switched_on_is_not_off() -> None:
    sentences = switched_off("v1.34.0", "operator", present=[VALIDATION, STAMP])
    assert len(sentences) == 1
    assert CONSTRAINED in sentences[0]


def test_a_proxys_users_have_a_table_of_their_own() -> None:
    assert len(switched_off("v1.35.9", "proxy")) == 1
    assert switched_off("v1.36.0", "proxy") == []


def test_of_a_version_that_says_nothing_nothing_is_said() -> None:
    assert switched_off("devel", "operator") == []


def test_the_documentation_has_the_table() -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8").partition("## Versions of Kubernetes")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    head, _, *body = rows
    versions = head[1:]
    assert versions == [f"1.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    found = {row[0]: row[1:] for row in body}
    wanted = {
        f"{feature.name}: {feature.with_it}": [
            "yes" if (1, int(each[2:])) >= feature.since else "no" for each in versions
        ]
        for feature in FEATURES
    }
    assert found == wanted
    for feature in FEATURES:
        assert feature.without in re.sub(r"\s+", " ", text)
