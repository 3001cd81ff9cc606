"""`kubedom operator` and `kubedom bridge` as a cluster runs them: the installed command, in processes of their own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tests.running import KUBEDOM, wait_for

from kubedom_operator.local.ports import free_ports


class Apart:
    """A running half of kubedom; leaving the context ends it as the kubelet does, and holds it to a quiet end.

    `origin` is the page's address without a path, where it has one, at `port` or a free one. `environment` is added to
    ours.
    """

    def __init__(
        self, command: str, *arguments: str, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed with the process
        self.command = command
        self.probe_port, free = free_ports(2)
        self.port = port or free
        self.origin = f"http://127.0.0.1:{self.port}"
        addresses = [f"--probe-port={self.probe_port}", "--probe-host=127.0.0.1"]
        if command == "bridge":
            addresses += [f"--port={self.port}", "--host=127.0.0.1"]
        self._process = subprocess.Popen(
            [KUBEDOM, command, *addresses, "--log-format=json", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            text=True,
            env=os.environ | dict(environment or {}),
        )

    def output(self) -> str:
        """All that it wrote so far."""
        self._log.flush()
        with open(self._log.fileno(), closefd=False) as again:
            again.seek(0)
            return again.read()

    def lines(self, level: str = "") -> list[dict[str, Any]]:
        """The lines of its log, all or those of one level; each is an object."""
        lines = [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]
        return [line for line in lines if level in {"", line["level"]}]

    def probe(self, path: str) -> tuple[int, str]:
        """What it answers to a probe; 0 where nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.probe_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def ready(self, seconds: float = 90.0) -> Apart:
        """Wait until it is ready."""
        wait_for(
            f"the readiness of the {self.command}", lambda: self._runs() and self.probe("/readyz")[0] == 200, seconds
        )
        return self

    def ended(self, seconds: float = 60.0) -> int:
        """Wait for its end, and give its exit code."""
        code = self._process.wait(seconds)
        assert "Traceback" not in self.output(), self.output()
        return code

    def ask_to_end(self) -> None:
        """Tell it to end, as the kubelet does."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as the kernel would, without a chance to tidy up."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _runs(self) -> bool:
        assert self._process.poll() is None, f"the {self.command} ended by itself:\n{self.output()}"
        return True

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                print(f"--- {self.command}\n{self.output()}")
                self.kill()
            elif self._process.poll() is None:
                self.ask_to_end()
                code = self.ended()
                assert code == 0, f"the {self.command} ended with {code}:\n{self.output()}"
        finally:
            self.kill()
            self._log.close()
