from pathlib import Path

import pytest
import yaml

from kubedom_bridge.errors import ConfigurationError
from kubedom_operator.local import Binaries, ClusterStartFailed, NoSuchCluster, find_cluster, find_pins
from kubedom_operator.local import cluster as module
from kubedom_operator.local.configuration import configuration


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "state_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "-a", "a" * 51])
def test_a_name_that_would_not_do_as_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a cluster"):
        find_cluster(name)


def test_a_cluster_that_was_never_made_is_absent_and_can_be_deleted_all_the_same() -> None:
    found = find_cluster("nobody")
    assert found.status().state == "absent"
    found.delete()


def test_breaking_a_cluster_that_was_never_made_is_a_sentence() -> None:
    with pytest.raises(NoSuchCluster, match="Make it: kubedom cluster up --name nobody"):
        find_cluster("nobody").restart_apiserver()


def test_everything_is_configured_on_loopback_with_ports_of_its_own(tmp_path: Path) -> None:
    document = next(yaml.safe_load_all(configuration(Binaries(tmp_path, "build", "key"), find_pins())))
    options = document["options"]
    assert options["bindAddress"] == "127.0.0.1"
    assert len({value for key, value in options.items() if key.endswith("Port")}) == 6
    assert options["kwokControllerBinary"] == str(tmp_path / "kwok")


def test_every_stage_reaches_kwok(tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all(configuration(Binaries(tmp_path, "build", "key"), find_pins())))
    names = [document["metadata"]["name"] for document in documents if document["kind"] == "Stage"]
    assert len(names) == len(set(names))
    assert {"node-initialize", "pod-ready", "pod-delete", "container-fails", "image-pull-fails"} <= set(names)


def test_kwokctl_hears_nothing_of_the_users_own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    monkeypatch.setenv("KWOK_KUBE_VERSION", "v1.1.1")
    environment = module._environment(tmp_path)
    assert "KUBECONFIG" not in environment
    assert [name for name in environment if name.startswith("KWOK_")] == ["KWOK_WORKDIR"]


def test_a_start_that_failed_names_the_log_and_the_way_out(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("first\naddress already in use\n")
    text = str(ClusterStartFailed("dev", "etcd ended", log))
    assert f"'dev' did not start: etcd ended. Its log is {log} and ends:\nfirst\naddress already in use" in text
    assert "kubedom cluster down --name dev" in text
