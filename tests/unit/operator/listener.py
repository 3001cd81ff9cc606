"""Runs a pipeline under a clock of its own, and holds every promise of what it publishes against it."""

from __future__ import annotations

from typing import Any

from kubedom_bridge.protocol import DeleteEntry, Entry, EventEntry, StateEntry
from kubedom_operator.mirror import Mirror
from kubedom_operator.pipeline import Pipeline

KINDS = ("Pod", "Deployment", "ReplicaSet", "Job", "CronJob", "Node", "PersistentVolumeClaim", "Event")


class Listener:
    """A page that believes what it is told, and fails the test where that cannot be."""

    def __init__(self, now: float = 0.0, *, synced: bool = True) -> None:
        self.now = now
        self.entries: list[Entry] = []
        self.batches: list[list[Entry]] = []
        self.states: dict[str, StateEntry] = {}
        self.open: dict[str, EventEntry] = {}
        self.wakes = 0
        self.mirror = Mirror()
        self.events: dict[str, Any] = {}
        self.objects: dict[str, tuple[str, Any]] = {}
        self.pipeline = Pipeline("test", self.told, clock=lambda: self.now, wake=self.woken)
        if synced:
            self.sync()

    def sync(self) -> None:
        for kind in KINDS:
            self.pipeline.synced(kind)

    def woken(self) -> None:
        self.wakes += 1

    def told(self, entries: list[Entry]) -> None:
        assert entries, "an empty batch says nothing"
        self.batches.append(entries)
        states = [isinstance(one, StateEntry) for one in entries]
        assert states == sorted(states, reverse=True), "of one change the state comes first"
        for entry in entries:
            self.entries.append(entry)
            if isinstance(entry, StateEntry):
                self.states[entry.uid] = entry
            elif isinstance(entry, DeleteEntry):
                assert entry is entries[-1], "a deletion comes last"
                assert entry.uid in self.states, "what was never told cannot go"
                del self.states[entry.uid]
                assert [one for one in self.open.values() if one.uid == entry.uid] == [], "left open by a deletion"
            else:
                self.heard(entry)

    def heard(self, event: EventEntry) -> None:
        assert event.uid in self.states, "an event of an object that the page does not have"
        incident = event.incident
        if incident is None:
            return
        if incident.phase == "begin":
            assert incident.id not in self.open, "begun twice"
            self.open[incident.id] = event
            return
        assert incident.id in self.open, f"{incident.phase} of what never began"
        begun = self.open[incident.id].incident
        assert begun is not None
        assert (event.uid, incident.container, incident.since) == (
            self.open[incident.id].uid,
            begun.container,
            begun.since,
        )
        if incident.phase == "update":
            self.open[incident.id] = event
        else:
            del self.open[incident.id]

    def changed(self, kind: str, obj: Any) -> None:
        if kind == "Event":
            self.mirror.put_event(obj)
            self.events[obj.metadata.uid] = obj
        else:
            self.mirror.put(kind, obj)
            self.objects[obj.metadata.uid] = (kind, obj)
        self.pipeline.changed(kind, obj)
        self.check()

    def gone(self, kind: str, uid: str, version: str = "") -> None:
        if kind == "Event":
            self.mirror.remove_event(uid)
            self.events.pop(uid, None)
        else:
            self.mirror.remove(kind, uid)
            self.objects.pop(uid, None)
        self.pipeline.gone(kind, uid, version)
        self.check()

    def advance(self, moment: float) -> None:
        """Let time pass, and tick at each moment that the pipeline asked for."""
        while (due := self.pipeline.next_due()) is not None and due <= moment:
            self.now = max(self.now, due)
            self.pipeline.tick()
            self.check()
            after = self.pipeline.next_due()
            assert after is None or after > self.now, "asked to look again at a moment that is over"
        self.now = max(self.now, moment)

    def check(self) -> None:
        assert self.pipeline.counts()["incidents"] == len(self.open)
        assert {one.uid for one in self.open.values()} <= self.objects.keys()

    def types(self) -> list[str]:
        return [one.type for one in self.entries if isinstance(one, EventEntry)]

    def phases(self) -> list[str]:
        return [one.incident.phase for one in self.entries if isinstance(one, EventEntry) and one.incident]
