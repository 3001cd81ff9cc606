"""What was traced, for tests to look at: spans kept in memory, or received as a collector receives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from kubedom_bridge.telemetry import OpenTelemetry


@dataclass(frozen=True)
class Told:
    """A span that has ended; the moments are in seconds since the epoch."""

    name: str
    trace: str
    span: str
    parent: str
    start: float
    end: float
    attributes: dict[str, Any]
    service: str = ""

    def is_named(self, traceparent: str) -> bool:
        """Whether this is the span that a `traceparent` has as the parent."""
        return traceparent.split("-")[1:3] == [self.trace, self.span]


class Kept:
    """Traces of this process, kept in memory."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.traces = OpenTelemetry(provider, self._exporter)

    def told(self, *names: str) -> list[Told]:
        """What has ended so far, of these names or of all, in the order of its beginning."""
        found = [
            Told(
                span.name,
                f"{span.context.trace_id:032x}",
                f"{span.context.span_id:016x}",
                f"{span.parent.span_id:016x}" if span.parent is not None else "",
                (span.start_time or 0) / 1e9,
                (span.end_time or 0) / 1e9,
                dict(span.attributes or {}),
            )
            for span in self._exporter.get_finished_spans()
            if span.context is not None
        ]
        return sorted((one for one in found if not names or one.name in names), key=lambda one: one.start)


@dataclass
class Collector:
    """An OTLP receiver over HTTP."""

    endpoint: str
    spans: list[Told] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, traceparent: str) -> list[Told]:
        """The spans of a trace."""
        return [one for one in self.spans if one.trace == traceparent.split("-")[1]]

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until what has come is enough."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._came.clear()
                await self._came.wait()

    async def _take(self, request: web.Request) -> web.Response:
        received = ExportTraceServiceRequest.FromString(await request.read())
        for resource in received.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        Told(
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            span.start_time_unix_nano / 1e9,
                            span.end_time_unix_nano / 1e9,
                            {
                                one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
                                for one in span.attributes
                            },
                            named["service.name"],
                        )
                    )
        self._came.set()
        return web.Response(content_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Receive on a free port of the loopback."""
    collector = Collector("")
    app = web.Application()
    app.router.add_post("/v1/traces", collector._take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()
