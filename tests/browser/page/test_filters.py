"""What the filters let pass and the order that rows are kept in: modules without a document, called in the browsers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import Json, deployment, event, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")

FILTERED = """async (query) => {
  const { Filters } = await import('/page/filters.js');
  const parameters = new URLSearchParams(query);
  const filters = new Filters((name) => parameters.getAll(name));
  const passing = [...document.querySelectorAll('kube-pod')].filter((pod) => filters.match(pod));
  return {
    names: passing.map(({ name }) => name).sort(),
    active: filters.active.map(({ parameter, value, negated }) => [parameter, value, negated]),
    unreadable: filters.unreadable.map(({ raw }) => raw),
  };
}"""

# Rows come, change and go at random, and the order that was kept is compared with one that is made anew.
KEPT = """async ({ rounds, most }) => {
  const { Order } = await import('/page/order.js');
  let seed = 7;
  const chance = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const compare = (one, other) => one.key - other.key || one.id - other.id;
  const all = new Set();
  const order = new Order();
  const shows = (row) => all.has(row) && row.key % 3 > 0;
  order.arrange(all, compare, shows);
  const wrong = [];
  for (let round = 0; round < rounds; round += 1) {
    const touched = new Set();
    for (let each = chance(most); each > 0; each -= 1) {
      const known = [...all][chance(all.size || 1)];
      const what = known ? chance(3) : 0;
      if (what === 0) all.add({ id: round * 1000 + each, key: chance(50) });
      if (what === 1) known.key = chance(50);
      if (what === 2) all.delete(known);
      touched.add(what === 0 ? [...all].at(-1) : known);
    }
    const before = order.rows;
    const said = order.change(touched);
    const wanted = [...all].filter(shows).sort(compare);
    const same = (one, other) => one.length === other.length && one.every((row, at) => row === other[at]);
    if (!same(order.rows, wanted) || said === same(before, wanted)) wrong.push(round);
  }
  return wrong;
}"""


def labelled(entry: Json, **labels: str) -> Json:
    entry["object"]["metadata"]["labels"] = labels
    return entry


@pytest.fixture
def pods() -> list[Json]:
    return [
        labelled(pod("api-1", workload="api"), app="api", tier="web"),
        labelled(pod("api-2", namespace="other", status="Pending"), app="api"),
        labelled(pod("db-1", status="CrashLoopBackOff"), **{"app": "db", "example.com/zone": "a"}),
        pod("bare"),
    ]


async def filtered(open_page: Open, pods: list[Json], query: str) -> Any:
    failure = event("podFailed", "db-1", 5)
    warning = event("podNotReady", "bare", 6, incident="i2", severity="info")
    listening, _ = await open_page(deployment("api"), *pods, incidents=(failure, warning))
    return await listening.page.evaluate(FILTERED, query)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "api-1 api-2 bare db-1"),
        ("ns=other", "api-2"),
        ("ns=other&ns=default", "api-1 api-2 bare db-1"),
        ("ns=!other", "api-1 bare db-1"),
        ("ns=!other&ns=!default", ""),
        ("ns=default&status=!Running", "db-1"),
        ("status=Running&status=Pending", "api-1 api-2 bare"),
        ("node=node-1", "api-1 api-2 bare db-1"),
        ("node=!node-1", ""),
        ("kind=Pod", "api-1 api-2 bare db-1"),
        ("kind=Job", ""),
        ("failing=1", "db-1"),
        ("failing=yes", "api-1 api-2 bare db-1"),
        ("q=API", "api-1 api-2"),
        ("q=api pending", "api-2"),
        ("q=api !pending", "api-1"),
        ("q=!", "api-1 api-2 bare db-1"),
        ("label=app=api", "api-1 api-2"),
        ("label=app%3D%3Dapi", "api-1 api-2"),
        ("label=app!=api", "bare db-1"),
        ("label=app", "api-1 api-2 db-1"),
        ("label=!app", "bare"),
        ("label=app&label=!tier", "api-2 db-1"),
        ("label=app in (db,api)&label=tier", "api-1"),
        ("label=app notin ( api )", "bare db-1"),
        ("label=example.com/zone=a", "db-1"),
        ("label=app=", ""),
        ("label=app in ()", ""),
        ("label=app=api&ns=other&q=2", "api-2"),
        ("unknown=1", "api-1 api-2 bare db-1"),
    ],
)
async def test_what_passes(open_page: Open, pods: list[Json], query: str, names: str) -> None:
    assert (await filtered(open_page, pods, query))["names"] == names.split()


@pytest.mark.parametrize("selector", ["app=(", "a b", "=x", "-x", "app=!x", "!", "toString()"])
async def test_what_is_no_selector_is_named_and_hides_nothing(open_page: Open, pods: list[Json], selector: str) -> None:
    found = await filtered(open_page, pods, f"label={selector}")
    assert found["unreadable"] == [selector]
    assert len(found["names"]) == 4
    assert found["active"] == [["label", selector, False]], "nothing that was written is lost"


async def test_a_label_is_not_what_every_object_has(open_page: Open, pods: list[Json]) -> None:
    found = await filtered(open_page, pods, "label=constructor")
    assert found["names"] == []


async def test_what_is_active_is_told(open_page: Open, pods: list[Json]) -> None:
    found = await filtered(open_page, pods, "q= a  b&ns=x&ns=!y&failing=1")
    assert found["active"] == [["ns", "x", False], ["ns", "y", True], ["failing", "1", False], ["q", "a  b", False]]


@pytest.mark.parametrize("most", [2, 40])
async def test_an_order_that_is_kept_is_the_one_that_sorting_gives(open_page: Open, page: Page, most: int) -> None:
    await open_page()
    assert await page.evaluate(KEPT, {"rounds": 300, "most": most}) == []
