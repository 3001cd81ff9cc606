"""The tables: sorting, filters that the address keeps, keys from row to row, and buttons that may be pressed."""

from __future__ import annotations

import pytest
from playwright.async_api import Page
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, Peer, changes, deployment, event, gone, pod
from tests.browser.sdk.test_button import command
from tests.browser.waiting import eventually

pytestmark = pytest.mark.browsers("chromium", "firefox")

NAMES = "[...document.querySelectorAll('[data-view]:not([hidden]) table.live tbody .name')].map((e) => e.textContent)"


async def until_names(page: Page, *names: str) -> None:
    await eventually(page, f"(wanted) => JSON.stringify({NAMES}) === JSON.stringify(wanted)", list(names))


async def focused(page: Page) -> str:
    """The name in the row that has the focus."""
    name: str = await page.evaluate("document.activeElement.closest('tr')?.querySelector('.name').textContent ?? ''")
    return name


def labelled(entry: Json, **labels: str) -> Json:
    entry["object"]["metadata"]["labels"] = labels
    return entry


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> Json:
    return {
        "sequence": 0,
        "op": "upsert",
        "kind": "Node",
        "uid": f"uid-{name}",
        "time": "2026-01-01T00:00:00Z",
        "namespace": "",
        "object": {
            "metadata": {"name": name, "uid": f"uid-{name}", "labels": {"node-role.kubernetes.io/worker": ""}},
            "spec": {"unschedulable": True} if cordoned else {},
            "status": {
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "nodeInfo": {"kubeletVersion": "v1.36.3"},
            },
        },
    }


async def open_pods(open_page: Open, query: str = "") -> tuple[Listening, Peer, Page]:
    listening, peer = await open_page(
        labelled(pod("api-2", restarts=2), app="api", tier="web"),
        labelled(pod("api-10", restarts=9, namespace="other", status="Pending"), app="api"),
        labelled(pod("db-1"), app="db"),
        incidents=(event("podFailed", "db-1", 5),),
        path=f"/?view=pods{query}",
    )
    return listening, peer, listening.page


async def test_rows_are_found_sorted_and_filtered(open_page: Open) -> None:
    _, _, page = await open_pods(open_page)
    await until_names(page, "api-2", "api-10", "db-1")
    await page.click("#podsTable [data-sort=restarts]")
    await until_names(page, "api-10", "api-2", "db-1")
    assert await page.locator("#podsTable th[aria-sort=descending]").inner_text() == "Restarts"
    await page.click("#podsTable [data-sort=restarts]")
    await until_names(page, "db-1", "api-2", "api-10")
    await page.click("#podsTable [data-sort=restarts]")
    await page.keyboard.press("/")
    await page.keyboard.type("API")
    await until_names(page, "api-10", "api-2")
    assert await page.inner_text("#podsTable caption") == "2 of 3 pods, 1 failing"
    await page.locator("#view-pods").get_by_label("Namespace").select_option("other")
    await until_names(page, "api-10")
    await page.locator("#view-pods").get_by_label("Failing only").check()
    await page.locator("#noMatches").wait_for()
    await page.locator("#noMatches .clearFilters").click()
    await until_names(page, "api-10", "api-2", "db-1")
    await page.locator("#view-pods").get_by_label("Failing only").check()
    await until_names(page, "db-1")


async def test_the_address_keeps_what_is_shown(open_page: Open) -> None:
    _, _, page = await open_pods(open_page)
    await page.locator("#view-pods").get_by_label("Namespace").select_option("default")
    await page.click("#podsTable [data-sort=restarts]")
    await page.fill("#podSearch", "api")
    await until_names(page, "api-2")
    address = page.url
    assert "ns=default" in address
    await page.locator("#views a[data-to=nodes]").click()
    assert page.url.endswith("?ns=default&view=nodes"), "a namespace is of interest there too"
    await page.go_back()
    assert page.url == address
    await until_names(page, "api-2")
    assert await page.input_value("#podSearch") == "api"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("&ns=default&ns=other", ["api-2", "api-10", "db-1"]),
        ("&ns=!default", ["api-10"]),
        ("&status=Pending", ["api-10"]),
        ("&status=!Pending", ["api-2", "db-1"]),
        ("&label=app%3Dapi", ["api-2", "api-10"]),
        ("&label=app!%3Dapi", ["db-1"]),
        ("&label=app%3Dapi&label=!tier", ["api-10"]),
        ("&label=app in (db, cache)", ["db-1"]),
        ("&label=app notin (db)", ["api-2", "api-10"]),
        ("&q=api !10", ["api-2"]),
        ("&failing=1", ["db-1"]),
        ("&node=node-1&sort=-name", ["db-1", "api-10", "api-2"]),
        ("&sort=nothing", ["api-2", "api-10", "db-1"]),
    ],
)
async def test_a_link_shows_what_it_says(open_page: Open, query: str, names: list[str]) -> None:
    _, _, page = await open_pods(open_page, query)
    await until_names(page, *names)


