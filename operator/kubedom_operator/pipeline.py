"""From a watched change to the journal: mirror, diagnosis, incidents, entries.

In come the calls of a watch source (`watch/seam.py`); out go batches of journal entries. Of one change the state comes
first and then its events, so that an element is up to date when a listener hears of it; a deletion comes after the
end of its incidents, so that the element still exists. Everything runs on the source's loop and takes the clock from
outside; `next_due` and `tick` are for whoever keeps time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

from kubedom_bridge.protocol import Entry

from . import telling
from .diagnosis import CATALOGUE, Settings, diagnose, transitions, workload_of
from .incidents import Change, Incident, IncidentTracker
from .mirror import WORKLOADS, Mirror
from .projection import Minimal, UnreadableObject
from .rollups import RollUps, Workload
from .timers import TimerWheel

#: Kinds that pages are told of; the others only help to diagnose these.
TOLD = frozenset(
    {
        "Pod",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Node",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Namespace",
        "ReplicaSet",
    }
)

log = logging.getLogger(__name__)


class Pipeline:
    """The sink of a watch source.

    Args:
        cluster: The cluster's name.
        publish: Takes the entries of one change, in order; called on the source's loop.
        clock: Seconds since the epoch.
        settings: Hold times and the like.
        wake: Called when an earlier moment than before is due; whoever keeps time asks `next_due` again.

    """

    def __init__(
        self,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        *,
        clock: Callable[[], float],
        settings: Settings | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster = cluster
        self._publish = publish
        self._clock = clock
        self._settings = settings or Settings()
        self._wake = wake
        self._mirror = Mirror()
        self._incidents = IncidentTracker(cluster)
        self._rollups = RollUps(cluster)
        self._timers: TimerWheel[tuple[str, str] | Workload] = TimerWheel()
        self._synced: set[str] = set()
        self._unread: dict[str, set[str]] = {}
        self._troubles: dict[str, str] = {}

    # What a watch source calls.

    def changed(self, kind: str, obj: Any) -> None:
        """Take in an object's new version."""
        if kind == "Event":
            subject_kind, uid = self._mirror.put_event(obj)
            subject = self._mirror.get(subject_kind, uid) if uid else None
            if subject is not None:
                self._tell(self._diagnosed(subject_kind, subject, first=False))
            return
        before = self._mirror.put(kind, obj)
        self._unread.pop(obj.metadata.uid, None)
        entries = self._diagnosed(kind, obj, first=before is None)
        if kind == "Pod" and before is not None:
            entries[:0] = self._restarts(before, obj)
        if kind in TOLD:
            entries.insert(0, telling.state(kind, obj, self._clock()))
        if before is None and kind in WORKLOADS:
            # Its pods may have been there first.
            entries.extend(self._rolled_up(_named(kind, obj)))
        self._tell(entries)
        if kind == "Job":
            self._look_at_cron_job(obj)

    def gone(self, kind: str, uid: str, resource_version: str = "") -> None:
        """Take in that an object was deleted."""
        if kind == "Event":
            self._mirror.remove_event(uid)
            return
        obj = self._mirror.remove(kind, uid)
        if obj is None:
            return
        self._timers.set((kind, uid), None)
        self._unread.pop(uid, None)
        now = self._clock()
        changes = self._incidents.forget(uid)
        if kind in WORKLOADS:
            workload = _named(kind, obj)
            self._timers.set(workload, None)
            changes += self._rollups.forget(workload)
        entries: list[Entry] = [
            telling.incident(kind, obj, change, cluster=self._cluster, now=now, replayed=False, removed=True)
            for change in changes
        ]
        if kind == "Pod":
            entries.extend(self._rolled_up(self._rollups.observe(None, uid, "", ())))
        if kind in TOLD:
            entries.append(telling.deletion(kind, obj, resource_version, now))
        self._tell(entries)
        if kind == "Job":
            self._look_at_cron_job(obj)

    def unreadable(self, problem: UnreadableObject, minimal: Minimal) -> None:
        """Show what can be shown of an object that cannot be read, and say so once."""
        uid = minimal.metadata.uid
        fields = self._unread.setdefault(uid, set())
        if problem.field not in fields:
            fields.add(problem.field)
            log.warning("%s", problem)
        if not uid:
            return
        self._mirror.put(problem.kind, minimal)
        if problem.kind in TOLD:
            self._tell([telling.state(problem.kind, minimal, self._clock())])

    def synced(self, kind: str) -> None:
        """Everything of this kind that existed at the start has been told; from here on, all is news."""
        self._synced.add(kind)
        log.info("%s: %d listed", kind, len(self._mirror.uids(kind)))

    def known(self, kind: str) -> Collection[str]:
        """The uids of a kind that were told and are not gone."""
        return self._mirror.uids(kind)

    def trouble(self, kind: str, sentence: str) -> None:
        """Remember that a kind cannot be watched at present."""
        if sentence:
            if self._troubles.get(kind) != sentence:
                log.warning("%s: %s", kind, sentence)
            self._troubles[kind] = sentence
        elif self._troubles.pop(kind, None):
            log.info("%s: watched again", kind)

    # What whoever keeps time calls.

    def next_due(self) -> float | None:
        """When `tick` is to be called next, in seconds since the epoch."""
        return self._timers.next_due()

    def tick(self) -> None:
        """Look again at every object whose moment has come."""
        for key in self._timers.due(self._clock()):
            if isinstance(key, Workload):
                self._tell(self._rolled_up(key))
                continue
            kind, uid = key
            obj = self._mirror.get(kind, uid)
            if obj is not None:
                entries = self._diagnosed(kind, obj, first=False)
                if kind == "Pod" and entries:
                    entries.insert(0, telling.state(kind, obj, self._clock()))
                self._tell(entries)

    # What healing asks.

    def find(self, kind: str, uid: str) -> Any | None:
        """The projection of an object, None where it is not known."""
        return self._mirror.get(kind, uid)

    def workload(self, kind: str, namespace: str, name: str) -> Any | None:
        """The projection of a workload by its name."""
        return self._mirror.workload(kind, namespace, name)

    # What the process asks.

    def not_ready(self, kinds: Collection[str]) -> str:
        """Say why these kinds cannot be relied on yet; an empty string when they can."""
        troubles = [f"{kind}: {sentence}" for kind, sentence in self._troubles.items() if kind in kinds]
        if troubles:
            return "; ".join(troubles)
        missing = sorted(set(kinds) - self._synced)
        return f"still listing {', '.join(missing)}" if missing else ""

    def counts(self) -> dict[str, int]:
        """How many objects are mirrored, incidents open and objects unreadable."""
        return {
            "objects": self._mirror.count(),
            "incidents": self._incidents.count() + self._rollups.count(),
            "unreadable": len(self._unread),
        }

    def _diagnosed(self, kind: str, obj: Any, *, first: bool) -> list[Entry]:
        if isinstance(obj, Minimal):
            return []
        now = self._clock()
        uid = obj.metadata.uid
        diagnosis = diagnose(obj, self._mirror.related(kind, obj), now, self._settings)
        replayed = kind not in self._synced
        verdict = self._incidents.update(uid, diagnosis, now, first=first and replayed)
        self._remind((kind, uid), verdict.recheck)
        if kind != "Pod" or not verdict.changes:
            return [
                telling.incident(kind, obj, change, cluster=self._cluster, now=now, replayed=replayed)
                for change in verdict.changes
            ]
        owner = workload_of(obj)
        workload = Workload(owner.kind, obj.metadata.namespace, owner.name) if owner is not None else None
        entries: list[Entry] = [
            telling.incident(
                kind,
                obj,
                change,
                cluster=self._cluster,
                now=now,
                replayed=replayed,
                group=self._rollups.group_id(workload, change.kind.family),
            )
            for change in verdict.changes
        ]
        open_now = ((CATALOGUE[each.failure.kind].family, each) for each in self._incidents.open_of(uid))
        entries.extend(self._rolled_up(self._rollups.observe(workload, uid, obj.metadata.name, open_now)))
        return entries

    def _restarts(self, before: Any, pod: Any) -> list[Entry]:
        """Tell the restarts between two versions of a pod; they are over as they happen."""
        if isinstance(before, Minimal) or before.status is None:
            return []
        now = self._clock()
        return [
            telling.incident(
                "Pod",
                pod,
                Change("edge", Incident("", failure.since or now, failure), CATALOGUE[failure.kind]),
                cluster=self._cluster,
                now=now,
                replayed="Pod" not in self._synced,
            )
            for failure in transitions(before, pod)
        ]

    def _rolled_up(self, workload: Workload | None) -> list[Entry]:
        """Tell what is new of the pods of a workload, once that is known itself."""
        obj = self._mirror.workload(*workload) if workload is not None else None
        if workload is None or obj is None:
            return []
        now = self._clock()
        changes = self._rollups.changes(workload, now)
        self._remind(workload, self._rollups.due(workload))
        replayed = not {"Pod", workload.kind} <= self._synced
        return [
            telling.incident(workload.kind, obj, change, cluster=self._cluster, now=now, replayed=replayed)
            for change in changes
        ]

    def _remind(self, key: tuple[str, str] | Workload, moment: float | None) -> None:
        earliest = self._timers.next_due()
        self._timers.set(key, moment)
        if moment is not None and (earliest is None or moment < earliest):
            self._wake()

    def _look_at_cron_job(self, job: Any) -> None:
        """A job's end is its cron job's failure too."""
        for owner in job.metadata.owner_references or ():
            cron_job = self._mirror.get("CronJob", owner.uid or "")
            if cron_job is not None:
                self._tell(self._diagnosed("CronJob", cron_job, first=False))

    def _tell(self, entries: list[Entry]) -> None:
        if entries:
            self._publish(entries)


def _named(kind: str, obj: Any) -> Workload:
    return Workload(kind, obj.metadata.namespace, obj.metadata.name)
