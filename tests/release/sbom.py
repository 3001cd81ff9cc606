"""The bill of materials of an image: what is really in its file system, as CycloneDX 1.6.

In: the file system of an image (the Python distributions of /opt/kubedom and Debian's packages), and its digest. Out:
JSON that names each with its version, package URL and licence.

    python -m tests.release.sbom ROOT sha256:… > sbom.cdx.json
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LIBRARY = Path("opt/kubedom/lib")
NAME = "kubedom"
_LONGEST_NAME = 80
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/kubedom/kubedom")
_licenses = LicenseFactory()


def bill_of_materials(root: Path, digest: str) -> str:
    """Write the bill of an image.

    Args:
        root: Its file system.
        digest: Its digest, which identifies the bill: the same image has the same serial number.

    """
    python = {canonicalize_name(each.name): each for each in distributions(path=[str(root / LIBRARY)])}
    components = {name: _of_distribution(each) for name, each in python.items()}
    own = components[NAME]
    own.type = ComponentType.APPLICATION
    debian = [_of_package(root, each) for each in _packages(root)]
    image = Component(
        type=ComponentType.CONTAINER,
        name=NAME,
        version=own.version,
        bom_ref=f"image@{digest}",
        purl=PackageURL("oci", None, NAME, digest),
        licenses=own.licenses,
    )
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, digest),
        metadata=BomMetaData(component=image, timestamp=_now(), tools=ToolRepository()),
        components=[*components.values(), *debian],
    )
    for name, each in python.items():
        needs = (components.get(canonicalize_name(needed)) for needed in _needs(each))
        bom.register_dependency(components[name], [need for need in needs if need is not None])
    bom.register_dependency(image, [own, *debian])
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)


def _needs(distribution: Distribution) -> Iterator[str]:
    """The names that a distribution asks for; what only an extra asks for is there or not."""
    for line in distribution.requires or ():
        yield Requirement(line).name


def _of_distribution(distribution: Distribution) -> Component:
    purl = PackageURL("pypi", None, canonicalize_name(distribution.name), distribution.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=distribution.name,
        version=distribution.version,
        description=distribution.metadata.get("Summary"),
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=_named(_stated(distribution)),
    )


def _stated(distribution: Distribution) -> list[str]:
    """What a distribution says of its licence: an expression, a name, or classifiers."""
    metadata = distribution.metadata
    for field in ("License-Expression", "License"):
        name = (metadata.get(field) or "").strip()
        # Some have the licence's text where its name should be.
        if name and len(name) <= _LONGEST_NAME and "\n" not in name:
            return [name]
    classifiers = metadata.get_all("Classifier") or ()
    return [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]


def _packages(root: Path) -> list[Message]:
    """Debian's packages: from dpkg's list, or from a file for each where there is no dpkg."""
    folder = root / "var/lib/dpkg"
    texts = [file.read_text() for file in sorted((folder / "status.d").glob("*")) if not file.name.endswith(".md5sums")]
    if (folder / "status").exists():
        texts += (folder / "status").read_text().split("\n\n")
    found = (HeaderParser().parsestr(text) for text in texts if text.strip())
    return [each for each in found if each.get("Status", "installed").endswith("installed")]


def _of_package(root: Path, package: Message) -> Component:
    name, version = package["Package"], package["Version"]
    qualifiers = {"arch": package["Architecture"], "distro": _distribution_of(root)}
    purl = PackageURL("deb", "debian", name, version, qualifiers)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        description=(package.get("Description") or "").partition("\n")[0] or None,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=_named(_copyrights(root / "usr/share/doc" / name / "copyright")),
    )


def _distribution_of(root: Path) -> str:
    release = root / "etc/os-release"
    fields = dict(line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
    return f"{fields['ID']}-{fields['VERSION_ID']}".replace('"', "")


def _copyrights(file: Path) -> list[str]:
    """The licences that a copyright file names, as its fields or as the texts that it refers to."""
    if not file.exists():
        return []
    text = file.read_text(errors="replace")
    # Only a file that names its format has fields; others use the same words in sentences.
    if text.startswith("Format:"):
        return sorted(set(re.findall(r"(?m)^License:[ \t]*(\S.*?)\s*$", text)))
    referred = set(re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])", text))
    return sorted(referred) or [f"as in /usr/share/doc/{file.parent.name}/copyright"]


def _named(names: Iterable[str]) -> list[License]:
    """What names of licences mean: one expression stands alone, several names beside each other."""
    made = [_licenses.make_from_string(name) for name in names]
    if len(made) <= 1:
        return made
    return [DisjunctiveLicense(name=each.value) if isinstance(each, LicenseExpression) else each for each in made]


def main(arguments: list[str]) -> int:
    """Print the bill of the image whose file system and digest are given."""
    if len(arguments) != 2 or not arguments[1].startswith("sha256:"):
        print("Give the folder of the image's file system, and its digest as sha256:….", file=sys.stderr)
        return 2
    print(bill_of_materials(Path(arguments[0]), arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
