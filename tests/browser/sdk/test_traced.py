"""A page says which traced events its listeners were told of, and nothing of others."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import Json, changes, event, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")


def traced(number: int, entry: Json) -> Json:
    return entry | {"traceparent": f"00-{number:032x}-{number:016x}-01"}


async def test_a_page_acknowledges_a_frame_of_traced_events_at_once_when_its_listeners_have_run(
    open_page: Open,
) -> None:
    first, second = traced(1, event("podFailed", "a", 12)), traced(2, event("podRecovered", "a", 14, phase="end"))
    page, peer = await open_page(pod("a"))
    await peer.send(changes(pod("a", 11), first, pod("a", 13), second))
    assert await peer.receive() == {"type": "seen", "traceparents": [first["traceparent"], second["traceparent"]]}
    assert await page.types() == ["podFailed", "resource-failed", "podRecovered", "resource-recovered"]


async def test_of_what_is_told_late_or_without_a_trace_nothing_is_said(open_page: Open) -> None:
    _, peer = await open_page(pod("a"), pod("b"), incidents=(traced(1, event("podFailed", "a", 5)),))
    await peer.send(
        changes(traced(1, event("podFailed", "a", 9))),
        changes(traced(2, event("podRecovered", "a", 11, phase="end")) | {"replayed": True}),
        changes(event("podFailed", "b", 12)),
    )
    last = traced(3, event("podRecovered", "b", 13, phase="end"))
    await peer.send(changes(last))
    assert await peer.receive() == {"type": "seen", "traceparents": [last["traceparent"]]}


async def test_a_listener_that_fails_keeps_nothing_back(open_page: Open, complaints: Complaints) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate("document.addEventListener('podFailed', () => { throw new Error('of the page'); })")
    failed = traced(1, event("podFailed", "a", 11))
    await peer.send(changes(failed))
    assert await peer.receive() == {"type": "seen", "traceparents": [failed["traceparent"]]}
    assert await page.types() == ["podFailed", "resource-failed"]
    complaints.expect("of the page")
    assert complaints.all == ["of the page"]
