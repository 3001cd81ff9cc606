"""What axe finds wrong with any view or dialog, in light and in dark, wide and narrow: nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.page.test_healing_view import TIME, action
from tests.browser.page.test_tables import node
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import WEB, ScriptedBridge, changes, deployment, event, healing, pod
from tests.browser.sdk.test_button import command
from tests.browser.web_tools import web_tools

pytestmark = pytest.mark.browsers("chromium", "firefox")

VIEWS = ["overview", "pods", "workloads", "nodes", "events", "healing", "deploy"]


async def faults(page: Listening) -> list[Any]:
    found: list[Any] = await page.page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
          .map(({ id, nodes }) => [id, nodes.map((each) => each.target + ': ' + each.failureSummary)])"""
    )
    return found


async def open_full(bridge: ScriptedBridge, open_page: Open) -> tuple[Listening, Any]:
    # A file of the page's own origin, as its content policy wants it.
    bridge.pages["/axe.js"] = (web_tools() / "node_modules/axe-core/axe.min.js").read_text()
    own = (WEB / "index.html").read_text()
    bridge.pages["/own.html"] = own.replace("</head>", '<script src="/axe.js"></script></head>')
    bridge.lists["actions"] = [action("one", "Running"), action("two", "Succeeded")]
    bridge.lists["policies"] = [
        {
            "metadata": {"name": "restarts", "namespace": "shop", "creationTimestamp": TIME},
            "spec": {"failures": ["NotReady"], "action": "restartDeployment"},
            "status": {"decisions": [{"time": TIME, "decision": "DryRun", "reason": "DryRun", "message": "It would."}]},
        }
    ]
    bridge.lists["events"] = [
        {
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off",
            "count": 7,
            "source": "kubelet",
            "firstTime": TIME,
            "lastTime": TIME,
            "object": {"kind": "Pod", "name": "a", "uid": "uid-a"},
        }
    ]
    bridge.logs["a"] = "one\ntwo\n"
    bridge.objects["Pod/default/a"] = "kind: Pod\nmetadata:\n  name: a\n"
    return await open_page(
        *(deployment("api"), pod("a", workload="api"), pod("b", workload="api", status="Pending", phase="Pending")),
        *(node("n1"), pod("c", phase="Succeeded", status="Completed")),
        incidents=(
            event("podFailed", "a", 5, nextStep="Read its last lines."),
            event("podNotReady", "b", 6, incident="i2", failure="NotReady", severity="warning"),
        ),
        path="/own.html",
    )


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_any_view(bridge: ScriptedBridge, open_page: Open, scheme: str, width: int) -> None:
    listening, _ = await open_full(bridge, open_page)
    page = listening.page
    await page.set_viewport_size({"width": width, "height": 800})
    await page.evaluate("(scheme) => { document.documentElement.dataset.scheme = scheme; }", scheme)
    for view in VIEWS:
        await page.locator(f"#views a[data-to={view}]").click()
        await listening.until("document.querySelectorAll('[data-view]:not([hidden])').length === 1")
        assert await faults(listening) == [], view
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{view} is not too wide"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_dialog(bridge: ScriptedBridge, open_page: Open, scheme: str) -> None:
    listening, peer = await open_full(bridge, open_page)
    page = listening.page
    await page.evaluate("(scheme) => { document.documentElement.dataset.scheme = scheme; }", scheme)
    openings = {
        "incidentDialog": "document.querySelector('#incidentList button').click()",
        "logDialog": "document.querySelector('#podsTable tr .log').click()",
        "yamlDialog": "document.getElementById('podMap').dispatchEvent(new CustomEvent('kubedom:yaml',"
        " { bubbles: true, detail: { uid: 'uid-a' } }))",
        "helpDialog": "document.getElementById('helpButton').click()",
        "confirmDialog": "document.querySelector('#podsTable tr[data-uid=uid-c] .deletePod').click()",
    }
    for dialog, opening in openings.items():
        await page.evaluate(f"void {opening}")
        await listening.until("(id) => document.getElementById(id).open", dialog)
        if dialog == "logDialog":
            await listening.until("document.querySelectorAll('#logText .line').length === 2")
        assert await faults(listening) == [], dialog
        await page.keyboard.press("Escape")
        await listening.until("(id) => !document.getElementById(id).open", dialog)
    waits = healing("healingAwaitingApproval", "a", 20, phase="AwaitingApproval", actionUid="u", reason="Why not.")
    await peer.send(changes(waits))
    await listening.until("document.getElementById('approvalDialog').open")
    assert await faults(listening) == [], "an approval"
    await page.keyboard.press("Escape")
    await page.locator("#account").click()
    assert await faults(listening) == [], "the menu"
    await page.keyboard.press("Escape")


async def test_everything_can_be_reached_and_done_with_the_keyboard(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, peer = await open_full(bridge, open_page)
    page = listening.page

    async def focused() -> str:
        name: str = await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        return name

    # From the top: the skip link, then the help, the account and the views.
    await page.keyboard.press("Tab")
    assert await focused() == "Skip to the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert "Pod failed" in await focused() or await focused() == "popups"
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await page.keyboard.press("/")
    await page.keyboard.type("a default")
    await listening.until("document.querySelectorAll('#podsTable tbody tr').length > 0")
    while not await page.evaluate("document.activeElement.matches('#podsTable tbody tr')"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await listening.until("document.getElementById('incidentDialog').open")
    for _ in range(40):
        if await focused() == "dialogRestartPod":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    asked = await command(peer)
    assert (asked["name"], asked["target"]["name"]) == ("restartPod", "a")
    await page.keyboard.press("Escape")
    await listening.until("!document.getElementById('incidentDialog').open")
    assert await page.evaluate("document.activeElement.dataset.uid") == "uid-a", "the focus is where it was"
