"""Deploying and configuring by the page's own forms, on a real cluster."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import Start, sign_in, until, until_shown
from tests.browser.e2e.test_way_out_and_back import heard, running_pod, until_heard
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, terminated
from tests.running import wait_for

pytestmark = pytest.mark.browsers("chromium", "firefox")


async def test_a_deployment_that_fails_is_mended_by_the_form(
    cluster: Cluster, namespace: str, start: Start, page: Page
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await sign_in(page, start(f"--namespace={namespace}"))
    await until_shown(page, uid)
    cluster.patch_status("pod", namespace, name, failed(terminated(3)))
    await until_heard(page, uid, "podFailed")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("d")
    form = page.locator("#deployForm")
    await form.get_by_label("Namespace").fill(namespace)
    await form.get_by_label("Name", exact=True).fill("api")
    await form.get_by_label("Image").fill("example.com/main:2.0")
    await form.get_by_role("button", name="Deploy").click()

    def image() -> str:
        template = cluster.get("deployment", "api", f"--namespace={namespace}")["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    await asyncio.to_thread(wait_for, "the image", lambda: image() == "example.com/main:2.0")
    await asyncio.to_thread(running_pod, cluster, namespace, "api", other_than=uid)
    await until(page, "document.getElementById('deploySaid').dataset.state === 'done'")
    assert await heard(page, uid, "podDeleted")
    assert await page.evaluate("document.querySelector('kube-cluster').incidents.length") == 0


async def test_a_configuration_is_kept_and_its_fault_stands_at_the_field(
    cluster: Cluster, namespace: str, start: Start, page: Page, complaints: Complaints
) -> None:
    complaints.expect("422")
    await sign_in(page, start(f"--namespace={namespace}"))
    await page.locator("#views a[data-to=deploy]").click()
    form = page.locator("#configForm")
    await form.get_by_role("button", name="Add a key").click()
    await page.keyboard.type("title")
    await form.get_by_label("Value").fill("Shop")
    await form.get_by_label("Namespace").fill(namespace)
    await form.get_by_role("button", name="Keep").click()
    await page.get_by_text("The form does not say where it is to be kept.").wait_for()
    assert await form.get_by_label("Name", exact=True).get_attribute("aria-invalid") == "true"
    await form.get_by_label("Name", exact=True).fill("settings")
    await form.get_by_role("button", name="Dry run").click()
    await until(page, "document.getElementById('configSaid').textContent === 'Added: title'")
    await form.get_by_role("button", name="Keep").click()
    await until(page, "document.getElementById('configSaid').textContent.startsWith('Kept as ConfigMap')")
    assert cluster.get("configmap", "settings", f"--namespace={namespace}")["data"] == {"title": "Shop"}
