"""The elements: where they are, what they reflect, and that they stay the same ones."""

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import changes, deployment, gone, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")


async def test_resources_nest_as_cluster_namespace_workload_pod(open_page: Open) -> None:
    page, _ = await open_page(pod("api-1", workload="api"), deployment("api"), pod("lone"), pod("x", namespace="other"))
    assert await page.tree() == "namespace:default(deployment:api(pod:api-1) pod:lone) namespace:other(pod:x)"


async def test_attributes_reflect_identity_and_status(open_page: Open) -> None:
    page, peer = await open_page(pod("api-1", status="Running"))
    await peer.send(changes(pod("api-1", 11, status="CrashLoopBackOff", ready=0, restarts=5)))
    await page.until("document.querySelector('kube-pod[status=CrashLoopBackOff]')")
    attributes = await page.page.evaluate(
        "Object.fromEntries([...document.querySelector('kube-pod').attributes].map((a) => [a.name, a.value]))"
    )
    assert attributes == {
        "name": "api-1",
        "namespace": "default",
        "uid": "uid-api-1",
        "phase": "Running",
        "status": "CrashLoopBackOff",
        "ready": "0/1",
        "restarts": "5",
        "node": "node-1",
    }


async def test_a_pod_moves_to_its_workload_as_the_same_element(open_page: Open) -> None:
    page, peer = await open_page(pod("api-1", workload="api"))
    await page.page.evaluate("window.before = document.querySelector('kube-pod')")
    await peer.send(changes(deployment("api", 11)))
    await page.until("document.querySelector('kube-deployment kube-pod')")
    assert await page.page.evaluate("before === document.querySelector('kube-pod')")
    await peer.send(changes(gone("api", 12, kind="Deployment", uid="uid-deployment-api")))
    await page.until("!document.querySelector('kube-deployment')")
    assert await page.page.evaluate("before === document.querySelector('kube-namespace > kube-pod')")


async def test_a_deployment_made_anew_under_its_name_takes_the_pods(open_page: Open) -> None:
    page, peer = await open_page(deployment("api"), pod("api-1", workload="api"))
    again = deployment("api", 11)
    again["uid"] = "uid-second"
    await peer.send(changes(again, gone("api", 12, kind="Deployment", uid="uid-deployment-api")))
    await page.until("[...document.querySelectorAll('kube-deployment')].map(({ uid }) => uid).join() === 'uid-second'")
    assert await page.page.evaluate("document.querySelector('kube-deployment kube-pod')?.name") == "api-1"


async def test_an_empty_namespace_leaves_no_element(open_page: Open) -> None:
    page, peer = await open_page(pod("a"), pod("b", namespace="other"))
    await peer.send(changes(gone("b", 11, namespace="other")))
    await page.until("!document.querySelector('kube-pod[name=b]')")
    assert await page.tree() == "namespace:default(pod:a)"


async def test_the_tree_is_hidden_and_nothing_is_dispatched_before_it_is_in_the_document(open_page: Open) -> None:
    page, _ = await open_page(pod("a"))
    assert await page.page.evaluate("document.querySelector('kube-cluster').hidden")
    assert await page.types() == []


async def test_unknown_kinds_operations_messages_and_fields_are_ignored(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    widget = {**pod("w", 11), "kind": "Widget", "novel": {"x": 1}}
    await peer.send(
        {"type": "fireworks", "entries": 3},
        changes(widget, {**pod("p", 12), "op": "polish"}),
        changes(pod("b", 13)),
    )
    await page.until("document.querySelector('kube-pod[name=b]')")
    assert await page.tree() == "namespace:default(pod:a pod:b)"
    assert await page.page.evaluate("document.querySelector('kube-cluster').objects('Widget').length") == 1


async def test_an_unreadable_entry_costs_only_itself(open_page: Open, complaints: Complaints) -> None:
    page, peer = await open_page(pod("a"))
    hollow = {"sequence": 12, "op": "upsert", "kind": "Pod", "uid": "uid-hollow", "object": None, "display": None}
    await peer.send(changes(pod("b", 11), {"op": 3}, hollow, pod("c", 13)))
    await page.until("document.querySelector('kube-pod[name=c]')")
    complaints.expect("cannot be read")
    assert [line for line in complaints.all if "cannot be read" in line]


async def test_names_with_markup_and_other_directions_are_text(open_page: Open) -> None:
    wild = '<img src=x onerror="alert(1)">' + "‮" + "ש" * 220
    page, _ = await open_page(pod(wild, uid="wild"), path="/")
    await page.until("document.querySelector('#podsTable tbody tr')")
    assert await page.page.evaluate("document.querySelector('#podsTable .name').textContent") == wild
    assert await page.page.evaluate("document.querySelectorAll('main img').length") == 0


async def test_a_large_snapshot_never_blocks_the_page(open_page: Open) -> None:
    page, peer = await open_page()
    await page.page.evaluate(
        # How many elements of one message come in one go, and not how long that takes, which is the machine's affair.
        """() => { window.most = 0;
          const pods = document.getElementsByTagName('kube-pod');
          const giveWay = scheduler.yield.bind(scheduler);
          window.before = 0;
          scheduler.yield = () => {
            most = Math.max(most, pods.length - before);
            before = pods.length;
            return giveWay();
          }; }"""
    )
    many = [pod(f"p{i}", namespace=f"n{i % 50}") for i in range(10_000)]
    await peer.send({"type": "resync", "reason": "test"})
    await peer.send({"type": "snapshot", "entries": many, "incidents": []})
    await peer.send({"type": "snapshotEnd", "epoch": "e1", "sequence": 20}, changes(gone("p7", 21, namespace="n7")))
    await page.until("document.querySelectorAll('kube-pod').length === 9999")
    assert await page.page.evaluate("Math.max(most, document.querySelectorAll('kube-pod').length - before)") < 5_000
