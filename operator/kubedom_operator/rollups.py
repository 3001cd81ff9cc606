"""Failures of pods, rolled up to their workload: 200 pods of one bad image are one incident with 200 members.

In come the open incidents of a pod whenever they change; out go the begin, the updates and the end of the workload's
incident, one for each family of failures. It is open as long as two pods fail alike. While its count changes quickly it
is told at most once a second; `due` says when the rest is to be told.

Pure: the clock's value is passed in, and nothing is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from .diagnosis import CATALOGUE, Failure, FailureKind
from .diagnosis.members import BY_WORKLOAD
from .incidents import Change, Incident

MEMBERS_AT_LEAST = 2
UPDATE_SECONDS = 1.0
NAMES_TOLD = 10
_FAMILIES = sorted({kind.family for kind in CATALOGUE.values()})
_RANKS = {"critical": 0, "error": 1, "warning": 2, "info": 3}


class Workload(NamedTuple):
    """Whose pods they are; the name, as a pod does not tell its deployment's uid."""

    kind: str
    namespace: str
    name: str


class _Member(NamedTuple):
    pod: str
    incident: Incident


class _Group:
    """The pods of one workload that fail alike."""

    __slots__ = ("id", "incident", "members", "told_at")

    def __init__(self, group_id: str) -> None:
        self.id = group_id
        self.members: dict[str, _Member] = {}
        self.incident: Incident | None = None
        self.told_at = 0.0


class RollUps:
    """What is open, by workload and family."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._groups: dict[Workload, dict[str, _Group]] = {}
        self._workload_of: dict[str, Workload] = {}

    def group_id(self, workload: Workload | None, family: str) -> str:
        """Name the incident that a failure of this family belongs to, also while it has one member; else empty."""
        if workload is None or workload.kind not in BY_WORKLOAD:
            return ""
        text = "\0".join((self._cluster, *workload, family))
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def count(self) -> int:
        """How many are open."""
        return sum(group.incident is not None for groups in self._groups.values() for group in groups.values())

    def observe(
        self, workload: Workload | None, uid: str, pod: str, incidents: Iterable[tuple[str, Incident]]
    ) -> Workload | None:
        """Take in what is open for a pod, as (family, incident); nothing where it is gone.

        Returns:
            The workload to look at, or None where nothing can have changed.

        """
        before = self._workload_of.get(uid)
        if before is None and (workload is None or workload.kind not in BY_WORKLOAD):
            return None
        known = before or workload
        assert known is not None
        found = {family: incident for family, incident in incidents if incident.failure.severity != "info"}
        if not found and before is None:
            return None
        groups = self._groups.setdefault(known, {})
        for family, group in groups.items():
            if family not in found:
                group.members.pop(uid, None)
        for family, incident in found.items():
            group = groups.get(family) or groups.setdefault(family, _Group(self.group_id(known, family)))
            group.members[uid] = _Member(pod, incident)
        if found:
            self._workload_of[uid] = known
        else:
            self._workload_of.pop(uid, None)
        return known

    def changes(self, workload: Workload, now: float) -> list[Change]:
        """Say what is to be told of a workload now; ask only where it is known."""
        groups = self._groups.get(workload)
        if groups is None:
            return []
        kind = BY_WORKLOAD[workload.kind]
        changes: list[Change] = []
        for family, group in tuple(groups.items()):
            changes.extend(_told(group, kind, workload, now))
            if not group.members and group.incident is None:
                del groups[family]
        if not groups:
            del self._groups[workload]
        return changes

    def restore(self, workload: Workload, incident: Incident) -> bool:
        """Go on with a workload's incident that was told before the start, once its pods were observed.

        Returns:
            Whether it is one of this workload; False where its id is of another cluster or of a family that is no more.

        """
        family = next((each for each in _FAMILIES if self.group_id(workload, each) == incident.id), None)
        if family is None:
            return False
        groups = self._groups.setdefault(workload, {})
        group = groups.get(family) or groups.setdefault(family, _Group(incident.id))
        # The first of them is the one whose failure was told.
        told = incident.failure.detail.get("pods")
        places = {pod: place for place, pod in enumerate(told)} if isinstance(told, list) else {}
        members = sorted(group.members.items(), key=lambda each: places.get(each[1].pod, len(places)))
        group.members = dict(members)
        group.incident = incident
        return True

    def workloads(self) -> list[Workload]:
        """Those of which anything fails or is open."""
        return list(self._groups)

    def due(self, workload: Workload) -> float | None:
        """When `changes` has something to tell that is held back now."""
        moments = [
            group.told_at + UPDATE_SECONDS
            for group in self._groups.get(workload, {}).values()
            if group.incident is not None and _differs(group.incident.failure, group)
        ]
        return min(moments, default=None)

    def forget(self, workload: Workload) -> list[Change]:
        """End what is open of a workload that is gone; its pods stay members, should it come again."""
        kind = BY_WORKLOAD.get(workload.kind)
        changes = []
        for group in self._groups.get(workload, {}).values():
            if group.incident is not None and kind is not None:
                changes.append(Change("end", group.incident, kind))
                group.incident = None
        return changes


def _told(group: _Group, kind: FailureKind, workload: Workload, now: float) -> list[Change]:
    before = group.incident
    if len(group.members) < MEMBERS_AT_LEAST:
        group.incident = None
        return [] if before is None else [Change("end", before, kind)]
    if before is None:
        since = min(member.incident.since for member in group.members.values())
        group.incident = Incident(group.id, since, _failure(group, kind, workload))
        group.told_at = now
        return [Change("begin", group.incident, kind)]
    if not _differs(before.failure, group) or now < group.told_at + UPDATE_SECONDS:
        return []
    group.incident = before._replace(failure=_failure(group, kind, workload))
    group.told_at = now
    return [Change("update", group.incident, kind)]


def _differs(failure: Failure, group: _Group) -> bool:
    """Whether what was told is out of date: the count, or what the first of them fails of."""
    told = (failure.detail.get("members"), failure.detail.get("failureKind"))
    first = next(iter(group.members.values()), None)
    return first is None or told != (len(group.members), first.incident.failure.kind)


def _failure(group: _Group, kind: FailureKind, workload: Workload) -> Failure:
    members = list(group.members.values())
    first = members[0].incident.failure
    worst = min((member.incident.failure.severity for member in members), key=lambda each: _RANKS[each])
    return Failure(
        kind=kind.name,
        reason=first.reason,
        message=f"{len(members)} pods of {workload.kind} {workload.name} fail alike: {first.message}",
        severity=worst,
        detail={
            "failureKind": first.kind,
            "members": len(members),
            "pods": [member.pod for member in members[:NAMES_TOLD]],
        },
    )
