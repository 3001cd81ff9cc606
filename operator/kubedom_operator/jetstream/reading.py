"""What a log told, as an operator goes on from it: in comes a whole copy of the log, out come its entries. Pure.

The states of a large cluster are never all decoded at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kubedom_bridge.jetstream.copy import Copy
from kubedom_bridge.protocol import EventEntry, StateEntry
from kubedom_bridge.records import Record
from kubedom_operator.resuming import Told


class _Standing(StateEntry, kw_only=True, tag="upsert", tag_field="op"):
    """A state that is only kept to be told again as it was."""

    object: msgspec.Raw


_state = msgspec.json.Decoder(_Standing).decode
_event = msgspec.json.Decoder(EventEntry).decode


def told_of(copy: Copy) -> Told:
    """Read what was told."""
    snapshot = copy.snapshot()
    return Told(
        states=_Decoded(list(snapshot.states)),
        incidents=_objects(snapshot.incidents),
        events=_objects(record for record in copy.replay(copy.floor) or () if record.op == "event"),
    )


def states_of(copy: Copy) -> dict[str, StateEntry]:
    """The last state of each object, by uid."""
    return {record.uid: _state(record.encoded) for record in copy.snapshot().states}


def incidents_of(copy: Copy) -> dict[str, EventEntry]:
    """The last event of each open incident, by the incident's id."""
    events = [_event(record.encoded) for record in copy.snapshot().incidents]
    return {event.incident.id: event for event in events if event.incident is not None}


class _Decoded(Iterable[Mapping[str, Any]]):
    """Records, each of which is decoded when it is its turn."""

    def __init__(self, records: Collection[Record]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for record in self._records:
            yield msgspec.json.decode(record.encoded)


def _objects(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(record.encoded) for record in records]
