"""Widgets that came and went leave nothing behind, while the cluster and the document that they listened to stay."""

from tests.browser.sdk.conftest import OpenWidgets
from tests.browser.sdk.scripted import ScriptedBridge, changes, event, gone, pod
from tests.browser.sdk.test_leaks import count, elements

WIDGETS = ("kube-button", "kube-count", "kube-healthcheck", "kube-modal")
ROUND = """async () => {
  const all = document.createElement('main');
  const make = (tag, attributes) => Object.entries(attributes).reduce(
    (element, [name, value]) => (element.setAttribute(name, value), element), document.createElement(tag));
  for (let n = 0; n < 25; n += 1) all.append(
    make('kube-count', { selector: 'kube-pod' }),
    make('kube-button', { command: 'restartPod', for: 'uid-a' }),
    make('kube-healthcheck', { src: '/health', interval: '100ms' }),
    make('kube-modal', { on: 'podFailed' }));
  document.body.append(all);
  await new Promise((done) => setTimeout(done, 30));
  all.remove();
}"""


async def test_widgets_that_came_and_went_are_not_kept(bridge: ScriptedBridge, open_widgets: OpenWidgets) -> None:
    async def well() -> tuple[int, str]:
        return 200, "ok"

    bridge.answers["/health"] = well
    listening, peer = await open_widgets("<input autofocus>", pod("a"))
    page = listening.page
    for _ in range(10):
        await page.evaluate(ROUND)
    # Who asked for rights waits for the answer.
    asked = await peer.receive()
    await peer.send({"type": "verdicts", "id": asked["id"], "allowed": [True]})
    # What they listen to still tells.
    await peer.send(changes(pod("b", 11), event("podFailed", "a", 12), gone("a", 13)))
    await listening.until_heard("podDeleted")
    await page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(() => setTimeout(done)), 100))")
    await listening.forget()
    await page.request_gc()
    cdp = await page.context.new_cdp_session(page)
    assert {tag: await count(cdp, page, elements(tag)) for tag in WIDGETS} == dict.fromkeys(WIDGETS, 0)
