"""Healing as people see it: a policy asks for approval in a modal; what a viewer prevents stays on their own page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import RECORDER, Start, until, until_live
from tests.cluster.policies import crash, deployed, policy, with_healer
from tests.cluster.shop import opened_shop, with_admission
from tests.conftest import Cluster
from tests.running import KubedomRun, wait_for

pytestmark = pytest.mark.browsers("chromium", "firefox")

INCIDENT = "document.getElementById('incidentDialog').open"
APPROVAL = "document.getElementById('approvalDialog').open"
PREVENTS = """
for (const type of [
  'podCrashLooping', 'resource-failed', 'healingPlanned', 'healingAwaitingApproval', 'healingStarted',
]) {
  window.addEventListener(type, (event) => event.preventDefault(), true);
}
"""
OpenAs = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_as(browser: Browser, complaints: Complaints) -> AsyncIterator[OpenAs]:
    """Opens the page as whoever a token is of, each in a browser's profile of their own."""
    contexts = []
    # Who opens the page without a session is answered with the form to sign in, and that answer is a 401.
    complaints.expect("401")

    async def opened(run: KubedomRun, token: str, *scripts: str) -> Page:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        contexts.append(context)
        page = await context.new_page()
        complaints.listen_to(page)
        for script in (RECORDER, *scripts):
            await page.add_init_script(script)
        await page.goto(f"{run.origin}/")
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{run.origin}/")
        await until_live(page)
        return page

    yield opened
    for context in contexts:
        await context.close()


def token(cluster: Cluster, namespace: str, name: str, role: str) -> str:
    """A token of a new service account with a role in the namespace."""
    here = f"--namespace={namespace}"
    cluster.kubectl("create", "serviceaccount", name, here)
    account = f"--serviceaccount={namespace}:{name}"
    cluster.kubectl("create", "rolebinding", name, f"--clusterrole={role}", account, here)
    return cluster.kubectl("create", "token", name, here).strip()


def restarted(cluster: Cluster, namespace: str, name: str = "web") -> bool:
    template = cluster.get("deployment", name, f"--namespace={namespace}")["spec"]["template"]
    return "kubectl.kubernetes.io/restartedAt" in template["metadata"].get("annotations", {})


