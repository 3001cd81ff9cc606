"""kubedom's own page, against scripted frames: the modal, the table, the buttons, and honest words."""

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Peer, ScriptedBridge, changes, deployment, event, gone, healing, pod
from tests.browser.sdk.test_button import command

DIALOG = "document.getElementById('incidentDialog').open"
ACTION = {"name": "restart-1", "namespace": "default", "uid": "u1", "created": True}


async def open_main(
    open_page: Open, *entries: dict[str, object], path: str = "/", **more: object
) -> tuple[Listening, Peer, Page]:
    listening, peer = await open_page(*entries, path=path, **more)
    await listening.until("document.title.includes('test-cluster')")
    return listening, peer, listening.page


async def text(page: Page, selector: str) -> str:
    return (await page.locator(selector).inner_text()).strip()


async def test_a_failure_opens_the_modal_that_says_what_and_what_next(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, deployment("api"), pod("api-1", workload="api"))
    await peer.send(
        changes(event("podFailed", "api-1", 11, exitCode=3, nextStep="Read its last lines.", restartHelps=True))
    )
    await listening.until(DIALOG)
    assert await text(page, "#dialogTitle") == "Pod failed"
    assert await text(page, "#dialogMessage") == "api-1 ended with exit code 3."
    assert await text(page, "#dialogNextStep") == "Read its last lines."
    facts = await text(page, "#dialogFacts")
    assert "Exit code\n3" in facts.replace("\n\n", "\n")
    assert "Deployment api" in facts
    assert "kubectl rollout restart deployment api -n default" in await text(page, "#dialogCommands")
    assert await page.evaluate("document.activeElement.id") == "dialogTitle"


@pytest.mark.parametrize("how", ["prevented", "replayed", "typing", "not wanted", "information"])
async def test_the_modal_stays_closed(open_page: Open, how: str) -> None:
    listening, peer, page = await open_main(open_page, pod("a"), path="/?view=pods" if how == "typing" else "/")
    failure = event("podFailed", "a", 11, severity="info" if how == "information" else "error")
    if how == "prevented":
        await page.evaluate("document.addEventListener('podFailed', (e) => e.preventDefault())")
    if how == "replayed":
        failure["replayed"] = True
    if how == "typing":
        await page.focus("#podSearch")
    if how == "not wanted":
        await page.uncheck("#popups")
    await peer.send(changes(failure))
    await listening.until("document.querySelectorAll('#incidentList > li').length === 1")
    assert not await page.evaluate(DIALOG)
    assert await page.locator("#tray").is_visible() == (how in {"typing", "not wanted"})
    if how == "typing":
        assert await page.evaluate("document.activeElement.id") == "podSearch"


async def test_further_failures_wait_in_the_tray(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, pod("a"), pod("b"), pod("c"))
    await peer.send(changes(*(event("podFailed", name, 11 + at, incident=name) for at, name in enumerate("abc"))))
    await listening.until(DIALOG)
    assert await text(page, "#dialogOthers") == "Next (2)"
    await page.click("#dialogClose")
    assert await text(page, "#tray") == "2 new failures to look at"
    await page.click("#tray")
    assert "b" in await text(page, "#dialogWhere")
    await page.click("#dialogOthers")
    assert "c" in await text(page, "#dialogWhere")
    await page.keyboard.press("Escape")
    assert not await page.locator("#tray").is_visible()


async def test_the_modal_says_that_it_recovered_or_was_removed(open_page: Open) -> None:
    listening, peer, page = await open_main(
        open_page, deployment("api"), pod("a", workload="api"), pod("b", workload="api")
    )
    await peer.send(changes(event("podFailed", "a", 11)))
    await listening.until(DIALOG)
    await peer.send(changes(event("podRecovered", "a", 12, phase="end")))
    await listening.until("!document.getElementById('dialogOutcome').hidden")
    assert (await text(page, "#dialogOutcome")).startswith("Recovered at")
    await page.click("#dialogClose")
    await peer.send(changes(event("podFailed", "b", 13, incident="i2")))
    await listening.until(DIALOG)
    await peer.send(changes(gone("b", 14)))
    await listening.until("!document.getElementById('dialogOutcome').hidden")
    assert await text(page, "#dialogOutcome") == "This pod was removed. Deployment api replaces it."
    assert await page.locator("#dialogRestartPod").is_disabled()


