"""The binaries of the control plane, from the cache or put into it.

In: the pins and a way (`auto`, `cache`, `download`, `build`). Out: a folder with every binary. A cache entry is named
by the pins' key; each part appears in it by one rename, so a part that is there is whole, and finished parts outlive an
interruption. One process at a time fills an entry, others wait for it and then find it filled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from kubedom_bridge.errors import ConfigurationError

from . import build as building
from . import download as downloading
from .errors import BinariesUnavailable, DownloadFailed
from .pins import Part, Pins
from .toolchain import find_go

Progress = Callable[[str], None]
Obtain = Callable[[Part, Path, Progress], Path]

WAYS = ("auto", "cache", "download", "build")
VARIABLE = "KUBEDOM_BINARIES"
_HEARTBEAT = 15.0


@dataclass(frozen=True)
class Binaries:
    """Every binary of the control plane, in one folder.

    Args:
        folder: Where they are.
        way: How they came there: `build` or `download`.
        key: The pins' key.

    """

    folder: Path
    way: str
    key: str

    def path(self, name: str) -> Path:
        """Return the path of one binary."""
        return self.folder / name


def chosen_way(option: str | None = None) -> str:
    """Return the way to get binaries: the option, else the environment's, else `auto`.

    Raises:
        ConfigurationError: It is none of the ways.

    """
    way = option or os.environ.get(VARIABLE) or "auto"
    if way not in WAYS:
        source = "--binaries" if option else VARIABLE
        raise ConfigurationError(
            f"{source} says {way!r}, which is no way to get binaries.",
            remedy=f"Use one of {', '.join(WAYS)}.",
            field=source,
        )
    return way


def cache_folder() -> Path:
    """Return the folder that holds every cache entry."""
    return user_cache_path("kubedom") / "control-plane"


def ensure_binaries(pins: Pins, *, way: str, progress: Progress, cache: Path | None = None) -> Binaries:
    """Return the binaries, and put them into the cache first where they are not there yet.

    Args:
        pins: What is wanted.
        way: `cache` takes what is there; `download` and `build` fill the cache in that way only; `auto` takes what is
            there, else downloads where the official places answer, else builds.
        progress: Told what is being done, line by line, at least every 15 s.
        cache: The folder of all entries, if not the user's.

    Raises:
        BinariesUnavailable: They are not there and cannot be had in this way.

    """
    entry = (cache or cache_folder()) / pins.key
    if (ready := _cached(pins, entry, way)) is not None:
        return ready
    if way == "cache":
        raise BinariesUnavailable(
            f"The cache {entry} does not hold the whole control plane.",
            remedy="Allow another way: --binaries auto, download or build.",
            field="--binaries",
        )
    entry.mkdir(parents=True, exist_ok=True)
    with alone(entry.with_suffix(".lock"), f"is filling {entry}", progress):
        # Whoever held the lock may have done all the work in the meantime.
        if (ready := _cached(pins, entry, way)) is not None:
            return ready
        if way in {"auto", "download"}:
            why = downloading.unreachable(pins)
            if not why:
                try:
                    return _download(pins, entry, progress)
                except DownloadFailed as error:
                    if way == "download":
                        raise
                    progress(f"{error.message} Building from the pinned Go modules instead.")
            elif way == "download":
                raise BinariesUnavailable(
                    f"The official downloads cannot be reached ({why}).",
                    remedy="Build from the pinned Go modules with --binaries build.",
                    field="--binaries",
                )
            else:
                progress(f"Official downloads cannot be reached ({why}); building from the pinned Go modules instead.")
        return _build(pins, entry, progress)


def _cached(pins: Pins, entry: Path, way: str) -> Binaries | None:
    for source in ("build", "download"):
        if way in {"auto", "cache", source}:
            folder = entry / source
            if all(folder.joinpath(part.name).is_file() for part in pins.parts):
                return Binaries(folder, source, pins.key)
    return None


@contextmanager
def alone(path: Path, doing: str, progress: Progress) -> Iterator[None]:
    """Hold a lock among processes; while another one has it, say so and what it is doing.

    The lock ends with its holder, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    begun = time.monotonic()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"Another kubedom {doing}; waiting for it.")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=_HEARTBEAT)
        except Timeout:
            progress(f"Another kubedom {doing}; waiting for it, {time.monotonic() - begun:.0f} s.")
    try:
        yield
    finally:
        lock.release()


def _build(pins: Pins, entry: Path, progress: Progress) -> Binaries:
    go = find_go(pins.go_version)
    progress(f"Building {pins.title} with {go.origin}, once: 5 minutes on two idle cores.")

    def obtain(part: Part, folder: Path, beat: Progress) -> Path:
        log = entry / "logs" / f"{part.name}.log"
        return building.build(part, pins=pins, go=go, folder=folder, log=log, progress=beat)

    return _fill(pins, entry, "build", pins.parts, obtain, "built", progress)


def _download(pins: Pins, entry: Path, progress: Progress) -> Binaries:
    first = next(part for part in pins.parts if part.name == "kwokctl")
    others = tuple(part for part in pins.parts if part is not first)
    urls = {first.name: downloading.addresses(pins)[first.name]}
    progress(f"Downloading the control plane from {', '.join(_hosts(pins))}.")

    def obtain(part: Part, folder: Path, beat: Progress) -> Path:
        if part.name not in urls:
            urls.update(downloading.artifacts(entry / "download" / first.name, pins, entry / "kwok"))
        if part.name not in urls:
            raise DownloadFailed(part.name, "kwokctl names no address for it")
        binary = downloading.download(part, urls[part.name], folder=folder, progress=beat)
        _check_version(part, binary, pins.version(part))
        return binary

    return _fill(pins, entry, "download", (first, *others), obtain, "downloaded", progress)


def _hosts(pins: Pins) -> list[str]:
    return sorted({url.split("/")[2] for url in downloading.addresses(pins).values()})


def _fill(
    pins: Pins, entry: Path, way: str, parts: tuple[Part, ...], obtain: Obtain, done: str, progress: Progress
) -> Binaries:
    folder = entry / way
    folder.mkdir(parents=True, exist_ok=True)
    # The lock is held: whatever an interrupted start left here belongs to nobody.
    for stale in entry.glob("unfinished-*"):
        shutil.rmtree(stale, ignore_errors=True)
    for number, part in enumerate(parts, 1):
        label = f"[{number}/{len(parts)}] {part.name} {pins.version(part)}"
        if folder.joinpath(part.name).is_file():
            progress(f"{label} … kept from an earlier start")
            continue
        progress(f"{label} …")
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="unfinished-", dir=entry) as unfinished:
            binary = obtain(part, Path(unfinished), lambda line, label=label: progress(f"{label} … {line}"))  # type: ignore[misc]
            binary.replace(folder / part.name)
        progress(f"{label} … {done} in {time.monotonic() - begun:.0f} s")
    return Binaries(folder, way, pins.key)


def _check_version(part: Part, binary: Path, version: str) -> None:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise DownloadFailed(part.name, f"what was downloaded does not run ({error})") from error
    if version.removeprefix("v") not in answer.stdout:
        raise DownloadFailed(part.name, f"{version} was wanted, and it says {answer.stdout.strip()!r}")