async def test_active_filters_are_seen_turned_round_and_taken_away(open_page: Open) -> None:
    _, _, page = await open_pods(open_page, "&ns=other&label=app=api")
    await until_names(page, "api-10")
    chips = page.get_by_role("list", name="Active filters").first
    assert await chips.locator(".chip").count() == 2
    await chips.get_by_role("button", name="Namespace is other; turn it round").click()
    await until_names(page, "api-2")
    assert "ns=%21other" in page.url
    await chips.get_by_role("button", name="Remove app=api").click()
    await until_names(page, "api-2", "db-1")
    await chips.get_by_role("button", name="Clear all").click()
    await until_names(page, "api-2", "api-10", "db-1")
    assert await chips.locator(".chip").count() == 0
    assert await page.evaluate("document.activeElement.id") == "podSearch"


async def test_what_is_no_selector_is_told_and_stays_in_its_field(open_page: Open) -> None:
    _, _, page = await open_pods(open_page)
    field = page.get_by_placeholder("Label").first
    await field.fill("app == (")
    await field.press("Enter")
    await page.get_by_text("app == ( is no selector of labels.").wait_for()
    assert await field.input_value() == "app == ("
    await field.fill("app=db")
    await field.press("Enter")
    await until_names(page, "db-1")
    assert await field.input_value() == ""


async def test_keys_go_from_row_to_row_and_open_one(open_page: Open) -> None:
    _, _, page = await open_pods(open_page)
    await until_names(page, "api-2", "api-10", "db-1")
    await page.evaluate(
        "window.opened = []; addEventListener('kubedom:open', ({ detail }) => opened.push(detail.uid)); undefined"
    )
    assert await page.locator("#podsTable tbody tr[tabindex='0']").count() == 1, "Tab leads to one row"
    await page.locator("#podsTable tbody tr").first.focus()
    for key, name in [("ArrowDown", "api-10"), ("End", "db-1"), ("ArrowDown", "db-1"), ("ArrowUp", "api-10")]:
        await page.keyboard.press(key)
        assert await focused(page) == name
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.querySelector('.name').textContent") == "api-10", (
        "back where one was"
    )
    await page.keyboard.press("Home")
    await page.locator("#podsTable .open").first.click()
    assert await page.evaluate("opened") == ["uid-api-10", "uid-api-2"]
    assert await page.locator("#podsTable tbody tr[tabindex='0']").count() == 1


async def test_the_focus_stays_with_its_row_and_goes_on_when_that_goes(open_page: Open) -> None:
    _, peer, page = await open_pods(open_page, "&sort=-restarts")
    await until_names(page, "api-10", "api-2", "db-1")
    await page.locator("#podsTable tbody tr").last.focus()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "log"
    await peer.send(changes(pod("db-1", 11, restarts=50)))
    await until_names(page, "db-1", "api-10", "api-2")
    assert await focused(page) == "db-1"
    assert await page.evaluate("document.activeElement.className") == "log"
    await peer.send(changes(gone("db-1", 12)))
    await until_names(page, "api-10", "api-2")
    assert await focused(page) == "api-10", "the row that is in its place"
    await peer.send(changes(gone("api-2", 13)))
    await until_names(page, "api-10")
    assert await focused(page) == "api-10"


async def test_the_choices_offer_what_there_is(open_page: Open) -> None:
    _, peer, page = await open_pods(open_page)

    async def offered(name: str) -> list[str]:
        choice = page.locator("#view-pods").get_by_label(name, exact=True)
        await choice.focus()
        return (await choice.locator("option").all_inner_texts())[1:]

    await until_names(page, "api-2", "api-10", "db-1")
    assert await offered("Namespace") == ["default", "other"]
    assert await offered("Status") == ["Pending", "Running"]
    assert await offered("Node") == ["node-1"]
    await peer.send(changes(pod("api-2", 11, status="Terminating")))
    await eventually(page, "document.querySelector('#podsTable .state').textContent === 'Terminating'")
    assert await offered("Status") == ["Pending", "Running", "Terminating"]


