"""What axe finds wrong with the widgets, in the states that they can be in: nothing."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, OpenWidgets
from tests.browser.sdk.scripted import ScriptedBridge, changes, deployment, event, pod
from tests.browser.sdk.test_button import command
from tests.browser.web_tools import web_tools

pytestmark = pytest.mark.browsers("chromium", "firefox")

CONTENT = """
<main>
  <h1>Widgets</h1>
  <p><kube-count selector=kube-pod></kube-count> pods, <kube-count live selector='[incident]'></kube-count> fail</p>
  <p><kube-healthcheck src=/health name=orders></kube-healthcheck></p>
  <p><kube-healthcheck src=/broken name=mail></kube-healthcheck></p>
  <p><kube-button id=restart command=restartPod for=uid-a>Restart</kube-button></p>
  <p><kube-button id=refused command=restartDeployment for=uid-a>Restart all</kube-button></p>
  <p><kube-button id=delete command=deletePod for=uid-a>Delete</kube-button></p>
  <label>Search <input></label>
</main>
<kube-modal on=podFailed></kube-modal>
<script src=/axe.js></script>
"""


async def faults(page: Listening) -> list[object]:
    found: list[object] = await page.page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
          .map(({ id, nodes }) => [id, nodes.map((each) => each.target + ': ' + each.failureSummary)])"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(
    bridge: ScriptedBridge, open_widgets: OpenWidgets, complaints: Complaints, scheme: str
) -> None:
    async def well() -> tuple[int, str]:
        return 200, "ok"

    async def ill() -> tuple[int, str]:
        return 500, "no"

    bridge.answers |= {"/health": well, "/broken": ill}
    bridge.pages["/axe.js"] = (web_tools() / "node_modules/axe-core/axe.min.js").read_text()
    bridge.pages["/scheme.css"] = f":root {{ color-scheme: {scheme}; background: Canvas; color: CanvasText; }}"
    style = "<link rel=stylesheet href=/scheme.css>"
    page, peer = await open_widgets(style + CONTENT, deployment("api"), pod("a", workload="api"))
    await page.until("document.querySelectorAll('[state=passing], [state=failing]').length === 2")

    await page.page.locator("#restart").click()
    asked = await command(peer)
    assert await faults(page) == [], "while it runs"
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "Evicted a."})
    await page.page.locator("#refused").click()
    asked = await command(peer)
    await peer.send({"type": "error", "id": asked["id"], "code": "forbidden", "message": "You may not."})
    await page.until("document.querySelectorAll('[state=succeeded], [state=failed]').length === 2")
    assert await faults(page) == [], "with successes and failures"

    await page.page.locator("#delete").click()
    await page.until("document.querySelector('#delete').shadowRoot.querySelector('dialog[open]')")
    assert await faults(page) == [], "with a question"
    await page.page.keyboard.press("Escape")

    await page.page.get_by_label("Search").focus()
    await peer.send(changes(event("podFailed", "a", 11, nextStep="Read its last lines.")))
    await page.until("!document.querySelector('kube-modal').shadowRoot.querySelector('[part=notice]').hidden")
    assert await faults(page) == [], "with a notice"
    await page.page.get_by_role("button", name="Pod failed: a").click()
    await page.until("document.querySelector('kube-modal').open")
    assert await faults(page) == [], "with a modal"
    complaints.expect("Failed to load resource")
