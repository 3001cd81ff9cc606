"""Widgets that need no code: what they show, what they do, and what a screen reader and a keyboard make of them."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import OpenWidgets
from tests.browser.sdk.scripted import ScriptedBridge, changes, event, gone, hello, pod, snapshot

pytestmark = pytest.mark.browsers("chromium", "firefox")

# Counts what the widgets ask of the platform; loaded before them.
COUNTED = """
window.counted = { get observers() { return observing.size; }, questions: 0, frames: 0 };
const observing = new Set();
const { observe, disconnect } = MutationObserver.prototype;
MutationObserver.prototype.observe = function (root, init) {
  // The browser's driver may watch the document for a new root element, which costs nothing when the tree changes.
  if (init.subtree || root.closest?.('kube-cluster')) observing.add(this);
  return observe.call(this, root, init);
};
MutationObserver.prototype.disconnect = function () { observing.delete(this); return disconnect.call(this); };
const ask = Element.prototype.querySelectorAll;
Element.prototype.querySelectorAll = function (selector) { counted.questions += 1; return ask.call(this, selector); };
const frame = () => { counted.frames += 1; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"""


async def test_a_count_follows_the_tree(open_widgets: OpenWidgets) -> None:
    content = "<kube-count id=all selector=kube-pod></kube-count><kube-count id=bad selector='kube-pod[incident]'>"
    page, peer = await open_widgets(content, pod("a"), pod("b"))
    await page.until("document.querySelector('#all').count === 2 && document.querySelector('#bad').count === 0")
    await peer.send(changes(event("podFailed", "a", 11)))
    await page.until("document.querySelector('#bad').getAttribute('count') === '1'")
    await peer.send(changes(event("podRecovered", "a", 12, phase="end"), gone("b", 13)))
    await page.until("document.querySelector('#all').count === 1 && document.querySelector('#bad').count === 0")
    assert await page.page.locator("#all").aria_snapshot() == '- text: "1"'


async def test_a_count_follows_what_a_page_marks(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets("<kube-count selector='.mine'></kube-count>", pod("a"), pod("b"))
    await page.until("document.querySelector('kube-count').count === 0")
    await page.page.evaluate("document.querySelector('kube-pod').classList.add('mine')")
    await page.until("document.querySelector('kube-count').count === 1")


async def test_before_a_cluster_is_read_there_is_no_number(bridge: ScriptedBridge, open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets("", pod("a"))
    await page.page.reload()
    peer, _ = await bridge.subscribed()
    await page.page.evaluate(
        "document.body.append(Object.assign(document.createElement('kube-count'), { id: 'late' }))"
    )
    await peer.send(hello(), *snapshot(pod("a"), pod("b"))[:1])
    await page.until("document.querySelectorAll('kube-pod').length === 2")
    assert await page.page.locator("#late").aria_snapshot() == "- text: \u2013"
    assert await page.page.evaluate("document.querySelector('#late').count") is None
    await peer.send(*snapshot()[1:])
    await page.until("document.querySelector('#late').count === 3")


async def test_a_count_outlives_its_cluster_and_takes_up_the_next(
    bridge: ScriptedBridge, open_widgets: OpenWidgets
) -> None:
    page, _ = await open_widgets("<kube-count selector=kube-pod></kube-count>", pod("a"))
    await page.until("document.querySelector('kube-count').count === 1")
    await page.page.evaluate("document.querySelector('kube-cluster').remove()")
    await page.until("document.querySelector('kube-count').count === null")
    await page.page.evaluate("document.body.append(document.createElement('kube-cluster'))")
    peer, _ = await bridge.subscribed()
    await peer.send(hello(), *snapshot(pod("a"), pod("b")))
    await page.until("document.querySelector('kube-count').count === 2")


async def test_a_count_is_that_of_the_cluster_that_is_named(bridge: ScriptedBridge, open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets(
        "<kube-count cluster='#other' selector=kube-pod></kube-count>"
        "<kube-count id=first selector=kube-pod></kube-count>",
        pod("a"),
    )
    await page.page.evaluate(
        """() => { const other = document.createElement('kube-cluster');
          other.id = 'other';
          other.setAttribute('src', '/api/socket?other');
          document.body.append(other); }"""
    )
    peer, _ = await bridge.subscribed()
    await peer.send(hello(), *snapshot(pod("b"), pod("c")))
    await page.until("document.querySelector('[cluster]').count === 2 && document.querySelector('#first').count === 1")


async def test_many_counts_are_one_observer_and_a_painting_a_frame(
    bridge: ScriptedBridge, open_widgets: OpenWidgets
) -> None:
    bridge.pages["/counted.js"] = COUNTED
    await_counts = "[...document.querySelectorAll('kube-count')].every((each) => each.count === {})"
    page, peer = await open_widgets(
        "<script src=/counted.js></script>" + "<kube-count selector=kube-pod></kube-count>" * 50, pod("a")
    )
    await page.until(await_counts.format(1))
    before = await page.page.evaluate("({ ...counted })")
    assert before["observers"] == 1, await page.heard("kube:status")
    await peer.send(*(changes(pod(f"p{at}", 11 + at)) for at in range(200)))
    await page.until(await_counts.format(201))
    after = await page.page.evaluate("({ ...counted })")
    assert after["observers"] == 1, await page.heard("kube:status")
    # Fifty widgets ask the same, so it is asked once in a frame, and never more often than there are frames.
    assert after["questions"] - before["questions"] <= after["frames"] - before["frames"]


async def test_a_count_is_silent_unless_it_should_speak(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets(
        "<kube-count selector=kube-pod></kube-count><kube-count live selector=kube-pod></kube-count>", pod("a")
    )
    await page.until("document.querySelector('[live]').count === 1")
    assert await page.page.get_by_role("status").count() == 1
    assert await page.page.locator("[live]").aria_snapshot() == '- status: "1"'


async def test_a_count_says_how_fresh_it_is(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets("<kube-count selector=kube-pod></kube-count>", pod("a"))
    await page.until("document.querySelector('kube-count').getAttribute('state') === 'live'")
    await page.until("document.querySelector('kube-count').count === 1")
    await peer.close(4401)
    await page.until("document.querySelector('kube-count').getAttribute('state') === 'offline'")
    assert await page.page.evaluate("document.querySelector('kube-count').count") == 1


async def test_what_is_no_selector_is_told(open_widgets: OpenWidgets, complaints: Complaints) -> None:
    page, _ = await open_widgets("<kube-count selector='kube-pod['></kube-count>", pod("a"))
    complaints.expect("is not a CSS selector")
    (told,) = complaints.all
    assert "is not a CSS selector" in told
    await page.page.evaluate("document.querySelector('kube-count').setAttribute('selector', 'kube-pod')")
    await page.until("document.querySelector('kube-count').count === 1")
