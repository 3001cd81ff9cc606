"""The traces of events: what kubedom's parts need to tell one, whoever collects them. Off unless asked for.

In come names and moments, out go spans to the collector that the OTEL_* environment variables name (`telemetry.py`).
The parts of one trace know each other by W3C's `traceparent` alone, which travels with the event, so that operator,
bridge and page may be anywhere. Nothing of OpenTelemetry is imported before `start_traces`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .errors import ConfigurationError


class Span(Protocol):
    """A part of a trace that has begun."""

    @property
    def traceparent(self) -> str:
        """What its children name as their parent; empty where it is not sampled."""

    def end(self, moment: float, attributes: Mapping[str, str | int] | None = None) -> None:
        """Tell it, with what was learnt meanwhile; one that is never ended is never told."""


class Traces(Protocol):
    """Where spans go; every call returns at once, from any thread."""

    def begin(
        self, name: str, moment: float, *, parent: str = "", attributes: Mapping[str, str | int] | None = None
    ) -> Span:
        """Begin a span.

        Args:
            name: What is done.
            moment: When it began, in seconds since the epoch.
            parent: The `traceparent` of what it is a part of; empty for the beginning of a trace.
            attributes: What is known of it.

        """

    def stop(self) -> None:
        """Send what has not been sent yet, and nothing more; blocks for some seconds where nobody takes it."""


def start_traces(service: str) -> Traces:
    """Begin to send traces as the OTEL_* environment variables say.

    Args:
        service: The name of this process among the others, as `kubedom-bridge`; OTEL_SERVICE_NAME overrides it.

    Raises:
        ConfigurationError: where OpenTelemetry is not installed, or a variable says what cannot be done.

    """
    try:
        from .telemetry import start
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise ConfigurationError(
            "--traces needs OpenTelemetry, which is not installed.",
            remedy='Install it with `pip install "kubedom[traces]"`, or leave --traces out.',
            field="--traces",
        ) from None
    return start(service)
