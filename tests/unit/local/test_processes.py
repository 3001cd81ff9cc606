import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubedom_operator.local.processes import Component, components


@pytest.fixture
def component(tmp_path: Path) -> Iterator[Component]:
    binary = tmp_path / "bin" / "sleeper"
    binary.parent.mkdir()
    found = shutil.which("sleep")
    assert found is not None
    binary.symlink_to(found)
    made = Component("sleeper", binary, ("60",), tmp_path)
    yield made
    made.stop(kill=True)


def test_a_component_starts_once_and_stops(component: Component) -> None:
    component.start()
    pid = component.pid()
    assert pid is not None
    component.start()
    assert component.pid() == pid
    component.stop()
    assert component.pid() is None
    assert not component.pid_file.exists()
    component.stop()


def test_a_process_that_only_has_the_number_is_neither_counted_nor_ended(component: Component) -> None:
    # As after a reboot: the number in the file belongs to another program now.
    with subprocess.Popen(["sleep", "60"]) as stranger:
        component.pid_file.parent.mkdir()
        component.pid_file.write_text(str(stranger.pid))
        assert component.pid() is None
        component.stop()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", ["", "not a number", "99999999"])
def test_a_broken_or_stale_file_means_that_nothing_runs(component: Component, content: str) -> None:
    component.pid_file.parent.mkdir()
    component.pid_file.write_text(content)
    assert component.pid() is None


def test_what_ignores_a_polite_end_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubedom_operator.local.processes._TERM_SECONDS", 0.2)
    shell = shutil.which("sh")
    assert shell is not None
    tmp_path.joinpath("stubborn").symlink_to(shell)
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    stubborn = Component("stubborn", tmp_path / "stubborn", ("-c", script), tmp_path)
    stubborn.start()
    deadline = time.monotonic() + 5
    while "ready" not in stubborn.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stubborn.stop()
    assert stubborn.pid() is None


def test_components_are_read_from_what_kwokctl_wrote_with_their_ports(tmp_path: Path) -> None:
    assert components(tmp_path) == {}
    entry = {
        "name": "etcd",
        "binary": "/x/bin/etcd",
        "args": ["--listen-peer-urls=http://127.0.0.1:2", "--listen-client-urls=http://127.0.0.1:1", "--name=n"],
        "envs": [{"name": "A", "value": "b"}],
    }
    documents = [{"kind": "KwokctlConfiguration", "components": [entry]}, {"kind": "Stage"}, None]
    tmp_path.joinpath("kwok.yaml").write_text(yaml.safe_dump_all(documents))
    etcd = components(tmp_path)["etcd"]
    assert (etcd.ports, etcd.environment, etcd.log.name) == ((1, 2), {"A": "b"}, "etcd.log")
