"""The bill of materials names what is really in the image, and is valid CycloneDX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.image import building
from tests.image.conftest import Image
from tests.release import lock
from tests.release.sbom import bill_of_materials

pytestmark = pytest.mark.timeout(900, func_only=False)


@pytest.fixture(scope="module")
def text(image: Image) -> str:
    return bill_of_materials(image.root, building.digest(image.layout))


@pytest.fixture(scope="module")
def bill(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text)
    return content


def named(bill: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The components whose package URL is of a kind, by name."""
    return {each["name"]: each for each in bill["components"] if each["purl"].startswith(f"pkg:{kind}/")}


def test_it_is_valid(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_every_distribution_that_is_locked_is_in_it_with_its_version(bill: dict[str, Any], image: Image) -> None:
    found = {lock.canonicalize_name(name): each["version"] for name, each in named(bill, "pypi").items()}
    locked = lock.pinned((lock.ROOT / lock.IMAGE / "requirements.txt").read_text())
    assert {name: str(version) for name, version in locked.items()}.items() <= found.items()
    # And nothing but these: what builds the image is not in it.
    assert found.keys() - locked.keys() == {"kubedom"}


def test_every_package_of_debian_is_in_it(bill: dict[str, Any], image: Image) -> None:
    packages = {file.name for file in Path(image.root, "var/lib/dpkg/status.d").iterdir()}
    found = named(bill, "deb")
    assert found.keys() == packages
    assert found["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2.")
    assert "distro=debian-13" in found["libc6"]["purl"]


def test_each_has_a_version_and_a_licence(bill: dict[str, Any], image: Image) -> None:
    assert [each["name"] for each in bill["components"] if not each.get("version")] == []
    without = [each["name"] for each in bill["components"] if not each.get("licenses")]
    # A package without a copyright file has it in another one, which is not in the image.
    assert [name for name in without if Path(image.root, f"usr/share/doc/{name}/copyright").exists()] == []
    assert named(bill, "pypi").keys().isdisjoint(without)
    [licence] = named(bill, "pypi")["kubedom"]["licenses"]
    assert licence["license"]["id"] == "Apache-2.0"


def test_it_says_what_needs_what(bill: dict[str, Any], image: Image) -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    own = named(bill, "pypi")["kubedom"]["bom-ref"]
    assert own in needs[bill["metadata"]["component"]["bom-ref"]]
    assert named(bill, "pypi")["kopf"]["bom-ref"] in needs[own]
    assert bill["metadata"]["component"]["version"] == named(bill, "pypi")["kubedom"]["version"]


def test_the_same_image_has_the_same_bill(text: str, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    digest = building.digest(image.layout)
    assert bill_of_materials(image.root, digest) == bill_of_materials(image.root, digest)
