"""The operator's part of the traces: a trace for each event, from what was read to what the journal has taken.

In come the calls of a watch source on their way to the pipeline, and the entries on their way to the journal; out go
spans, and entries that name theirs. Of a change the root is `watch`, from the moment its line was read; what a hold
time brings about has the root `timer`, and what healing tells of itself `healing`. Events that are told late have no
trace, and of many at once only some have one: a page acknowledges each.

Without traces nothing of this stands in the entries' way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from kubedom_bridge.limits import TokenBucket
from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_bridge.traces import Span, Traces

from .projection import Minimal, UnreadableObject
from .watch.seam import Sink

TRACES_PER_SECOND = 1.0
TRACE_BURST = 10.0
#: How many events may be on their way to the journal; of more than that the oldest are not told of.
UNDER_WAY = 1000

Publish = Callable[[list[Entry]], None]


class _Cause(NamedTuple):
    """What the watch source has brought: when it was read, and when it was handed on, in seconds since the epoch."""

    kind: str
    change: str
    read: float
    begun: float


class EventTraces:
    """Begins the traces of one operator's events; belongs to its thread but for `taken`.

    Args:
        traces: Where spans go.
        clock: Seconds since the epoch.
        monotonic: The watch sources' clock.

    """

    def __init__(
        self,
        traces: Traces,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._traces = traces
        self._clock = clock
        self._monotonic = monotonic
        self._bucket = TokenBucket(TRACES_PER_SECOND, TRACE_BURST)
        self._cause: _Cause | None = None
        self._under_way: dict[str, Span] = {}
        self._lock = threading.Lock()

    def watching(self, sink: Sink, heard: Callable[[str], float | None]) -> Sink:
        """Put this before a sink, so that what it publishes meanwhile has its cause.

        Args:
            sink: The pipeline.
            heard: Says when the API server was last heard of a kind, by the sources' clock.

        """
        return _Watching(self, sink, heard)

    def publishing(self, publish: Publish) -> Publish:
        """Put this before what hands entries over: events that have no trace yet are given one."""

        def traced(entries: list[Entry]) -> None:
            for entry in entries:
                if isinstance(entry, EventEntry) and not entry.replayed:
                    self._begin(entry)
            publish(entries)

        return traced

    def taking(self, publish: Callable[[list[Entry]], None]) -> Publish:
        """Put this before the journal of this process."""

        def taken(entries: list[Entry]) -> None:
            self.taken(entries)
            publish(entries)

        return taken

    def taken(self, entries: Iterable[Entry]) -> None:
        """End the handover of these entries: the journal has them. From any thread."""
        for entry in entries:
            if isinstance(entry, EventEntry) and entry.traceparent:
                with self._lock:
                    span = self._under_way.pop(entry.traceparent, None)
                if span is not None:
                    span.end(self._clock())

    def caused(self, kind: str, change: str, heard: float | None) -> None:
        """Remember what the source has brought; `forget` ends that."""
        now = self._clock()
        read = now if heard is None else now - (self._monotonic() - heard)
        self._cause = _Cause(kind, change, read, now)

    def forget(self) -> None:
        """Nothing is brought by the source any more."""
        self._cause = None

    def _begin(self, entry: EventEntry) -> None:
        if not self._bucket.take(self._monotonic()):
            return
        now, cause = self._clock(), self._cause
        attributes = {"kubedom.kind": entry.kind, "kubedom.event.type": entry.type}
        if entry.namespace:
            attributes["k8s.namespace.name"] = entry.namespace
        if entry.incident is not None:
            attributes["kubedom.incident.kind"] = entry.incident.kind
        if cause is None:
            root = self._traces.begin("timer" if entry.incident is not None else "healing", now, attributes=attributes)
        else:
            attributes |= {"kubedom.watch.kind": cause.kind, "kubedom.watch.change": cause.change}
            root = self._traces.begin("watch", cause.read, attributes=attributes)
        if not root.traceparent:
            # The sampler has left it out, which is not to count against those that it takes.
            self._bucket.give_back()
            return
        if cause is not None:
            self._traces.begin("diagnose", cause.begun, parent=root.traceparent).end(now)
        handover = self._traces.begin("handover", now, parent=root.traceparent)
        root.end(now)
        entry.traceparent = handover.traceparent
        with self._lock:
            if len(self._under_way) >= UNDER_WAY:
                del self._under_way[next(iter(self._under_way))]
            self._under_way[handover.traceparent] = handover


class _Watching:
    """A sink that says what it is being told."""

    def __init__(self, traces: EventTraces, sink: Sink, heard: Callable[[str], float | None]) -> None:
        self._traces = traces
        self._sink = sink
        self._heard = heard

    def changed(self, kind: str, obj: Any) -> None:
        self._traces.caused(kind, "changed", self._heard(kind))
        try:
            self._sink.changed(kind, obj)
        finally:
            self._traces.forget()

    def gone(self, kind: str, uid: str, resource_version: str = "") -> None:
        self._traces.caused(kind, "gone", self._heard(kind))
        try:
            self._sink.gone(kind, uid, resource_version)
        finally:
            self._traces.forget()

    def unreadable(self, problem: UnreadableObject, minimal: Minimal) -> None:
        self._sink.unreadable(problem, minimal)

    def synced(self, kind: str) -> None:
        self._sink.synced(kind)

    def known(self, kind: str) -> Collection[str]:
        return self._sink.known(kind)

    def trouble(self, kind: str, sentence: str) -> None:
        self._sink.trouble(kind, sentence)
