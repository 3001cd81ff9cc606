"""Traces by OpenTelemetry's SDK, sent as OTLP over HTTP from a thread of the SDK's own.

In come spans (`traces.py`) and the OTEL_* environment variables, which are read as the SDK reads them. A collector that
does not answer costs the traces and nothing else: it is said once, in a sentence, and once more when it is back.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from .errors import ConfigurationError

DEFAULT_ENDPOINT = "http://localhost:4318"
PATH = "v1/traces"
#: How long the end of the process waits for a collector.
STOP_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000

log = logging.getLogger(__name__)


def start(service: str) -> OpenTelemetry:
    """Begin to send; arguments and errors as for `start_traces`."""
    endpoint = endpoint_of(os.environ)
    # What it would say of each batch that is lost is said once, below.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    exporter = _Reported(OTLPSpanExporter(endpoint), _shown(endpoint))
    named = Resource.create({"service.name": service, "service.version": version("kubedom")})
    # Whoever runs it has the last word on its name.
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OpenTelemetry(provider, exporter)


def endpoint_of(environment: Mapping[str, str]) -> str:
    """Say where traces go.

    Raises:
        ConfigurationError: where that is no address, or another exporter or protocol is asked for than there is.

    """
    for name, only in (
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ):
        if (asked := environment.get(name) or only) != only:
            raise ConfigurationError(
                f"{name} is {asked!r}, and kubedom's traces are sent by {only} only.",
                remedy=f"Set it to {only}, or leave --traces out.",
                field=name,
            )
    name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    endpoint = environment.get(name) or ""
    if not endpoint:
        name = "OTEL_EXPORTER_OTLP_ENDPOINT"
        endpoint = f"{(environment.get(name) or DEFAULT_ENDPOINT).rstrip('/')}/{PATH}"
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"{name} is no address of a collector.", remedy=f"Write it as {DEFAULT_ENDPOINT}.", field=name
        )
    return endpoint


class OpenTelemetry:
    """Where spans go (`Traces`)."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter) -> None:
        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("kubedom", version("kubedom"))

    def begin(
        self, name: str, moment: float, *, parent: str = "", attributes: Mapping[str, str | int] | None = None
    ) -> _Span:
        """Begin a span."""
        context = trace.set_span_in_context(trace.NonRecordingSpan(_context(parent)))
        return _Span(
            self._tracer.start_span(name, context, attributes=attributes, start_time=int(moment * _NANOSECONDS))
        )

    def stop(self) -> None:
        """Send what has not been sent yet, and nothing more."""
        # The SDK would try again and again; this ends what it waits for.
        given_up = threading.Timer(STOP_SECONDS, self._exporter.shutdown)
        given_up.start()
        self._provider.shutdown()
        given_up.cancel()


class _Span:
    """One span (`traces.Span`)."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        known = span.get_span_context()
        self.traceparent = ""
        if known.trace_flags.sampled:
            self.traceparent = f"00-{known.trace_id:032x}-{known.span_id:016x}-{known.trace_flags:02x}"

    def end(self, moment: float, attributes: Mapping[str, str | int] | None = None) -> None:
        """Tell it."""
        if attributes:
            self._span.set_attributes(attributes)
        self._span.end(int(moment * _NANOSECONDS))


class _Reported(SpanExporter):
    """An exporter that says when the collector goes and when it comes back."""

    def __init__(self, exporter: SpanExporter, where: str) -> None:
        self._exporter = exporter
        self._where = where
        self._lost = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        lost = result is not SpanExportResult.SUCCESS
        if lost and not self._lost:
            log.warning("Traces cannot be sent to %s; they are lost until it takes them.", self._where)
        elif self._lost and not lost:
            log.warning("Traces are sent to %s again.", self._where)
        self._lost = lost
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _context(traceparent: str) -> trace.SpanContext:
    if not traceparent:
        return trace.INVALID_SPAN_CONTEXT
    _, trace_id, span_id, flags = traceparent.split("-")
    return trace.SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(int(flags, 16))
    )


def _shown(endpoint: str) -> str:
    """Without a password that it may have, and what comes after the path."""
    parts = urlsplit(endpoint)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
