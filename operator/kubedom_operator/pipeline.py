"""From a watched change to the journal: mirror, diagnosis, incidents, entries.

In come the calls of a watch source (`watch/seam.py`); out go batches of journal entries. Of one change the state comes
first and then its events, so that an element is up to date when a listener hears of it; a deletion comes after the
end of its incidents, so that the element still exists. Everything runs on the source's loop and takes the clock from
outside; `next_due` and `tick` are for whoever keeps time. With `resume` it goes on from what an earlier pipeline told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

from kubedom_bridge.protocol import Entry

from . import telling
from .catching_up import CatchingUp
from .diagnosis import CATALOGUE, Settings, diagnose, transitions, workload_of
from .incidents import Change, Incident, IncidentTracker, said
from .mirror import WORKLOADS, Mirror
from .projection import Minimal, UnreadableObject
from .resuming import Before, edge, edges, restore
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
        self._catching_up: CatchingUp | None = None

    # What whoever starts it calls, before any watch source.

    def resume(self, before: Before) -> None:
        """Go on from what was told before, as if it had been told by this pipeline; nothing is told by this itself.

        What changed meanwhile is told as news, once the kinds are listed; what did not change is not told again. Where
        nothing was ever told, nothing is gone on from.
        """
        if not before.until:
            return
        restore(before, self._mirror, self._incidents, self._rollups, self._settings, self._clock())
        self._catching_up = CatchingUp(before.states, edges(before), before.until)
        for workload in self._rollups.workloads():
            self._catching_up.holds_together(workload)

    def drop_unwatched(self, kinds: Collection[str]) -> None:
        """Tell what was told before of kinds that are not watched now as gone."""
        for kind in self._mirror.kinds():
            if kind not in kinds:
                for uid in tuple(self._mirror.uids(kind)):
                    self.gone(kind, uid)
        if self._catching_up is not None:
            self._catching_up.watch(kinds, self._clock())
            self._end_catching_up()

    # What a watch source calls.

    def changed(self, kind: str, obj: Any) -> None:
        """Take in an object's new version."""
        if kind == "Event":
            subject_kind, uid = self._mirror.put_event(obj)
            subject = self._mirror.get(subject_kind, uid) if uid else None
            if subject is not None:
                self._tell(self._diagnosed(subject_kind, subject, first=False))
            return
        before = self._put(kind, obj)
        self._unread.pop(obj.metadata.uid, None)
        entries = self._diagnosed(kind, obj, first=before is None)
        if kind == "Pod" and before is not None:
            entries[:0] = self._restarts(before, obj)
        entries[:0] = self._state(kind, obj)
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
        told = self._catching_up is not None and self._catching_up.forget(uid)
        if told or kind in TOLD:
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
        self._put(problem.kind, minimal)
        self._tell(self._state(problem.kind, minimal))

    def synced(self, kind: str) -> None:
        """Everything of this kind that existed at the start has been told; from here on, all is news."""
        self._synced.add(kind)
        log.info("%s: %d listed", kind, len(self._mirror.uids(kind)))
        if self._catching_up is not None:
            self._catching_up.synced(kind, self._clock())
            self._end_catching_up()

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
        due = self._timers.next_due()
        left = self._catching_up.next_due() if self._catching_up is not None else None
        return min(due, left) if due is not None and left is not None else left if due is None else due

    def tick(self) -> None:
        """Look again at every object whose moment has come."""
        for key in self._timers.due(self._clock()):
            if isinstance(key, Workload):
                self._tell(self._rolled_up(key))
            else:
                self._look(*key, first=False)
        if self._catching_up is not None:
            for key in self._catching_up.take(self._clock()):
                self._look(*key, first=True)
            for workload in self._catching_up.end_turn():
                self._tell(self._rolled_up(workload))
            self._catching_up.end_late()
            self._end_catching_up()

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
        if missing:
            return f"still listing {', '.join(missing)}"
        return self._catching_up.why_not() if self._catching_up is not None else ""

    def counts(self) -> dict[str, int]:
        """How many objects are mirrored, incidents open and objects unreadable."""
        return {
            "objects": self._mirror.count(),
            "incidents": self._incidents.count() + self._rollups.count(),
            "unreadable": len(self._unread),
        }

    def _put(self, kind: str, obj: Any) -> Any | None:
        before = self._mirror.put(kind, obj)
        if before is None and self._catching_up is not None:
            self._catching_up.meet(kind, obj)
        return before

    def _state(self, kind: str, obj: Any) -> list[Entry]:
        """Tell an object as it is, where pages are told of its kind and it was not told just so before the start."""
        if kind not in TOLD:
            return []
        entry = telling.state(kind, obj, self._clock())
        return [] if self._catching_up is not None and self._catching_up.was_told(entry) else [entry]

    def _is_late(self, uid: str, *kinds: str) -> bool:
        """Whether it was so before anybody could listen."""
        if self._catching_up is not None:
            return self._catching_up.is_late(uid)
        return not self._synced.issuperset(kinds)

    def _end_catching_up(self) -> None:
        """Forget what was told before the start, once it is compared with what there is; until then keep at it."""
        if self._catching_up is not None and self._catching_up.done:
            self._catching_up = None
            log.info("What was told before the start is compared with what there is.")
        else:
            self._wake()

    def _look(self, kind: str, uid: str, *, first: bool) -> None:
        obj = self._mirror.get(kind, uid)
        if obj is not None:
            entries = self._diagnosed(kind, obj, first=first)
            if kind == "Pod" and entries:
                entries.insert(0, telling.state(kind, obj, self._clock()))
            self._tell(entries)

    def _diagnosed(self, kind: str, obj: Any, *, first: bool) -> list[Entry]:
        uid = obj.metadata.uid
        if isinstance(obj, Minimal) or (self._catching_up is not None and self._catching_up.holds_back(kind, uid)):
            return []
        now = self._clock()
        diagnosis = diagnose(obj, self._mirror.related(kind, obj), now, self._settings)
        replayed = self._is_late(uid, kind)
        verdict = self._incidents.update(uid, diagnosis, now, first=first and replayed)
        self._remind((kind, uid), verdict.recheck)
        changes = [change for change in verdict.changes if not self._was_over(uid, change)]
        if kind != "Pod" or not changes:
            return [
                telling.incident(kind, obj, change, cluster=self._cluster, now=now, replayed=replayed)
                for change in changes
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
            for change in changes
        ]
        open_now = self._incidents.families_of(uid)
        entries.extend(self._rolled_up(self._rollups.observe(workload, uid, obj.metadata.name, open_now)))
        return entries

    def _restarts(self, before: Any, pod: Any) -> list[Entry]:
        """Tell the restarts between two versions of a pod; they are over as they happen."""
        if isinstance(before, Minimal) or before.status is None:
            return []
        now, uid = self._clock(), pod.metadata.uid
        changes = (
            Change("edge", Incident("", failure.since or now, failure), CATALOGUE[failure.kind])
            for failure in transitions(before, pod)
        )
        return [
            telling.incident("Pod", pod, change, cluster=self._cluster, now=now, replayed=self._is_late(uid, "Pod"))
            for change in changes
            if not self._was_over(uid, change)
        ]

    def _was_over(self, uid: str, change: Change) -> bool:
        """Whether a change is an edge that was told before the start."""
        if self._catching_up is None or change.phase != "edge":
            return False
        return self._catching_up.was_over(edge(uid, change.kind.name, said(change.incident.failure)))

    def _rolled_up(self, workload: Workload | None) -> list[Entry]:
        """Tell what is new of the pods of a workload, once that is known itself."""
        obj = self._mirror.workload(*workload) if workload is not None else None
        if workload is None or obj is None:
            return []
        if self._catching_up is not None and self._catching_up.holds_together(workload):
            return []
        now = self._clock()
        changes = self._rollups.changes(workload, now)
        self._remind(workload, self._rollups.due(workload))
        replayed = self._is_late(obj.metadata.uid, "Pod", workload.kind)
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
