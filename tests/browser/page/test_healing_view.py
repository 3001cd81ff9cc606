"""What is done, decided and held back; and the forms, with faults at their fields."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Route
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, ScriptedBridge, changes, deployment, healing

pytestmark = pytest.mark.browsers("chromium", "firefox")

TIME = "2026-01-01T00:00:00Z"


def action(name: str, phase: str, **spec: Any) -> Json:
    return {
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": TIME},
        "spec": {
            "action": "restartDeployment",
            "target": {"kind": "Deployment", "name": "web"},
            "requestedBy": "ann",
            **spec,
        },
        "status": {
            "phase": phase,
            "message": f"{name} is {phase}.",
            "changes": ["web was restarted."],
            "rightsOf": "bob",
        },
    }


async def test_actions_are_told_apart_found_and_filtered(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.lists["actions"] = [
        action("one", "Running"),
        action("two", "Succeeded"),
        action("three", "Failed", dryRun=True),
    ]
    bridge.objects["HealingAction/shop/two"] = "kind: HealingAction\n"
    listening, peer = await open_page(deployment("web"), path="/?view=healing")
    page = listening.page
    await listening.until("document.querySelectorAll('#actionsEnded > li').length === 2")
    assert await page.locator("#actionsRunning > li").count() == 1
    running = await page.inner_text("#actionsRunning")
    for told in ("one is Running.", "by ann", "on the rights of bob", "web was restarted.", "Deployment web"):
        assert told in running
    assert "dry run" in await page.inner_text("#actionsEnded")
    await page.get_by_label("Phase").select_option("Failed")
    await listening.until("document.querySelectorAll('#actionsEnded > li').length === 1")
    assert "phase=Failed" in page.url
    await page.get_by_label("Phase").select_option("")
    await page.fill("#actionSearch", "two")
    await listening.until("document.querySelectorAll('#actionsEnded > li').length === 1")
    await page.get_by_role("button", name="YAML two").click()
    await listening.until("document.querySelectorAll('#yamlText .line').length === 1")
    await page.keyboard.press("Escape")
    bridge.lists["actions"] = [action("one", "Succeeded")]
    await page.fill("#actionSearch", "")
    await peer.send(changes(healing("healingSucceeded", "x", 12, phase="Succeeded")))
    await listening.until("document.querySelectorAll('#actionsRunning > li').length === 0")


async def test_policies_say_what_they_decided_and_vetoes_until_when(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.lists["policies"] = [
        {
            "metadata": {"name": "restarts", "namespace": "shop", "creationTimestamp": TIME},
            "spec": {"failures": ["ContainerCrashLoop"], "action": "restartDeployment", "paused": True},
            "status": {
                "counts": {"open": 2, "actions": 1},
                "conditions": [{"type": "Braked", "status": "True", "message": "A storm of 12 workloads."}],
                "decisions": [
                    {"time": TIME, "decision": "Acted", "reason": "Acted", "message": "Restarted web."},
                    {"time": TIME, "decision": "Skipped", "reason": "Cooldown", "message": "web rests."},
                ],
            },
        }
    ]
    bridge.lists["vetoes"] = [
        {
            "metadata": {"name": "veto-1", "namespace": "shop", "creationTimestamp": TIME},
            "spec": {
                "target": {"kind": "Pod", "name": "web-1"},
                "until": "2030-01-31T12:00:00Z",
                "requestedBy": "ann",
                "reason": "I look.",
            },
            "status": {},
        }
    ]
    listening, _ = await open_page(path="/?view=healing")
    await listening.until("document.querySelectorAll('#policyList > li').length === 1")
    policy = await listening.page.inner_text("#policyList")
    for told in ("restarts", "paused, dry run", "2 open failures, 1 actions", "A storm of 12", "Skipped: Cooldown"):
        assert told in policy
    assert policy.index("web rests.") < policy.index("Restarted web."), "the latest first"
    assert "Pod web-1" in await listening.page.inner_text("#vetoList")
    assert "by ann I look." in await listening.page.inner_text("#vetoList")


async def test_what_may_not_be_listed_is_said(bridge: ScriptedBridge, open_page: Open, complaints: Complaints) -> None:
    complaints.expect("403")
    bridge.lists["policies"] = None
    listening, _ = await open_page(path="/?view=healing")
    await listening.until("document.getElementById('healingSaid').textContent === 'You may not list policies.'")


class Answers:
    """What the bridge answers to posts, one after the other, and how many came."""

    def __init__(self, *answers: tuple[int, Json]) -> None:
        self._answers = list(answers)
        self.came = 0

    async def __call__(self, route: Route) -> None:
        self.came += 1
        status, body = self._answers.pop(0)
        kind = "application/problem+json" if status >= 400 else "application/json"
        await route.fulfill(status=status, json=body, content_type=kind)


async def open_forms(open_page: Open, path: str, answers: Answers) -> tuple[Listening, Any, Page]:
    listening, peer = await open_page(deployment("web", namespace="shop"), path="/?view=deploy")
    await listening.page.route(path, answers)
    return listening, peer, listening.page


async def test_the_default_is_started_and_followed(open_page: Open) -> None:
    started = {"healingAction": {"namespace": "shop", "name": "restart-1", "uid": "u"}}
    listening, peer, page = await open_forms(open_page, "**/api/deploy", Answers((202, started)))
    await page.click("#deployButton")
    await listening.until("document.getElementById('deployDefaultSaid').textContent === 'Started: restart-1.'")
    told = healing("healingSucceeded", "web", 12, phase="Succeeded", message="The rollout is complete.")
    await peer.send(changes(told))
    await listening.until("document.getElementById('deployDefaultSaid').textContent === 'The rollout is complete.'")
    assert await page.get_attribute("#deployDefaultSaid", "data-state") == "done"


async def test_a_fault_stands_at_its_field_and_what_was_typed_stays(open_page: Open, complaints: Complaints) -> None:
    complaints.expect("422")
    fault = {"type": "urn:kubedom:bad", "title": "'x' is no number of pods.", "detail": "Send a whole number."}
    answers = Answers((422, {**fault, "status": 422, "field": "replicas"}))
    _, _, page = await open_forms(open_page, "**/api/deploy", answers)
    form = page.locator("#deployForm")
    await form.get_by_role("button", name="Deploy").click()
    assert await page.inner_text("#deployForm-name-fault") == "Name the deployment."
    assert await page.evaluate("document.activeElement.name") == "name"
    assert answers.came == 0
    await form.get_by_label("Name", exact=True).fill("web")
    await form.get_by_label("Replicas").fill("x")
    await form.get_by_role("button", name="Deploy").click()
    await page.get_by_text("'x' is no number of pods. Send a whole number.").wait_for()
    replicas = form.get_by_label("Replicas")
    assert await replicas.get_attribute("aria-invalid") == "true"
    assert await replicas.get_attribute("aria-describedby") == "deployForm-replicas-fault"
    assert await replicas.input_value() == "x"
    await replicas.fill("2")
    assert await replicas.get_attribute("aria-invalid") == "false"


async def test_a_manifest_is_tried_applied_and_its_conflicts_are_named(open_page: Open, complaints: Complaints) -> None:
    complaints.expect("409")
    conflict = {
        "type": "urn:kubedom:conflict",
        "title": "Apply failed with 1 conflict.",
        "status": 409,
        "field": "manifest",
        "conflicts": [{"field": ".spec.replicas", "manager": "hpa"}],
    }
    tried = {"applied": [{"kind": "Deployment", "namespace": "shop", "name": "web"}], "dryRun": True}
    answers = Answers((200, tried), (409, conflict))
    _, _, page = await open_forms(open_page, "**/api/deploy", answers)
    form = page.locator("#deployForm")
    await form.get_by_label("Apply a manifest").check()
    await form.get_by_label("Manifest (YAML)").fill("kind: Deployment")
    await form.get_by_role("button", name="Dry run").click()
    await page.get_by_text("Dry run: Deployment web would be applied.").wait_for()
    await form.get_by_role("button", name="Deploy").click()
    await page.get_by_text(".spec.replicas belongs to hpa.").wait_for()


async def test_a_configuration_is_tried_and_kept(open_page: Open) -> None:
    difference = {"added": ["title"], "changed": ["motd"], "removed": [], "dryRun": True}
    kept = {"applied": {"kind": "ConfigMap", "namespace": "shop", "name": "settings"}, "dryRun": False}
    restarts = [{"kind": "Deployment", "name": "web"}]
    answers = Answers((200, {**difference, "restarts": restarts}), (202, {**kept, "restarts": []}))
    listening, _, page = await open_forms(open_page, "**/api/v1/config/", answers)
    form = page.locator("#configForm")
    await form.get_by_role("button", name="Add a key").click()
    await page.keyboard.type("title")
    await form.get_by_label("Value").fill("Shop")
    assert await page.evaluate("new FormData(document.getElementById('configForm')).get('title')") == "Shop"
    await form.get_by_role("button", name="Dry run").click()
    await listening.until("document.getElementById('configSaid').textContent.includes('Added: title')")
    assert "Restarted: Deployment web" in await page.inner_text("#configSaid")
    await form.get_by_role("button", name="Keep").click()
    await listening.until("document.getElementById('configSaid').textContent === 'Kept as ConfigMap shop/settings.'")


async def test_a_form_that_an_author_took_over_is_theirs(open_page: Open) -> None:
    answers = Answers()
    _, _, page = await open_forms(open_page, "**/api/v1/config/", answers)
    await page.evaluate(
        "document.getElementById('configForm').addEventListener('submit', (event) => event.preventDefault())"
    )
    await page.locator("#configForm").get_by_role("button", name="Keep").click()
    assert await page.inner_text("#configSaid") == ""
    assert answers.came == 0
