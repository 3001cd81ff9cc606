import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from kubedom_operator.local.pins import Part, Pins

HELLO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("v1.2.3") }\n'


@pytest.fixture
def make_pins(tmp_path: Path) -> Callable[..., Pins]:
    """Write a control plane that builds within a second, one program per keyword, and return its pins."""

    def make(**sources: str) -> Pins:
        folder = tmp_path / "pins"
        group = folder / "group"
        group.mkdir(parents=True)
        folder.joinpath("pinned").mkdir()
        folder.joinpath("pinned", "go.mod").write_text("module example.test/pinned\n\ngo 1.21\n")
        group.joinpath("go.mod").write_text(
            textwrap.dedent("""\
                module example.test/group

                go 1.21

                require example.test/pinned v1.2.3

                replace example.test/pinned => ../pinned
                """)
        )
        group.joinpath("go.sum").write_text("")
        for name, source in sources.items():
            group.joinpath(name).mkdir()
            group.joinpath(name, "main.go").write_text(source)
        return Pins(
            folder,
            tuple(
                Part(name=name, group="group", module="example.test/pinned", package=f"example.test/group/{name}")
                for name in sources
            ),
        )

    return make
