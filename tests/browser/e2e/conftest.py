"""The real thing: `kubedom run` against the cluster of the run, and a page of it in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.async_api import Page
from tests.browser.waiting import CLUSTER_SECONDS, eventually
from tests.conftest import Cluster
from tests.running import KubedomRun

Start = Callable[..., KubedomRun]

# Written down in the capture phase at the window, before any listener of a page could stop it.
RECORDER = """
window.heard = [];
for (const type of [
  'podFailed', 'podCrashLooping', 'podRecovered', 'podDeleted', 'healingStarted', 'healingSucceeded', 'healingFailed',
]) {
  // The page's own events, of the same name, have no resource.
  addEventListener(type, (event) => heard.push({
    type, id: event.id, replayed: event.replayed, uid: event.resource?.uid, on: event.target.localName,
    path: event.composedPath().map((each) => each.localName ?? each.constructor.name),
    name: event.detail.podName, message: event.detail.message, incident: event.incident?.id,
  }), true);
}
"""


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Start]:
    """Start `kubedom run`; what still runs when the test ends is ended as Ctrl-C ends it."""
    with ExitStack() as running:

        def started(*arguments: str, port: int = 0) -> KubedomRun:
            which = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}")
            return running.enter_context(KubedomRun(*which, *arguments, port=port))

        yield started


async def sign_in(page: Page, run: KubedomRun) -> None:
    """Open the page by the link that was printed, and wait until it shows the cluster."""
    await page.add_init_script(RECORDER)
    await page.goto(run.link)
    # The link's own page goes on to the real one.
    await page.wait_for_url(f"{run.origin}/")
    await until_live(page)


async def until_live(page: Page) -> None:
    await until(page, "document.querySelector('kube-cluster')?.status.state === 'live'")


async def until(page: Page, condition: str, argument: object = None) -> object:
    found: object = await eventually(page, condition, argument, seconds=CLUSTER_SECONDS)
    return found


async def until_shown(page: Page, uid: str) -> None:
    """Wait until a pod has its element."""
    await until(page, "(uid) => document.querySelector('kube-cluster').resource(uid)", uid)
