"""The mirror: the last known projection of every object, and what is known beside it when it is diagnosed.

It is filled by a watch source through the pipeline and read by nobody else; it holds no object that was told as gone.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from typing import Any

from .diagnosis import Related
from .projection import Event, Job

EVENTS_KEPT = 10
#: Kinds that have pods.
WORKLOADS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"})


class Mirror:
    """Objects by kind and uid, and core Events by the object that they speak of."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Any]] = {}
        self._events: dict[str, dict[str, Event]] = {}
        self._subject_of: dict[str, str] = {}
        self._jobs: dict[str, dict[str, Job]] = {}
        self._workloads: dict[tuple[str, str, str], str] = {}

    def workload(self, kind: str, namespace: str, name: str) -> Any | None:
        """Find a workload by its name, which is all that a pod tells of its deployment."""
        uid = self._workloads.get((kind, namespace, name))
        return self.get(kind, uid) if uid is not None else None

    def get(self, kind: str, uid: str) -> Any | None:
        """Find an object."""
        return self._objects.get(kind, {}).get(uid)

    def kinds(self) -> list[str]:
        """The kinds of which anything was ever asked or told."""
        return list(self._objects)

    def uids(self, kind: str) -> KeysView[str]:
        """The uids of a kind."""
        return self._objects.setdefault(kind, {}).keys()

    def objects(self, kind: str) -> Iterator[Any]:
        """The objects of a kind."""
        return iter(self._objects.get(kind, {}).values())

    def count(self) -> int:
        """How many objects are held, Events not counted."""
        return sum(map(len, self._objects.values()))

    def put(self, kind: str, obj: Any) -> Any | None:
        """Keep an object's new version and give the one before."""
        objects = self._objects.setdefault(kind, {})
        uid = obj.metadata.uid
        before = objects.get(uid)
        objects[uid] = obj
        if kind in WORKLOADS:
            self._workloads[kind, obj.metadata.namespace, obj.metadata.name] = uid
        if kind == "Job" and (owner := _controller(obj)):
            self._jobs.setdefault(owner, {})[uid] = obj
        return before

    def remove(self, kind: str, uid: str) -> Any | None:
        """Forget an object and what was said of it; None where it was not known."""
        obj = self._objects.get(kind, {}).pop(uid, None)
        if kind in WORKLOADS and obj is not None:
            named = (kind, obj.metadata.namespace, obj.metadata.name)
            # One of the same name may have come before the end of this one was known.
            if self._workloads.get(named) == uid:
                del self._workloads[named]
        if kind == "Job" and obj is not None and (owner := _controller(obj)):
            self._jobs.get(owner, {}).pop(uid, None)
        self._jobs.pop(uid, None)
        for event_uid in self._events.pop(uid, {}):
            self._subject_of.pop(event_uid, None)
        return obj

    def put_event(self, event: Event) -> tuple[str, str]:
        """Keep a core Event and give the kind and uid of the object that it speaks of (empty where it names none)."""
        subject = event.involved_object
        if subject is None or not subject.uid or not subject.kind:
            return "", ""
        kept = self._events.setdefault(subject.uid, {})
        kept.pop(event.metadata.uid, None)
        kept[event.metadata.uid] = event
        self._subject_of[event.metadata.uid] = subject.uid
        while len(kept) > EVENTS_KEPT:
            self._subject_of.pop(oldest := next(iter(kept)), None)
            del kept[oldest]
        return subject.kind, subject.uid

    def remove_event(self, uid: str) -> None:
        """Forget a core Event; what it explained stays as it was told, since Events expire after an hour."""
        subject = self._subject_of.pop(uid, None)
        if subject is not None and (kept := self._events.get(subject)) is not None:
            kept.pop(uid, None)
            if not kept:
                del self._events[subject]

    def related(self, kind: str, obj: Any) -> Related:
        """Gather what is known beside an object."""
        events = self._events.get(obj.metadata.uid)
        if kind == "CronJob":
            return Related(
                events=tuple(events.values()) if events else (),
                jobs=tuple(self._jobs.get(obj.metadata.uid, {}).values()) if "Job" in self._objects else None,
            )
        if kind == "ReplicaSet" and (owner := _controller(obj)):
            return Related(events=tuple(events.values()) if events else (), owner=self.get("Deployment", owner))
        return Related(events=tuple(events.values())) if events else NOTHING_RELATED


NOTHING_RELATED = Related()


def _controller(obj: Any) -> str | None:
    for owner in obj.metadata.owner_references or ():
        if owner.controller:
            uid: str | None = owner.uid
            return uid
    return None
