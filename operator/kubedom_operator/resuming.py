"""What was told before this process began, taken up so that nothing of it is told again and nothing is left open.

In comes what a log has: the last state of every object, the open incidents and the latest events, as decoded JSON. It
is read into a `Before`, and `restore` fills with it what a pipeline knows. Of what cannot be read any more, because an
older version told it, as much is kept as is needed to end it.

Pure: the clock's value is passed in, and nothing is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import msgspec

from kubedom_bridge.protocol import EventEntry, StateEntry

from . import telling
from .diagnosis import CATALOGUE, Failure, FailureKind, Settings, diagnose, workload_of
from .diagnosis.members import BY_WORKLOAD
from .incidents import Incident, IncidentTracker, as_json
from .mirror import Mirror
from .projection import KINDS, Metadata, Minimal, UnreadableObject, from_object, minimal, seconds
from .rollups import RollUps, Workload

#: As far back as events are to be handed in; what is older counts as told if whoever told it lived that long.
RECENT_SECONDS = 600.0

_EDGES = {(kind.resource, kind.event): kind for kind in CATALOGUE.values() if kind.edge}
_ROLLED_UP = {kind.name for kind in BY_WORKLOAD.values()}

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """What a log has; each entry is its JSON, decoded.

    Args:
        states: The last `StateEntry` of every object that was not told as gone.
        incidents: Of every open incident the last `EventEntry`.
        events: The `EventEntry`s of the last `RECENT_SECONDS`, oldest first.
        until: When the log was written last, in seconds since the epoch, where it knows more than its entries tell;
            events that it has forgotten count.

    """

    states: Iterable[Mapping[str, Any]] = ()
    incidents: Iterable[Mapping[str, Any]] = ()
    events: Iterable[Mapping[str, Any]] = ()
    until: float = 0.0


class State(NamedTuple):
    """An object as it was told last: its projection, and what was told beside it."""

    kind: str
    obj: Any
    beside: tuple[Any, Any]


class Before(NamedTuple):
    """What was told, read. `until` is when that ended, in seconds since the epoch."""

    states: list[State]
    incidents: list[EventEntry]
    events: list[EventEntry]
    until: float


def read(told: Told) -> Before:
    """Read what was told; an entry that is none is left out, and the log says how many there were.

    States are taken in one after the other: all of them at once, as JSON, are many times as large as what is kept.
    """
    states, latest = [], 0.0
    for state in _each(told.states, StateEntry):
        latest = max(latest, seconds(state.time) or 0.0)
        if state.uid:
            states.append(State(state.kind, _projection(state), (state.display, state.workload)))
    incidents = [entry for entry in _each(told.incidents, EventEntry) if entry.incident is not None]
    events = list(_each(told.events, EventEntry))
    latest = max(latest, *(seconds(entry.time) or 0.0 for entry in (*incidents, *events)), 0.0)
    return Before(states, incidents, events, told.until or latest)


def restore(
    before: Before, mirror: Mirror, incidents: IncidentTracker, rollups: RollUps, settings: Settings, now: float
) -> None:
    """Fill what is known of a cluster with what was told of it."""
    for state in before.states:
        mirror.put(state.kind, state.obj)
    together = []
    for entry in before.incidents:
        if mirror.get(entry.kind, entry.uid) is None:
            mirror.put(entry.kind, _unseen(entry))
        incident = _incident(entry)
        if incident.failure.kind in _ROLLED_UP:
            together.append((entry, incident))
        else:
            incidents.restore(entry.uid, incident, CATALOGUE.get(incident.failure.kind) or _retired(entry))
    for kind in mirror.kinds():
        for obj in mirror.objects(kind):
            if not isinstance(obj, Minimal):
                incidents.recall(obj.metadata.uid, diagnose(obj, mirror.related(kind, obj), now, settings))
    for uid in dict.fromkeys(entry.uid for entry in before.incidents if entry.kind == "Pod"):
        pod = mirror.get("Pod", uid)
        owner = workload_of(pod) if pod is not None else None
        if pod is not None and owner is not None:
            found = [(family, each) for family, each in incidents.families_of(uid) if each.failure.kind in CATALOGUE]
            workload = Workload(owner.kind, pod.metadata.namespace, owner.name)
            rollups.observe(workload, uid, pod.metadata.name, found)
    for entry, incident in together:
        obj = mirror.get(entry.kind, entry.uid) or _unseen(entry)
        if not rollups.restore(Workload(entry.kind, obj.metadata.namespace, obj.metadata.name), incident):
            incidents.restore(entry.uid, incident, CATALOGUE[incident.failure.kind])


def still_open(before: Before) -> list[EventEntry]:
    """Tell the open incidents once more, for those who have to know what is open: each as it began."""
    return [
        msgspec.structs.replace(entry, incident=msgspec.structs.replace(entry.incident, phase="begin"), replayed=True)
        for entry in before.incidents
        if entry.incident is not None
    ]


def edge(uid: str, kind: str, detail: Mapping[str, Any]) -> tuple[str, str, bytes]:
    """Tell one edge from all others, by what is said of it."""
    return uid, kind, as_json(detail)


def edges(before: Before) -> set[tuple[str, str, bytes]]:
    """The edges that were told lately."""
    return {
        edge(entry.uid, _EDGES[entry.kind, entry.type].name, telling.heard(entry))
        for entry in before.events
        if entry.incident is None and (entry.kind, entry.type) in _EDGES
    }


def _each(given: Iterable[Mapping[str, Any]], wanted: type[T]) -> Iterator[T]:
    unread = 0
    for each in given:
        try:
            yield msgspec.convert(each, wanted)
        except msgspec.ValidationError:
            unread += 1
    if unread:
        log.warning("%d entries of what was told before cannot be read; they are left as they are.", unread)


def _projection(entry: StateEntry) -> Any:
    body = entry.object
    # Of an object that could not be read no more was told than this.
    if entry.kind in KINDS and isinstance(body, Mapping) and body.keys() - {"metadata"}:
        try:
            obj = from_object(entry.kind, body)
        except UnreadableObject:
            obj = minimal(entry.kind, body)
    else:
        obj = minimal(entry.kind, body)
    if obj.metadata.uid != entry.uid:
        obj.metadata = Metadata(namespace=entry.namespace, uid=entry.uid)
    return obj


def _unseen(entry: EventEntry) -> Minimal:
    """Stand in for an object of which only the incident is known."""
    return Minimal(Metadata(name=entry.subject.rpartition("/")[2], namespace=entry.namespace, uid=entry.uid))


def _incident(entry: EventEntry) -> Incident:
    told = entry.incident
    assert told is not None
    detail = telling.heard(entry)
    failure = Failure(
        kind=told.kind,
        container=told.container,
        role=str(detail.get("role") or ""),
        reason=str(detail.pop("reason", "")),
        message=str(detail.pop("message", "")),
        severity=entry.severity,
        detail=detail,
    )
    return Incident(told.id, seconds(told.since) or seconds(entry.time) or 0.0, failure)


def _retired(entry: EventEntry) -> FailureKind:
    """Make up the row of a failure that the catalogue has no longer, in a family that nothing else belongs to."""
    assert entry.incident is not None
    name, resource = entry.incident.kind, entry.kind
    return FailureKind(
        name=name,
        resource=resource,
        family=f"retired-{name}",
        event=entry.type,
        recovery_event=f"{resource[:1].lower()}{resource[1:]}Recovered",
        severity=entry.severity,
        rule="An earlier version told of it.",
        next_step="",
        speaks_of=entry.speaks_of,
    )
