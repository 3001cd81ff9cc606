"""A user of one namespace signs in with a token in the page's form, and sees what the API server lets them see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.e2e.conftest import Start, until, until_live
from tests.conftest import Cluster
from tests.users import Someone

pytestmark = pytest.mark.browsers("chromium", "firefox")

SHOWN = "() => [...document.querySelectorAll('kube-pod')].map((pod) => pod.getAttribute('name'))"


@pytest.fixture
def ann(cluster: Cluster) -> Iterator[Someone]:
    someone = Someone(cluster)
    someone.prepare()
    yield someone
    cluster.kubectl("delete", "namespace", someone.namespace, "--wait=false")


async def test_the_form_signs_in_and_a_right_that_is_taken_away_takes_the_subtree_from_the_page(
    cluster: Cluster, namespace: str, ann: Someone, start: Start, page: Page, complaints: Complaints
) -> None:
    run = start("--sign-in=token")
    answer = await page.goto(f"{run.origin}/")
    assert answer is not None
    assert answer.status == 401
    await page.get_by_label("Token").fill("not a token")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("not one that the API server could accept").wait_for()
    await page.get_by_label("Token").fill(ann.token())
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{run.origin}/")
    complaints.expect("401")
    assert complaints.unexpected == []
    await until_live(page)
    name = f"pod-{ann.mark}"
    await until(page, f"({SHOWN})().includes('{name}')")
    # Nothing of the other namespaces is there, the system's among them.
    assert await page.evaluate("document.querySelectorAll('kube-namespace').length") == 1
    assert await page.evaluate(SHOWN) == [name]
    assert namespace not in await page.content()

    await page.evaluate("document.addEventListener('kube:resync', () => { window.resynced = true; })")
    ann.forbid()
    await until(page, f"({SHOWN})().length === 0 && document.querySelectorAll('kube-namespace').length === 0")
    assert await page.evaluate("window.resynced")
    # Her own name has the mark too.
    others = """() => {
      const copy = document.documentElement.cloneNode(true);
      for (const own of copy.querySelectorAll('#account, #accountMenu')) own.remove();
      return copy.outerHTML;
    }"""
    await until(page, f"(mark) => !({others})().includes(mark)", ann.mark)
    ann.allow()
    await until(page, f"({SHOWN})().includes('{name}')")
    # While she may see nowhere, what asks for a list is refused, and the browser's console tells that of itself.
    complaints.expect("403")
