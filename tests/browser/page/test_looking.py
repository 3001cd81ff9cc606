"""The log, the YAML and the Events: what is shown of them, also of hostile ones."""

from __future__ import annotations

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, Peer, ScriptedBridge, changes, event, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")

LOG = "document.getElementById('logDialog').open"
YAML = "document.getElementById('yamlDialog').open"


def with_containers(entry: Json, *names: str) -> Json:
    entry["object"]["spec"]["containers"] = [{"name": name} for name in names]
    return entry


async def open_log(
    bridge: ScriptedBridge, open_page: Open, text: str | None, query: str = ""
) -> tuple[Listening, Peer, Page]:
    if text is not None:
        bridge.logs["a"] = text
    listening, peer = await open_page(with_containers(pod("a"), "app", "proxy"), path=f"/?view=pods{query}")
    return listening, peer, listening.page


async def said(listening: Listening, text: str) -> None:
    await listening.until("(text) => document.getElementById('logSaid').textContent.includes(text)", text)


async def test_a_log_is_shown_searched_and_left(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _, page = await open_log(bridge, open_page, "one\ntwo two\nthree\n\x1b[31mtwo red\x1b[0m\nlast")
    await page.get_by_role("button", name="Log a", exact=True).click()
    await said(listening, "The log has ended")
    assert await page.locator("#logText .line").all_text_contents() == ["one", "two two", "three", "two red", "last"]
    assert "log=default%2Fa" in page.url
    assert await page.locator("#logContainer option").all_inner_texts() == ["app", "proxy"]
    await page.fill("#logSearch", "TWO")
    assert await page.inner_text("#logFound") == "2 lines"
    await page.press("#logSearch", "Enter")
    assert await page.locator("#logText .current").inner_text() == "two two"
    await page.press("#logSearch", "Shift+Enter")
    assert await page.locator("#logText .current").inner_text() == "two red"
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await listening.until(f"!{LOG} && !location.search.includes('log=')")


async def test_a_link_shows_a_log_and_a_reload_the_same(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _, page = await open_log(bridge, open_page, "hello\n", "&log=default/a&container=proxy")
    await said(listening, "The log has ended")
    assert await page.input_value("#logContainer") == "proxy"
    assert "a" in await page.inner_text("#logWhere")


async def test_what_there_is_no_log_of_is_said_in_the_clusters_words(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _, page = await open_log(bridge, open_page, None, "&log=default/a")
    await said(listening, "container app of a has written nothing")
    assert await page.get_by_role("button", name="Again").is_visible()
    bridge.logs["a"] = "now\n"
    await page.get_by_role("button", name="Again").click()
    await said(listening, "The log has ended")
    assert await page.locator("#logText .line").all_text_contents() == ["now"]


async def test_hostile_lines_are_text_and_long_ones_are_cut(bridge: ScriptedBridge, open_page: Open) -> None:
    long = "x" * 1_000_000
    listening, _, page = await open_log(
        bridge, open_page, f"<img src=x onerror=alert(1)>\n\x00\x07\u202eevil\n{long}\n"
    )
    await page.evaluate(
        "document.querySelector('[data-uid=uid-a]').dispatchEvent("
        "new CustomEvent('kubedom:log', { bubbles: true, detail: { uid: 'uid-a' } }))"
    )
    await said(listening, "The log has ended")
    first, second, third = await page.locator("#logText .line").all_text_contents()
    assert first == "<img src=x onerror=alert(1)>"
    assert second == "\u2400\u2407\ufffdevil"
    assert len(third) < 5000
    await page.get_by_role("button", name="show all 1,000,000 characters").click()
    assert await page.evaluate("document.querySelector('#logText .line:last-child').textContent.length") == 1_000_000
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_hundred_thousand_lines_are_the_newest_half_of_them(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _, page = await open_log(
        bridge, open_page, "".join(f"line {number}\n" for number in range(100_000)), "&log=default/a"
    )
    await said(listening, "The log has ended")
    lines = await page.evaluate("document.querySelectorAll('#logText .line').length")
    assert 49_000 <= lines <= 50_000
    assert f"The {100_000 - lines:,} oldest lines were left out." in await page.inner_text("#logDropped")
    assert (
        await page.evaluate("document.querySelector('#logText .chunk:last-child').lastChild.textContent")
        == "line 99999"
    )
    at_end = "(text) => text.scrollHeight - text.scrollTop - text.clientHeight < 60"
    assert await page.evaluate(f"({at_end})(document.getElementById('logText'))"), "the end is seen"


async def test_an_object_is_shown_as_yaml_with_its_keys(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.objects["Pod/default/a"] = (
        'kind: Pod\nmetadata:\n  annotations:\n    note: "<b onclick=alert(1)>bold</b>"\n  name: a\nspec:\n- x: 1\n'
    )
    listening, _ = await open_page(pod("a"), path="/?view=pods")
    page = listening.page
    await page.locator("#podsTable tbody tr").focus()
    await page.keyboard.press("y")
    await listening.until("document.querySelectorAll('#yamlText .line').length === 7")
    assert 'note: "<b onclick=alert(1)>bold</b>"' in await page.inner_text("#yamlText")
    assert await page.locator("#yamlText b").count() == 0
    assert await page.locator("#yamlText .key").all_inner_texts() == [
        *("kind", "metadata", "annotations", "note", "name", "spec", "x"),
    ]
    assert "yaml=Pod%2Fdefault%2Fa" in page.url
    await page.reload()
    await listening.until("document.querySelectorAll('#yamlText .line').length === 7")
    await page.get_by_role("button", name="Close").last.click()
    await listening.until(f"!{YAML} && !location.search.includes('yaml=')")


async def test_what_may_not_be_seen_is_refused_in_a_sentence(open_page: Open, complaints: Complaints) -> None:
    complaints.expect("403")
    listening, _ = await open_page(pod("a"), path="/?yaml=Secret/default/token")
    await listening.until("document.getElementById('yamlSaid').textContent.includes('You may not get Secret')")
    assert await listening.page.locator("#yamlText .line").count() == 0


async def test_keys_open_the_log_of_what_the_focus_is_in(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _, page = await open_log(bridge, open_page, "hello\n")
    await page.locator("#podsTable tbody tr").focus()
    await page.keyboard.press("l")
    await listening.until(LOG)
    await page.keyboard.press("Escape")
    await listening.until(f"!{LOG}")
    assert await page.evaluate("document.activeElement.closest('tr').dataset.uid") == "uid-a", "the focus is back"


async def test_events_are_listed_filtered_and_lead_to_their_object(bridge: ScriptedBridge, open_page: Open) -> None:
    def kept(reason: str, kind: str, name: str, sort: str = "Normal") -> Json:
        about = {"kind": kind, "namespace": "default", "name": name, "uid": f"uid-{name}"}
        time = "2026-01-01T00:00:00Z"
        return {
            "type": sort,
            "reason": reason,
            "message": f"{reason} of {name}",
            "count": 2,
            "firstTime": time,
            "lastTime": time,
            "source": "test",
            "object": about,
        }

    bridge.lists["events"] = [
        kept("BackOff", "Pod", "a", "Warning"),
        kept("Scheduled", "Pod", "b"),
        kept("Bound", "Claim", "c"),
    ]
    bridge.objects["Claim/default/c"] = "kind: Claim\n"
    listening, peer = await open_page(pod("a"), path="/?view=events")
    page = listening.page
    rows = page.locator("#eventsTable tbody tr")
    await listening.until("document.querySelectorAll('#eventsTable tbody tr').length === 3")
    await page.keyboard.press("/")
    await page.keyboard.type("pod")
    await listening.until("document.querySelectorAll('#eventsTable tbody tr').length === 2")
    assert await page.inner_text("#eventsTable caption") == "2 of 3 Events"
    await page.get_by_label("Warnings only").check()
    await listening.until("document.querySelectorAll('#eventsTable tbody tr').length === 1")
    assert "type=Warning" in page.url
    await rows.get_by_role("button", name="Pod a").click()
    await listening.until("document.getElementById('incidentDialog').open")
    await page.keyboard.press("Escape")
    await page.get_by_label("Warnings only").uncheck()
    await page.fill("#eventSearch", "nothing")
    await listening.until("document.getElementById('eventsNone').textContent === '0 of 3 Events'")
    assert await page.locator("#eventsTable").is_hidden()
    await page.fill("#eventSearch", "claim")
    await rows.get_by_role("button", name="Claim c").click()
    await listening.until(YAML)
    await page.keyboard.press("Escape")
    await page.get_by_label("Pause").check()
    await page.evaluate("document.addEventListener('podFailed', (event) => event.preventDefault())")
    await peer.send(changes(event("podFailed", "a", 11)))
    await listening.until_heard("podFailed")
    assert await page.locator("#liveList li").count() == 0, "it waits"
    await page.get_by_label("Pause").uncheck()
    await listening.until("document.querySelectorAll('#liveList li').length === 1")
    assert "a ended with exit code 3." in await page.inner_text("#liveList")


async def test_who_may_not_list_events_is_told(bridge: ScriptedBridge, open_page: Open, complaints: Complaints) -> None:
    complaints.expect("403")
    bridge.lists["events"] = None
    listening, _ = await open_page(path="/?view=events")
    await listening.until("document.getElementById('eventsSaid').textContent === 'You may not list events.'")
