"""A scripted bridge for each test, and pages that write down what they hear."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.browser.sdk.scripted import Json, Peer, ScriptedBridge, hello, snapshot
from tests.browser.waiting import eventually

# Written down at window in the capture phase, so before any listener of a test could stop it.
RECORDER = """
window.heard = [];
for (const type of [
  'podFailed', 'podCrashLooping', 'podRecovered', 'podCreated', 'podDeleted', 'podOutOfMemory', 'nodeNotReady',
  'deploymentCreated', 'deploymentDeleted', 'healingStarted', 'healingSucceeded',
  'resource-failed', 'resource-recovered',
  'kube:incidentchange', 'kube:resync', 'kube:status', 'kube:error', 'kube:change',
]) {
  addEventListener(type, (event) => heard.push({
    type, id: event.id, replayed: event.replayed, cancelable: event.cancelable,
    on: event.target.localName + (event.target.name ? ':' + event.target.name : ''),
    connected: event.target.isConnected, state: event.detail?.state, reason: event.detail?.reason,
    name: event.detail?.podName,
  }), true);
}
"""


class Listening:
    """A page and what it heard."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def heard(self, *types: str) -> list[Json]:
        """What was heard of these types, or of all of the cluster's."""
        own = {"kube:status", "kube:change"}
        found: list[Json] = await self.page.evaluate("heard")
        return [each for each in found if (each["type"] in types if types else each["type"] not in own)]

    async def types(self) -> list[str]:
        return [each["type"] for each in await self.heard()]

    async def forget(self) -> None:
        await self.page.evaluate("void (heard.length = 0)")

    async def until(self, condition: str, argument: Any = None) -> Any:
        """Wait until an expression is true in the page, and return it."""
        return await eventually(self.page, condition, argument)

    async def until_heard(self, kind: str, count: int = 1) -> None:
        await self.until("([type, count]) => heard.filter((e) => e.type === type).length >= count", [kind, count])

    async def until_state(self, state: str) -> None:
        await self.until("(state) => document.querySelector('kube-cluster').status.state === state", state)

    async def tree(self) -> str:
        """The cluster's tree as nested names, in document order."""
        tree: str = await self.page.evaluate(
            """() => {
              const show = (e) => `${e.localName.replace('kube-', '')}:${e.name}` +
                (e.children.length ? `(${[...e.children].map(show).join(' ')})` : '');
              return [...document.querySelector('kube-cluster').children].map(show).join(' ');
            }"""
        )
        return tree


@pytest_asyncio.fixture(loop_scope="session")
async def bridge() -> AsyncIterator[ScriptedBridge]:
    async with ScriptedBridge().run() as bridge:
        yield bridge


Open = Callable[..., Awaitable[tuple[Listening, Peer]]]


@pytest.fixture
def open_page(bridge: ScriptedBridge, page: Page) -> Open:
    """Open a page and fill it with a snapshot of these entries."""

    async def opened(
        *entries: Json, path: str = "/bare.html", heartbeat: float = 15, **more: Any
    ) -> tuple[Listening, Peer]:
        await page.add_init_script(RECORDER)
        await page.goto(bridge.origin + path)
        peer, _ = await bridge.subscribed()
        await peer.send(hello(head=10, heartbeat=heartbeat), *snapshot(*entries, **more))
        listening = Listening(page)
        await listening.until_state("live")
        return listening, peer

    return opened


OpenWidgets = Callable[..., Awaitable[tuple[Listening, Peer]]]


@pytest.fixture
def open_widgets(bridge: ScriptedBridge, open_page: Open) -> OpenWidgets:
    """Open a page with this content, a cluster and the widgets."""

    async def opened(content: str, *entries: Json, **more: Any) -> tuple[Listening, Peer]:
        bridge.pages["/widgets.html"] = (
            f"<!doctype html><html lang=en><title>widgets</title><link rel=icon href=/icon.svg>{content}"
            "<kube-cluster></kube-cluster><script type=module src=/widgets.js></script>"
        )
        return await open_page(*entries, path="/widgets.html", **more)

    return opened