async def test_a_pressed_button_is_disabled_until_the_result_and_tells_it(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, deployment("api"), pod("api-1", workload="api"))
    await peer.send(changes(event("podFailed", "api-1", 11)))
    await listening.until(DIALOG)
    await page.click("#dialogRestartPod")
    asked = await command(peer)
    assert (asked["name"], asked["target"]["uid"]) == ("restartPod", "uid-api-1")
    await listening.until("document.getElementById('dialogRestartPod').disabled")
    assert await page.locator("#podsTable .restartPod").is_disabled()
    await page.evaluate("document.getElementById('dialogRestartPod').click()")
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send(changes(healing("healingStarted", "api-1", 12, message="Evicting api-1.")))
    await listening.until("document.getElementById('dialogProgress').textContent === 'Evicting api-1.'")
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "Evicted api-1."})
    await listening.until("document.getElementById('dialogProgress').textContent === 'Evicted api-1.'")
    assert await text(page, ".toast p") == "Evicted api-1."
    await page.click("#dialogRestartDeployment")
    # The second press of the first button sent nothing: this is the next command.
    asked = await command(peer)
    assert (asked["name"], asked["target"]["kind"], asked["target"]["name"]) == (
        "restartDeployment",
        "Deployment",
        "api",
    )
    await peer.send({"type": "error", "id": asked["id"], "code": "forbidden", "message": "You may not patch api."})
    await listening.until("document.getElementById('dialogProgress').textContent === 'You may not patch api.'")
    assert await page.locator("#dialogRestartDeployment").is_enabled()


async def test_a_pod_without_a_workload_is_asked_about_first(open_page: Open) -> None:
    _, peer, page = await open_main(open_page, pod("lone"), path="/?view=pods")
    await page.click("#podsTable .deletePod")
    assert await text(page, "#confirmTitle") == "Delete lone?"
    await page.click("#confirmDialog button:not(.danger)")
    await page.click("#podsTable .deletePod")
    await page.click("#confirmYes")
    assert (await command(peer))["name"] == "deletePod"


async def test_a_thousand_rows_are_real_and_work_by_delegation(open_page: Open) -> None:
    listening, peer, page = await open_main(
        open_page, deployment("d"), *(pod(f"p{i:04}", workload="d") for i in range(1000)), path="/?view=pods"
    )
    await listening.until("document.querySelectorAll('#podsTable tbody tr').length === 1000")
    await page.evaluate(
        """() => { window.clicked = [];
          document.getElementById('podsTable').addEventListener('click', (event) => {
            const { podName, namespace } = event.target.dataset;
            if (event.target.matches('.deletePod')) clicked.push(podName + ' ' + namespace);
          }); }"""
    )
    await page.locator(".deletePod[data-pod-name=p0777]").click()
    assert await page.evaluate("clicked") == ["p0777 default"]
    assert (await command(peer))["target"]["name"] == "p0777"
    assert await page.evaluate("document.querySelectorAll('#podsTable tbody').length") == 10


async def test_the_table_s_observer_hears_whenever_pods_come_or_go(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, pod("a"), pod("b"), path="/?view=pods")
    await listening.until("document.querySelectorAll('#podsTable tbody tr').length === 2")
    await page.evaluate(
        """() => { window.refreshed = 0;
          const observer = new MutationObserver(function (mutationsList) {
            for (let mutation of mutationsList) if (mutation.type === 'childList') refreshed += 1;
          });
          observer.observe(document.getElementById('podsTable'), { childList: true }); }"""
    )
    await peer.send(changes(pod("b", 11, restarts=1)))
    await listening.until(
        "document.querySelector('#podsTable tr:nth-child(2) [data-column=restarts]').textContent === '1'"
    )
    assert await page.evaluate("refreshed") == 0
    await peer.send(changes(pod("c", 12)))
    await listening.until("refreshed === 1")
    await peer.send(changes(gone("a", 13)))
    await listening.until("refreshed === 2")
    assert await text(page, "#podsTable caption") == "2 pods"


async def test_rows_stay_in_order_and_the_same_through_changes(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, *(pod(f"p{i:03}") for i in range(0, 300, 2)))
    await listening.until("document.querySelectorAll('#podsTable tbody tr').length === 150")
    await page.evaluate("window.row = document.querySelector('#podsTable tbody:nth-of-type(2) tr')")
    await peer.send(
        changes(*(pod(f"p{i:03}", 11 + i) for i in range(1, 100, 2)), *(gone(f"p{i:03}", 400 + i) for i in (0, 4, 298)))
    )
    await listening.until("document.querySelectorAll('#podsTable tbody tr').length === 197")
    shown = await page.evaluate("[...document.querySelectorAll('#podsTable tbody .name')].map((e) => e.textContent)")
    assert shown == sorted(shown)
    assert await page.evaluate("row.isConnected")
    assert await page.evaluate("[...document.querySelectorAll('#podsTable tbody')].map((e) => e.rows.length)") == [
        100,
        97,
    ]


async def test_an_empty_cluster_says_what_to_type_next(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, path="/?view=pods")
    await listening.until("!document.getElementById('noPods').hidden")
    assert "kubectl create deployment" in await text(page, "#noPods")
    await peer.send(changes(pod("a", 11)))
    await listening.until("document.getElementById('noPods').hidden && document.querySelector('#podsTable tbody tr')")


