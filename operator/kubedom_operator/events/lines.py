"""How an event looks on a terminal, and in the other outputs. Pure: in goes an event, out comes one line.

What a cluster's objects say is shown without control characters, which could make a terminal do things, and without
line ends. Columns are as wide as the widest that was shown so far, up to a bound.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import click

from .items import Entry, Event

Output = Literal["text", "json", "name"]
OUTPUTS: tuple[Output, ...] = ("text", "json", "name")
TIME_WIDTH = len("2030-01-31T12:00:00Z")
SEVERITY_WIDTH = len("critical")
#: An object's or a type's column is at least and at most so wide.
OBJECT_WIDTHS = (24, 60)
TYPE_WIDTHS = (16, 28)
_COLOURS = {"critical": "bright_red", "error": "red", "warning": "yellow"}


class Lines:
    """Writes lines of one output.

    Args:
        output: Which one.
        colour: Whether severities have colours.
        verbose: Whether a failure's line says what to do next.

    """

    def __init__(self, output: Output, *, colour: bool = False, verbose: bool = False) -> None:
        self._output = output
        self._colour = colour
        self._verbose = verbose
        self._object_width, self._type_width = OBJECT_WIDTHS[0], TYPE_WIDTHS[0]
        # What was last said of each open failure.
        self._said: dict[str, tuple[str, ...]] = {}

    def all_of(self, events: Collection[Event]) -> list[str]:
        """Write several at once, in columns that fit them all; in text the longest open comes first."""
        if self._output == "text":
            events = sorted(events, key=_when)
            for event in events:
                self._fit(event.entry)
        return [line for event in events if (line := self.one(event)) is not None]

    def one(self, event: Event) -> str | None:
        """Write one; None where in text it would only say again what was said last of its failure."""
        if self._output == "json":
            return event.encoded.decode()
        if self._output == "name":
            return f"{event.entry.kind.lower()}/{_shown(event.entry.name)}"
        return None if self._said_before(event.entry) else self._text(event)

    def _said_before(self, entry: Entry) -> bool:
        incident = entry.incident
        if incident is None:
            return False
        if incident.phase == "end":
            self._said.pop(incident.id, None)
            return False
        said = (entry.type, entry.severity, str(entry.detail.get("message")))
        before, self._said[incident.id] = self._said.get(incident.id), said
        return incident.phase == "update" and said == before

    def _text(self, event: Event) -> str:
        entry = event.entry
        self._fit(entry)
        severity = f"{_shown(entry.severity):<{SEVERITY_WIDTH}}"
        ended = entry.incident is not None and entry.incident.phase == "end"
        if self._colour and (colour := "green" if ended else _COLOURS.get(entry.severity)):
            severity = click.style(severity, fg=colour, bold=entry.severity == "critical" or None)
        columns = (
            f"{_seconds(_when(event)):<{TIME_WIDTH}}",
            severity,
            f"{_object(entry):<{self._object_width}}",
            f"{_shown(entry.type):<{self._type_width}}",
            self._message(
                entry, begins=event.opening or (entry.incident is not None and entry.incident.phase == "begin")
            ),
        )
        return "  ".join(columns).rstrip()

    def _message(self, entry: Entry, *, begins: bool) -> str:
        detail = entry.detail
        message = str(detail.get("message") or detail.get("reason") or "")
        if action := detail.get("action"):
            message = f"{action}: {message}" if message else str(action)
        if self._verbose and begins and (step := detail.get("nextStep")):
            message = f"{message} Next: {step}"
        return _shown(message)

    def _fit(self, entry: Entry) -> None:
        self._object_width = _wider(self._object_width, _object(entry), OBJECT_WIDTHS[1])
        self._type_width = _wider(self._type_width, entry.type, TYPE_WIDTHS[1])


def _wider(width: int, text: str, most: int) -> int:
    return max(width, min(len(text), most))


def _object(entry: Entry) -> str:
    # An event of a namespace has its own name in both places.
    parts = (entry.kind, entry.namespace if entry.kind != "Namespace" else "", entry.name)
    return _shown("/".join(part for part in parts if part))


def _when(event: Event) -> str:
    """When it happened; of a failure that was open already, since when it is."""
    incident = event.entry.incident
    return incident.since if event.opening and incident is not None and incident.since else event.entry.time


def _seconds(time: str) -> str:
    """A time of RFC 3339 without fractions of a second."""
    whole, point, _ = time.partition(".")
    return _shown(f"{whole}Z" if point else time)


def _shown(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
