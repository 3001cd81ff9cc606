"""The dialog of an incident: what it finds out, what it lets the user do, and what happens to it meanwhile."""

from __future__ import annotations

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, Peer, ScriptedBridge, changes, deployment, event, gone, healing, pod
from tests.browser.sdk.test_button import command

pytestmark = pytest.mark.browsers("chromium", "firefox")

DIALOG = "document.getElementById('incidentDialog').open"
ACTION = {"name": "restart-1", "namespace": "default", "uid": "u1", "created": True}


def done(name: str, phase: str, *, by: str = "bob", target: str = "api-1", **status: object) -> Json:
    return {
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"action": "restartPod", "target": {"kind": "Pod", "name": target}, "requestedBy": by},
        "status": {"phase": phase, **status},
    }


async def open_incident(open_page: Open, **detail: object) -> tuple[Listening, Peer, Page]:
    failing = pod("api-1", workload="api", restarts=2)
    failing["object"]["status"]["containerStatuses"] = [
        {
            "name": "app",
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}},
        }
    ]
    listening, peer = await open_page(deployment("api"), failing, path="/")
    await peer.send(changes(event("podFailed", "api-1", 11, **detail)))
    await listening.until(DIALOG)
    return listening, peer, listening.page


async def until_progress(listening: Listening, text: str) -> None:
    await listening.until("(text) => document.getElementById('dialogProgress').textContent.includes(text)", text)


async def test_it_finds_out_what_the_container_said_and_what_was_done(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.logs["api-1"] = "starting\n<b>fatal</b>: no database\n" + "x" * 100_000 + "\n"
    bridge.lists["actions"] = [done("r1", "Succeeded", message="Evicted api-1."), done("r2", "Failed", target="other")]
    bridge.lists["events"] = [
        {
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off restarting",
            "count": 7,
            "source": "kubelet",
            "firstTime": "2026-01-01T00:00:00Z",
            "lastTime": "2026-01-01T00:00:00Z",
            "object": {"kind": "Pod", "name": "api-1"},
        }
    ]
    listening, _, page = await open_incident(open_page)
    await listening.until(
        "!document.getElementById('dialogLog').hidden && !document.getElementById('dialogEvents').hidden"
    )
    await listening.until("!document.getElementById('dialogActions').hidden")
    assert await page.inner_text("#dialogLogTitle") == "The last lines before it ended"
    log = await page.inner_text("#dialogLogText")
    assert "<b>fatal</b>: no database" in log
    assert len(log) < 5000, "a line that is too long is cut"
    assert "Back-off restarting" in await page.inner_text("#dialogEventList")
    actions = await page.inner_text("#dialogActionList")
    assert "by bob" in actions
    assert "Evicted api-1." in actions
    assert await page.locator("#dialogActionList li").count() == 1, "of others nothing"
    facts = await page.inner_text("#dialogFacts")
    assert "ended with exit code 3 Error" in facts
    assert "Deployment api (Available 1/1)" in facts
    assert await page.evaluate("document.getElementById('incidentDialog').scrollWidth <= innerWidth")


async def test_what_may_not_be_looked_at_is_left_out(
    bridge: ScriptedBridge, open_page: Open, complaints: Complaints
) -> None:
    complaints.expect("403")
    bridge.lists["actions"] = bridge.lists["events"] = None
    listening, _, page = await open_incident(open_page)
    await listening.until("!document.getElementById('dialogLog').hidden")
    assert await page.inner_text("#dialogLogText") == "container app of api-1 has written nothing"
    assert await page.locator("#dialogEvents").is_hidden()
    assert await page.locator("#dialogActions").is_hidden()


async def test_a_dry_run_says_what_would_be_changed_and_starts_nothing(bridge: ScriptedBridge, open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    await page.get_by_label("Dry run").check()
    await page.click("#dialogRestartPod")
    asked = await command(peer)
    assert (asked["name"], asked["dryRun"]) == ("restartPod", True)
    bridge.lists["actions"] = [done("restart-1", "Succeeded", changes=["Pod api-1 would be evicted."])]
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "Nothing was changed."})
    await until_progress(listening, "Dry run: Nothing was changed.")
    assert "Pod api-1 would be evicted." in await page.inner_text("#dialogProgress")
    await page.get_by_label("Dry run").uncheck()
    await page.click("#dialogRestartPod")
    asked = await command(peer)
    assert asked["name"] == "restartPod"
    assert "dryRun" not in asked


