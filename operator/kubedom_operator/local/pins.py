"""What the local control plane consists of, and in which versions.

In: the folder `deploy/local` (or its copy in the wheel): one Go module per group, with go.mod and go.sum, and the
stages that kwok plays. Out: the parts with what builds them, and a key that changes with anything that is pinned. The
versions stand in the go.mod files and nowhere else.
"""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kubedom_bridge.errors import ConfigurationError

_VERSION = r"v\d+\.\d+\.\d+(?:-[\w.]+)?"
_STRIP = "-s -w"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One binary of the control plane.

    Args:
        name: The binary's name, as kwokctl calls it.
        group: The folder of the Go module that pins it.
        module: The module whose version is the part's.
        package: The package to build.
        tags: Go's build tags, separated by commas.

    """

    name: str
    group: str
    module: str
    package: str
    tags: str = ""


PARTS = (
    Part(name="etcd", group="etcd", module="go.etcd.io/etcd/server/v3", package="go.etcd.io/etcd/server/v3"),
    *(
        Part(name=name, group="kubernetes", module="k8s.io/kubernetes", package=f"k8s.io/kubernetes/cmd/{name}")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ),
    *(
        Part(name=name, group="kwok", module="sigs.k8s.io/kwok", package=f"sigs.k8s.io/kwok/cmd/{name}")
        for name in ("kwok", "kwokctl")
    ),
)


@dataclass(frozen=True)
class Pins:
    """The pinned versions and the folder that holds them.

    Args:
        folder: The Go modules, a folder for each group.
        parts: What is built of them.
        title: What they are together, for a reader.

    """

    folder: Path
    parts: tuple[Part, ...] = PARTS
    title: str = "the control plane"

    def version(self, part: Part) -> str:
        """Return the pinned version of a part, with its `v`."""
        return self._pinned(part.group, rf"^(?:require)?\s+{re.escape(part.module)} ({_VERSION})\b")

    def version_of(self, name: str) -> str:
        """Return the pinned version of the part with this name."""
        return self.version(next(part for part in self.parts if part.name == name))

    def ldflags(self, part: Part) -> str:
        """Return the linker's flags for a part.

        Kubernetes does not know its own version when it is built as a module, and clients cannot parse `v0.0.0-master`.
        """
        if part.group != "kubernetes":
            return _STRIP
        version = self.version(part)
        major, minor, _ = version.removeprefix("v").split(".", 2)
        base = "k8s.io/component-base/version"
        return f"{_STRIP} -X {base}.gitVersion={version} -X {base}.gitMajor={major} -X {base}.gitMinor={minor}"

    @cached_property
    def go_version(self) -> str:
        """The oldest Go that builds every group."""
        found = {self._pinned(group, r"^go (\d+\.\d+(?:\.\d+)?)$") for group in self._groups}
        return max(found, key=lambda text: tuple(int(number) for number in text.split(".")))

    @cached_property
    def key(self) -> str:
        """A name for everything that decides how the binaries turn out, this platform included."""
        digest = hashlib.sha256(f"{goos()}/{goarch()}".encode())
        for group in self._groups:
            for file in sorted(self.folder.joinpath(group).iterdir()):
                if file.suffix in {".mod", ".sum", ".go"}:
                    digest.update(f"\0{group}/{file.name}\0".encode() + file.read_bytes())
        for part in self.parts:
            digest.update(f"\0{part.name}\0{part.package}\0{self.ldflags(part)}".encode())
            if part.tags:
                digest.update(f"\0{part.tags}".encode())
        return digest.hexdigest()[:16]

    @cached_property
    def fingerprint(self) -> str:
        """A name for everything that a cluster is made from: the binaries and the stages."""
        stages = b"\0".join(file.read_bytes() for file in self.stages)
        return f"{self.key}-{hashlib.sha256(stages).hexdigest()[:16]}"

    @property
    def stages(self) -> tuple[Path, ...]:
        """The files with the stages that kwok plays."""
        return tuple(sorted(self.folder.joinpath("stages").glob("*.yaml")))

    @cached_property
    def _groups(self) -> tuple[str, ...]:
        return tuple(sorted({part.group for part in self.parts}))

    def _pinned(self, group: str, pattern: str) -> str:
        file = self.folder / group / "go.mod"
        match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
        if match is None:
            raise ConfigurationError(f"{file} pins nothing that looks like {pattern!r}.", remedy="Restore the file.")
        return match[1]


def find_pins() -> Pins:
    """Find the pinned control plane: in the installed package, else in the checkout."""
    here = Path(__file__).resolve()
    # An editable install has no copy in the package; parents[3] is then the checkout.
    for folder in (here.parent / "pins", here.parents[3] / "deploy" / "local"):
        if folder.joinpath("kubernetes", "go.mod").is_file():
            return Pins(folder)
    raise ConfigurationError(
        "This installation of kubedom lacks the versions of the local control plane.",
        remedy="Install it again from a wheel, or run it from a checkout.",
    )


def goos() -> str:
    """Return this system's name as Go has it."""
    return platform.system().lower()


def goarch() -> str:
    """Return this processor's name as Go has it."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
