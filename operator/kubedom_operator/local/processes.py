"""The processes of a local cluster, and no others.

kwokctl leaves a file with the process id of each component. After a reboot such a number can belong to any program, so
a process counts as a component only if it runs the cluster's own path of that binary, and only then is it ended.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

_TERM_SECONDS = 8.0
_EXEC_SECONDS = 5.0


@dataclass(frozen=True)
class Component:
    """One process of a cluster.

    Args:
        name: Its name, as kwokctl has it.
        binary: Its path inside the cluster's folder.
        arguments: Its arguments.
        environment: What is set for it.
        folder: The cluster's folder, where its process id and its log are.

    """

    name: str
    binary: Path
    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """The component's log."""
        return self.folder / "logs" / f"{self.binary.stem}.log"

    @property
    def pid_file(self) -> Path:
        """The file with its process id, which kwokctl reads and writes too."""
        return self.folder / "pids" / f"{self.binary.stem}.pid"

    def pid(self) -> int | None:
        """Return the id of its running process, if it has one."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return pid if _runs(pid, self.binary) else None

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.pid() is not None:
            return
        self.log.parent.mkdir(exist_ok=True)
        self.pid_file.parent.mkdir(exist_ok=True)
        # Through a shell that ends at once, so that the process is nobody's child and leaves no zombie in a test run.
        script = '"$@" >>"$LOG" 2>&1 </dev/null & printf %s $! >"$PID_FILE"'
        subprocess.run(
            ["/bin/sh", "-c", script, "start", self.binary, *self.arguments],
            cwd=self.folder,
            env=os.environ | self.environment | {"LOG": str(self.log), "PID_FILE": str(self.pid_file)},
            check=True,
            start_new_session=True,
        )
        # Until the shell's child has become the component it would count as one that has ended.
        pid = int(self.pid_file.read_text(encoding="ascii"))
        deadline = time.monotonic() + _EXEC_SECONDS
        while _send(pid, 0) and not _runs(pid, self.binary) and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self, *, kill: bool = False) -> None:
        """End it, if it runs; with `kill` without a chance to tidy up."""
        pid = self.pid()
        if pid is not None:
            _send(pid, signal.SIGKILL if kill else signal.SIGTERM)
            deadline = time.monotonic() + _TERM_SECONDS
            while not _gone(pid):
                if time.monotonic() > deadline:
                    _send(pid, signal.SIGKILL)
                time.sleep(0.02)
        self.pid_file.unlink(missing_ok=True)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on, as its arguments have them."""
        found = set()
        for argument in self.arguments:
            key, _, value = argument.partition("=")
            if key in {"--secure-port", "--listen-client-urls", "--listen-peer-urls", "--server-address"}:
                found.add(int(value.rpartition(":")[2]))
        return tuple(sorted(found))


def components(folder: Path) -> dict[str, Component]:
    """Read the components of the cluster in `folder`, in the order in which they start; none if it was never made."""
    try:
        text = folder.joinpath("kwok.yaml").read_text(encoding="utf-8")
    except OSError:
        return {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for document in yaml.load_all(text, Loader=loader):
        for entry in (document or {}).get("components") or ():
            found[entry["name"]] = Component(
                name=entry["name"],
                binary=Path(entry["binary"]),
                arguments=tuple(entry.get("args") or ()),
                environment={item["name"]: item["value"] for item in entry.get("envs") or ()},
                folder=folder,
            )
    return found


def _runs(pid: int, binary: Path) -> bool:
    try:
        # Empty for a zombie, which is a process that runs no more.
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        if Path("/proc/self").exists():
            return False
        # No /proc on this system; ps prints the arguments joined.
        answer = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
        return answer.stdout.startswith((f"{binary} ", f"{shlex.quote(str(binary))} "))
    return command == str(binary)


def _gone(pid: int) -> bool:
    # A process that ends gives up its command line first and its sockets with its last thread: only then can its ports
    # be used again. As a zombie it is gone; who reaps it, and when, is not known here.
    process = Path(f"/proc/{pid}")
    try:
        state = process.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state in {"Z", "X"} and len(list(process.joinpath("task").iterdir())) <= 1
    except OSError:
        return not _send(pid, 0)


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
