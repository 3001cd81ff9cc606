"""The overview: incidents by workload, the map, the numbers, and the last hour."""

from __future__ import annotations

import pytest
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import ScriptedBridge, changes, deployment, event, gone, healing, hello, pod, snapshot
from tests.browser.waiting import eventually

pytestmark = pytest.mark.browsers("chromium", "firefox")

OPENED = "window.opened = []; addEventListener('kubedom:open', ({ detail }) => opened.push(detail.uid)); undefined"


async def test_what_fails_in_a_workload_is_one_line_that_unfolds(open_page: Open) -> None:
    listening, _ = await open_page(
        *(deployment("api"), pod("a", workload="api"), pod("b", workload="api"), pod("c")),
        incidents=(
            event("podNotReady", "a", 4, incident="i1", failure="NotReady", severity="warning"),
            event("podFailed", "b", 5, incident="i2", nextStep="Read its last lines."),
            event("podFailed", "c", 6, incident="i3", severity="warning"),
        ),
        path="/",
    )
    page = listening.page
    await listening.until("document.querySelectorAll('#incidentList > li').length === 2")
    first = page.locator("#incidentList > li").first
    assert "Pod failed" in await first.inner_text(), "the worst of it speaks for it"
    assert "→ Read its last lines." in await first.inner_text()
    assert await page.inner_text("#incidentCount") == "2"
    await first.get_by_text("1 more of it").click()
    await first.get_by_role("button", name="Not ready a").click()
    await listening.until("document.getElementById('incidentDialog').open")
    assert "Not ready" in await page.inner_text("#dialogTitle")


async def test_numbers_lead_to_the_pods_that_they_count(open_page: Open) -> None:
    listening, peer = await open_page(
        *(pod("a"), pod("b", status="Pending"), pod("c", namespace="other")),
        incidents=(event("podFailed", "a", 5),),
        path="/",
    )
    page = listening.page

    async def until_states(*texts: str) -> None:
        shown = "[...document.querySelectorAll('#stateCounters a')].map((e) => e.textContent)"
        await eventually(page, f"(wanted) => JSON.stringify({shown}) === JSON.stringify(wanted)", list(texts))

    await until_states("1failing", "3pods", "2Running", "1Pending")
    await peer.send(changes(pod("b", 11), gone("c", 12)))
    await until_states("1failing", "2pods", "2Running")
    assert await page.locator("#namespaceCounters a").all_inner_texts() == ["2\ndefault\n1 failing"] or (
        "1 failing" in await page.inner_text("#namespaceCounters")
    )
    await page.locator("#stateCounters a").first.click()
    assert page.url.endswith("?view=pods&failing=1")
    await eventually(page, "document.querySelectorAll('#podsTable tbody tr').length === 1")


async def test_the_map_has_a_cell_for_every_pod_and_keys_walk_it(open_page: Open) -> None:
    listening, peer = await open_page(
        *(deployment("api"), *(pod(f"p{n}", workload="api") for n in range(9)), pod("other", namespace="z")), path="/"
    )
    page = listening.page
    await page.evaluate(OPENED)
    await listening.until(
        "document.getElementById('podMap').getAttribute('aria-label')?.startsWith('Map of 10 pods in 2')"
    )
    await page.locator("#podMap").focus()
    assert (await page.inner_text("#podMapSaid")).startswith("p0 · default · api · Running")
    await page.keyboard.press("ArrowRight")
    assert (await page.inner_text("#podMapSaid")).startswith("p1 ·")
    await page.keyboard.press("End")
    assert (await page.inner_text("#podMapSaid")).startswith("other · z")
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowDown")
    assert (await page.inner_text("#podMapSaid")).startswith("p4 ·")
    await page.keyboard.press("Enter")
    assert await page.evaluate("opened") == ["uid-p4"]
    await page.keyboard.press("Escape")
    await page.mouse.move(0, 0)
    await page.evaluate("document.addEventListener('podFailed', (event) => event.preventDefault())")
    await page.evaluate("window.before = document.getElementById('podMap').toDataURL()")
    await peer.send(changes(event("podFailed", "p0", 20)))
    await listening.until("document.getElementById('podMap').toDataURL() !== before")


async def test_ten_thousand_cells_are_drawn(open_page: Open) -> None:
    listening, _ = await open_page(
        *(pod(f"p{n}", namespace=f"n{n % 40}", workload=f"w{n % 7}") for n in range(10_000)), path="/"
    )
    await listening.until("document.getElementById('podMap').ariaLabel?.startsWith('Map of 10,000')")
    assert await listening.page.evaluate("document.getElementById('podMap').height > 100")


async def test_the_last_hour_is_drawn_brushed_and_listed(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, peer = await open_page(pod("a"), path="/")
    page = listening.page
    await page.evaluate("document.addEventListener('podFailed', (event) => event.preventDefault())")
    now = await page.evaluate("new Date().toISOString()")
    before = await page.evaluate("new Date(Date.now() - 30 * 60_000).toISOString()")
    failure, recovery = event("podFailed", "a", 11), event("podRecovered", "a", 12, phase="end")
    action = healing("healingSucceeded", "a", 13, phase="Succeeded", message="Evicted a.")
    for entry, time in ((failure, before), (recovery, now), (action, now)):
        entry["time"] = time
    await peer.send(changes(failure, recovery, action))
    await listening.until("document.querySelectorAll('#timelineList li').length === 3")
    assert await page.locator("#timelineChart rect.failure").count() == 1
    assert "The last hour: 3 events" in await page.inner_text("#timelineRange")
    label = await page.get_attribute("#timelineChart", "aria-label")
    assert label is not None
    assert "1 failure, 1 recovery, 1 action" in label
    await page.locator("#timelineTo").focus()
    for _ in range(10):
        await page.keyboard.press("ArrowLeft")
    await listening.until("document.querySelectorAll('#timelineList li').length === 1")
    assert "Pod failed" in await page.inner_text("#timelineList")
    await page.get_by_role("button", name="The whole hour").click()
    await listening.until("document.querySelectorAll('#timelineList li').length === 3")
    box = await page.locator("#timelineChart").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10)
    await page.mouse.up()
    await listening.until("document.querySelectorAll('#timelineList li').length === 2")


async def test_the_hour_before_the_page_was_opened_has_the_actions_that_one_may_list(
    bridge: ScriptedBridge, open_page: Open
) -> None:
    listening, _ = await open_page(path="/")
    page = listening.page
    started = await page.evaluate("new Date(Date.now() - 600_000).toISOString()")
    bridge.lists["actions"] = [
        {
            "metadata": {"name": "r", "uid": "u", "namespace": "default", "creationTimestamp": started},
            "spec": {"action": "restartPod", "target": {"kind": "Pod", "name": "x"}},
            "status": {"phase": "Succeeded", "startedAt": started, "message": "Evicted x."},
        }
    ]
    await page.reload()
    peer, _ = await bridge.subscribed()
    await peer.send(hello(head=10), *snapshot())
    await listening.until("document.querySelectorAll('#timelineList li').length === 1")
    assert "Evicted x." in await page.inner_text("#timelineList")
    assert "This page has watched since" in await page.inner_text("#timelineSince")
