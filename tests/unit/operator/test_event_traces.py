"""An event's trace: begun by what was read, handed on with the entry, and ended where the journal has it."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.tracing import Kept, Told
from tests.unit.diagnosis.objects import NOW, ago, cond, container, ended, pod, running

from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator.event_traces import TRACE_BURST, EventTraces
from kubedom_operator.pipeline import Pipeline


class Operator:
    """A pipeline with its traces, by one clock, whose entries wait until they are taken."""

    def __init__(self, kept: Kept, *, synced: bool = True) -> None:
        self.now = NOW
        self.heard: float | None = None
        self.waiting: list[Entry] = []
        self.journal: list[Entry] = []
        self.traces = EventTraces(kept.traces, clock=lambda: self.now, monotonic=lambda: self.now - 100)
        self.pipeline = Pipeline("test", self.traces.publishing(self.waiting.extend), clock=lambda: self.now)
        self.sink = self.traces.watching(self.pipeline, lambda _: self.heard)
        for kind in ("Pod", "Deployment") if synced else ():
            self.sink.synced(kind)

    def read(self, kind: str, obj: Any, *, seconds_ago: float = 0.0) -> None:
        self.heard = self.now - 100 - seconds_ago
        self.sink.changed(kind, obj)

    def take(self) -> list[EventEntry]:
        """Let the journal have what waits, and give its events."""
        taken, self.waiting[:] = list(self.waiting), []
        self.traces.taking(self.journal.extend)(taken)
        return [entry for entry in taken if isinstance(entry, EventEntry)]


def failing(name: str = "x", version: str = "2") -> Any:
    return pod(container(ended(3), restarts=0), meta={"name": name, "uid": f"uid-{name}", "resourceVersion": version})


def by_name(told: list[Told]) -> dict[str, Told]:
    found = {one.name: one for one in told}
    assert len(found) == len(told)
    return found


def test_a_trace_begins_with_the_line_and_goes_on_with_the_entry() -> None:
    kept = Kept()
    operator = Operator(kept)
    operator.read("Pod", pod(container(running())))
    assert operator.take() == []
    assert kept.told() == []
    operator.read("Pod", failing(), seconds_ago=0.5)
    operator.now += 2
    (entry,) = operator.take()
    spans = by_name(kept.told())
    watch, diagnose, handover = spans["watch"], spans["diagnose"], spans["handover"]
    assert len({one.trace for one in spans.values()}) == 1
    assert (watch.parent, diagnose.parent, handover.parent) == ("", watch.span, watch.span)
    assert handover.is_named(entry.traceparent)
    assert (watch.start, watch.end) == (NOW - 0.5, NOW)
    assert (diagnose.start, diagnose.end) == (NOW, NOW)
    assert (handover.start, handover.end) == (NOW, NOW + 2)
    assert watch.attributes == {
        "kubedom.kind": "Pod",
        "kubedom.event.type": "podFailed",
        "kubedom.incident.kind": "PodFailed" if entry.incident is None else entry.incident.kind,
        "k8s.namespace.name": "default",
        "kubedom.watch.kind": "Pod",
        "kubedom.watch.change": "changed",
    }


def test_each_event_of_a_change_has_a_trace_of_its_own_and_states_have_none() -> None:
    kept = Kept()
    operator = Operator(kept)
    operator.read("Pod", pod(container(running())))
    operator.read("Pod", failing())
    operator.sink.gone("Pod", "uid-x")
    failed, removed = operator.take()
    assert failed.traceparent != removed.traceparent
    assert [one.attributes["kubedom.watch.change"] for one in kept.told("watch")] == ["changed", "gone"]
    assert not any(hasattr(entry, "traceparent") for entry in operator.journal if not isinstance(entry, EventEntry))


def test_what_is_told_late_has_no_trace() -> None:
    kept = Kept()
    operator = Operator(kept, synced=False)
    operator.read("Pod", failing())
    (entry,) = operator.take()
    assert (entry.replayed, entry.traceparent) == (True, "")
    assert kept.told() == []


def test_a_hold_that_is_over_begins_a_trace_by_itself() -> None:
    kept = Kept()
    operator = Operator(kept)
    ready = cond("Ready", "False", "ContainersNotReady") | {"lastTransitionTime": ago(0)}
    operator.read("Pod", pod(container(running()) | {"ready": False}, conditions=(ready,)))
    assert operator.take() == []
    operator.now = NOW + 31
    operator.pipeline.tick()
    (entry,) = operator.take()
    spans = by_name(kept.told())
    assert spans.keys() == {"timer", "handover"}
    assert spans["handover"].is_named(entry.traceparent)
    assert "kubedom.watch.kind" not in spans["timer"].attributes


def test_of_a_burst_only_some_have_a_trace_and_later_ones_again() -> None:
    kept = Kept()
    operator = Operator(kept)
    for number in range(30):
        operator.read("Pod", pod(container(running()), meta={"name": f"p{number}", "uid": f"uid-p{number}"}))
    for number in range(30):
        operator.read("Pod", failing(f"p{number}"))
    events = operator.take()
    assert len(events) == 30
    assert sum(bool(entry.traceparent) for entry in events) == TRACE_BURST == len(kept.told("watch"))
    operator.now += 1
    operator.sink.gone("Pod", "uid-p0")
    (last,) = operator.take()
    assert last.traceparent


def test_what_the_sampler_leaves_out_travels_without_a_trace_and_counts_for_nothing() -> None:
    kept = Kept(sampler=ALWAYS_OFF)
    operator = Operator(kept)
    for number in range(30):
        operator.read("Pod", pod(container(running()), meta={"name": f"p{number}", "uid": f"uid-p{number}"}))
        operator.read("Pod", failing(f"p{number}"))
    assert not any(entry.traceparent for entry in operator.take())
    assert kept.told() == []


def test_no_name_of_an_object_is_told() -> None:
    kept = Kept()
    operator = Operator(kept)
    operator.read("Pod", pod(container(running()), meta={"name": "secret-name", "uid": "uid-s"}))
    operator.read("Pod", failing("secret-name"))
    operator.take()
    assert kept.told("watch")
    assert "secret-name" not in repr(kept.told())
