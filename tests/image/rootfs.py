"""Root file systems from Debian's packages, which stand in for the images that the Containerfile names.

In: a list of packages. Out: a tar file, in a cache outside the checkout that is keyed by all that decides over its
content but the packages' versions. Packages are only extracted, so that no shell is needed in what comes out.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path
from tests.image import tools

# With the Python of the images that the Containerfile names.
SUITE = "trixie"
EPOCH = "0"

# As images without dpkg say what is in them: a file for each package.
_TOLD = (
    'mkdir -p "$1/var/lib/dpkg/status.d" && for deb in "$1"/var/cache/apt/archives/*.deb; do '
    'dpkg-deb --field "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)"; done'
)
# What apt and dpkg left, and what mmdebstrap copied from this machine.
_LEFT = re.compile(
    r"\./(etc/(apt|hostname|resolv\.conf|fstab)|var/lib/apt|var/cache/apt|var/lib/dpkg(?!/status\.d)|dev)(/.*)?"
)


@dataclass(frozen=True)
class RootFilesystem:
    """A root file system: its name, and the packages that are asked for; what they need comes with them."""

    name: str
    packages: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name of its place in the cache."""
        decides = "\n".join((SUITE, _TOLD, _LEFT.pattern, *self.packages))
        return f"{self.name}-{hashlib.sha256(decides.encode()).hexdigest()[:16]}"


RUNTIME = RootFilesystem("runtime", ("base-files", "python3-minimal", "libpython3-stdlib", "tzdata"))
BUILDER = RootFilesystem("builder", ("dash", "coreutils", "findutils", "sed", "python3-venv"))


def cache() -> Path:
    """The folder of everything that is made or downloaded once for all builds."""
    folder = user_cache_path("kubedom") / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ensure(wanted: RootFilesystem, progress: Callable[[str], None]) -> Path:
    """Give the tar file of a root file system, and make it first where the cache has none."""
    made = cache() / f"{wanted.key}.tar"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            progress(f"Making the {wanted.name} root file system from Debian's packages ...")
            whole, part = (made.with_name(f"{word}-{made.name}") for word in ("whole", "part"))
            tools.run(
                *("mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(wanted.packages)}"),
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                f"--extract-hook={_TOLD}",
                *(SUITE, whole),
                environment={"SOURCE_DATE_EPOCH": EPOCH},
            )
            _without_what_was_left(whole, part)
            part.rename(made)
            whole.unlink()
    return made


def _without_what_was_left(whole: Path, part: Path) -> None:
    with tarfile.open(whole) as source, tarfile.open(part, "w") as target:
        for member in source:
            if not _LEFT.fullmatch(member.name):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
