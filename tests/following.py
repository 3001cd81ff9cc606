"""`kubedom events` as its users start it: the installed command, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tests.running import KUBEDOM, wait_for


class Following:
    """A running `kubedom events`, whose lines are read as they come."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the run
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [KUBEDOM, "events", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"KUBECONFIG": ""} | dict(environment or {}),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def events(self) -> list[dict[str, Any]]:
        """What came so far, of the output json."""
        return [json.loads(line) for line in tuple(self.lines)]

    def said(self) -> str:
        """What it said on standard error so far."""
        return os.pread(self._log.fileno(), 1_000_000, 0).decode()

    def started(self) -> None:
        """Wait until it listens: from then on what happens is told."""
        wait_for("that it listens", lambda: self.lines or "No failure is open" in self.said() or self._ended())

    def _ended(self) -> bool:
        assert self._process.poll() in {None, 0}, self.said()
        return self._process.poll() is not None

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for its end, and give its exit code."""
        code = self._process.wait(seconds)
        self._reader.join(5)
        return code

    def interrupt(self) -> int:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def __enter__(self) -> Following:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        said = self.said()
        self._log.close()
        if kind is None:
            assert "Traceback" not in said, said
        else:
            print("\n".join(self.lines), said, sep="\n")
