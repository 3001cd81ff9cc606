"""A pod really fails, its element tells it in Chromium, and a click there goes back to the API server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import Start, sign_in, until, until_live, until_shown
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, running, terminated
from tests.running import wait_for

pytestmark = pytest.mark.browsers("chromium", "firefox")

DIALOG = "document.getElementById('incidentDialog').open"


def pods(cluster: Cluster, namespace: str, app: str) -> list[Any]:
    """The pods that are on a node and are to stay."""
    found = cluster.get("pods", f"--namespace={namespace}", f"--selector=app={app}")["items"]
    return [pod for pod in found if pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]]


def running_pod(cluster: Cluster, namespace: str, app: str, *, other_than: str = "") -> tuple[str, str]:
    """Wait for a pod of the deployment, run it by hand, and give its name and uid."""

    def new() -> list[Any]:
        return [pod for pod in pods(cluster, namespace, app) if pod["metadata"]["uid"] != other_than]

    (pod,) = wait_for(f"a pod of {app}", new)
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    cluster.patch_status("pod", namespace, name, running(seconds_ago=5))
    return name, uid


async def heard(page: Page, uid: str, kind: str) -> list[Any]:
    found: list[Any] = await page.evaluate(
        "([uid, type]) => heard.filter((each) => each.uid === uid && each.type === type)", [uid, kind]
    )
    return found


async def until_heard(page: Page, uid: str, kind: str) -> None:
    await until(page, "([uid, type]) => heard.some((e) => e.uid === uid && e.type === type)", [uid, kind])


async def test_a_failure_is_told_shown_and_mended_by_a_click(
    cluster: Cluster, namespace: str, start: Start, page: Page
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await sign_in(page, start())
    await until_shown(page, uid)
    assert not await page.evaluate(DIALOG)

    cluster.patch_status("pod", namespace, name, failed(terminated(3)))
    await until_heard(page, uid, "podFailed")
    (event,) = await heard(page, uid, "podFailed")
    assert (event["on"], event["name"], event["replayed"]) == ("kube-pod", name, False)
    assert event["path"][:4] == ["kube-pod", "kube-deployment", "kube-namespace", "kube-cluster"]
    assert event["path"][-2:] == ["HTMLDocument", "Window"]

    await until(page, DIALOG)
    assert name in await page.inner_text("#dialogWhere")
    assert "3" in await page.inner_text("#dialogMessage")
    await page.click("#dialogRestartPod")

    new_name, new_uid = await asyncio.to_thread(running_pod, cluster, namespace, "api", other_than=uid)
    await until(page, "(uid) => document.querySelector('kube-cluster').resource(uid) === null", uid)
    await until_shown(page, new_uid)
    await until_heard(page, uid, "podDeleted")
    await until_heard(page, uid, "healingSucceeded")
    assert "removed" in await page.inner_text("#dialogOutcome")

    (action,) = cluster.get("healingactions", f"--namespace={namespace}")["items"]
    assert action["spec"]["action"] == "restartPod"
    assert action["spec"]["target"] == {"kind": "Pod", "name": name, "uid": uid}
    assert action["status"]["phase"] == "Succeeded"
    assert new_name in action["status"]["message"]


async def test_a_container_that_runs_again_for_its_stable_time_has_recovered(
    cluster: Cluster, namespace: str, start: Start, page: Page
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await sign_in(page, start(f"--namespace={namespace}"))
    await until_shown(page, uid)
    ended = terminated(1)
    cluster.patch_status("pod", namespace, name, failed(ended))
    await until_heard(page, uid, "podFailed")
    cluster.patch_status("pod", namespace, name, running(1, ended))
    await until_heard(page, uid, "podRecovered")
    (failure,), (recovery,) = await heard(page, uid, "podFailed"), await heard(page, uid, "podRecovered")
    assert recovery["incident"] == failure["incident"]
    assert await page.evaluate("document.querySelector('kube-cluster').incidents.length") == 0
    assert "Recovered" in await page.inner_text("#dialogOutcome")


async def test_a_listener_keeps_the_modal_away(cluster: Cluster, namespace: str, start: Start, page: Page) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await sign_in(page, start(f"--namespace={namespace}"))
    await until_shown(page, uid)
    await page.evaluate("document.addEventListener('podFailed', (event) => event.preventDefault())")
    cluster.patch_status("pod", namespace, name, failed(terminated()))
    await until_heard(page, uid, "podFailed")
    await until(page, "document.querySelectorAll('#incidentList li').length === 1")
    assert not await page.evaluate(DIALOG)


async def test_a_page_outlives_the_end_of_its_bridge_and_hears_nothing_twice(
    cluster: Cluster, namespace: str, start: Start, page: Page, complaints: Complaints
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    first = start(f"--namespace={namespace}")
    await sign_in(page, first)
    await until_shown(page, uid)
    cluster.patch_status("pod", namespace, name, failed(terminated()))
    await until_heard(page, uid, "podFailed")
    first.kill()
    await until(page, "document.querySelector('kube-cluster').status.state !== 'live'")
    second = start(f"--namespace={namespace}", port=first.port)
    # Sessions end with the process that made them, so a second tab signs in for both.
    other = await page.context.new_page()
    await other.goto(second.link)
    await other.wait_for_url(f"{second.origin}/")
    await page.evaluate("document.querySelector('kube-cluster').reconnect()")
    await until_live(page)
    cluster.apply(by_hand("later"), namespace=namespace)
    _, later = await asyncio.to_thread(running_pod, cluster, namespace, "later")
    await until_shown(page, later)
    (failure,) = await heard(page, uid, "podFailed")
    assert not failure["replayed"]
    assert await page.evaluate("document.querySelector('kube-cluster').incidents.length") == 1
    # The browser itself complains of the sockets that could not be opened meanwhile.
    complaints.expect("WebSocket connection", "Failed to load resource")


async def test_a_page_outlives_a_restart_of_the_api_server(
    cluster: Cluster, local_cluster: Any, namespace: str, start: Start, page: Page, complaints: Complaints
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    name, uid = await asyncio.to_thread(running_pod, cluster, namespace, "api")
    await sign_in(page, start(f"--namespace={namespace}"))
    await until_shown(page, uid)
    await asyncio.to_thread(local_cluster.restart_apiserver)
    cluster.patch_status("pod", namespace, name, failed(terminated()))
    await until_heard(page, uid, "podFailed")
    cluster.apply(by_hand("later"), namespace=namespace)
    _, later = await asyncio.to_thread(running_pod, cluster, namespace, "later")
    await until_shown(page, later)
    assert len(await heard(page, uid, "podFailed")) == 1
    # What was asked for by REST meanwhile was refused, and the browser says so.
    complaints.expect("503")
