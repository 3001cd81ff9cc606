"""A user of one namespace reads a log while it is written, an object and Events, until the right to is taken away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import Start, until, until_live
from tests.cluster.rest.asking import pod_of
from tests.cluster.shop import opened_shop, with_admission, with_log
from tests.conftest import Cluster

pytestmark = pytest.mark.browsers("chromium", "firefox")

LOG = "[...document.querySelectorAll('#logText .line')].map((line) => line.textContent)"
YAML = "[...document.querySelectorAll('#yamlText .line')].map((line) => line.textContent)"
SAID = "document.getElementById('logSaid').textContent"
EVENTS = "document.getElementById('eventsTable').textContent"


async def test_a_log_an_object_and_events_as_far_as_the_user_may(
    cluster: Cluster, namespace: str, start: Start, page: Page, tmp_path: Path, complaints: Complaints
) -> None:
    if cluster.own is None:
        pytest.skip("says what the log of a container is, which only the local cluster's can be told")
    await asyncio.to_thread(with_admission, cluster)
    shop = await asyncio.to_thread(opened_shop, cluster, namespace)
    pod = pod_of(shop, "web")
    file = with_log(shop, pod, tmp_path)
    run = start("--sign-in=token")
    await page.goto(f"{run.origin}/")
    await page.get_by_label("Token").fill(shop.token("alice"))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{run.origin}/")
    await until_live(page)

    await page.click("#views [data-to=pods]")
    await page.get_by_role("button", name=f"Log {pod}", exact=True).click()
    # kwok learns of the log a moment later, and until then it is told that there is none.
    while not await page.evaluate(f"{LOG}.length === 5"):
        await page.evaluate("if (logAgain.checkVisibility()) logAgain.click()")
        await asyncio.sleep(0.2)
    assert await page.evaluate(LOG) == [f"line {number}" for number in range(5)]
    with file.open("a") as log:
        log.write("2026-01-01T00:00:09Z stdout F \x1b[31mline\x1b[0m <b>9</b>\n")
    await until(page, f"{LOG}.at(-1) === 'line <b>9</b>'")
    await page.check("#logPrevious")
    await until(page, f"{LOG}.join() === 'it crashed'")
    await page.click("#logClose")

    await page.locator(f"#podsTable .restartPod[data-pod-name={pod}]").focus()
    await page.keyboard.press("y")
    await until(page, f"{YAML}.includes('  name: {pod}') && !{YAML}.includes('  managedFields:')")
    await page.click("#yamlClose")

    await page.click("#views [data-to=events]")
    await until(page, f"{EVENTS}.includes('ScalingReplicaSet')")

    shop.cluster.kubectl("delete", "rolebinding", "alice-views", f"--namespace={namespace}")
    await page.goto(f"{run.origin}/?log={namespace}/{pod}&container=web")
    await until(page, f"{SAID}.includes('cannot get resource')")
    # What it still asks for is complained of as well.
    complaints.expect("the server responded with a status of")
