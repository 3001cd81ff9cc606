"""`kubedom run` as its users start it: the installed command, in a process of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
KUBEDOM = Path(sys.executable).with_name("kubedom")
# The sign-in link, or the page's own address where users sign in with a token.
_LINK = re.compile(r"(http://127\.0\.0\.1:(\d+))/(?:signin\?\S+|(?=;))")


class KubedomRun:
    """A running `kubedom run`; leaving the context ends it, and holds it to a quiet end.

    `link` is the sign-in link that it printed, `origin` the page's address without a path. `environment` is added to
    ours.
    """

    def __init__(
        self, *arguments: str, port: int = 0, seconds: float = 60.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the run
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [KUBEDOM, "run", "--no-open", f"--port={port}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # So that a link is read when it is printed, not when a buffer is full.
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._ready.wait(seconds)
        found = _LINK.search("\n".join(self.lines))
        if found is None:
            output = self.output()
            self.kill()
            raise AssertionError(f"kubedom run printed no link:\n{output}")
        self.link, self.origin, self.port = found[0], found[1], int(found[2])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            if _LINK.search(line):
                self._ready.set()
        self._ready.set()

    def get(self, path: str, port: int = 0) -> tuple[int, str]:
        """Ask for a path of the page's port, or another one of it, without signing in; the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def output(self) -> str:
        """All that it printed so far."""
        self._log.flush()
        self._log.seek(0)
        return "".join(self.lines) + self._log.read()

    def killed(self) -> bool:
        """Whether it has been killed; any other end is a failure."""
        code = self._process.poll()
        assert code in {None, -signal.SIGKILL}, self.output()
        return code is not None

    def kill(self) -> None:
        """End it as the kernel would, without a chance to tidy up."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._close()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self._process.poll() is not None:
            self._close()
            return
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("kubedom run did not end within 30 s of Ctrl-C") from None
        output = self.output()
        self._close()
        assert code == 0, f"kubedom run ended with {code}:\n{output}"
        assert "Traceback" not in output, output

    def _close(self) -> None:
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> KubedomRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log.closed:
            return
        if kind is None:
            self.stop()
        else:
            print(self.output())
            self.kill()


def wait_for(what: str, condition: Callable[[], T], seconds: float = 60.0) -> T:
    """Ask until the answer is true, and give it."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"It never came: {what}"
        time.sleep(0.1)
    return answer
