"""Fetch the control plane from where its projects publish it.

kwokctl comes from its release page; kwokctl then names the addresses of all other parts, so they are the ones that it
would use itself, mirrors set by its own environment variables (KWOK_BINARY_PREFIX, KWOK_KUBE_BINARY_PREFIX,
KWOK_ETCD_BINARY_PREFIX) included. Whether the places answer is found out first, and within seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .errors import DownloadFailed
from .pins import Part, Pins, goarch, goos

Progress = Callable[[str], None]
PROBE_SECONDS = 4.0
_READ_SECONDS = 30.0
_HEARTBEAT = 15.0
_CHUNK = 1 << 20


def addresses(pins: Pins) -> dict[str, str]:
    """Return an address of each place that downloads come from, by the part that is asked for there.

    They follow the same variables as kwokctl's own, which is not there yet when they are first needed.
    """
    kwok, kubernetes, etcd = (pins.version_of(name) for name in ("kwokctl", "kube-apiserver", "etcd"))
    kwok_prefix = os.environ.get("KWOK_BINARY_PREFIX", "https://github.com/kubernetes-sigs/kwok/releases/download")
    etcd_prefix = os.environ.get("KWOK_ETCD_BINARY_PREFIX", "https://github.com/etcd-io/etcd/releases/download")
    kubernetes_prefix = os.environ.get(
        "KWOK_KUBE_BINARY_PREFIX", f"https://dl.k8s.io/release/{kubernetes}/bin/{goos()}/{goarch()}"
    )
    return {
        "kwokctl": f"{kwok_prefix}/{kwok}/kwokctl-{goos()}-{goarch()}",
        "kube-apiserver": f"{kubernetes_prefix}/kube-apiserver",
        "etcd": f"{etcd_prefix}/{etcd}/etcd-{etcd}-{goos()}-{goarch()}.tar.gz",
    }


def unreachable(pins: Pins, within: float = PROBE_SECONDS) -> str:
    """Ask every place at once, and say which one does not answer, and why; empty when all do.

    Takes no longer than `within` seconds, whatever the resolver does.
    """
    urls = list(addresses(pins).values())
    answers: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda url=url: answers.update({url: _probe(url, within)}), daemon=True) for url in urls
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for url in urls:
        why = answers.get(url, f"no answer within {within:.0f} s")
        if why:
            return f"{urlsplit(url).netloc}: {why}"
    return ""


def artifacts(kwokctl: Path, pins: Pins, workdir: Path) -> dict[str, str]:
    """Ask kwokctl for the addresses of the other parts, by part."""
    environment = os.environ | {
        "KWOK_WORKDIR": str(workdir),
        "KWOK_KUBE_VERSION": pins.version_of("kube-apiserver"),
        "KWOK_ETCD_VERSION": pins.version_of("etcd").removeprefix("v"),
    }
    command = [str(kwokctl), "get", "artifacts", "--runtime", "binary", "--filter", "binary"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise DownloadFailed("kwokctl", f"what was downloaded does not run ({error})") from error
    found = {}
    for url in answer.stdout.split():
        name = urlsplit(url).fragment or urlsplit(url).path.rpartition("/")[2]
        found[name.removesuffix(f"-{goos()}-{goarch()}")] = url
    return found


def download(part: Part, url: str, *, folder: Path, progress: Progress) -> Path:
    """Download one part into `folder` and return the binary.

    Args:
        part: What to download.
        url: Its address; a fragment names the file inside an archive.
        folder: An empty folder; what is in it afterwards is either complete or of no use.
        progress: Told every 15 s how much has come.

    Raises:
        DownloadFailed: The address does not answer, or breaks off, or has something else.

    """
    source, _, member = url.partition("#")
    target = folder / part.name
    fetched = folder / "archive" if member else target
    try:
        _fetch(source, fetched, progress)
        if member:
            _extract(fetched, member, target)
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise DownloadFailed(part.name, f"{source}: {error}") from error
    target.chmod(0o755)
    return target


def _probe(url: str, within: float) -> str:
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - https, or what the user's variable says
        with urllib.request.urlopen(request, timeout=within):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def _fetch(url: str, target: Path, progress: Progress) -> None:
    with urllib.request.urlopen(url, timeout=_READ_SECONDS) as response, target.open("wb") as output:  # noqa: S310
        wanted = response.headers.get("Content-Length")
        got, told = 0, time.monotonic()
        while chunk := response.read(_CHUNK):
            output.write(chunk)
            got += len(chunk)
            if time.monotonic() - told >= _HEARTBEAT:
                told = time.monotonic()
                progress(f"downloading, {got >> 20} MiB")
    if wanted is not None and got != int(wanted):
        raise OSError(f"broke off after {got} of {wanted} bytes")


def _extract(archive: Path, name: str, target: Path) -> None:
    with tarfile.open(archive) as files:
        for member in files:
            if member.isfile() and member.name.rpartition("/")[2] == name:
                content = files.extractfile(member)
                if content is not None:
                    with content, target.open("wb") as output:
                        shutil.copyfileobj(content, output)
                    return
    raise KeyError(f"no file {name} in the archive")
