"""Plays recorded watch events through diagnosis, with the smallest tracker that keeps incidents open."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubedom_operator.diagnosis import CATALOGUE, NOTHING_RELATED, Diagnosis, Failure, Related, Settings, diagnose
from kubedom_operator.projection import KINDS, Event, decoder, seconds

RECORDED = Path(__file__).parents[2] / "recorded"
KIND_OF = {info.plural: info.kind for info in KINDS.values()}
_TIMES = re.compile(r'"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')

Key = tuple[str, str, str]


@dataclass
class Step:
    """One watch event of the recording."""

    version: int
    time: float
    kind: str
    type: str
    object: Any


def recording(prefix: str = "") -> list[Step]:
    """All watch events in the order in which etcd took them, each with the time that the objects tell."""
    steps = []
    for path in sorted(RECORDED.glob("*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        if name.startswith("nodedown-") != (prefix == "nodedown-"):
            continue
        kind = KIND_OF[name.removeprefix("nodedown-")]
        decode = decoder(kind)
        for line in gzip.decompress(path.read_bytes()).splitlines():
            # When it was written is the latest time in it, apart from times that lie ahead by intent.
            body = json.loads(line)["object"]
            body["metadata"].pop("deletionTimestamp", None)
            times = [moment for text in _TIMES.findall(json.dumps(body)) if (moment := seconds(text)) is not None]
            read = decode.line(line)
            version = int(read.object.metadata.resource_version)
            steps.append(Step(version, max(times), kind, read.type, read.object))
    steps.sort(key=lambda step: step.version)
    latest = 0.0
    for step in steps:
        latest = step.time = max(latest, step.time)
    return steps


@dataclass
class Incident:
    """A trouble from its beginning to its end, with the kinds it was on its way."""

    kind: str
    name: str
    began: float
    failure: Failure
    kinds: list[str]
    ended: float | None = None


@dataclass
class Replay:
    """Feeds steps to diagnosis and keeps time between them; `restart` forgets all but what a relist would tell."""

    settings: Settings = field(default_factory=Settings)
    now: float = 0.0
    objects: dict[str, tuple[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, Event]] = field(default_factory=dict)
    open: dict[Key, Incident] = field(default_factory=dict)
    all: list[Incident] = field(default_factory=list)
    pending: dict[Key, tuple[float, str]] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)

    def play(self, steps: list[Step], until: float | None = None) -> Replay:
        for step in steps:
            self.advance(step.time)
            self.apply(step)
        if until is not None:
            self.advance(until)
        return self

    def apply(self, step: Step) -> None:
        if step.kind == "Event":
            about = step.object.involved_object
            uid = about.uid or next(
                (u for u, (k, o) in self.objects.items() if (k, o.metadata.name) == (about.kind, about.name)), ""
            )
            if step.type == "DELETED":
                self.events.get(uid, {}).pop(step.object.metadata.uid, None)
            else:
                self.events.setdefault(uid, {})[step.object.metadata.uid] = step.object
            if uid in self.objects:
                self.look(uid)
            return
        uid = step.object.metadata.uid
        if step.type == "DELETED":
            self.objects.pop(uid, None)
            self.due.pop(uid, None)
            for key in [key for key in self.open if key[0] == uid]:
                self.open.pop(key).ended = self.now
            return
        self.objects[uid] = (step.kind, step.object)
        self.look(uid)

    def advance(self, moment: float) -> None:
        while self.due:
            uid = min(self.due, key=lambda one: self.due[one])
            at = self.due[uid]
            if at > moment:
                break
            self.now = max(self.now, at)
            del self.due[uid]
            self.look(uid)
        self.now = max(self.now, moment)

    def diagnosis(self, uid: str) -> Diagnosis:
        events = tuple(self.events.get(uid, {}).values())
        related = Related(events=events) if events else NOTHING_RELATED
        return diagnose(self.objects[uid][1], related, self.now, self.settings)

    def look(self, uid: str) -> None:
        found = self.diagnosis(uid)
        if found.observing:
            return
        due = [] if found.recheck is None else [found.recheck]
        holding = {self.key(uid, one): one for one in found.failures}
        waiting = {}
        for one in found.pending:
            key = self.key(uid, one)
            first, progress = self.pending.get(key, (self.now, one.progress))
            if progress != one.progress and key not in self.open:
                first = self.now
            waiting[key] = (first, one.progress)
            if first + one.hold <= self.now:
                holding.setdefault(key, one)
            else:
                due.append(first + one.hold)
        self.pending = {key: value for key, value in self.pending.items() if key[0] != uid} | waiting
        for key in [key for key in self.open if key[0] == uid and key not in holding]:
            self.open.pop(key).ended = self.now
        for key, failure in holding.items():
            known = self.open.get(key)
            if known is None:
                kind, obj = self.objects[uid]
                self.open[key] = Incident(kind, obj.metadata.name, self.now, failure, [failure.kind])
                self.all.append(self.open[key])
            elif known.kinds[-1] != failure.kind:
                known.kinds.append(failure.kind)
        assert all(moment > self.now for moment in due), "asked to look again at a moment that is over"
        if due:
            self.due[uid] = min(due)
        else:
            self.due.pop(uid, None)

    @staticmethod
    def key(uid: str, failure: Failure) -> Key:
        return uid, failure.container, CATALOGUE[failure.kind].family
