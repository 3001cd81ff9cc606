"""Events on elements: which, in which order, and that the platform's own means work on them."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import changes, deployment, event, gone, healing, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")


async def test_a_failure_is_dispatched_on_its_element_and_bubbles_to_document(open_page: Open) -> None:
    page, peer = await open_page(deployment("api"), pod("api-1", workload="api"))
    await page.page.evaluate(
        """() => { window.path = [];
          document.addEventListener('podFailed', (e) =>
            path.push(...e.composedPath().map((n) => n.localName ?? n.nodeName)));
          document.addEventListener('podFailed', (e) => { window.got = e; }); }"""
    )
    await peer.send(changes(event("podFailed", "api-1", 11, exitCode=3)))
    await page.until_heard("resource-failed")
    assert (await page.page.evaluate("path"))[:4] == ["kube-pod", "kube-deployment", "kube-namespace", "kube-cluster"]
    assert await page.page.evaluate(
        "[got.detail.podName, got.detail.exitCode, got.resource.uid, got.incident.kind, got.id, got.constructor.name]"
    ) == ["api-1", 3, "uid-api-1", "PodFailed", "e1-11", "ClusterEvent"]
    assert await page.page.evaluate("document.querySelector('kube-pod').getAttribute('incident')") == "PodFailed"
    assert (
        await page.page.evaluate("document.querySelector('kube-pod').incidents[0].message")
        == "api-1 ended with exit code 3."
    )


async def test_the_generic_event_follows_the_specific_one(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.send(changes(event("podFailed", "a", 11), event("podRecovered", "a", 12, phase="end")))
    await page.until_heard("resource-recovered")
    assert await page.types() == ["podFailed", "resource-failed", "podRecovered", "resource-recovered"]
    assert not await page.page.evaluate("document.querySelector('kube-pod').hasAttribute('incident')")


async def test_an_escalation_is_told_once_and_other_news_as_a_change(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.send(
        changes(
            event("podFailed", "a", 11),
            event("podFailed", "a", 12, phase="update", reason="Error"),
            event("podCrashLooping", "a", 13, phase="update", failure="ContainerCrashLoop"),
            event("podCrashLooping", "a", 14, phase="update", failure="ContainerCrashLoop"),
            event("podRecovered", "a", 15, phase="end"),
        )
    )
    await page.until_heard("resource-recovered")
    assert await page.types() == [
        "podFailed",
        "resource-failed",
        "kube:incidentchange",
        "podCrashLooping",
        "kube:incidentchange",
        "podRecovered",
        "resource-recovered",
    ]


async def test_a_deletion_is_told_before_its_element_goes(open_page: Open) -> None:
    page, peer = await open_page(pod("a"), pod("b"))
    await peer.send(changes(gone("a", 11)))
    await page.until_heard("podDeleted")
    (deleted,) = await page.heard("podDeleted")
    assert deleted["connected"]
    assert deleted["on"] == "kube-pod:a"
    assert deleted["name"] == "a"
    assert await page.tree() == "namespace:default(pod:b)"


async def test_creation_is_told_for_what_is_new_and_not_for_a_snapshot(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.send(changes(pod("b", 11)), changes(pod("b", 12, restarts=1)))
    await page.until("document.querySelector('kube-pod[name=b][restarts=\"1\"]')")
    assert [(each["type"], each["on"], each["replayed"]) for each in await page.heard()] == [
        ("podCreated", "kube-pod:b", False)
    ]


async def test_what_was_failing_before_the_page_came_is_told_as_a_replay(open_page: Open) -> None:
    page, _ = await open_page(pod("a"), incidents=(event("podFailed", "a", 5),))
    assert [(each["type"], each["replayed"]) for each in await page.heard()] == [
        ("podFailed", True),
        ("resource-failed", True),
    ]


async def test_healing_events_come_on_the_target_or_on_its_namespace_when_it_is_gone(open_page: Open) -> None:
    page, peer = await open_page(pod("a"), pod("b"))
    await peer.send(
        changes(
            healing("healingStarted", "a", 11),
            gone("a", 12),
            healing("healingSucceeded", "a", 13, phase="Succeeded"),
        )
    )
    await page.until_heard("healingSucceeded")
    assert [(each["type"], each["on"], each["cancelable"]) for each in await page.heard()] == [
        ("healingStarted", "kube-pod:a", False),
        ("podDeleted", "kube-pod:a", False),
        ("healingSucceeded", "kube-namespace:default", False),
    ]


async def test_events_of_kinds_without_an_element_come_on_the_cluster(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.send(changes(event("nodeNotReady", "n1", 11, resource="Node", namespace="", failure="NodeNotReady")))
    await page.until_heard("nodeNotReady")
    assert (await page.heard("nodeNotReady"))[0]["on"] == "kube-cluster"
    assert await page.page.evaluate("document.querySelector('kube-cluster').incidents.length") == 1


@pytest.mark.parametrize(
    "name", ["submit", "Click", "DOMContentLoaded", "focusin", "kube:status", "resource-failed", ""]
)
async def test_a_name_of_the_platform_is_refused(open_page: Open, complaints: Complaints, name: str) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate(
        "(name) => { window.hits = 0; if (name) document.addEventListener(name, () => hits++); }", name
    )
    await peer.send(changes(event(name, "a", 11)), changes(event("podFailed", "a", 12, incident="i2")))
    await page.until_heard("podFailed")
    # The generic event is the SDK's own and still told once for each; everything else stays silent.
    assert await page.page.evaluate("hits") == (2 if name == "resource-failed" else 0)
    complaints.expect("refused to dispatch")
    assert any("refused to dispatch" in line for line in complaints.all)


async def test_a_throwing_listener_stops_nothing(open_page: Open, complaints: Complaints) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate("document.addEventListener('podFailed', () => { throw new Error('the author erred'); })")
    await peer.send(changes(event("podFailed", "a", 11), pod("b", 12)))
    await page.until("document.querySelector('kube-pod[name=b]')")
    assert await page.types() == ["podFailed", "resource-failed", "podCreated"]
    complaints.expect("the author erred")
    assert complaints.all == ["the author erred"]


async def test_prevent_default_is_for_failures_and_stop_propagation_does_not_replace_it(open_page: Open) -> None:
    page, peer = await open_page(pod("a"), pod("b"), pod("c"))
    await page.page.evaluate(
        """() => { window.defaults = [];
          const cluster = document.querySelector('kube-cluster');
          cluster.addEventListener('kube:default', (e) => defaults.push(e.detail.event.detail.podName));
          document.addEventListener('podFailed', (e) => { if (e.detail.podName === 'a') e.preventDefault(); });
          document.addEventListener('resource-failed', (e) => {
            if (e.detail.podName === 'a') window.told = e.defaultPrevented;
            if (e.detail.podName === 'b') e.preventDefault();
          });
          cluster.addEventListener('podFailed', (e) => { if (e.detail.podName === 'c') e.stopPropagation(); }); }"""
    )
    await peer.send(changes(*(event("podFailed", name, 11 + at, incident=name) for at, name in enumerate("abc"))))
    await page.until_heard("resource-failed", 3)
    assert await page.page.evaluate("defaults") == ["c"]
    assert await page.page.evaluate("told") is True


async def test_capture_bubble_stop_once_and_abort_work_as_on_any_element(open_page: Open) -> None:
    page, peer = await open_page(deployment("api"), pod("api-1", workload="api"))
    await page.page.evaluate(
        """() => { window.order = [];
          const note = (word) => () => order.push(word);
          const workload = document.querySelector('kube-deployment');
          const pod = document.querySelector('kube-pod');
          const gone = new AbortController();
          document.addEventListener('podFailed', note('document captures'), true);
          workload.addEventListener('podFailed', note('workload captures'), { capture: true });
          pod.addEventListener('podFailed', note('pod, once'), { once: true });
          pod.addEventListener('podFailed', note('aborted'), { signal: gone.signal });
          workload.addEventListener('podFailed', (e) => { order.push('workload stops it'); e.stopPropagation(); });
          document.addEventListener('podFailed', note('never'));
          gone.abort(); }"""
    )
    await peer.send(changes(event("podFailed", "api-1", 11)), changes(event("podFailed", "api-1", 12, incident="i2")))
    await page.until_heard("resource-failed", 2)
    first = ["document captures", "workload captures", "pod, once", "workload stops it"]
    assert await page.page.evaluate("order") == [*first, *(word for word in first if word != "pod, once")]


async def test_observers_hear_of_attributes_and_of_comings_and_goings(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate(
        """() => { window.records = [];
          new MutationObserver((list) => records.push(...list.map((r) => r.attributeName ?? r.type)))
            .observe(document.querySelector('kube-namespace'),
              { childList: true, subtree: true, attributes: true }); }"""
    )
    await peer.send(changes(pod("a", 11, restarts=1)), changes(pod("b", 12)), changes(gone("b", 13)))
    await page.until("records.length >= 3")
    assert await page.page.evaluate("records") == ["restarts", "childList", "childList"]


async def test_the_page_s_own_events_work_beside_the_cluster_s(open_page: Open) -> None:
    page, _ = await open_page(pod("a"))
    assert (
        await page.page.evaluate(
            """() => { let name; document.addEventListener('podFailed', (e) => { name = e.detail.podName; });
          document.dispatchEvent(new CustomEvent('podFailed', { detail: { podName: 'api-server-1' } }));
          return name; }"""
        )
        == "api-server-1"
    )
