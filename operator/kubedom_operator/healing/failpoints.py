"""Points at which a test can have the operator killed, to show that the next one finishes what this one began.

In goes the environment variable `KUBEDOM_FAILPOINT`, read when a point is reached; at the point of that name the
process kills itself as the kernel would, with nothing tidied up. Without the variable nothing happens.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

VARIABLE = "KUBEDOM_FAILPOINT"

Point = Literal["before-pin", "after-pin", "before-effect", "after-effect", "before-final-status", "after-final-status"]
POINTS: tuple[Point, ...] = (
    "before-pin",
    "after-pin",
    "before-effect",
    "after-effect",
    "before-final-status",
    "after-final-status",
)


def reach(point: Point) -> None:
    """Pass a point, or end here where the environment says so."""
    if os.environ.get(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)
