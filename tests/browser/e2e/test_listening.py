"""What a page author does with the events of any element, done with a cluster's: on a real one, in both browsers.

Delegation over a thousand rows, events that the page itself dispatches on its document, and an observer of a table's
children are the user's own snippets, in the tests beside this.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.browser.e2e.conftest import Start, sign_in, until, until_shown
from tests.browser.e2e.test_way_out_and_back import running_pod
from tests.conftest import Cluster
from tests.kubelet import by_hand, failed, running, terminated

pytestmark = pytest.mark.browsers("chromium", "firefox")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A page that listens</title>
<link rel="icon" href="/icon.svg">
<kube-cluster namespaces="{namespace}"></kube-cluster>
<script type="module" src="/author.js"></script>
</html>
"""

AUTHOR = """
import '/kubedom.js';

window.cluster = document.querySelector('kube-cluster');
window.told = [];
window.tell = (what) => (event) => told.push(`${what} ${event.detail.podName}`);
window.defaults = [];
cluster.addEventListener('kube:default', ({ detail: { event } }) => defaults.push(event.detail.podName));
"""


class Site:
    """A page of one's own, and two pods that have an element on it."""

    def __init__(self, cluster: Cluster, namespace: str, page: Page, pods: dict[str, tuple[str, str]]) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self.page = page
        self.names = {app: name for app, (name, _) in pods.items()}
        self.uids = {app: uid for app, (_, uid) in pods.items()}

    def element(self, app: str) -> str:
        """The element of a pod, as an expression."""
        return f"cluster.resource('{self.uids[app]}')"

    async def fail(self, app: str) -> None:
        """Let the pod's container end, and wait until the page was told all about it."""
        self._cluster.patch_status("pod", self._namespace, self.names[app], failed(terminated(3)))
        await until(self.page, f"{self.element(app)}.incidents.length === 1")

    async def recover(self, app: str) -> None:
        """Let the container run again long enough to be stable."""
        again = running(1, terminated(3), seconds_ago=3600)
        self._cluster.patch_status("pod", self._namespace, self.names[app], again)
        await until(self.page, f"{self.element(app)}.incidents.length === 0")

    async def told(self) -> list[str]:
        """What the page's listeners wrote down, with the pods' applications for their names."""
        lines: list[str] = await self.page.evaluate("told")
        for app, name in self.names.items():
            lines = [line.replace(name, app) for line in lines]
        return lines

    async def defaults(self) -> list[str]:
        """The applications whose failures came as far as the page's own reaction."""
        found: list[str] = await self.page.evaluate("defaults")
        return [app for name in found for app in self.names if self.names[app] == name]


@pytest_asyncio.fixture(loop_scope="session")
async def site(cluster: Cluster, namespace: str, start: Start, page: Page, tmp_path: Path) -> Site:
    (tmp_path / "index.html").write_text(PAGE.format(namespace=namespace))
    (tmp_path / "author.js").write_text(AUTHOR)
    cluster.apply(*(by_hand(app) for app in ("api", "db")), namespace=namespace)
    pods = {app: await asyncio.to_thread(running_pod, cluster, namespace, app) for app in ("api", "db")}
    await sign_in(page, start(f"--web-dir={tmp_path}", f"--namespace={namespace}"))
    for _, uid in pods.values():
        await until_shown(page, uid)
    return Site(cluster, namespace, page, pods)


async def test_an_event_goes_down_to_its_pod_and_up_again(site: Site) -> None:
    await site.page.evaluate(
        """(pod) => {
          const { parentElement: workload } = cluster.resource(pod);
          const levels = { window, document, cluster, namespace: workload.parentElement, workload };
          for (const [name, target] of Object.entries(levels)) {
            target.addEventListener('podFailed', tell(`up at ${name}`));
            target.addEventListener('podFailed', tell(`down at ${name}`), true);
          }
          cluster.resource(pod).addEventListener('podFailed', tell('at the pod'));
        }""",
        site.uids["api"],
    )
    await site.fail("api")
    levels = ["window", "document", "cluster", "namespace", "workload"]
    down, up = [f"down at {name} api" for name in levels], [f"up at {name} api" for name in reversed(levels)]
    assert await site.told() == [*down, "at the pod api", *up]
    assert await site.defaults() == ["api"]


async def test_who_stops_an_event_stops_it_and_nothing_else(site: Site) -> None:
    await site.page.evaluate(
        """(pod) => {
          const workload = cluster.resource(pod).parentElement;
          workload.addEventListener('podFailed', (event) => { tell('stopped')(event); event.stopPropagation(); });
          workload.addEventListener('podFailed', tell('beside it'));
          document.addEventListener('podFailed', tell('above'));
          document.addEventListener('resource-failed', tell('generic'));
        }""",
        site.uids["api"],
    )
    await site.fail("api")
    await site.fail("db")
    assert await site.told() == ["stopped api", "beside it api", "generic api", "above db", "generic db"]
    assert await site.defaults() == ["api", "db"]


async def test_who_prevents_an_event_prevents_the_pages_reaction_to_it(site: Site) -> None:
    await site.page.evaluate(
        """(pod) => {
          cluster.resource(pod).addEventListener('podFailed', (event) => event.preventDefault());
          document.addEventListener('podFailed', (event) => tell(`prevented: ${event.defaultPrevented},`)(event));
          document.addEventListener('podRecovered', (event) => tell(`cancelable: ${event.cancelable},`)(event));
        }""",
        site.uids["api"],
    )
    await site.fail("api")
    await site.fail("db")
    await site.recover("api")
    assert await site.told() == ["prevented: true, api", "prevented: false, db", "cancelable: false, api"]
    assert await site.defaults() == ["db"]


async def test_a_listener_for_once_hears_once_and_one_that_was_aborted_nothing(site: Site) -> None:
    await site.page.evaluate(
        """() => {
          const aborted = new AbortController();
          document.addEventListener('podFailed', tell('once'), { once: true });
          document.addEventListener('podFailed', tell('never'), { signal: aborted.signal });
          document.addEventListener('podFailed', tell('always'));
          aborted.abort();
        }"""
    )
    await site.fail("api")
    await site.fail("db")
    assert await site.told() == ["once api", "always api", "always db"]


async def test_one_listener_above_all_asks_by_selector_whose_event_it_is(site: Site) -> None:
    await site.page.evaluate(
        """() => cluster.addEventListener('podFailed', (event) => {
          if (event.target.matches('kube-deployment[name=api] > kube-pod')) tell('mine')(event);
          else tell(`of ${event.target.closest('kube-deployment').getAttribute('name')}`)(event);
        })"""
    )
    await site.fail("api")
    await site.fail("db")
    assert await site.told() == ["mine api", "of db db"]


async def test_an_observer_sees_attributes_and_children_change(cluster: Cluster, namespace: str, site: Site) -> None:
    await site.page.evaluate(
        """() => new MutationObserver((records) => {
          for (const { type, target, attributeName, removedNodes } of records) {
            const name = target.getAttribute('name');
            if (type === 'attributes') told.push(`${name} ${attributeName}=${target.getAttribute(attributeName)}`);
            for (const node of removedNodes) told.push(`${node.getAttribute('name')} is gone`);
          }
        }).observe(cluster, { subtree: true, childList: true, attributes: true, attributeFilter: ['incident'] })"""
    )
    await site.fail("api")
    await site.recover("api")
    cluster.kubectl("delete", "deployment", "db", f"--namespace={namespace}")
    await until(site.page, f"!{site.element('db')}")
    told = await site.told()
    assert told[:2] == ["api incident=ContainerFailed", "api incident=null"]
    assert "db is gone" in told
