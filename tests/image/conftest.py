"""What the tests of the image start from: it is built once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import teller
from tests.image import building, starting, tools
from tests.image.building import Workshop

NAME = "kubedom"


@dataclass(frozen=True)
class Image:
    """The image: its OCI layout, its settings, and the file system of a container that nobody else uses."""

    layout: Path
    settings: dict[str, Any]
    root: Path
    folder: Path

    def start(
        self, *arguments: str, files: dict[str, Path] | None = None, environment: dict[str, str] | None = None
    ) -> starting.Container:
        """Start its command with arguments, with files of this machine by where they are in the container."""
        told = starting.specification(self.settings, self.root, arguments, files or {}, environment or {})
        return starting.Container(self.folder, told)


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Where images are built."""
    tools.check()
    made = Workshop(tmp_path_factory.mktemp("workshop"), teller(request.config))
    yield made
    made.remove()


@pytest.fixture(scope="session")
def image(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image of this checkout."""
    layout = workshop.build(NAME)
    with workshop.mounted(NAME) as root:
        yield Image(layout, building.config(layout), root, tmp_path_factory.mktemp("containers"))