async def test_what_the_user_may_not_do_is_greyed_out_when_they_look(open_page: Open) -> None:
    _, peer, page = await open_pods(open_page)
    await until_names(page, "api-2", "api-10", "db-1")
    await page.locator("#podsTable tbody tr").first.focus()
    asked = await peer.receive()
    assert asked["type"] == "can"
    assert {(one["name"], one["target"]["name"]) for one in asked["questions"]} == {
        ("restartPod", "api-2"),
        ("deletePod", "api-2"),
    }
    allowed = [one["name"] == "deletePod" for one in asked["questions"]]
    await peer.send({"type": "verdicts", "id": asked["id"], "allowed": allowed})
    await eventually(page, "document.querySelector('#podsTable tr .restartPod').disabled")
    assert await page.locator("#podsTable tr .restartPod").first.get_attribute("title") == (
        "You do not have the right to do this."
    )
    assert await page.locator("#podsTable tr .deletePod").first.is_enabled()
    await peer.send(changes(pod("api-2", 20, restarts=3)))
    await eventually(page, "document.querySelector('#podsTable td[data-column=restarts]').textContent === '3'")
    assert await page.locator("#podsTable tr .restartPod").first.is_disabled(), "also when it is painted again"


async def test_workloads_and_nodes_have_tables_too(open_page: Open) -> None:
    listening, peer = await open_page(
        deployment("web", ready=0),
        node("n1"),
        node("n2", cordoned=True),
        node("node-1"),
        pod("a", workload="web"),
        path="/?view=workloads",
    )
    page = listening.page
    await until_names(page, "web")
    assert "Unavailable" in await page.inner_text("#workloadsTable tbody") or "Degraded" in await page.inner_text(
        "#workloadsTable tbody"
    )
    await page.get_by_role("button", name="Restart web").click()
    asked = await command(peer)
    assert (asked["name"], asked["target"]["name"]) == ("restartDeployment", "web")
    await page.keyboard.press("g")
    await page.keyboard.press("n")
    await until_names(page, "n1", "n2", "node-1")
    assert await page.get_by_role("button", name="Cordon n1", exact=True).is_visible()
    assert not await page.get_by_role("button", name="Cordon n2", exact=True).is_visible()
    assert await page.get_by_role("button", name="Uncordon n2").is_visible()
    await page.get_by_role("button", name="Drain n1").click()
    assert "Every pod on it is evicted" in await page.inner_text("#confirmText")
    await peer.send(changes(gone("n2", 30, kind="Node")))
    await until_names(page, "n1", "node-1")
    await page.click("#confirmDialog button:not(.danger)")


async def test_a_node_tells_how_many_pods_are_on_it_and_leads_to_them(open_page: Open) -> None:
    listening, peer = await open_page(node("node-1"), node("n2"), pod("a"), pod("b"), path="/?view=nodes&ns=default")
    page = listening.page
    counts = "[...document.querySelectorAll('#nodesTable td[data-column=pods]')].map((e) => e.textContent).join()"
    await eventually(page, f"{counts} === '0,2'")
    await peer.send(changes(pod("c", 11), gone("a", 12), pod("d", 13)))
    await eventually(page, f"{counts} === '0,3'")
    await page.click("#nodesTable [data-sort=pods]")
    await eventually(page, f"{counts} === '3,0'")
    await page.get_by_role("link", name="3").click()
    await until_names(page, "b", "c", "d")
    assert page.url.endswith("?view=pods&node=node-1")


async def test_workloads_of_every_kind_have_their_buttons(open_page: Open) -> None:
    kinds = {"DaemonSet": "restartDaemonSet", "StatefulSet": "restartStatefulSet", "CronJob": "runCronJob"}
    others = [{**deployment("w"), "kind": kind, "uid": f"uid-{kind}"} for kind in (*kinds, "ReplicaSet")]
    listening, peer = await open_page(*others, path="/?view=workloads&sort=kind")
    page = listening.page
    told = "[...document.querySelectorAll('#workloadsTable td[data-column=kind]')].map((e) => e.textContent).join()"
    await eventually(page, f"{told} === 'CronJob,DaemonSet,ReplicaSet,StatefulSet'")
    for kind, action in kinds.items():
        await page.locator("#workloadsTable tr", has_text=kind).locator(f".{action}").click()
        asked = await command(peer)
        assert (asked["name"], asked["target"]["kind"]) == (action, kind)
    assert await page.locator("#workloadsTable tr", has_text="ReplicaSet").locator("td button").count() == 0
