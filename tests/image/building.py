"""Builds the image as its Containerfile says, on bases made of Debian's packages, without a registry or a network.

In: the checkout. Out: OCI layouts, their digests, and the file system that a container gets. The distributions that the
lock files name are downloaded beforehand, into the cache of the root file systems.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from tests.image import rootfs, tools
from tests.release.lock import IMAGE, ROOT

# Where the builder finds the distributions, and that it looks nowhere else.
_OFFLINE = {
    "etc/pip.conf": "[global]\nno-index = true\nfind-links = /wheels\n",
    "etc/uv/uv.toml": 'no-index = true\nfind-links = ["/wheels"]\noffline = true\n',
}
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_DOWNLOAD = """
python3 -m venv /pip
for lock in /locks/*; do
    /pip/bin/python -m pip download --quiet --dest /wheels --no-deps --require-hashes --requirement "$lock"
done
"""
# Works in containers too, where namespaces may not be had; overlays are used where there are any.
_ISOLATION = {"BUILDAH_ISOLATION": "chroot"}


class Workshop:
    """A storage of images of its own, in a folder; both bases are in it.

    Args:
        folder: An empty folder, which belongs to this.
        progress: Told what takes its time.

    """

    def __init__(self, folder: Path, progress: Callable[[str], None]) -> None:
        self._folder = folder
        self._base = self._import(rootfs.RUNTIME, progress, {})
        # Debian's pip does not start without certificates, and those of the builder's packages were not set up.
        trusted = {_CERTIFICATES: Path("/", _CERTIFICATES).read_text()}
        self._builder = self._import(rootfs.BUILDER, progress, _OFFLINE | trusted)
        self._wheels = self._downloaded(progress)

    def build(self, name: str, *options: str, checkout: Path = ROOT) -> Path:
        """Build the image of a checkout, and give its OCI layout."""
        self._buildah(
            *("bud", "--quiet", "--timestamp=0", f"--tag={name}", "--format=oci", "--no-cache", "--pull-never"),
            *(f"--build-arg=BUILDER={self._builder}", f"--build-arg=BASE={self._base}"),
            f"--volume={self._wheels}:/wheels:ro",
            *(*options, f"--file={checkout / IMAGE / 'Containerfile'}", checkout),
        )
        layout = self._folder / f"{name}.oci"
        self._buildah("push", "--quiet", name, f"oci:{layout}:{name}")
        return layout

    @contextmanager
    def mounted(self, name: str) -> Iterator[Path]:
        """The file system of a new container of an image, as root sees it."""
        with self._container(name) as container:
            yield Path(self._buildah("mount", container).strip())

    def remove(self) -> None:
        """Take everything away again."""
        shutil.rmtree(self._folder)

    @contextmanager
    def _container(self, image: str) -> Iterator[str]:
        container = self._buildah("from", "--pull-never", image).strip()
        try:
            yield container
        finally:
            self._buildah("rm", container)

    def _buildah(self, *arguments: str | Path) -> str:
        places = (f"--root={self._folder / 'storage'}", f"--runroot={self._folder / 'run'}")
        return tools.run("buildah", *places, *arguments, environment=_ISOLATION)

    def _import(self, wanted: rootfs.RootFilesystem, progress: Callable[[str], None], files: dict[str, str]) -> str:
        made = rootfs.ensure(wanted, progress)
        with self._container("scratch") as container, tempfile.TemporaryDirectory() as folder:
            self._buildah("add", "--quiet", container, made, "/")
            for path, content in files.items():
                written = Path(folder) / Path(path).name
                written.write_text(content)
                self._buildah("copy", "--quiet", container, written, f"/{path}")
            self._buildah("commit", "--quiet", "--timestamp=0", container, wanted.name)
        return f"localhost/{wanted.name}"

    def _downloaded(self, progress: Callable[[str], None]) -> Path:
        """The distributions that the lock files name, as the builder's Python needs them."""
        locks = [ROOT / IMAGE / name for name in ("build-requirements.txt", "requirements.txt")]
        content = b"".join(lock.read_bytes() for lock in locks)
        key = hashlib.sha256(rootfs.BUILDER.key.encode() + content).hexdigest()[:16]
        folder = rootfs.cache() / f"wheels-{key}"
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                progress("Downloading the distributions that the image is made of ...")
                part = folder.with_name(f"part-{folder.name}")
                part.mkdir(exist_ok=True)
                self._download(locks, part)
                part.rename(folder)
        return folder

    def _download(self, locks: list[Path], part: Path) -> None:
        volumes = {part: "/wheels", **{lock: f"/locks/{lock.name}:ro" for lock in locks}}
        # What this machine's pip is told is also told to that one, but for the file that says where no network is.
        settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        settings |= {"PIP_CONFIG_FILE": os.devnull}
        with self._container(self._builder) as container:
            self._buildah(
                *("run", "--network=host"),
                *(f"--volume={source}:{target}" for source, target in volumes.items()),
                *(f"--env={name}={value}" for name, value in settings.items()),
                *(container, "--", "sh", "-ec", _DOWNLOAD),
            )


def digest(layout: Path) -> str:
    """The digest of the only manifest of an OCI layout, which is the image's."""
    [manifest] = json.loads((layout / "index.json").read_text())["manifests"]
    return str(manifest["digest"])


def _blob(layout: Path, named: str) -> Any:
    return json.loads((layout / "blobs" / Path(*named.split(":"))).read_text())


def config(layout: Path) -> dict[str, Any]:
    """What an image says about how it is started: `User`, `Env`, `Entrypoint`, `Labels` and so on."""
    settings: dict[str, Any] = _blob(layout, _blob(layout, digest(layout))["config"]["digest"])["config"]
    return settings
