"""Which incidents are open, by namespace, and when each workload began to fail.

In come the journal's entries as the pipeline publishes them; the mirror is asked for what these do not tell, the labels
and the workload. An incident that was open before the operator looked counts as opened when it began, not when it was
found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator.diagnosis.ownership import Owner, workload_of
from kubedom_operator.projection import Metadata, seconds

from .model import Health, Incident, Ref

#: Longer than any storm brake's window can be.
KEPT_SECONDS = 3600.0

Find = Callable[[str, str], Any]
FindWorkload = Callable[[str, str, str], Any]


class Openings:
    """What fails.

    Args:
        find: Gives the projection of an object by kind and uid, None where it is not known.
        workload: Gives that of a workload by kind, namespace and name.
        clock: Seconds since the epoch.

    """

    def __init__(self, find: Find, workload: FindWorkload, *, clock: Callable[[], float]) -> None:
        self._find = find
        self._workload = workload
        self._clock = clock
        self._open: dict[str, dict[str, Incident]] = {}
        self._began: dict[tuple[str, str], float] = {}

    def take(self, entries: Iterable[Entry]) -> set[str]:
        """Take in what was told, and give the namespaces in which that changed anything."""
        touched = set()
        for entry in entries:
            if not isinstance(entry, EventEntry) or entry.incident is None:
                continue
            touched.add(entry.namespace)
            incidents = self._open.setdefault(entry.namespace, {})
            if entry.incident.phase == "end":
                incidents.pop(entry.incident.id, None)
                continue
            incident = self._read(entry)
            # A workload's own incident tells later what those of its pods told: it does not begin to fail once more.
            told_already = incident.subject.key == incident.owner.key and any(
                each.owner.key == incident.owner.key for each in incidents.values()
            )
            incidents[entry.incident.id] = incident
            if entry.incident.phase == "begin" and entry.severity != "info" and not told_already:
                key, began = (entry.namespace, incident.owner.key), incident.since if entry.replayed else self._clock()
                self._began[key] = max(began, self._began.get(key, began))
        return touched

    def of(self, namespace: str) -> Collection[Incident]:
        """What is open in a namespace."""
        return self._open.get(namespace, {}).values()

    def began(self, namespace: str | None) -> Mapping[tuple[str, str], float]:
        """When workloads began to fail lately, in a namespace or with None in the cluster; the latest of each."""
        oldest = self._clock() - KEPT_SECONDS
        self._began = {key: moment for key, moment in self._began.items() if moment > oldest}
        if namespace is None:
            return self._began
        return {key: moment for key, moment in self._began.items() if key[0] == namespace}

    def health(self, namespace: str, owner: Ref) -> Health | None:
        """How many of a workload's pods are ready; None where nobody can tell."""
        found = self._workload(owner.kind, namespace, owner.name)
        status, spec = getattr(found, "status", None), getattr(found, "spec", None)
        if status is None or spec is None or owner.kind == "Job":
            return None
        if owner.kind == "DaemonSet":
            return Health(status.number_ready or 0, status.desired_number_scheduled or 0)
        return Health(status.ready_replicas or 0, 1 if spec.replicas is None else spec.replicas)

    def _read(self, entry: EventEntry) -> Incident:
        assert entry.incident is not None
        found = self._find(entry.kind, entry.uid)
        metadata: Metadata = found.metadata if found is not None else Metadata(name=entry.subject.rpartition("/")[2])
        subject = Ref(entry.kind, metadata.name, entry.uid)
        return Incident(
            id=entry.incident.id,
            failure=entry.incident.kind,
            cause=str(entry.detail.get("failureKind") or ""),
            subject=subject,
            owner=self._owner(entry, found) or subject,
            labels=metadata.labels or {},
            since=seconds(entry.incident.since) or self._clock(),
        )

    def _owner(self, entry: EventEntry, found: Any) -> Ref | None:
        """The workload that an object belongs to, with its uid where that is known."""
        if found is None:
            return None
        owner = workload_of(found) if entry.kind == "Pod" else _controller(found)
        if owner is None:
            return None
        known = None if owner.uid else self._workload(owner.kind, entry.namespace, owner.name)
        return Ref(owner.kind, owner.name, owner.uid or (known.metadata.uid if known is not None else ""))


def _controller(found: Any) -> Owner | None:
    controllers = [each for each in found.metadata.owner_references or () if each.controller]
    return Owner(controllers[0].kind or "", controllers[0].name or "", controllers[0].uid) if controllers else None
