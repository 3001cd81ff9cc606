import http.server
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubedom_operator.local import BinariesUnavailable, DownloadFailed, ensure_binaries, find_pins
from kubedom_operator.local import binaries as module
from kubedom_operator.local.download import addresses, unreachable
from kubedom_operator.local.pins import goarch, goos
from kubedom_operator.local.ports import free_ports

PREFIXES = ("KWOK_BINARY_PREFIX", "KWOK_KUBE_BINARY_PREFIX", "KWOK_ETCD_BINARY_PREFIX")


def script(text: str) -> str:
    return f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror of the official places on loopback, whose programs only say their version."""
    root = tmp_path / "mirror"

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *given: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    for name in PREFIXES:
        monkeypatch.setenv(name, address)

    suffix = f"{goos()}-{goarch()}"
    for folder in ("v0.8.0", "v3.6.16"):
        root.joinpath(folder).mkdir(parents=True)
    urls = [f"{address}/kube-{name}" for name in ("apiserver", "controller-manager", "scheduler")]
    urls += [f"{address}/v3.6.16/etcd-v3.6.16-{suffix}.tar.gz#etcd", f"{address}/v0.8.0/kwok-{suffix}"]
    for url in urls[:3]:
        root.joinpath(url.rpartition("/")[2]).write_text(script("Kubernetes v1.36.3"))
    root.joinpath("v0.8.0", f"kwok-{suffix}").write_text(script("kwok version v0.8.0"))
    root.joinpath("v0.8.0", f"kwokctl-{suffix}").write_text(script("\n".join(["kwokctl-version-v0.8.0", *urls])))
    etcd = tmp_path / "etcd"
    etcd.write_text(script("etcd Version: 3.6.16"))
    with tarfile.open(root / "v3.6.16" / f"etcd-v3.6.16-{suffix}.tar.gz", "w:gz") as archive:
        archive.add(etcd, f"etcd-v3.6.16-{suffix}/etcd")

    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield root
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_part_is_downloaded_from_where_kwokctl_says(mirror: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    found = ensure_binaries(find_pins(), way="auto", progress=lines.append, cache=tmp_path / "cache")
    assert found.way == "download"
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(part.name for part in find_pins().parts)
    assert lines[0].startswith("Downloading the control plane from 127.0.0.1:")
    assert lines[-1].endswith("downloaded in 0 s")


def test_a_download_that_is_another_version_is_refused(mirror: Path, tmp_path: Path) -> None:
    mirror.joinpath("kube-scheduler").write_text(script("Kubernetes v1.20.0"))
    with pytest.raises(DownloadFailed, match=r"kube-scheduler failed: v1\.36\.3 was wanted.*v1\.20\.0") as caught:
        ensure_binaries(find_pins(), way="download", progress=lambda line: None, cache=tmp_path / "cache")
    assert "--binaries build" in str(caught.value)
    assert not list(tmp_path.glob("cache/*/download/kube-scheduler"))


def test_a_part_that_is_not_there_names_its_address(mirror: Path, tmp_path: Path) -> None:
    mirror.joinpath("kube-scheduler").unlink()
    with pytest.raises(DownloadFailed, match=r"/kube-scheduler: HTTP Error 404"):
        ensure_binaries(find_pins(), way="download", progress=lambda line: None, cache=tmp_path / "cache")


def test_a_place_that_refuses_is_named_at_once(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_ports(1)[0]
    monkeypatch.setenv("KWOK_KUBE_BINARY_PREFIX", f"http://127.0.0.1:{port}")
    assert unreachable(find_pins()) == f"127.0.0.1:{port}: [Errno 111] Connection refused"


def test_a_place_that_never_answers_costs_no_more_than_the_probe(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, answered = threading.Event(), []

    def silent(url: str, within: float) -> str:
        answer.wait()
        answered.append(url)
        return ""

    monkeypatch.setattr(module.downloading, "_probe", silent)
    assert "no answer within 0 s" in unreachable(find_pins(), within=0.2)
    assert answered == []
    answer.set()


def test_without_a_mirror_the_places_are_the_official_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PREFIXES:
        monkeypatch.delenv(name, raising=False)
    hosts = {url.split("/")[2] for url in addresses(find_pins()).values()}
    assert hosts == {"github.com", "dl.k8s.io"}


def test_no_place_and_download_only_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PREFIXES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(BinariesUnavailable, match=textwrap.dedent("cannot be reached .* --binaries build")):
        ensure_binaries(find_pins(), way="download", progress=lambda line: None, cache=tmp_path)
