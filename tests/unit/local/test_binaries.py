import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.local.conftest import HELLO

from kubedom_bridge.errors import ConfigurationError
from kubedom_operator.local import BinariesUnavailable, BuildFailed, DownloadFailed, chosen_way, ensure_binaries
from kubedom_operator.local import binaries as module
from kubedom_operator.local import build as building
from kubedom_operator.local.pins import Pins
from kubedom_operator.local.toolchain import Tool

MakePins = Callable[..., Pins]
NO_GO = "package main\n\nfunc main() { this does not compile }\n"


@pytest.fixture
def lines() -> list[str]:
    return []


def filled(pins: Pins, cache: Path, way: str = "build") -> Path:
    folder = cache / pins.key / way
    folder.mkdir(parents=True)
    for part in pins.parts:
        folder.joinpath(part.name).write_text("#!/bin/sh\n")
    return folder


def offline(monkeypatch: pytest.MonkeyPatch, why: str = "dl.example.test: no route") -> None:
    monkeypatch.setattr(module.downloading, "unreachable", lambda pins: why)


def test_what_is_in_the_cache_is_taken_without_asking_anybody(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = make_pins(one=HELLO)
    folder = filled(pins, tmp_path)
    monkeypatch.setattr(module.downloading, "unreachable", lambda pins: pytest.fail("asked the network"))
    monkeypatch.setattr(module, "find_go", lambda wanted: pytest.fail("looked for Go"))
    found = ensure_binaries(pins, way="auto", progress=lines.append, cache=tmp_path)
    assert (found.folder, found.way, lines) == (folder, "build", [])


def test_auto_builds_where_downloads_cannot_be_reached_and_says_so_in_one_line(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    pins = make_pins(one=HELLO, two=HELLO)
    found = ensure_binaries(pins, way="auto", progress=lines.append, cache=tmp_path)
    assert subprocess.check_output([found.path("two")], text=True) == "v1.2.3\n"
    assert lines[0] == (
        "Official downloads cannot be reached (dl.example.test: no route); building from the pinned Go modules instead."
    )
    assert [line for line in lines if "built in" in line][1].startswith("[2/2] two v1.2.3 … built in ")


def test_auto_downloads_where_the_official_places_answer(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, why="")
    pins = make_pins(one=HELLO)
    downloaded = module.Binaries(tmp_path, "download", pins.key)
    monkeypatch.setattr(module, "_download", lambda *given: downloaded)
    assert ensure_binaries(pins, way="auto", progress=lines.append, cache=tmp_path) is downloaded


def test_auto_builds_when_a_download_breaks_off(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(*given: object) -> None:
        raise DownloadFailed("etcd", "broke off after 1 of 2 bytes")

    offline(monkeypatch, why="")
    monkeypatch.setattr(module, "_download", breaks_off)
    found = ensure_binaries(make_pins(one=HELLO), way="auto", progress=lines.append, cache=tmp_path)
    assert found.way == "build"
    assert lines[0].startswith("Downloading etcd failed: broke off after 1 of 2 bytes. Building")


def test_build_asks_no_place_for_downloads_and_takes_no_downloaded_binaries(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.downloading, "unreachable", lambda pins: pytest.fail("asked the network"))
    pins = make_pins(one=HELLO)
    filled(pins, tmp_path, "download")
    assert ensure_binaries(pins, way="build", progress=lines.append, cache=tmp_path).way == "build"


def test_cache_only_and_nothing_in_it_is_a_sentence(make_pins: MakePins, tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(BinariesUnavailable, match=r"does not hold the whole control plane.*--binaries auto"):
        ensure_binaries(make_pins(one=HELLO), way="cache", progress=lines.append, cache=tmp_path)


def test_download_only_and_no_place_answers_is_a_sentence(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch)
    with pytest.raises(BinariesUnavailable, match=r"cannot be reached \(dl\.example\.test: no route\)"):
        ensure_binaries(make_pins(one=HELLO), way="download", progress=lines.append, cache=tmp_path)


def test_a_failed_build_names_the_part_and_its_log_and_keeps_what_was_finished(
    make_pins: MakePins, tmp_path: Path, lines: list[str]
) -> None:
    pins = make_pins(good=HELLO, bad=NO_GO)
    with pytest.raises(BuildFailed) as caught:
        ensure_binaries(pins, way="build", progress=lines.append, cache=tmp_path)
    assert caught.value.part == "bad"
    assert caught.value.log.is_file()
    assert f"Building bad failed; its log is {caught.value.log} and ends:" in str(caught.value)
    assert "syntax error" in str(caught.value)

    pins.folder.joinpath("group", "bad", "main.go").write_text(HELLO)
    lines.clear()
    ensure_binaries(pins, way="build", progress=lines.append, cache=tmp_path)
    assert "[1/2] good v1.2.3 … kept from an earlier start" in lines
    assert not list(tmp_path.glob("*/unfinished-*"))


def test_a_long_build_says_that_it_goes_on(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "HEARTBEAT", 0.02)
    ensure_binaries(make_pins(one=HELLO), way="build", progress=lines.append, cache=tmp_path)
    assert any("[1/1] one v1.2.3 … building, " in line for line in lines)


SLOW_START = textwrap.dedent("""\
    import sys
    from pathlib import Path
    from kubedom_operator.local import binaries, toolchain
    from kubedom_operator.local.pins import Part, Pins

    folder, cache, go = sys.argv[1:4]
    parts = tuple(
        Part(name=name, group="group", module="example.test/pinned", package=f"example.test/group/{name}")
        for name in sys.argv[4:]
    )
    binaries.find_go = lambda wanted: toolchain.Tool(Path(go), "a slow Go")
    binaries.ensure_binaries(
        Pins(Path(folder), parts), way="build", progress=lambda line: print(line, flush=True), cache=Path(cache)
    )
""")


def slow_go(folder: Path, hangs_on: str) -> Path:
    """A compiler that writes half a binary of one part and then hangs, and makes the others at once."""
    script = folder / "slow-go"
    script.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            while [ "$1" != -o ]; do shift; done
            printf half >"$2"
            case "$2" in */{hangs_on}) exec sleep 60 ;; esac
            """)
    )
    script.chmod(0o755)
    return script


def start(pins: Pins, cache: Path, go: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW_START, pins.folder, cache, go, *(part.name for part in pins.parts)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout), f"never said {text!r}"


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_an_interrupted_build_leaves_finished_parts_whole_and_no_half_one(
    make_pins: MakePins, tmp_path: Path, lines: list[str], how: str
) -> None:
    pins, cache = make_pins(first=HELLO, second=HELLO), tmp_path / "cache"
    process = start(pins, cache, slow_go(tmp_path, hangs_on="second"))
    wait_for(process, "[2/2] second v1.2.3 …")
    half = cache / pins.key
    deadline = time.monotonic() + 10
    while not list(half.glob("unfinished-*/second")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    getattr(process, how)()
    process.wait(10)
    process.communicate()
    assert half.joinpath("build", "first").is_file()
    assert not half.joinpath("build", "second").exists()

    found = ensure_binaries(pins, way="build", progress=lines.append, cache=cache)
    assert subprocess.check_output([found.path("second")], text=True) == "v1.2.3\n"
    assert not list(half.glob("unfinished-*"))


def test_of_two_starts_at_once_one_builds_and_the_other_waits_and_says_so(
    make_pins: MakePins, tmp_path: Path, lines: list[str]
) -> None:
    pins, cache = make_pins(only=HELLO), tmp_path / "cache"
    first = start(pins, cache, slow_go(tmp_path, hangs_on="only"))
    wait_for(first, "[1/1] only")
    second = threading.Thread(
        target=ensure_binaries, args=(pins,), kwargs={"way": "build", "progress": lines.append, "cache": cache}
    )
    second.start()
    deadline = time.monotonic() + 10
    while not lines:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert lines == [f"Another kubedom is filling {cache / pins.key}; waiting for it."]
    first.kill()
    first.wait(10)
    first.communicate()
    second.join(30)
    assert not second.is_alive()
    assert lines[-1].startswith("[1/1] only v1.2.3 … built in ")


@pytest.mark.parametrize(
    ("option", "variable", "way"),
    [(None, None, "auto"), (None, "build", "build"), ("cache", "build", "cache"), (None, "", "auto")],
)
def test_the_option_wins_over_the_variable_and_that_over_auto(
    option: str | None, variable: str | None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBEDOM_BINARIES", raising=False)
    if variable is not None:
        monkeypatch.setenv("KUBEDOM_BINARIES", variable)
    assert chosen_way(option) == way


def test_an_unknown_way_names_where_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEDOM_BINARIES", "magic")
    with pytest.raises(ConfigurationError, match=r"KUBEDOM_BINARIES says 'magic'.*auto, cache, download, build"):
        chosen_way()


def test_the_compiler_is_told_to_hold_to_go_sum_and_the_users_go_settings_stay(
    make_pins: MakePins, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = tmp_path / "go"
    recorder.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments\nenv >{tmp_path}/environment\nexit 1\n')
    recorder.chmod(0o755)
    monkeypatch.setenv("GOPROXY", "https://proxy.example.test")
    monkeypatch.setenv("GOFLAGS", "-p=1")
    monkeypatch.setattr(module, "find_go", lambda wanted: Tool(recorder, "a recorder"))
    with pytest.raises(BuildFailed):
        ensure_binaries(make_pins(one=HELLO), way="build", progress=lines.append, cache=tmp_path)
    assert "build -mod=readonly -trimpath" in tmp_path.joinpath("arguments").read_text()
    environment = tmp_path.joinpath("environment").read_text().splitlines()
    assert {"GOPROXY=https://proxy.example.test", "GOFLAGS=-p=1", "GOTOOLCHAIN=local", "CGO_ENABLED=0"} <= {
        *environment
    }


def test_a_part_is_built_with_its_tags(make_pins: MakePins, tmp_path: Path, lines: list[str]) -> None:
    pins = make_pins(one=HELLO)
    only = pins.folder / "group" / "one" / "main.go"
    only.write_text(f"//go:build wanted\n\n{HELLO}")
    with pytest.raises(BuildFailed):
        ensure_binaries(pins, way="build", progress=lines.append, cache=tmp_path)
    tagged = Pins(pins.folder, tuple(replace(part, tags="wanted") for part in pins.parts))
    found = ensure_binaries(tagged, way="build", progress=lines.append, cache=tmp_path)
    assert subprocess.check_output([found.path("one")], text=True) == "v1.2.3\n"