def action(cluster: Cluster, namespace: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = cluster.get("healingactions", f"--namespace={namespace}")["items"]
    assert len(found) < 2
    return found[0] if found else {}


def healed(cluster: Cluster, namespace: str) -> bool:
    return bool(action(cluster, namespace).get("status", {}).get("phase") == "Succeeded")


@pytest.fixture
def run(cluster: Cluster, start: Start) -> KubedomRun:
    with_admission(cluster)
    return start("--sign-in=token")


async def test_the_click_in_the_modal_lets_a_policys_action_go_on(
    cluster: Cluster, namespace: str, run: KubedomRun, open_as: OpenAs
) -> None:
    with_healer(cluster, namespace)
    pod = await asyncio.to_thread(deployed, cluster, namespace)
    cluster.apply(policy(approvalRequired=True), namespace=namespace)
    boss = await open_as(run, token(cluster, namespace, "boss", "admin"))
    clerk = await open_as(run, token(cluster, namespace, "clerk", "edit"), PREVENTS)
    await boss.uncheck("#popups")
    crash(cluster, namespace, pod)

    await until(boss, APPROVAL)
    assert await boss.inner_text("#approvalTitle") == "Let kubedom restart Deployment web?"
    assert f"system:serviceaccount:{namespace}:healer" in await boss.inner_text("#approvalFacts")
    assert "ContainerCrashLoop" in await boss.inner_text("#approvalFacts")
    # The clerk's page prevents its own modal; the list shows it all the same, and the API server refuses.
    await clerk.get_by_role("button", name="Look and decide").click()
    await clerk.click("#approvalYes")
    await until(clerk, "document.getElementById('approvalOutcome').dataset.tone === 'failed'")
    assert "cannot patch resource" in await clerk.inner_text("#approvalOutcome")
    assert action(cluster, namespace)["status"]["phase"] == "AwaitingApproval"
    assert not restarted(cluster, namespace)

    await boss.fill("#approvalReason", "I looked at it.")
    await boss.click("#approvalYes")
    await until(boss, f"!{APPROVAL}")
    await asyncio.to_thread(wait_for, "the end of the action", lambda: healed(cluster, namespace))
    assert restarted(cluster, namespace)
    assert action(cluster, namespace)["spec"]["approval"] == {
        "decision": "Approve",
        "by": f"system:serviceaccount:{namespace}:boss",
        "reason": "I looked at it.",
    }
    for page in (boss, clerk):
        await until(page, "heard.some(({ type }) => type === 'healingSucceeded')")
        assert await page.locator("#approvals").is_hidden()


async def test_what_a_viewer_prevents_changes_nothing_in_the_cluster_and_nothing_on_other_pages(
    cluster: Cluster, namespace: str, run: KubedomRun, open_as: OpenAs
) -> None:
    with_healer(cluster, namespace)
    pod = await asyncio.to_thread(deployed, cluster, namespace)
    viewer = await open_as(run, token(cluster, namespace, "viewer", "view"), PREVENTS)
    other = await open_as(run, token(cluster, namespace, "other", "view"))
    cluster.apply(policy(), namespace=namespace)
    crash(cluster, namespace, pod)
    await until(other, INCIDENT)
    await asyncio.to_thread(wait_for, "the end of the action", lambda: healed(cluster, namespace))
    assert restarted(cluster, namespace)
    for page in (viewer, other):
        await until(page, "heard.some(({ type }) => type === 'healingSucceeded')")
    assert await viewer.evaluate("heard.some(({ type }) => type === 'podCrashLooping')"), "it was told, and prevented"
    assert not await viewer.evaluate(INCIDENT)
    assert await viewer.locator("#tray").is_hidden()


async def test_two_people_who_press_the_same_button_at_once_are_both_told_how_it_ended(
    cluster: Cluster, namespace: str, run: KubedomRun, open_as: OpenAs
) -> None:
    pod = await asyncio.to_thread(deployed, cluster, namespace)
    pages = [await open_as(run, token(cluster, namespace, name, "edit")) for name in ("ann", "ben")]
    for page in pages:
        await page.locator("#views a[data-to=pods]").click()
        await until(page, f"document.querySelector('#podsTable .restartPod[data-pod-name={pod}]')")
    button = f"#podsTable .restartPod[data-pod-name={pod}]"
    await asyncio.gather(*(page.click(button) for page in pages))
    ends = [page.locator(".toast:is([data-tone=done], [data-tone=failed]) p") for page in pages]
    # The later one is told so by the page, by the bridge or by the action, whichever knew it first.
    for said in await asyncio.gather(*(end.first.inner_text() for end in ends)):
        assert re.search(rf"{pod} was replaced by|{pod} is gone|Nothing was sent: .*:(ann|ben) has started", said), said
    actions = cluster.get("healingactions", f"--namespace={namespace}")["items"]
    changes = [change for action in actions for change in action["status"].get("changes", [])]
    assert changes.count(f"Pod {pod} was evicted.") == 1


async def test_the_api_servers_refusal_is_shown_in_its_words_and_a_right_that_is_gone_stops_the_next_click(
    cluster: Cluster, namespace: str, run: KubedomRun, open_as: OpenAs
) -> None:
    shop = await asyncio.to_thread(opened_shop, cluster, namespace)
    alice = await open_as(run, shop.token("alice"))
    await alice.locator("#views a[data-to=workloads]").click()
    button = "#workloadsTable .restartDeployment[data-deployment-name={}]"
    for name in ("web", "db"):
        await until(alice, f"document.querySelector('{button.format(name)}')")
    await alice.click(button.format("db"))
    await alice.locator(".toast", has_text=shop.sentence("alice", "db")).wait_for()
    await alice.click(button.format("web"))
    await until(alice, "heard.some(({ type }) => type === 'healingSucceeded')")
    assert restarted(cluster, namespace)
    assert not restarted(cluster, namespace, "db")
    shop.let_alice_no_more()
    await asyncio.to_thread(wait_for, "the end of the right", lambda: shop.kubectl_create("alice", "web")[0] != 0)
    made = len(cluster.get("healingactions", f"--namespace={namespace}")["items"])
    await alice.click(button.format("web"))
    await alice.locator(".toast", has_text=shop.sentence("alice", "web")).wait_for()
    assert len(cluster.get("healingactions", f"--namespace={namespace}")["items"]) == made
