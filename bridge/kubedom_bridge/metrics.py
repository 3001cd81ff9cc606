"""What the bridge counts, for Prometheus: base units, no names of users, namespaces or objects.

Served on a port of its own (`--probe-port`), for the totals speak of the whole cluster.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The bridge's metrics; each bridge has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = Gauge("kubedom_connections", "Open WebSocket connections.", registry=self.registry)
        self.entries = self._counter("entries_sent", "Journal entries written to sockets, counted for each socket.")
        self.bytes = self._counter("sent_bytes", "Bytes of frames written to sockets.")
        self.closed = self._counter("connections_closed", "Connections that the bridge ended, by close code.", "code")
        self.refused = self._counter("requests_refused", "Requests refused before the application.", "reason")
        self.evicted = self._counter("connections_evicted", "Connections that did not read.", "reason")
        self.conflated = self._counter("states_conflated", "States that slow pages were spared for a newer one.")
        self.resumes = self._counter("resumes", "Subscriptions that were brought up from the journal.")
        self.resyncs = self._counter("resyncs", "Subscriptions that had to be given a snapshot instead.", "reason")
        self.snapshots = self._counter("snapshots_sent", "Snapshots sent.")
        self.commands = self._counter("commands", "Commands, by outcome.", "outcome")
        self.reviews = self._counter("reviews", "Answers about tokens and rights, by where they came from.", "of", "by")
        self.flush = Histogram(
            "kubedom_flush_seconds",
            "Time to build and write the frames of one flush.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
            registry=self.registry,
        )

    def review_counter(self, of: str) -> Callable[[bool], None]:
        """Make what counts the questions for one kind of review, by whether the answer was known."""
        known, asked = self.reviews.labels(of, "memory"), self.reviews.labels(of, "apiserver")
        return lambda hit: (known if hit else asked).inc()

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a number that somebody else keeps, asked for when it is scraped (on another thread)."""
        Gauge(f"kubedom_{name}", description, registry=self.registry).set_function(value)

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"kubedom_{name}", description, labels, registry=self.registry)
