"""The connection: resumed without loss or repetition, and honest about how it is."""

import asyncio
from contextlib import suppress

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import RECORDER, Listening, Open
from tests.browser.sdk.scripted import Peer, ScriptedBridge, changes, event, gone, hello, pod, snapshot
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.browsers("chromium", "firefox")


async def test_it_subscribes_with_the_namespaces_of_its_attribute(bridge: ScriptedBridge, page: Page) -> None:
    bridge.pages["/two.html"] = (
        '<kube-cluster namespaces="a  b"></kube-cluster><script type=module src=/kubedom.js></script>'
    )
    await page.goto(bridge.origin + "/two.html")
    _, subscription = await bridge.subscribed()
    assert subscription == {"type": "subscribe", "filter": {"namespaces": ["a", "b"]}}


async def test_a_resume_brings_each_event_once_and_in_order(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"), pod("b"))
    await peer.send(changes(event("podFailed", "a", 11)))
    await page.until_heard("resource-failed")
    await peer.abort()
    again, subscription = await bridge.subscribed()
    assert subscription["since"] == {"epoch": "e1", "sequence": 11}
    await again.send(
        hello(head=14),
        changes(
            event("podFailed", "a", 11),
            {**event("podFailed", "b", 12, incident="i2"), "replayed": True},
            gone("a", 13),
            pod("c", 14),
        ),
        changes(event("podRecovered", "b", 15, incident="i2", phase="end")),
    )
    await page.until_heard("resource-recovered")
    assert [(each["type"], each["replayed"]) for each in await page.heard()] == [
        ("podFailed", False),
        ("resource-failed", False),
        ("podFailed", True),
        ("resource-failed", True),
        ("podDeleted", True),
        ("podCreated", True),
        ("podRecovered", False),
        ("resource-recovered", False),
    ]


async def test_a_resync_reconciles_and_says_so(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(
        pod("kept"),
        pod("lost"),
        pod("well"),
        incidents=(event("podFailed", "kept", 5), event("podFailed", "well", 6, incident="i2")),
    )
    await page.page.evaluate("window.before = document.querySelector('kube-pod[name=kept]')")
    await page.forget()
    await peer.abort()
    again, _ = await bridge.subscribed()
    await again.send(
        hello(epoch="e2", head=3),
        {"type": "resync", "reason": "kubedom was restarted"},
        *snapshot(
            pod("kept"), pod("well"), pod("new"), incidents=(event("podFailed", "kept", 2),), epoch="e2", sequence=3
        ),
        changes(pod("later", 4)),
    )
    await page.until_heard("podCreated")
    assert [(each["type"], each["on"], each["replayed"]) for each in await page.heard()] == [
        ("resource-recovered", "kube-pod:well", True),
        ("podDeleted", "kube-pod:lost", True),
        ("kube:resync", "kube-cluster", None),
        ("podCreated", "kube-pod:later", False),
    ]
    assert await page.tree() == "namespace:default(pod:kept pod:well pod:new pod:later)"
    assert await page.page.evaluate("before.isConnected && before.incidents.length") == 1


async def test_a_snapshot_that_broke_off_is_asked_for_again(bridge: ScriptedBridge, page: Page) -> None:
    await page.add_init_script(RECORDER)
    await page.goto(bridge.origin + "/bare.html")
    peer, _ = await bridge.subscribed()
    await peer.send(hello(head=10), snapshot(pod("a"))[0])
    await page.wait_for_selector("kube-pod", state="attached")
    await peer.abort()
    again, subscription = await bridge.subscribed()
    assert "since" not in subscription
    await again.send(hello(head=10), *snapshot(pod("b")))
    await Listening(page).until_state("live")
    assert await Listening(page).tree() == "namespace:default(pod:b)"


async def test_a_missed_heartbeat_makes_the_page_stale_and_then_resumes(
    bridge: ScriptedBridge, open_page: Open
) -> None:
    page, _ = await open_page(pod("a"), heartbeat=0.3)
    again, subscription = await bridge.subscribed()
    assert subscription["since"] == {"epoch": "e1", "sequence": 10}
    assert await page.page.evaluate("document.querySelector('kube-cluster').getAttribute('status')") == "stale"
    await again.send(hello(head=10))
    await page.until_state("live")
    assert [each["state"] for each in await page.heard("kube:status")][-2:] == ["stale", "live"]


async def test_heartbeats_keep_it_live(bridge: ScriptedBridge, open_page: Open) -> None:
    # Dead after 9 s without a word; that each second brings one leaves a busy machine some time. Firefox needs it: it
    # reads a worker's socket on the page's thread.
    page, peer = await open_page(pod("a"), heartbeat=6)
    for _ in range(11):
        await asyncio.sleep(1)
        await peer.send({"type": "heartbeat", "head": 10})
    await page.until_state("live")
    assert "stale" not in [each["state"] for each in await page.heard("kube:status")]
    assert bridge.connections == 1


async def test_heartbeats_that_come_all_at_once_are_no_reason_to_let_go_of_a_page(
    bridge: ScriptedBridge, open_page: Open
) -> None:
    # As after a standstill: the page had no moment to answer between two of them.
    page, peer = await open_page(pod("a"))
    await asyncio.gather(*(peer.send({"type": "heartbeat", "head": 10}) for _ in range(20)))
    await peer.send(changes(pod("later", 11)))
    await page.until_heard("podCreated")
    assert "stale" not in [each["state"] for each in await page.heard("kube:status")]
    assert bridge.connections == 1


async def test_a_page_that_stands_still_is_let_go_of_and_comes_back(
    bridge: ScriptedBridge, open_page: Open, browser_name: str
) -> None:
    if browser_name == "firefox":
        pytest.skip("Firefox reads a worker's socket on the page's thread: the hub stands still with the page.")
    let_go = asyncio.Event()

    async def answer() -> tuple[int, str]:
        await let_go.wait()
        return 200, ""

    bridge.answers["/held"] = answer
    page, peer = await open_page(pod("a"), heartbeat=0.5)
    # A request that is waited for holds the whole thread of the page, and for as long as the test wants.
    hold = "() => { const held = new XMLHttpRequest(); held.open('GET', '/held', false); held.send(); }"
    held = asyncio.create_task(page.page.evaluate(hold))
    beating = asyncio.create_task(beat(peer, seconds=0.1))
    await peer.closed()
    assert not held.done()
    let_go.set()
    beating.cancel()
    again, subscription = await bridge.subscribed()
    assert subscription["since"] == {"epoch": "e1", "sequence": 10}
    await again.send(hello(head=11), changes(pod("later", 11)))
    await page.until_heard("podCreated")
    await held


async def beat(peer: Peer, seconds: float) -> None:
    with suppress(ConnectionClosed):
        while True:
            await peer.send({"type": "heartbeat", "head": 10})
            await asyncio.sleep(seconds)


async def test_a_malformed_frame_resumes_and_the_second_reads_everything(
    bridge: ScriptedBridge, open_page: Open, complaints: Complaints
) -> None:
    complaints.expect("is resumed")
    page, peer = await open_page(pod("a"))
    await peer.send_text('{"type":"changes","entries":[')
    again, subscription = await bridge.subscribed()
    assert subscription["since"]["sequence"] == 10
    await again.send(hello(head=11))
    await again.send_text("[]")
    third, subscription = await bridge.subscribed()
    assert "since" not in subscription
    await third.send(hello(head=11), *snapshot(pod("a"), pod("b"), sequence=11))
    await page.until("document.querySelector('kube-pod[name=b]')")


@pytest.mark.parametrize(
    ("code", "reason"), [(4400, "bad-message"), (4401, "signed-out"), (4403, "forbidden"), (4406, "version")]
)
async def test_a_final_refusal_is_a_sentence_and_no_further_attempt(
    bridge: ScriptedBridge, open_page: Open, code: int, reason: str
) -> None:
    page, peer = await open_page(pod("a"))
    await peer.close(code)
    await page.until_state("offline")
    status = await page.page.evaluate("document.querySelector('kube-cluster').status")
    assert (status["reason"], status["final"], status["retryAt"]) == (reason, True, None)
    assert status["message"].endswith(".")
    await asyncio.sleep(1)
    assert bridge.connections == 1
    await page.page.evaluate("document.querySelector('kube-cluster').reconnect()")
    await bridge.subscribed()


@pytest.mark.parametrize("code", [1012, 1013, 4408])
async def test_it_comes_back_by_itself(bridge: ScriptedBridge, open_page: Open, code: int) -> None:
    page, peer = await open_page(pod("a"))
    await peer.close(code)
    again, subscription = await bridge.subscribed()
    assert subscription["since"]["sequence"] == 10
    await again.send(hello(head=10))
    await page.until_state("live")


async def test_the_network_s_return_ends_the_wait(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.close(1012, "kubedom is stopping; retry after 60 s")
    await page.until_state("offline")
    assert await page.page.evaluate("document.querySelector('kube-cluster').status.retryAt - Date.now()") > 50_000
    await page.page.evaluate("dispatchEvent(new Event('online'))")
    await bridge.subscribed()


async def test_moving_the_element_keeps_the_connection_and_removing_it_ends_it(
    bridge: ScriptedBridge, open_page: Open
) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate(
        "document.body.append(document.createElement('main'));"
        "document.querySelector('main').append(document.querySelector('kube-cluster'))"
    )
    await peer.send(changes(pod("b", 11)))
    await page.until("document.querySelector('main kube-pod[name=b]')")
    await page.page.evaluate("window.taken = document.querySelector('kube-cluster'); taken.remove()")
    await peer.closed()
    await page.page.evaluate("document.body.append(taken)")
    _, subscription = await bridge.subscribed()
    assert subscription["since"]["sequence"] == 11
    assert bridge.connections == 2


async def test_another_subscription_begins_anew(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await page.page.evaluate("document.querySelector('kube-cluster').setAttribute('namespaces', 'other')")
    await peer.closed()
    again, subscription = await bridge.subscribed()
    assert subscription == {"type": "subscribe", "filter": {"namespaces": ["other"]}}
    await again.send(hello(head=10), *snapshot(pod("b", namespace="other")))
    await page.until("document.querySelector('kube-pod[name=b]') && !document.querySelector('kube-pod[name=a]')")
