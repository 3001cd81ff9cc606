"""Incidents: each failure begins once and ends once.

In comes the diagnosis of an object, each time it is made; out go the differences to what was known: a failure that
begins, one that changes, one that is over. One incident is kept for each object, container and family, so a failure
that changes its reason or grows worse (a container that died begins to crash loop) goes on under the same id. What has
no timestamp of its own must be seen for its hold time first; that time is kept here.

Pure: the clock's value is passed in, and nothing is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from .diagnosis import CATALOGUE, Diagnosis, Failure, FailureKind

Key = tuple[str, str]


class Incident(NamedTuple):
    """A failure that is open. `since` is when it began, in seconds since the epoch."""

    id: str
    since: float
    failure: Failure


class Change(NamedTuple):
    """A difference to what was known. An edge is over as it begins and is told once, with no end."""

    phase: Literal["begin", "update", "end", "edge"]
    incident: Incident
    kind: FailureKind


class _Held(NamedTuple):
    first_seen: float
    #: None where it was held before the start and nobody remembers.
    progress: str | None


class Verdict(NamedTuple):
    """What changed, and when to diagnose the object again at the latest (None: when it changes)."""

    changes: list[Change]
    recheck: float | None


NOTHING = Verdict([], None)


class IncidentTracker:
    """What is open, by object.

    Args:
        cluster: The cluster's name, part of every id.
        catalogue: The failure kinds by name.

    """

    def __init__(self, cluster: str, catalogue: Mapping[str, FailureKind] = CATALOGUE) -> None:
        self._cluster = cluster
        self._catalogue = catalogue
        self._open: dict[str, dict[Key, Incident]] = {}
        self._held: dict[str, dict[Key, _Held]] = {}
        self._edges: dict[str, dict[Key, Failure]] = {}
        # Ids of those that are known from what was told of them only.
        self._restored: set[str] = set()

    def open_of(self, uid: str) -> list[Incident]:
        """What is open for an object."""
        return list(self._open.get(uid, {}).values())

    def families_of(self, uid: str) -> list[tuple[str, Incident]]:
        """What is open for an object, each with the family that it belongs to."""
        return [(family, incident) for (_, family), incident in self._open.get(uid, {}).items()]

    def count(self) -> int:
        """How many incidents are open."""
        return sum(map(len, self._open.values()))

    def update(self, uid: str, diagnosis: Diagnosis, now: float, *, first: bool = False) -> Verdict:
        """Compare a new diagnosis with what is known of the object.

        Args:
            uid: The object.
            diagnosis: What it shows now.
            now: Seconds since the epoch.
            first: The object is seen for the first time, so what has happened to it already is no news.

        """
        if diagnosis.observing:
            return NOTHING
        if not diagnosis.failures and not diagnosis.pending:
            self._held.pop(uid, None)
            if uid not in self._open:
                return NOTHING if diagnosis.recheck is None else Verdict([], diagnosis.recheck)
        failures, recheck = self._holding(uid, diagnosis, now)
        changes: list[Change] = []
        found: dict[Key, Failure] = {}
        for failure in failures:
            kind = self._catalogue[failure.kind]
            key = (failure.container, kind.family)
            if kind.edge:
                self._edge(uid, key, failure, kind, now, changes, first=first)
            else:
                found.setdefault(key, failure)
        known = self._open.get(uid, {})
        for key in [key for key in known if key not in found]:
            incident = known.pop(key)
            self._restored.discard(incident.id)
            changes.append(Change("end", incident, self._catalogue[incident.failure.kind]))
        for key, failure in found.items():
            before = known.get(key)
            if before is None:
                incident = Incident(self._id(uid, key), now if failure.since is None else failure.since, failure)
                changes.append(Change("begin", incident, self._catalogue[failure.kind]))
            elif before.id in self._restored:
                self._restored.discard(before.id)
                incident = before._replace(failure=failure)
                if _told_otherwise(before.failure, failure):
                    changes.append(Change("update", incident, self._catalogue[failure.kind]))
            elif _differs(before.failure, failure):
                incident = before._replace(failure=failure)
                changes.append(Change("update", incident, self._catalogue[failure.kind]))
            else:
                continue
            known[key] = incident
        if known:
            self._open[uid] = known
        else:
            self._open.pop(uid, None)
        return Verdict(changes, recheck)

    def forget(self, uid: str) -> list[Change]:
        """End all that is open for an object that is gone."""
        self._held.pop(uid, None)
        self._edges.pop(uid, None)
        ended = self._open.pop(uid, {}).values()
        self._restored.difference_update(incident.id for incident in ended)
        return [Change("end", incident, self._catalogue[incident.failure.kind]) for incident in ended]

    def restore(self, uid: str, incident: Incident, kind: FailureKind) -> None:
        """Go on with an incident that was told before the start; its failure's detail may be as JSON has it.

        Args:
            uid: The object.
            incident: As it was told last.
            kind: Its row; one that the catalogue has no longer is ended by the next diagnosis.

        """
        if kind.name not in self._catalogue:
            self._catalogue = {**self._catalogue, kind.name: kind}
        container = incident.failure.container
        self._open.setdefault(uid, {})[container, kind.family] = incident
        self._held.setdefault(uid, {})[container, kind.name] = _Held(incident.since, None)
        self._restored.add(incident.id)

    def recall(self, uid: str, diagnosis: Diagnosis) -> None:
        """Take in what the version of an object shows that was told last: which edges, and how far things had moved."""
        for failure in diagnosis.failures:
            kind = self._catalogue[failure.kind]
            if kind.edge:
                self._edges.setdefault(uid, {})[failure.container, kind.family] = failure
        held = self._held.get(uid, {})
        for failure in diagnosis.pending:
            key = (failure.container, failure.kind)
            if key in held:
                held[key] = held[key]._replace(progress=failure.progress)

    def _holding(self, uid: str, diagnosis: Diagnosis, now: float) -> tuple[list[Failure], float | None]:
        """Add what has been pending for its whole hold time to what holds already."""
        failures, recheck = list(diagnosis.failures), diagnosis.recheck
        held = self._held.pop(uid, {})
        still: dict[Key, _Held] = {}
        for failure in diagnosis.pending:
            key = (failure.container, failure.kind)
            seen = held.get(key)
            if seen is not None and seen.progress is None:
                seen = _Held(seen.first_seen, failure.progress)
            if seen is None or seen.progress != failure.progress:
                seen = _Held(now, failure.progress)
            still[key] = seen
            if now >= seen.first_seen + failure.hold:
                failures.append(_since(failure, seen.first_seen))
            else:
                moment = seen.first_seen + failure.hold
                recheck = moment if recheck is None else min(recheck, moment)
        if still:
            self._held[uid] = still
        return failures, recheck

    def _edge(
        self, uid: str, key: Key, failure: Failure, kind: FailureKind, now: float, changes: list[Change], *, first: bool
    ) -> None:
        """Tell an edge once; the object goes on showing the same one until the next."""
        told = self._edges.setdefault(uid, {})
        before = told.get(key)
        told[key] = failure
        if first or (before is not None and (before.since, before.detail) == (failure.since, failure.detail)):
            return
        incident = Incident(self._id(uid, key), now if failure.since is None else failure.since, failure)
        changes.append(Change("edge", incident, kind))

    def _id(self, uid: str, key: Key) -> str:
        text = "\0".join((self._cluster, uid, *key))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


def said(failure: Failure) -> dict[str, Any]:
    """Give the detail of a failure's event, but for the object's name and the advice."""
    detail: dict[str, Any] = {"reason": failure.reason, "message": failure.message, **failure.detail}
    if failure.container:
        detail["container"] = failure.container
    if failure.role:
        detail["role"] = failure.role
    return detail


def as_json(detail: Mapping[str, Any]) -> bytes:
    """Write what was said so that it can be compared with what was read: in JSON a tuple is a list."""
    return msgspec.json.encode(detail, order="sorted")


def _told_otherwise(before: Failure, after: Failure) -> bool:
    """The same as `_differs` where the failure before was read from what was told of it."""
    return (before.kind, before.severity, as_json(said(before))) != (after.kind, after.severity, as_json(said(after)))


def _since(failure: Failure, since: float) -> Failure:
    return Failure(
        kind=failure.kind,
        container=failure.container,
        role=failure.role,
        reason=failure.reason,
        message=failure.message,
        severity=failure.severity,
        since=since,
        detail=failure.detail,
    )


def _differs(before: Failure, after: Failure) -> bool:
    """Whether a page should hear of the change; a moved `since` alone is none."""
    return (before.kind, before.reason, before.severity, before.message, before.detail) != (
        after.kind,
        after.reason,
        after.severity,
        after.message,
        after.detail,
    )
