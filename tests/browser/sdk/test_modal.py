"""The dialog that tells of an event, and the many reasons for which it stays closed."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, OpenWidgets
from tests.browser.sdk.scripted import Peer, changes, deployment, event, gone, pod
from tests.browser.sdk.test_button import command

pytestmark = pytest.mark.browsers("chromium", "firefox")

MODAL = "document.querySelector('kube-modal')"
NOTICE = f"{MODAL}.shadowRoot.querySelector('[part=notice]')"
PLAIN = "<kube-modal on=podFailed></kube-modal>"
TEMPLATE = """
<button id=before>Before</button>
<kube-modal on=podFailed>
  <template>
    <span slot=title>What is it with <slot name=podName></slot>?</span>
    <p id=message><slot name=message></slot> <slot name=runbook>Ask somebody.</slot></p>
    <kube-button slot=actions command=restartPod>Restart it</kube-button>
    <kube-button slot=actions command=restartDeployment>Restart all</kube-button>
  </template>
</kube-modal>
"""


async def fail(peer: Peer, *names: str, at: int = 11) -> None:
    await peer.send(changes(*(event("podFailed", name, at + n, incident=name) for n, name in enumerate(names))))


async def close(page: Listening) -> None:
    await page.page.keyboard.press("Escape")
    await page.until("[...document.querySelectorAll('kube-modal')].every((each) => !each.event)")


async def settled(page: Listening) -> None:
    """Everything that was going to happen because of the last event has happened."""
    await page.until_heard("resource-failed")
    await page.page.evaluate("new Promise((resolve) => setTimeout(resolve))")


async def test_it_tells_what_happened(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"))
    await peer.send(
        changes(event("podFailed", "a", 11, exitCode=3, nextStep="Read its last lines.", markup="<b>no</b>"))
    )
    await page.until(f"{MODAL}.open")
    snapshot = await page.page.get_by_role("dialog").aria_snapshot()
    assert snapshot.splitlines() == [
        '- dialog "Pod failed":',
        '  - heading "Pod failed" [level=2]',
        "  - status",
        "  - paragraph: Pod a in default",
        "  - paragraph: a ended with exit code 3.",
        "  - paragraph: Read its last lines.",
        "  - term: Exit code",
        '  - definition: "3"',
        "  - term: Markup",
        "  - definition: <b>no</b>",
        '  - button "Close"',
    ]
    assert await page.page.evaluate(f"{MODAL}.event.type") == "podFailed"
    await page.page.get_by_role("button", name="Close").click()
    assert not await page.page.evaluate(f"{MODAL}.open")
    assert await page.page.evaluate(f"{MODAL}.event") is None


async def test_a_page_s_own_template_is_filled_with_text(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(TEMPLATE, deployment("api"), pod("api-1", workload="api"))
    await peer.send(changes(event("podFailed", "api-1", 11, message="<img src=x onerror=alert(1)>")))
    await page.until(f"{MODAL}.open")
    assert await page.page.get_by_role("dialog", name="What is it with api-1?").count() == 1
    assert await page.page.locator("#message").inner_text() == "<img src=x onerror=alert(1)> Ask somebody."
    await page.page.get_by_role("button", name="Restart all").click()
    asked = await command(peer)
    assert (asked["name"], asked["target"]["name"]) == ("restartDeployment", "api")
    # The pod goes; its deployment is still there for the other button.
    await peer.send(changes(gone("api-1", 12)))
    await page.until(f"{MODAL}.querySelector('[command=restartPod]').target === null")
    assert await page.page.evaluate(f"{MODAL}.querySelector('[command=restartDeployment]').target.name") == "api"
    await close(page)
    assert not await page.page.evaluate("document.getElementById('message')")


async def test_a_framework_s_template_has_its_children_beside_its_content(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"))
    await page.page.evaluate(
        """() => { const template = document.createElement('template'), slot = document.createElement('slot');
          slot.setAttribute('name', 'podName');
          template.append('It is ', slot);
          document.querySelector('kube-modal').append(template); }"""
    )
    await fail(peer, "a")
    await page.until(f"{MODAL}.open")
    assert "It is a" in await page.page.evaluate(f"{MODAL}.textContent")


async def test_the_page_completes_the_content_before_it_is_shown(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(TEMPLATE, pod("a"))
    await page.page.evaluate(
        """() => document.addEventListener('kube:open', ({ target, detail }) => {
          window.early = target.open;
          target.querySelector('#message').textContent = detail.event.resource.uid; })"""
    )
    await fail(peer, "a")
    await page.until(f"{MODAL}.open")
    assert await page.page.locator("#message").inner_text() == "uid-a"
    assert await page.page.evaluate("early") is False


@pytest.mark.parametrize(
    "script",
    [
        "document.addEventListener('podFailed', (e) => e.preventDefault())",
        "document.addEventListener('resource-failed', (e) => e.preventDefault())",
        "document.addEventListener('podFailed', (e) => { e.waitUntil(Promise.resolve()); e.preventDefault(); })",
        "document.querySelector('kube-modal').setAttribute('selector', '[namespace=other] > *')",
        "document.querySelector('kube-modal').setAttribute('on', 'nodeNotReady')",
        "document.querySelector('kube-modal').remove()",
    ],
)
async def test_it_stays_closed(open_widgets: OpenWidgets, script: str) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"))
    await page.page.evaluate(f"() => {{ window.modal = {MODAL}; {script}; }}")
    await fail(peer, "a")
    await settled(page)
    assert not await page.page.evaluate("modal.open")
    assert await page.page.evaluate("modal.shadowRoot.querySelector('[part=notice]').hidden")


async def test_of_what_is_told_late_it_does_not_speak(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"), pod("b"), incidents=(event("podFailed", "a", 5),))
    await peer.send(changes({**event("podFailed", "b", 11, incident="i2"), "replayed": True}))
    await page.until("heard.filter((e) => e.type === 'podFailed').length === 2")
    await settled(page)
    assert not await page.page.evaluate(f"{MODAL}.open || !{NOTICE}.hidden")


async def test_it_waits_until_a_listener_has_decided(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"), pod("b"), pod("c"))
    await page.page.evaluate(
        """() => { window.decide = {};
          document.addEventListener('podFailed', (e) => e.waitUntil(new Promise((resolve) => {
            decide[e.detail.podName] = (no) => { if (no) e.preventDefault(); resolve(); };
          }))); }"""
    )
    await fail(peer, "a", "b", "c")
    await page.until("Boolean(decide.c)")
    await settled(page)
    assert not await page.page.evaluate(f"{MODAL}.open")
    await page.page.evaluate("decide.b(true)")
    await peer.send(changes(event("podRecovered", "c", 15, phase="end", incident="c")))
    await page.until_heard("podRecovered")
    await page.page.evaluate("decide.c(false)")
    await page.page.evaluate("decide.a(false)")
    await page.until(f"{MODAL}.open")
    assert await page.page.evaluate(f"{MODAL}.event.detail.podName") == "a"
    assert await page.page.get_by_role("button", name="Next").count() == 0


async def test_what_is_no_selector_is_told(open_widgets: OpenWidgets, complaints: Complaints) -> None:
    page, peer = await open_widgets("<kube-modal on=podFailed selector='kube-pod['></kube-modal>", pod("a"))
    complaints.expect("is not a CSS selector")
    (told,) = complaints.all
    assert "is not a CSS selector" in told
    await page.page.evaluate(f"{MODAL}.setAttribute('selector', 'kube-pod')")
    await fail(peer, "a")
    await page.until(f"{MODAL}.open")


async def test_what_was_removed_while_it_waited_is_not_shown(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"), pod("b"), pod("c"))
    await fail(peer, "a", "b", "c")
    await page.until(f"{MODAL}.open")
    await peer.send(changes(gone("b", 20)))
    await page.until_heard("podDeleted")
    await page.page.get_by_role("button", name="Next (2)").click()
    assert await page.page.evaluate(f"{MODAL}.event.detail.podName") == "c"
    assert await page.page.get_by_role("button", name="Next").count() == 0


async def test_a_listener_may_take_the_modal_away(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"))
    await page.page.evaluate("document.addEventListener('kube:open', ({ target }) => target.remove())")
    await fail(peer, "a")
    await page.until(f"!{MODAL}")


async def test_stopping_an_event_is_not_preventing_it(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"))
    await page.page.evaluate(
        "addEventListener('podFailed', (e) => { if (e.eventPhase !== 3) e.stopPropagation(); }, true)"
    )
    await fail(peer, "a")
    await page.until(f"{MODAL}.open")


@pytest.mark.parametrize(
    "focus",
    [
        "document.querySelector('input').focus()",
        "document.querySelector('textarea').focus()",
        "document.querySelector('[contenteditable]').focus()",
        (
            "(host.attachShadow({ mode: 'open' }).append(document.createElement('input')),"
            " host.shadowRoot.firstChild.focus())"
        ),
        "document.querySelector('#own').showModal()",
    ],
)
async def test_it_takes_the_focus_from_nobody(open_widgets: OpenWidgets, focus: str) -> None:
    busy = "<input><textarea></textarea><p contenteditable>text</p><div id=host></div><dialog id=own>own</dialog>"
    page, peer = await open_widgets(busy + PLAIN, pod("a"), pod("b"))
    await page.page.evaluate(f"() => {{ {focus}; window.active = document.activeElement; }}")
    await fail(peer, "a")
    await page.until(f"!{NOTICE}.hidden")
    assert not await page.page.evaluate(f"{MODAL}.open")
    assert await page.page.evaluate("document.activeElement === active")
    await page.page.evaluate("document.querySelector('#own').close()")
    assert await page.page.locator("kube-modal").get_by_role("status").aria_snapshot() == (
        "- status:\n  - 'button \"Pod failed: a\"'"
    )
    await fail(peer, "b", at=12)
    if "own" not in focus:
        await page.page.get_by_role("button", name="2 new events to look at").click()
    await page.until(f"{MODAL}.open")
    assert await page.page.evaluate(f"{MODAL}.event.detail.podName") == "a"


async def test_further_ones_wait_and_the_focus_goes_back(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(TEMPLATE, pod("a"), pod("b"), pod("c"), pod("d"))
    await page.page.focus("#before")
    await fail(peer, "a", "b", "c", "d")
    await page.until(f"{MODAL}.open")
    await peer.send(changes(event("podRecovered", "b", 20, phase="end", incident="b")))
    await page.page.get_by_role("button", name="Next (2)").click()
    assert await page.page.locator("#message").count() == 1
    assert await page.page.get_by_role("dialog", name="What is it with c?").count() == 1
    assert await page.page.evaluate(f"{MODAL}.shadowRoot.activeElement.localName") == "h2"
    await close(page)
    await page.until("document.activeElement.id === 'before'")
    await page.page.focus("#before")
    await page.page.keyboard.press("Tab")
    await page.page.keyboard.press("Enter")
    await page.page.get_by_role("dialog", name="What is it with d?").wait_for()
    assert await page.page.get_by_role("button", name="Next").count() == 0
    await close(page)
    assert await page.page.evaluate(f"{NOTICE}.hidden")
    # The notice is gone, so the focus goes to where it was before that.
    await page.until("document.activeElement.id === 'before'")


async def test_it_says_that_it_is_over(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, pod("a"), pod("b"))
    await fail(peer, "a")
    await page.until(f"{MODAL}.open")
    outcome = page.page.get_by_role("dialog").get_by_role("status")
    await peer.send(changes(event("podRecovered", "a", 12, phase="end", incident="a")))
    await page.until(f"{MODAL}.shadowRoot.querySelector('[part=outcome]').textContent")
    assert (await outcome.inner_text()).startswith("Recovered at ")
    await close(page)
    await fail(peer, "b", at=13)
    await page.until(f"{MODAL}.open")
    assert await outcome.inner_text() == ""
    await peer.send(changes(gone("b", 14)))
    await page.until(f"{MODAL}.shadowRoot.querySelector('[part=outcome]').textContent === 'This pod was removed.'")


async def test_many_alike_are_one(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN, *(pod(f"p{at}") for at in range(20)))
    failures = [event("podFailed", f"p{at}", 11 + at, incident=f"i{at}", group="all") for at in range(20)]
    await peer.send(changes(*failures[:10]))
    await page.until(f"{MODAL}.open")
    assert await page.page.get_by_role("button", name="Next").count() == 0
    await close(page)
    await peer.send(changes(*failures[10:]))
    await page.until("heard.filter((e) => e.type === 'podFailed').length === 20")
    await settled(page)
    assert not await page.page.evaluate(f"{MODAL}.open || !{NOTICE}.hidden")


async def test_the_page_s_own_events_open_it_too(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets("<kube-modal on='podFailed orderLost'></kube-modal>")
    await page.page.evaluate(
        "document.dispatchEvent(new CustomEvent('podFailed', { detail: { podName: 'api-server-1' } }))"
    )
    await page.until(f"{MODAL}.open")
    assert "api-server-1" in await page.page.get_by_role("dialog").inner_text()
    await close(page)
    await page.page.evaluate("document.dispatchEvent(new Event('orderLost'))")
    await page.until(f"{MODAL}.open")
    assert await page.page.get_by_role("dialog", name="Order lost").count() == 1


async def test_there_is_one_dialog_for_all_modals(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(PLAIN + "<kube-modal on=podCrashLooping></kube-modal>", pod("a"), pod("b"))
    await peer.send(changes(event("podFailed", "a", 11), event("podCrashLooping", "b", 12, incident="i2")))
    await page.until(f"{MODAL}.open && !document.querySelector('[on=podCrashLooping]').open")
    await close(page)
    await page.page.get_by_role("button", name="Pod crash looping: b").click()
    await page.until("document.querySelector('[on=podCrashLooping]').open")


async def test_a_flood_waits_within_bounds(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets("<input autofocus>" + PLAIN, *(pod(f"p{at}") for at in range(150)))
    await page.page.focus("input")
    await fail(peer, *(f"p{at}" for at in range(150)))
    await page.until(f"{NOTICE}.textContent === '100 new events to look at'")
    await page.page.get_by_role("button", name="100 new events").click()
    assert await page.page.evaluate(f"{MODAL}.event.detail.podName") == "p50"
