"""What a source tells, whichever it is: events with their text, and what is to be known about their order.

In come encoded entries of the journal, out go typed items. Reading is lenient: fields, severities and phases that a
newer bridge adds pass through.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class Incident(msgspec.Struct, gc=False):
    """The failure that an event belongs to."""

    id: str = ""
    kind: str = ""
    phase: str = ""
    since: str = ""


class Entry(msgspec.Struct, gc=False):
    """What is read of an entry: of a state hardly anything, of an event what a line says."""

    op: str = ""
    type: str = ""
    kind: str = ""
    namespace: str = ""
    time: str = ""
    sequence: int = 0
    subject: str = ""
    severity: str = "info"
    incident: Incident | None = None
    detail: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name of the object that it is about."""
        return self.subject.rpartition("/")[2]


class Event(NamedTuple):
    """Something happened; `opening` is whether it had happened before anybody listened, and is not over."""

    entry: Entry
    encoded: bytes
    opening: bool = False


class Listed(NamedTuple):
    """All that was open has been told; what comes from here on is news."""


class Gap(NamedTuple):
    """What was missed cannot be told; what is open follows."""

    reason: str


class Over(NamedTuple):
    """So many failures that had been told are over, and how they ended was missed."""

    failures: int


Item = Event | Listed | Gap | Over

_decoder = msgspec.json.Decoder(Entry)


def read(encoded: bytes | memoryview | msgspec.Raw) -> Entry:
    """Read one encoded entry.

    Raises:
        msgspec.DecodeError: where it is none.

    """
    return _decoder.decode(encoded)
