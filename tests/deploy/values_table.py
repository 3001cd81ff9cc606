"""docs/values.md, made from the chart's values.yaml: `python -m tests.deploy.values_table` writes it.

In: values.yaml, in which the comment above a value is its documentation. Out: a table of every value, its default and
what it is, by the part of the values that it belongs to. A value without a comment is an error.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from tests.deploy.charting import CHART
from tests.deploy.tools import ROOT

VALUES = CHART / "values.yaml"
PAGE = ROOT / "docs" / "values.md"
_KEY = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z]\w*):")
HEAD = """\
<!-- Written by `python -m tests.deploy.values_table` from deploy/helm/kubedom/values.yaml. -->
# The chart's values

What [the chart](install.md) takes; `helm show values deploy/helm/kubedom` prints the same. A name that is not
here is an error.
"""


class Undocumented(ValueError):
    """A value has no comment above it."""


def comments(text: str) -> dict[str, str]:
    """What is said above each key, by its path as `bridge.replicas`.

    Args:
        text: The values, as written.

    Raises:
        Undocumented: with the path of a key above which there is nothing.

    """
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    said: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            said.append(stripped.removeprefix("#").strip())
        elif not stripped:
            said = []
        elif match := _KEY.match(line):
            indent = len(match["indent"])
            path = [*(each for each in path if each[0] < indent), (indent, match["name"])]
            name = ".".join(each for _, each in path)
            # Below a value that is taken as a whole, the keys are its default's and not the chart's.
            if not any(_whole(name, whole) for whole in found):
                if not said:
                    raise Undocumented(f"{name} has no comment above it in values.yaml.")
                found[name] = " ".join(said)
            said = []
    return found


def _whole(name: str, above: str) -> bool:
    return name.startswith(f"{above}.") and above.rpartition(".")[2] in {"resources", "annotations", "labels"}


def page(text: str) -> str:
    """The whole page of these values; single ones come first in them, and then one part after the other."""
    said, values = comments(text), yaml.safe_load(text)
    lines = [HEAD]
    rows: list[str] = []
    for name, about in said.items():
        default = _at(values, name)
        part = isinstance(default, dict) and any(each.startswith(f"{name}.") for each in said)
        if part and "." not in name:
            lines += [*_table(rows), f"## {name}\n\n{about}\n"]
            rows = []
        else:
            rows.append(_row(name, "" if part else default, about))
    return "\n".join([*lines, *_table(rows)]).rstrip() + "\n"


def _at(values: Any, name: str) -> Any:
    for each in name.split("."):
        values = values[each]
    return values


def _row(name: str, default: Any, about: str) -> str:
    shown = "" if default == "" else f"`{json.dumps(default, separators=(', ', ': ')).strip(chr(34))}`"
    return f"| `{name}` | {shown} | {about} |".replace("|  |", "| |")


def _table(rows: list[str]) -> list[str]:
    return ["| value | default | what it is |", "|---|---|---|", *rows, ""] if rows else []


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(VALUES.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
