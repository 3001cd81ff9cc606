"""What the bridge tells of traced events, and what it believes of pages that say they have seen them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.running import KUBEDOM
from tests.tracing import Kept

from kubedom_bridge.delivery_traces import PAGES_A_TRACE, REMEMBERED, REMEMBERED_SECONDS, DeliveryTraces
from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.journal import Journal
from kubedom_bridge.protocol import EventEntry
from kubedom_bridge.records import as_replayed
from kubedom_bridge.telemetry import endpoint_of
from kubedom_bridge.traces import start_traces

from .conftest import Running, Start, receive, receive_until, send
from .entries import event, state
from .test_session import closed


def traced(kept: Kept, uid: str = "a", **more: Any) -> EventEntry:
    """An event that has just been handed over."""
    handover = kept.traces.begin("handover", 1.0)
    handover.end(2.0)
    made = event(uid, **more)
    made.traceparent = handover.traceparent
    return made


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def bridge(start: Start, kept: Kept) -> AsyncIterator[Running]:
    async with start(kept.traces) as started:
        yield started
        for socket in started.sockets:
            await socket.close()


class Watch:
    """A delivery of records that this made, by a clock of its own."""

    def __init__(self, kept: Kept) -> None:
        self.now = 1_000.0
        self.kept = kept
        self.delivery = DeliveryTraces(kept.traces, journal_clock=lambda: self.now, clock=lambda: 5_000.0 + self.now)
        self.journal = Journal(clock=lambda: self.now)
        self.journal.follow(lambda records: self.delivery.end(self.delivery.begin(records)))

    def deliver(self, **more: Any) -> str:
        made = traced(self.kept, **more)
        self.journal.publish([made])
        return made.traceparent


async def test_a_delivery_counts_the_pages_that_were_told(bridge: Running, kept: Kept) -> None:
    for filtered in ({}, {}, {"kinds": ["Node"]}):
        await receive_until(await bridge.page(filter=filtered), "snapshotEnd")
    made = traced(kept)
    bridge.journal.publish([state(), made, event("b")])
    (handover,), (deliver,) = kept.told("handover"), kept.told("deliver")
    assert (deliver.trace, deliver.parent) == (handover.trace, handover.span)
    assert deliver.attributes == {"kubedom.pages": 2}
    assert 0 <= deliver.end - deliver.start < 5


async def test_a_page_that_has_seen_it_ends_the_trace(bridge: Running, kept: Kept) -> None:
    page = await bridge.page()
    await receive_until(page, "snapshotEnd")
    bridge.journal.publish([traced(kept)])
    (entry,) = (await receive(page))["entries"]
    await send(page, {"type": "seen", "traceparents": [entry["traceparent"]]})
    await answered(page)
    (deliver,), (seen,) = kept.told("deliver"), kept.told("seen")
    assert (seen.trace, seen.parent, seen.start) == (deliver.trace, deliver.span, deliver.end)
    assert seen.end >= seen.start
    assert seen.attributes == {}


async def test_a_page_can_make_nothing_up(bridge: Running, kept: Kept) -> None:
    page = await bridge.page()
    await receive_until(page, "snapshotEnd")
    bridge.journal.publish([traced(kept)])
    told = (await receive(page))["entries"][0]["traceparent"]
    others = [f"00-{number:032x}-{number:016x}-01" for number in range(99)]
    for message in ([told, told], [told], others, [told[:-2] + "00"]):
        await send(page, {"type": "seen", "traceparents": message})
    await answered(page)
    assert len(kept.told("seen")) == 1


async def test_each_page_counts_once(bridge: Running, kept: Kept) -> None:
    pages = [await bridge.page() for _ in range(3)]
    for page in pages:
        await receive_until(page, "snapshotEnd")
    bridge.journal.publish([traced(kept)])
    for page in pages:
        told = (await receive(page))["entries"][0]["traceparent"]
        await send(page, {"type": "seen", "traceparents": [told]})
        await answered(page)
    assert len(kept.told("seen")) == 3


@pytest.mark.parametrize("traceparents", [None, "x", [1], ["00-0-0-01"], ["0" * 55] * 2, ["x"] * 101])
async def test_a_bad_acknowledgement_is_answered_and_the_page_goes_on(
    bridge: Running, kept: Kept, traceparents: Any
) -> None:
    page = await bridge.page()
    await receive_until(page, "snapshotEnd")
    await send(page, {"type": "seen", "traceparents": traceparents})
    answer = await receive(page)
    assert (answer["type"], answer["code"]) == ("error", "badMessage")
    assert answer["field"].startswith("traceparents")
    bridge.journal.publish([traced(kept)])
    assert (await receive(page))["type"] == "changes"


async def test_too_many_acknowledgements_are_too_many_messages(bridge: Running) -> None:
    page = await bridge.page()
    for _ in range(400):
        await send(page, {"type": "seen", "traceparents": []})
    assert await closed(page) == 4429


async def test_without_traces_an_acknowledgement_is_passed_over(running: Running, kept: Kept) -> None:
    page = await running.page()
    await receive_until(page, "snapshotEnd")
    made = traced(kept)
    running.journal.publish([made])
    assert (await receive(page))["entries"][0]["traceparent"] == made.traceparent
    await send(page, {"type": "seen", "traceparents": [made.traceparent]})
    await answered(page)


async def answered(page: Any) -> None:
    """Wait until the bridge has read what was sent before."""
    await send(page, {"type": "unknown", "id": "last"})
    assert (await receive(page))["id"] == "last"


def test_what_only_looks_like_a_trace_is_none(kept: Kept) -> None:
    watch = Watch(kept)
    looks = traced(kept).traceparent
    watch.journal.publish(
        [
            state(),
            event(detail={"traceparent": looks}),
            event(detail={"message": f',"traceparent":"{looks}"}}'}),
            traced(kept, replayed=True),
        ]
    )
    assert kept.told("deliver") == []


def test_a_late_telling_of_an_open_incident_keeps_its_mark_last(kept: Kept) -> None:
    watch = Watch(kept)
    watch.deliver(phase="begin")
    (incident,) = watch.journal.snapshot().incidents
    assert incident.encoded == as_replayed(incident.encoded)
    assert incident.encoded.endswith(b'","replayed":true}')
    assert b',"traceparent":"' in incident.encoded


def test_what_was_delivered_long_ago_is_not_acknowledged_any_more(kept: Kept) -> None:
    watch = Watch(kept)
    first = watch.deliver()
    watch.now += REMEMBERED_SECONDS + 1
    watch.delivery.seen([first], page=watch)
    second = watch.deliver()
    watch.now += REMEMBERED_SECONDS - 1
    watch.delivery.seen([first, second], page=watch)
    (seen,) = kept.told("seen")
    assert seen.trace in second
    assert seen.end - seen.start == REMEMBERED_SECONDS - 1


def test_only_so_many_deliveries_are_remembered(kept: Kept) -> None:
    watch = Watch(kept)
    told = [watch.deliver(uid=str(number)) for number in range(REMEMBERED + 1)]
    watch.delivery.seen(told, page=watch)
    assert len(kept.told("seen")) == REMEMBERED


def test_of_one_trace_only_so_many_pages_are_told_one_by_one(kept: Kept) -> None:
    watch = Watch(kept)
    told = watch.deliver()
    pages = [Watch(kept) for _ in range(PAGES_A_TRACE + 1)]
    for page in pages:
        watch.delivery.seen([told], page)
    assert len(kept.told("seen")) == PAGES_A_TRACE


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, "http://localhost:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4318/a/"}, "https://c:4318/a/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/here"}, "http://c/here"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_TRACES_EXPORTER": "otlp"}, endpoint_of({})),
    ],
)
def test_the_collector_is_where_the_environment_says(environment: dict[str, str], endpoint: str) -> None:
    assert endpoint_of(environment) == endpoint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[c"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:99999/v1/traces"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ],
)
def test_a_variable_that_cannot_be_followed_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        endpoint_of({name: value})
    assert caught.value.field == name
    assert name in str(caught.value)
    assert caught.value.remedy


def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kubedom_bridge.telemetry")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r'pip install "kubedom\[traces\]"'):
        start_traces("kubedom")


def test_the_command_line_says_so_before_it_does_anything() -> None:
    done = subprocess.run(
        [KUBEDOM, "run", "--no-open", "--port=0", "--traces"],
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "kubedom: OTEL_EXPORTER_OTLP_ENDPOINT is no address of a collector. Write it as http://localhost:4318.\n",
    )


def test_nothing_of_opentelemetry_is_loaded_where_it_is_not_asked_for() -> None:
    asked = "import sys, kubedom_operator.cli; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
