import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kubedom_bridge.errors import ConfigurationError
from kubedom_operator.local import find_pins
from kubedom_operator.local import pins as module
from kubedom_operator.local.pins import PARTS, Pins


@pytest.fixture
def copy(tmp_path: Path) -> Pins:
    return Pins(Path(shutil.copytree(find_pins().folder, tmp_path / "pins")))


def test_every_part_has_a_pinned_version() -> None:
    pins = find_pins()
    assert {part.name: pins.version(part) for part in PARTS} == {
        "etcd": "v3.6.16",
        "kube-apiserver": "v1.36.3",
        "kube-controller-manager": "v1.36.3",
        "kube-scheduler": "v1.36.3",
        "kwok": "v0.8.0",
        "kwokctl": "v0.8.0",
    }


def test_kubernetes_is_told_its_version_and_others_are_not() -> None:
    pins = find_pins()
    by_name = {part.name: pins.ldflags(part) for part in PARTS}
    assert "gitVersion=v1.36.3 " in by_name["kube-apiserver"]
    assert by_name["kube-apiserver"].endswith("gitMinor=36")
    assert by_name["etcd"] == "-s -w"


def test_the_oldest_go_that_will_do_is_the_newest_that_a_group_asks_for(copy: Pins) -> None:
    mod = copy.folder / "etcd" / "go.mod"
    mod.write_text(mod.read_text().replace("go 1.26.0", "go 1.100.1"))
    assert copy.go_version == "1.100.1"


def test_the_key_is_the_same_for_the_same_pins_wherever_they_are(copy: Pins) -> None:
    assert copy.key == find_pins().key


@pytest.mark.parametrize("file", ["kubernetes/go.sum", "etcd/go.mod", "kwok/go.sum"])
def test_the_key_changes_with_every_pinned_file(copy: Pins, file: str) -> None:
    with copy.folder.joinpath(file).open("a") as output:
        output.write("// changed\n")
    assert copy.key != find_pins().key


def test_the_key_changes_with_the_platform(copy: Pins, monkeypatch: pytest.MonkeyPatch) -> None:
    here = find_pins().key
    monkeypatch.setattr(module, "goarch", lambda: "riscv64")
    assert copy.key != here


def test_the_key_changes_with_the_tags_of_a_part(copy: Pins) -> None:
    tagged = Pins(copy.folder, tuple(replace(part, tags="small") for part in copy.parts))
    assert tagged.key != copy.key


def test_stages_change_what_a_cluster_is_made_from_but_not_the_binaries(copy: Pins) -> None:
    with copy.folder.joinpath("stages", "pod.yaml").open("a") as output:
        output.write("# changed\n")
    assert copy.key == find_pins().key
    assert copy.fingerprint != find_pins().fingerprint


def test_a_file_that_pins_nothing_is_named(copy: Pins) -> None:
    copy.folder.joinpath("etcd", "go.mod").write_text("module x\n")
    with pytest.raises(ConfigurationError, match=r"etcd/go\.mod pins nothing"):
        copy.version_of("etcd")
