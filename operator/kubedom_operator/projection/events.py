"""Core Events (core/v1; the same store as events.k8s.io/v1, of which only one must be watched)."""

from __future__ import annotations

import msgspec

from .shape import Metadata, ObjectReference, Shape


class EventSource(Shape):
    """Which component wrote an old-style event."""

    component: str | None = None
    host: str | None = None


class EventSeries(Shape):
    """A new-style event's repetition."""

    count: int | None = None
    last_observed_time: str | None = None


class Event(Shape):
    """A core Event, old-style (timestamps, count) or new-style (eventTime, series, reportingComponent)."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    involved_object: ObjectReference | None = None
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    source: EventSource | None = None
    reporting_component: str | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    count: int | None = None
    series: EventSeries | None = None

    @property
    def time(self) -> str | None:
        """When it was seen last, whichever style it has."""
        series = self.series.last_observed_time if self.series else None
        return (
            series or self.last_timestamp or self.event_time or self.first_timestamp or self.metadata.creation_timestamp
        )

    @property
    def occurrences(self) -> int:
        """How often it was seen."""
        return (self.series.count if self.series else None) or self.count or 1
