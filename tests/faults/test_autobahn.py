"""Autobahn's cases against the socket layer as the bridge runs it; what fails is known by name and reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from kubedom_bridge import protocol

ROOT = Path(__file__).parents[2]
ALL_CASES = 517
# Longer than the longest message of the cases.
NO_LIMIT_BYTES = 2**24 + 1

TOO_LONG = "the message is longer than a page's may be, and is refused with 1009"
FRAGMENTED = "a message in more than websockets' 4,096 fragments is refused with 1009, whatever its size"
COMPRESSED = "compression is not offered: one compressed message could become any number of bytes here"
ACCEPTED = {
    "7.1.5": "a fragmented message that a close frame interrupts ends with 1002 in websockets; the page is closing",
    **dict.fromkeys((f"9.{kind}.{number}" for kind in (1, 2) for number in range(2, 7)), TOO_LONG),
    **dict.fromkeys((f"9.{kind}.{number}" for kind in (3, 4) for number in range(1, 10)), TOO_LONG),
    **dict.fromkeys((f"9.{kind}.{number}" for kind in (5, 6) for number in range(1, 7)), TOO_LONG),
    **dict.fromkeys((f"12.{kind}.{number}" for kind in range(1, 6) for number in range(1, 19)), COMPRESSED),
    **dict.fromkeys((f"13.{kind}.{number}" for kind in range(1, 8) for number in range(1, 19)), COMPRESSED),
}
ACCEPTED_WITHOUT_LIMIT = dict.fromkeys(("9.3.1", "9.3.2", "9.4.1", "9.4.2"), FRAGMENTED)


class Verdict(NamedTuple):
    passed: bool
    behavior: str
    closing: str
    code: int | None


def verdicts(max_size: int, *cases: str) -> dict[str, Verdict]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.conformance", f"--max-size={max_size}", *cases],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return {case: Verdict(*verdict) for case, verdict in json.loads(done.stdout).items()}


def test_only_the_cases_that_are_accepted_fail() -> None:
    found = verdicts(protocol.MAX_MESSAGE_BYTES, "*")
    assert len(found) == ALL_CASES
    failures = {case: verdict for case, verdict in found.items() if not verdict.passed}
    assert failures.keys() == ACCEPTED.keys()
    assert {failures[case].code for case, reason in ACCEPTED.items() if reason == TOO_LONG} == {1009}
    unimplemented = {case for case, verdict in failures.items() if verdict.behavior == "UNIMPLEMENTED"}
    assert unimplemented == {case for case, reason in ACCEPTED.items() if reason == COMPRESSED}


def test_without_the_limit_on_messages_only_too_many_fragments_are_refused() -> None:
    found = verdicts(NO_LIMIT_BYTES, "9.*")
    failures = {case: verdict for case, verdict in found.items() if not verdict.passed}
    assert failures.keys() == ACCEPTED_WITHOUT_LIMIT.keys()
    assert {verdict.code for verdict in failures.values()} == {1009}
