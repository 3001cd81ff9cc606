"""What an exit code means, in words."""

from __future__ import annotations

_CODES = {
    1: "the application reported an error",
    2: "the application was used wrongly or reported an error",
    125: "the container runtime could not run it",
    126: "the command is not executable",
    127: "the command was not found",
    128: "it could not be started",
    134: "it aborted (SIGABRT)",
    135: "it was stopped by a bus error (SIGBUS)",
    136: "it was stopped by an arithmetic error (SIGFPE)",
    137: "it was killed (SIGKILL; possibly out of memory)",
    139: "it crashed with a segmentation fault (SIGSEGV)",
    143: "it was asked to end (SIGTERM)",
    255: "it ended with an exit code out of range, or its node went down",
}


def meaning(code: int | None) -> str:
    """Say in words what the code stands for; empty for a code that every application defines for itself."""
    if code is None:
        return ""
    return _CODES.get(code) or (f"it was ended by signal {code - 128}" if 128 < code < 193 else "")
