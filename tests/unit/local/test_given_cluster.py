"""`pytest --kubeconfig`: which clusters the tests agree to run against."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TEST = "tests/cluster/test_local_cluster.py::test_an_ordinary_pod_runs_and_keeps_a_status_written_by_hand"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    contexts = [{"name": name, "context": {"cluster": "c"}} for name in ("production", "kind-dev")]
    path = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    path.write_text(yaml.safe_dump({"clusters": [cluster], "contexts": contexts, "current-context": "production"}))
    return path


def run(*arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    return done.returncode, done.stdout + done.stderr


def test_a_cluster_not_named_for_tests_is_refused_before_anything_is_asked_of_it(kubeconfig: Path) -> None:
    code, output = run("--kubeconfig", kubeconfig)
    assert code == 2
    assert "The context 'production' is not named as a test cluster" in output
    assert "Traceback" not in output


def test_it_is_used_when_it_is_allowed_and_so_is_another_context(kubeconfig: Path) -> None:
    for arguments in (["--allow-any-context"], ["--context", "kind-dev"]):
        code, output = run("--kubeconfig", kubeconfig, *arguments)
        assert code == 1
        assert "not named as a test cluster" not in output
        assert "127.0.0.1:1" in output


def test_a_kubeconfig_or_context_that_is_not_there_is_a_sentence(kubeconfig: Path, tmp_path: Path) -> None:
    assert "There is no kubeconfig" in run("--kubeconfig", tmp_path / "none")[1]
    assert (
        "has no context 'other'. It has production, kind-dev." in run("--kubeconfig", kubeconfig, "--context=other")[1]
    )
