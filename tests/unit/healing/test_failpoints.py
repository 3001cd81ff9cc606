"""A fail point ends the process at once, and only where it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kubedom_operator.healing import failpoints

SCRIPT = """
from kubedom_operator.healing import failpoints
for point in failpoints.POINTS:
    print(point, flush=True)
    failpoints.reach(point)
"""


@pytest.mark.parametrize("named", ["", "no-such-point", *failpoints.POINTS])
def test_the_process_ends_at_the_named_point(named: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {failpoints.VARIABLE: named},
        capture_output=True,
        text=True,
        check=False,
    )
    reached = done.stdout.split()
    if named in failpoints.POINTS:
        assert (done.returncode, reached[-1]) == (-signal.SIGKILL, named)
    else:
        assert (done.returncode, tuple(reached)) == (0, failpoints.POINTS)