async def test_a_right_that_is_withdrawn_while_it_is_open_is_noticed(open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    asked = await peer.receive()
    await peer.send({"type": "verdicts", "id": asked["id"], "allowed": [True] * len(asked["questions"])})
    await page.click("#dialogRestartPod")
    pressed = await command(peer)
    await peer.send({"type": "error", "id": pressed["id"], "code": "forbidden", "message": "You may not evict api-1."})
    await until_progress(listening, "You may not evict api-1.")


async def test_what_the_user_may_not_do_is_off_from_the_beginning(open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    asked = await peer.receive()
    assert {one["name"] for one in asked["questions"]} == {"restartPod", "restartDeployment", "deletePod"}
    allowed = [one["name"] == "restartPod" for one in asked["questions"]]
    await peer.send({"type": "verdicts", "id": asked["id"], "allowed": allowed})
    await listening.until("document.getElementById('dialogDeletePod').disabled")
    assert await page.locator("#dialogRestartDeployment").is_disabled()
    assert await page.locator("#dialogRestartPod").is_enabled()
    assert await page.get_attribute("#dialogDeletePod", "title") == "You do not have the right to do this."


async def test_policies_are_held_off_for_a_time(open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    await page.get_by_label("Keep policies from healing it for").select_option("1 hour")
    await page.get_by_role("button", name="Hold").click()
    asked = await command(peer)
    assert (asked["name"], asked["target"]["kind"]) == ("vetoHealing", "Deployment")
    assert set(asked["parameters"]) == {"until"}
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "No policy does anything."})
    await until_progress(listening, "No policy does anything.")


async def test_a_pod_that_vanishes_takes_its_buttons_along(open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    await peer.send(changes(gone("api-1", 12)))
    await listening.until("!document.getElementById('dialogOutcome').hidden")
    assert await page.inner_text("#dialogOutcome") == "This pod was removed. Deployment api replaces it."
    for button in ("#dialogRestartPod", "#dialogDeletePod"):
        assert await page.locator(button).is_disabled()


async def test_what_another_started_is_told_while_it_is_open(open_page: Open) -> None:
    listening, peer, _ = await open_incident(open_page)
    await peer.send(changes(healing("healingStarted", "api-1", 12, requestedBy="bob")))
    await listening.until("document.querySelector('.toast p')?.textContent.includes('bob started restartPod of api-1')")


async def test_what_another_does_already_is_not_asked_for_again_until_it_has_ended(open_page: Open) -> None:
    listening, peer, page = await open_incident(open_page)
    await page.evaluate("addEventListener('kube:beforecommand', () => (window.asked = (window.asked ?? 0) + 1))")
    await peer.send(changes(healing("healingStarted", "api-1", 12, requestedBy="bob")))
    await page.locator(".toast", has_text="bob started restartPod of api-1").wait_for()
    await page.click("#dialogRestartPod")
    await page.locator(".toast", has_text="Nothing was sent: bob has started restartPod of api-1 already").wait_for()
    await peer.send(changes(healing("healingSucceeded", "api-1", 13, requestedBy="bob")))
    await listening.until_heard("healingSucceeded")
    await page.click("#dialogRestartPod")
    assert (await command(peer))["name"] == "restartPod"
    assert await page.evaluate("asked") == 1


async def test_what_does_not_fail_is_opened_too(open_page: Open) -> None:
    listening, _ = await open_page(deployment("api"), pod("fine", workload="api"), path="/?view=pods")
    page = listening.page
    await page.locator("#podsTable .open").click()
    await listening.until(DIALOG)
    assert await page.inner_text("#dialogMessage") == "Pod fine is Running."
    assert await page.locator("#dialogSeverity").is_hidden()
    assert await page.locator("#dialogVetoing").is_hidden()
    assert await page.locator("#dialogRestartPod").is_visible()


# Playwright cannot show Firefox' pages as they are printed.
@pytest.mark.browsers("chromium")
async def test_printing_prints_the_incident_alone(open_page: Open) -> None:
    _, _, page = await open_incident(open_page)
    await page.emulate_media(media="print")
    assert await page.locator("#incidentDialog").is_visible()
    for other in ("header.top", "main", "#incidentDialog > footer"):
        assert await page.locator(other).first.is_hidden()