async def test_a_page_that_is_not_live_says_so(bridge: ScriptedBridge, open_page: Open, complaints: Complaints) -> None:
    complaints.expect("401")
    bridge.user = None
    listening, peer, page = await open_main(open_page, pod("a"))
    assert await text(page, "#connection") == "Live"
    assert not await page.locator("#banner").is_visible()
    await peer.close(4401)
    await listening.until("!document.getElementById('banner').hidden")
    assert await text(page, "#connection") == "Signed out"
    assert "to sign in again" in await text(page, "#banner")


async def test_incidents_are_listed_with_the_worst_first(open_page: Open) -> None:
    listening, _, page = await open_main(
        open_page,
        pod("a"),
        pod("b"),
        incidents=(
            event("podNotReady", "a", 5, incident="i1", failure="NotReady", severity="warning"),
            event("podFailed", "b", 6, incident="i2"),
            event(
                "nodeNotReady",
                "n1",
                7,
                incident="i3",
                failure="NodeNotReady",
                resource="Node",
                namespace="",
                severity="critical",
            ),
        ),
    )
    await listening.until("document.querySelectorAll('#incidentList > li').length === 3")
    assert await page.locator("#incidentList .what").all_inner_texts() == ["Node not ready", "Pod failed", "Not ready"]
    await page.locator("#incidentList button").nth(0).click()
    assert await text(page, "#dialogWhere") == "Node n1"
    assert not await page.locator("#dialogRestartPod").is_visible()


@pytest.mark.parametrize("width", [320, 1280])
async def test_nothing_overflows(open_page: Open, width: int) -> None:
    listening, peer, page = await open_main(
        open_page, deployment("d" * 253, ready=0), pod("x" * 253, namespace="n" * 63, workload="d" * 253, uid="long")
    )
    await page.set_viewport_size({"width": width, "height": 800})
    await peer.send(changes(event("podFailed", "x" * 253, 11, namespace="n" * 63, uid="long")))
    await listening.until(DIALOG)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("document.getElementById('incidentDialog').scrollWidth <= innerWidth")


async def test_the_table_keeps_its_roles_though_it_is_laid_out_as_a_grid(open_page: Open) -> None:
    listening, _, page = await open_main(open_page, pod("a"), path="/?view=pods")
    await listening.until("document.querySelector('#podsTable tbody tr')")
    assert await page.get_by_role("table", name="Pods").get_by_role("row").count() == 2
    assert await page.get_by_role("columnheader").count() == 6
    assert await page.get_by_role("button", name="Restart a", exact=True).count() == 1


async def test_the_list_follows_a_failure_that_becomes_another(open_page: Open) -> None:
    listening, peer, _ = await open_main(open_page, pod("a"))
    await peer.send(changes(event("podFailed", "a", 11)))
    await listening.until("document.querySelector('#incidentList .what')?.textContent === 'Pod failed'")
    await peer.send(changes(event("podCrashLooping", "a", 12, phase="update", failure="ContainerCrashLoop")))
    await listening.until("document.querySelector('#incidentList .what').textContent === 'Container crash loop'")


async def test_many_pods_that_fail_alike_are_one_line_and_one_modal(open_page: Open) -> None:
    names = [f"api-{number}" for number in range(200)]
    listening, peer, page = await open_main(
        open_page, deployment("api"), *(pod(name, workload="api") for name in names)
    )

    def fails(at: int) -> dict[str, object]:
        return event("podFailed", names[at], 20 + at, incident=f"i-{at}", group="all")

    await peer.send(changes(fails(0)))
    await listening.until(DIALOG)
    assert "api-0" in await text(page, "#dialogWhere")
    many = event("deploymentPodsFailing", "api", 400, incident="all", resource="Deployment", members=200)
    await peer.send(changes(*(fails(at) for at in range(1, 200)), many))
    await listening.until("document.getElementById('dialogWhere').textContent.includes('Deployment')")
    assert "Members\n200" in (await text(page, "#dialogFacts")).replace("\n\n", "\n")
    assert not await page.locator("#dialogOthers").is_visible(), "nothing else waits"
    await listening.until("document.querySelectorAll('#incidentList > li').length === 1")
    assert await text(page, "#incidentCount") == "1"
    assert len(await listening.heard("podFailed")) == 200, "each element told its own all the same"


async def test_pods_that_wait_in_the_tray_give_way_to_their_workload(open_page: Open) -> None:
    listening, peer, page = await open_main(open_page, deployment("api"), pod("x"), pod("a", workload="api"))
    await peer.send(changes(event("podFailed", "x", 11, incident="other")))
    await listening.until(DIALOG)
    await peer.send(changes(event("podFailed", "a", 12, incident="i-a", group="all")))
    await listening.until("document.getElementById('dialogOthers').textContent === 'Next (1)'")
    await peer.send(
        changes(event("deploymentPodsFailing", "api", 13, incident="all", resource="Deployment", members=2))
    )
    await page.click("#dialogOthers")
    await listening.until("document.getElementById('dialogWhere').textContent.includes('Deployment')")
    assert not await page.locator("#dialogOthers").is_visible()
