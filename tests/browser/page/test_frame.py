"""What is around every view: the way between them, the keys, who one is, and the reader's language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import WEB, ScriptedBridge, hello, pod, snapshot

pytestmark = pytest.mark.browsers("chromium", "firefox")

VIEWS = ["overview", "pods", "workloads", "nodes", "events", "healing", "deploy"]


async def shown(page: Page) -> list[str]:
    views: list[str] = await page.evaluate(
        "[...document.querySelectorAll('[data-view]')].filter((view) => !view.hidden).map((view) => view.dataset.view)"
    )
    return views


async def test_links_lead_to_views_and_back_leads_back(open_page: Open) -> None:
    listening, _ = await open_page(pod("a"), path="/")
    page = listening.page
    assert await shown(page) == ["overview"]
    for view in VIEWS[1:]:
        await page.locator(f"#views a[data-to={view}]").click()
        assert await shown(page) == [view]
        assert page.url.endswith(f"?view={view}")
        assert await page.evaluate("document.activeElement.id") == f"view-{view}"
        assert await page.locator("#views a[aria-current]").get_attribute("data-to") == view
    await page.go_back()
    assert await shown(page) == ["healing"]
    await page.reload()
    assert await shown(page) == ["healing"]


async def test_an_unknown_view_is_the_overview(open_page: Open) -> None:
    listening, _ = await open_page(path="/?view=%22%5Dnothing")
    assert await shown(listening.page) == ["overview"]


async def test_keys_go_to_views_but_not_while_somebody_types(open_page: Open) -> None:
    listening, _ = await open_page(pod("a"), path="/")
    page = listening.page
    for key, view in zip("opwnehd", VIEWS, strict=True):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        assert await shown(page) == [view]
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "podSearch"
    await page.keyboard.type("?go")
    assert await page.evaluate("document.activeElement.value") == "?go"
    assert await shown(page) == ["pods"]
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("?")
    assert await page.evaluate("document.getElementById('helpDialog').open")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    assert await shown(page) == ["pods"], "a dialog is open"
    await page.keyboard.press("Escape")
    assert not await page.evaluate("document.getElementById('helpDialog').open")


async def test_the_menu_says_who_one_is(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.user = {"user": "ada", "groups": ["dev", "ops"], "expires": 4102444800}
    listening, _ = await open_page(path="/")
    page = listening.page
    await page.get_by_role("button", name="Signed in as ada").click()
    menu = page.locator("#accountMenu")
    await listening.until("document.querySelectorAll('#accountGroups li').length === 2")
    assert "ops" in await menu.inner_text()
    assert "The session ends at" in await menu.inner_text()


async def test_signing_out_ends_the_session(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, peer = await open_page(path="/")
    page = listening.page
    asked: list[str] = []

    async def session(route: Route) -> None:
        asked.append(route.request.method)
        await route.fulfill(status=204)

    await page.route("**/api/session", session)
    await page.get_by_role("button", name="Signed in as ada").click()
    async with page.expect_navigation():
        await page.get_by_role("button", name="Sign out").click()
    assert asked[0] == "DELETE"
    await peer.closed()


async def test_a_session_that_ends_costs_no_view(
    bridge: ScriptedBridge, open_page: Open, complaints: Complaints
) -> None:
    listening, peer = await open_page(pod("a"), path="/?view=pods")
    page = listening.page
    bridge.user = None
    sent: list[str] = []

    async def session(route: Route) -> None:
        if route.request.method != "POST":
            return await route.fallback()
        # Of what is posted, Playwright does not tell in Firefox.
        sent.append(await listening.page.evaluate("document.getElementById('signInToken').value"))
        if sent[-1] == "good":
            bridge.user = {"user": "ada", "groups": [], "expires": None}
            return await route.fulfill(status=201, json={"user": "ada"})
        problem = {"type": "urn:kubedom:signIn", "title": "The API server does not accept it.", "status": 401}
        return await route.fulfill(status=401, json=problem, content_type="application/problem+json")

    await page.route("**/api/session", session)
    await peer.close(4401, "the session is over")
    await listening.until("document.getElementById('signInDialog').open")
    assert "stays as it was" in await page.inner_text("#signInHow")
    assert await page.evaluate("document.activeElement.id") == "signInToken"
    assert await page.locator("#podsTable tbody tr").count() == 1, "what was seen is still seen"
    await page.get_by_role("button", name="Sign in", exact=True).click()
    assert "Put in a token" in await page.inner_text("#signInSaid")
    await page.get_by_label("Token").fill("bad")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_text("does not accept").wait_for()
    await page.get_by_label("Token").fill("good")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    peer, subscribed = await bridge.subscribed()
    assert subscribed["since"] == {"epoch": "e1", "sequence": 10}, "it goes on where it was"
    await peer.send(hello(head=10))
    await listening.until_state("live")
    assert not await page.evaluate("document.getElementById('signInDialog').open")
    assert page.url.endswith("?view=pods")
    assert sent == ["bad", "good"]
    complaints.expect("401")


@pytest.mark.parametrize(("way", "sentence"), [("link", "Press Enter"), ("proxy", "Loading the page anew")])
async def test_who_signs_in_elsewhere_is_told_where(
    open_page: Open, complaints: Complaints, way: str, sentence: str
) -> None:
    listening, peer = await open_page(path="/")
    problem = {"type": "urn:kubedom:signIn", "title": "Sign in.", "status": 401, "signIn": way}
    await listening.page.route("**/api/session", lambda route: route.fulfill(status=401, json=problem))
    await peer.close(4401, "over")
    await listening.until("document.getElementById('signInDialog').open")
    assert sentence in await listening.page.inner_text("#signInHow")
    assert not await listening.page.locator("#signInToken").is_visible()
    complaints.expect("401")


async def test_the_page_speaks_german_to_who_reads_german(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, _ = await open_page(pod("a"), path="/")
    page = listening.page
    assert await page.evaluate("document.documentElement.lang") == "en"
    await page.get_by_role("button", name="Signed in as ada").click()
    await page.get_by_label("Language").select_option("Deutsch")
    peer, _ = await bridge.subscribed()
    await peer.send(hello(head=10), *snapshot(pod("a")))
    await listening.until_state("live")
    assert await page.evaluate("document.documentElement.lang") == "de"
    assert await page.inner_text("#views a[data-to=overview]") == "Übersicht"
    assert await page.inner_text("#connectionWord") == "Aktuell"


async def test_every_text_of_the_markup_is_the_catalogues(open_page: Open) -> None:
    listening, _ = await open_page(path="/")
    marked = dict(re.findall(r'data-text="([^"]+)"[^>]*>([^<]*)<', (WEB / "index.html").read_text()))
    texts: dict[str, Any] = await listening.page.evaluate("import('/page/texts/en.js').then((en) => en.default)")
    assert marked == {key: texts.get(key) for key in marked}


async def test_the_languages_have_the_same_texts_with_the_same_values(open_page: Open) -> None:
    listening, _ = await open_page(path="/")
    differing = await listening.page.evaluate(
        """async () => {
          const { default: en } = await import('/page/texts/en.js');
          const { default: de } = await import('/page/texts/de.js');
          const values = (text) => JSON.stringify([...new Set(JSON.stringify(text).match(/\\{\\w+\\}/g) ?? [])].sort());
          const keys = [...new Set([...Object.keys(en), ...Object.keys(de)])];
          return keys.filter((key) => !(key in en) || !(key in de) || values(en[key]) !== values(de[key]));
        }"""
    )
    assert differing == []


async def test_colours_are_chosen_and_kept(open_page: Open) -> None:
    listening, _ = await open_page(path="/")
    page = listening.page
    background = "getComputedStyle(document.documentElement).backgroundColor"
    await page.get_by_role("button", name="Signed in as ada").click()
    seen = []
    for scheme in ("Light", "Dark"):
        await page.get_by_label("Colours").select_option(scheme)
        seen.append(await page.evaluate(background))
    assert seen[0] != seen[1]
    await page.reload()
    assert await page.evaluate(background) == seen[1]
