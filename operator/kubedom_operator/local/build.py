"""Build a part of the control plane from its pinned Go module.

In: a part, a Go toolchain and a folder. Out: the binary in that folder, complete or not there at all. The compiler's
output goes to a log of the part's own; progress goes out line by line.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .errors import BuildFailed
from .pins import Part, Pins
from .toolchain import Tool

Progress = Callable[[str], None]
HEARTBEAT = 15.0


def build(part: Part, *, pins: Pins, go: Tool, folder: Path, log: Path, progress: Progress) -> Path:
    """Build one part into `folder` and return the binary.

    Args:
        part: What to build.
        pins: The folder of the pinned modules, and the linker's flags.
        go: The toolchain.
        folder: An empty folder; what is in it afterwards is either complete or of no use.
        log: Where the compiler's output goes.
        progress: Told every 15 s that the build is still under way.

    Raises:
        BuildFailed: The compiler said no, or could not be run.

    """
    target = folder / part.name
    # -mod=readonly on the command line and not in GOFLAGS: the user's own flags stay as they are, and go.sum decides.
    command = [str(go.path), "build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-tags", part.tags, "-ldflags", pins.ldflags(part), "-o", str(target), part.package]
    environment = os.environ | go.environment | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
    log.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=pins.folder / part.group,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            output.write(f"{command[0]}: {error}\n".encode())
            output.flush()
            raise BuildFailed(part.name, log) from error
        with process:
            try:
                code = _wait(process, lambda: progress(f"building, {time.monotonic() - begun:.0f} s"))
            except BaseException:
                # Ctrl-C, or anything else that ends this build: no compiler is left behind.
                process.terminate()
                raise
    if code != 0 or not target.is_file():
        raise BuildFailed(part.name, log)
    return target


def _wait(process: subprocess.Popen[bytes], beat: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(HEARTBEAT)
        except subprocess.TimeoutExpired:
            beat()
