"""docs/healing.md has every action with its targets and parameters, and every phase."""

from __future__ import annotations

import re
from pathlib import Path

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_operator.healing.announce import EVENTS
from kubedom_operator.healing.crds import PHASES

PAGE = (Path(__file__).parents[3] / "docs" / "healing.md").read_text(encoding="utf-8")


def test_the_table_of_the_actions_is_the_catalogue() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \| ([\w, ]+) \| (.*?) ?\| .+ \|$", PAGE)
    told = {
        name: (
            tuple(targets.split(", ")),
            set(re.findall(r"\*\*`(\w+)`\*\*", given)),
            set(re.findall(r"`(\w+)`", given)),
        )
        for name, targets, given in rows
    }
    assert told == {
        each.name: (each.targets, set(each.required), {*each.required, *each.optional})
        for each in ACTION_KINDS.values()
    }


def test_every_phase_and_event_is_told() -> None:
    assert tuple(re.findall(r"(?m)^\| `(\w+)` \| [^|]+ \|$", PAGE)) == PHASES
    assert set(EVENTS.values()) <= set(re.findall(r"`(\w+)`", PAGE))
