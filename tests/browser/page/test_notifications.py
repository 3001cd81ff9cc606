"""The browser's notifications: asked for, while nobody looks, and none in the quiet time."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Peer, ScriptedBridge, changes, event, pod

# Writes down what is shown to the user, and lets the page be hidden, which a browser without windows never is.
WATCHED = """
window.shown = [];
window.Notification = class extends Notification {
  constructor(title, options) { super(title, options); shown.push({ title, note: this, ...options }); }
};
Object.defineProperty(document, 'visibilityState', { get: () => window.away ? 'hidden' : 'visible' });
"""
TITLES = "shown.map(({ title }) => title)"


async def opened(bridge: ScriptedBridge, open_page: Open, page: Page) -> tuple[Listening, Peer]:
    await page.add_init_script(WATCHED)
    bridge.user = {"user": "ada", "groups": [], "expires": 4102444800}
    listening, peer = await open_page(*(pod(name) for name in ("a", "b", "c")), path="/")
    return listening, peer


async def failed(listening: Listening, peer: Peer, name: str, sequence: int) -> None:
    """Let a pod fail, and wait until the page has dispatched it."""
    await peer.send(changes(event("podFailed", name, sequence, incident=f"i-{name}", failure="ContainerCrashLoop")))
    await listening.until("(name) => heard.some((e) => e.type === 'podFailed' && e.name === name)", name)


async def test_whoever_asked_for_it_is_told_while_away_and_led_to_the_incident(
    bridge: ScriptedBridge, open_page: Open, page: Page, context: BrowserContext
) -> None:
    await context.grant_permissions(["notifications"])
    listening, peer = await opened(bridge, open_page, page)
    await page.uncheck("#popups")
    await page.evaluate("window.away = true")
    await failed(listening, peer, "a", 11)
    assert await page.evaluate(TITLES) == [], "nobody asked for any"
    await page.click("#account")
    await page.check("#notify")
    await failed(listening, peer, "b", 12)
    await listening.until(f"{TITLES}.length === 1")
    assert await page.evaluate(TITLES) == ["Container crash loop: b (default)"]
    assert "exit code 3" in await page.evaluate("shown[0].body")
    await page.evaluate("window.away = false")
    await failed(listening, peer, "c", 13)
    assert await page.evaluate("shown.length") == 1, "whoever looks at the page sees it there"
    await page.evaluate("shown[0].note.onclick()")
    await listening.until("document.getElementById('incidentDialog').open")
    assert "b ended with exit code 3" in await page.inner_text("#incidentDialog")


async def test_there_are_none_in_the_quiet_time_which_may_go_over_midnight(
    bridge: ScriptedBridge, open_page: Open, page: Page, context: BrowserContext
) -> None:
    await context.grant_permissions(["notifications"])
    listening, peer = await opened(bridge, open_page, page)
    await page.click("#account")
    await page.check("#notify")
    await page.fill("#quietFrom", "22:00")
    await page.fill("#quietTo", "07:30")
    await page.evaluate("window.away = true")
    for hour, name in (("23:10", "a"), ("07:29", "b")):
        await page.clock.set_fixed_time(f"2026-01-01T{hour}:00")
        await failed(listening, peer, name, 11 + int(hour[-1]))
    assert await page.evaluate(TITLES) == []
    await page.clock.set_fixed_time("2026-01-01T07:30:00")
    await failed(listening, peer, "c", 30)
    await listening.until(f"{TITLES}.length === 1")


async def test_the_choice_is_kept_and_a_browser_that_forbids_them_is_told_of(
    bridge: ScriptedBridge, open_page: Open, page: Page
) -> None:
    listening, _ = await opened(bridge, open_page, page)
    await page.click("#account")
    await page.fill("#quietFrom", "22:00")
    await page.click("#notify")
    await listening.until("document.getElementById('notifySaid').textContent !== ''")
    assert not await page.is_checked("#notify")
    await page.reload()
    await listening.until("document.getElementById('quietFrom').value === '22:00'")
