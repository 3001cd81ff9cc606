"""A bridge in another process (`attacked.py`), and how a test speaks to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from .wire import TEXT, Wire, frame

ROOT = Path(__file__).parents[2]
OPEN_SECONDS = 1
EVENT_BYTES = 1024


@dataclass
class Attacked:
    """The bridge of another process."""

    process: subprocess.Popen[str]
    port: int
    cookie: str
    log: Path

    def _ask(self, line: str) -> int:
        for pipe, act in ((self.process.stdin, "write"), (self.process.stdout, "read")):
            assert pipe is not None, act
        stdin, stdout = cast(IO[str], self.process.stdin), cast(IO[str], self.process.stdout)
        stdin.write(line + "\n")
        stdin.flush()
        return int(stdout.readline())

    def publish(self, count: int, size: int = EVENT_BYTES) -> int:
        """Publish events; gives the journal's head."""
        return self._ask(f"publish {count} {size}")

    def resident_bytes(self) -> int:
        return self._ask("rss")

    def open(self, **how: Any) -> Wire:
        """Shake hands; `hello` is read."""
        wire = Wire(self.port, cookie=self.cookie, **how)
        assert wire.response.startswith("HTTP/1.1 101 "), wire.response
        assert json.loads(wire.read().payload)["type"] == "hello"
        return wire

    def subscribed(self, **how: Any) -> Wire:
        wire = self.open(**how)
        wire.send(frame(b'{"type":"subscribe"}'))
        return wire

    def serves(self) -> bool:
        """Whether a page can sign on and hears of what happens, and nothing unexpected was logged."""
        with self.subscribed() as page:
            read_until(page, "snapshotEnd")
            head = self.publish(1)
            entries = messages(page)["entries"]
        assert "Traceback" not in self.log.read_text()
        assert " failed" not in self.log.read_text()
        return [entry["sequence"] for entry in entries] == [head]


@contextlib.contextmanager
def attacked_bridge(folder: Path, *options: str) -> Iterator[Attacked]:
    """Start one; its log is kept in the folder."""
    log = folder / "log"
    command = [sys.executable, "-W", "error", "-m", "tests.faults.attacked", f"--open-seconds={OPEN_SECONDS}", *options]
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        started = json.loads(process.stdout.readline() or "{}")
        assert started, log.read_text()
        yield Attacked(process, started["port"], started["cookie"], log)
        process.stdin.close()
    assert process.returncode == 0, log.read_text()


def messages(wire: Wire) -> Any:
    """The next message, past the heartbeats."""
    while True:
        got = wire.read()
        assert got.opcode == TEXT, got
        message = json.loads(got.payload)
        if message["type"] != "heartbeat":
            return message


def read_until(wire: Wire, kind: str) -> None:
    while messages(wire)["type"] != kind:
        pass
