"""A NATS server of a test's own, on loopback: the real program, which can be killed, frozen and started again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from kubedom_operator.local.ports import free_ports

PROGRAM = Path(sys.executable).with_name("nats-server")


class NatsServer:
    """A nats-server with JetStream; the context starts and ends it.

    Args:
        folder: Where it keeps its streams and writes its log; what is in it outlives a kill.
        config: Further lines of its configuration file, such as users with their permissions.

    """

    def __init__(self, folder: Path, config: str = "") -> None:
        self._folder = folder
        (self.port,) = free_ports(1)
        self.url = f"nats://127.0.0.1:{self.port}"
        self._config = folder / "nats.conf"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        store = json.dumps(str(folder / "store"))
        lines = (f'listen: "127.0.0.1:{self.port}"', f"jetstream {{ store_dir: {store} }}", config)
        self._config.write_text("\n".join(lines) + "\n")

    def start(self, seconds: float = 60.0) -> None:
        """Start it, on the same port and with the same streams as before, and wait until it takes clients."""
        assert self._process is None, "it runs already"
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "--config", self._config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + seconds
        while not self._answers():
            assert self._process.poll() is None, f"nats-server ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"nats-server takes no clients:\n{self.log()}"
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Its process, as long as it runs."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as the kernel would, without a chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Let it do nothing more, with its connections open, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """All that it wrote so far."""
        return (self._folder / "log").read_text(errors="replace")

    def _answers(self) -> bool:
        # It greets clients as soon as its streams are there, and says so.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        # One that is frozen hears of it only when it goes on.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self.kill()
