"""What the page asks its user to approve, against scripted frames."""

import pytest
from playwright.async_api import Page
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, Peer, ScriptedBridge, changes, deployment, event, healing, pod

DIALOG = "document.getElementById('approvalDialog').open"
LISTED = "document.querySelectorAll('#approvalList li').length"


def waits(sequence: int = 11, number: int = 1, **more: object) -> Json:
    told = healing(
        "healingAwaitingApproval",
        "api",
        sequence,
        action="restartDeployment",
        phase="AwaitingApproval",
        actionName=f"restart-{number}",
        actionUid=f"uid-{number}",
        reason="It crash-loops.",
        until="2030-01-31T12:00:00Z",
        target={"kind": "Deployment", "name": "api", "uid": "uid-api"},
        **more,
    )
    return told | {"kind": "Deployment", "uid": "uid-api"}


async def open_main(open_page: Open, path: str = "/") -> tuple[Listening, Peer, Page]:
    listening, peer = await open_page(deployment("api"), pod("a", workload="api"), path=path)
    await listening.until("document.title.includes('test-cluster')")
    return listening, peer, listening.page


async def test_the_modal_says_who_asks_for_what_and_the_click_lets_it_go_on(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page)
    await peer.send(changes(waits()))
    await listening.until(DIALOG)
    assert await page.inner_text("#approvalTitle") == "Let kubedom restart Deployment api?"
    facts = await page.inner_text("#approvalFacts")
    assert "ada" in facts
    assert "It crash-loops." in facts
    assert "restart-1" in facts
    assert await page.evaluate("document.activeElement.id") == "approvalTitle", "no key that was on its way approves"
    await page.fill("#approvalReason", "I looked at it.")
    await page.click("#approvalYes")
    command = await peer.receive()
    assert (command["name"], command["reason"]) == ("approveHealing", "I looked at it.")
    assert command["target"] == {
        "kind": "HealingAction",
        "namespace": "default",
        "name": "restart-1",
        "uid": "uid-1",
    }
    assert await page.locator("#approvalYes").is_disabled()
    await peer.send(
        {"type": "error", "id": command["id"], "code": "forbidden", "message": "Another person has to decide."}
    )
    await listening.until("document.getElementById('approvalOutcome').textContent === 'Another person has to decide.'")
    await page.click("#approvalNo")
    command = await peer.receive()
    assert command["name"] == "denyHealing"
    await peer.send({"type": "ack", "id": command["id"], "action": {"name": "restart-1", "namespace": "default"}})
    await peer.send({"type": "result", "id": command["id"], "phase": "Succeeded", "message": "It is denied."})
    await listening.until(f"!{DIALOG}")
    assert await page.inner_text(".toast p") == "It is denied."
    assert await page.locator("#approvals").is_hidden()


@pytest.mark.parametrize("how", ["prevented", "replayed", "typing", "another modal"])
async def test_it_opens_by_itself_only_where_nobody_minds_and_is_listed_always(open_page: Open, how: str) -> None:
    listening, peer, page = await open_main(open_page, "/?view=pods" if how == "typing" else "/")
    if how == "prevented":
        await page.evaluate("document.addEventListener('healingAwaitingApproval', (e) => e.preventDefault())")
    if how == "typing":
        await page.focus("#podSearch")
    if how == "another modal":
        await peer.send(changes(event("podFailed", "a", 11)))
        await listening.until("document.getElementById('incidentDialog').open")
    asked = waits(12)
    if how == "replayed":
        asked["replayed"] = True
    await peer.send(changes(asked))
    await listening.until(f"{LISTED} === 1")
    assert not await page.evaluate(DIALOG)
    if how == "another modal":
        await page.click("#dialogClose")
    await page.get_by_role("button", name="Look and decide").click()
    assert await page.evaluate(DIALOG)


async def test_what_somebody_else_decides_is_said_and_cannot_be_decided_again(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page)
    await peer.send(changes(waits(11), waits(12, number=2)))
    await listening.until(DIALOG)
    assert await page.evaluate(LISTED) == 2, "one modal, and the other waits"
    begun = waits(13, message="Restarting.") | {"type": "healingStarted"}
    begun["detail"]["phase"] = "Running"
    await peer.send(changes(begun))
    await listening.until("document.getElementById('approvalOutcome').textContent === 'Somebody has approved it.'")
    assert await page.locator("#approvalYes").is_disabled()
    assert await page.evaluate(LISTED) == 1


async def test_what_has_waited_since_before_the_page_came_is_listed(open_page: Open, bridge: ScriptedBridge) -> None:
    bridge.lists["actions"] = [
        {
            "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"action": "drain", "target": {"kind": "Node", "name": "n1"}, "requestedBy": "ada"},
            "status": {"phase": phase},
        }
        for name, phase in (("old", "Succeeded"), ("waits", "AwaitingApproval"))
    ]
    listening, _, page = await open_main(open_page)
    await listening.until(f"{LISTED} === 1")
    assert "ada wants to drain Node n1." in await page.inner_text("#approvalList")
    assert not await page.evaluate(DIALOG)
