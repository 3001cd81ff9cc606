"""Starts an image with runc as Kubernetes would under Pod Security's restricted level, on this machine's loopback.

In: an image's settings and its file system. Out: a process whose output can be read, and which is ended as a pod is.
The root file system is read-only, there are no capabilities, and no folder that can be written to.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.image import tools

SECONDS = 120.0


def specification(
    settings: dict[str, Any],
    root: Path,
    arguments: tuple[str, ...],
    files: Mapping[str, Path],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """What runc is told: the image's own settings, and what a restricted pod adds to them.

    Args:
        settings: The image's settings, as `building.config` gives them.
        root: Its file system.
        arguments: What follows its entry point.
        files: Files and folders of this machine, by where they are in the container.
        environment: What is added to its environment.

    """
    user, group = settings["User"].split(":")
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    ]
    mounts += [
        {"destination": place, "type": "bind", "source": str(file), "options": ["bind", "ro", "nosuid", "nodev"]}
        for place, file in files.items()
    ]
    nothing: dict[str, list[str]] = {
        name: [] for name in ("bounding", "effective", "inheritable", "permitted", "ambient")
    }
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": int(user), "gid": int(group)},
            "args": [*settings["Entrypoint"], *arguments],
            "env": [*settings["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": settings["WorkingDir"],
            "capabilities": nothing,
            "noNewPrivileges": True,
        },
        "root": {"path": str(root), "readonly": True},
        "mounts": mounts,
        # Not the network's: the cluster is on this machine's loopback.
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]},
    }


class Container:
    """A running container; leaving the context ends it as Kubernetes does, with SIGTERM and then SIGKILL."""

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        self._name = f"kubedom-test-{uuid.uuid4().hex[:8]}"
        self._state = folder / "runc"
        self._bundle = folder / self._name
        self._bundle.mkdir(parents=True)
        (self._bundle / "config.json").write_text(json.dumps(told))
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the container
        self._process = subprocess.Popen(
            tools.command(*self._runc("run"), f"--bundle={self._bundle}", self._name),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def output(self) -> str:
        """All that it printed so far."""
        self._log.seek(0)
        return self._log.read()

    def running(self) -> bool:
        """Whether it has not ended by itself; then what it said is the failure."""
        assert self._process.poll() is None, self.output()
        return True

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for its end, and give its exit code."""
        return self._process.wait(seconds)

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        tools.run(*self._runc("kill"), self._name, "TERM")
        return self.wait()

    def _runc(self, command: str) -> list[str]:
        return ["runc", f"--root={self._state}", command]

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.output())
        if self._process.poll() is None:
            tools.run(*self._runc("delete"), "--force", self._name)
            self._process.wait(SECONDS)
        self._log.close()
