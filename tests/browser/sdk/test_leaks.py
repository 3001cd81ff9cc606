"""What came and went leaves nothing behind."""

from playwright.async_api import CDPSession, Page
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, ScriptedBridge, changes, deployment, event, gone, hello, pod, snapshot
from tests.browser.waiting import eventually

ROUNDS = 50
PODS = 1000
LISTENING = """async () => {
  const { once, stream } = await import('/kubedom.js');
  const stop = window.stop = new AbortController();
  const { signal } = stop;
  for (const pod of document.querySelectorAll('kube-pod')) {
    pod.addEventListener('podFailed', () => {}, { signal });
    for (const target of [document, pod.parentElement]) target.addEventListener('podFailed', () => pod, { signal });
  }
  for (let n = 0; n < 100; n += 1) {
    once(document, 'neverDispatched');
    once(document, 'neverDispatched', { signal }).catch(() => 0);
    (async () => { for await (const each of stream(document, 'podFailed', { signal })) each.id; })().catch(() => 0);
  }
}"""


async def count(cdp: CDPSession, page: Page, prototype: str) -> int:
    """How many objects with this prototype the page still holds."""
    of = await cdp.send("Runtime.evaluate", {"expression": prototype})
    found = await cdp.send("Runtime.queryObjects", {"prototypeObjectId": of["result"]["objectId"]})
    length = await cdp.send(
        "Runtime.callFunctionOn",
        {
            "objectId": found["objects"]["objectId"],
            "functionDeclaration": "function() { return this.length; }",
            "returnByValue": True,
        },
    )
    await cdp.send("Runtime.releaseObject", {"objectId": found["objects"]["objectId"]})
    return int(length["result"]["value"])


def elements(name: str) -> str:
    """The prototype of the elements of this name; it has none such itself."""
    return f"customElements.get('{name}').prototype"


async def listeners(cdp: CDPSession, of: str) -> int:
    """How many listeners an object has."""
    target = await cdp.send("Runtime.evaluate", {"expression": of})
    found = await cdp.send("DOMDebugger.getEventListeners", {"objectId": target["result"]["objectId"]})
    return len(found["listeners"])


async def settled(page: Page) -> None:
    """Let what was put off be done, and the garbage be collected."""
    for _ in range(3):
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await page.request_gc()


def numbered(sequence: int, *entries: Json) -> list[Json]:
    return [{**entry, "sequence": sequence + at} for at, entry in enumerate(entries)]


async def test_pods_that_failed_and_went_are_not_kept(open_page: Open) -> None:
    # The page is the harder case: it has rows, incidents and a dialog for them.
    listening, peer = await open_page(deployment("d"), path="/")
    page = listening.page
    await page.evaluate(
        "localStorage.setItem('kubedom.popups', 'off'); document.getElementById('popups').checked = false"
    )
    sequence = 11
    for lap in range(5):
        names = [f"p{lap}-{i}" for i in range(200)]
        entries = [
            *(pod(name, 0, namespace=f"n{lap}", workload="d") for name in names),
            *(event("podFailed", name, 0, incident=name, namespace=f"n{lap}") for name in names),
        ]
        leaving = [gone(name, 0, namespace=f"n{lap}") for name in names]
        for batch in (entries, leaving):
            for entry in batch:
                entry["sequence"] = sequence
                sequence += 1
            await peer.send(changes(*batch))
        await listening.until_heard("podDeleted", 200 * (lap + 1))
        await eventually(page, "document.querySelectorAll('#podsTable tbody tr').length === 0")
    await listening.forget()
    await settled(page)
    cdp = await page.context.new_cdp_session(page)
    assert await count(cdp, page, elements("kube-pod")) == 0
    assert await count(cdp, page, elements("kube-namespace")) == 1
    assert await page.evaluate("document.querySelector('kube-cluster').incidents.length") == 0


async def test_fifty_rounds_of_clusters_pods_and_listeners_leave_nothing(
    bridge: ScriptedBridge, open_page: Open
) -> None:
    listening, _ = await open_page()
    page = listening.page
    await page.evaluate("document.querySelector('kube-cluster').remove()")
    await settled(page)
    cdp = await page.context.new_cdp_session(page)
    kept = {target: await listeners(cdp, target) for target in ("window", "document")}
    for _ in range(ROUNDS):
        await one_round(bridge, listening)
    await settled(page)
    assert {target: await listeners(cdp, target) for target in kept} == kept
    left = {name: await count(cdp, page, elements(name)) for name in ("kube-cluster", "kube-namespace", "kube-pod")}
    assert left == {"kube-cluster": 0, "kube-namespace": 0, "kube-pod": 0}
    # The prototype of ClusterEvent is one.
    assert await count(cdp, page, "CustomEvent.prototype") == 1


async def one_round(bridge: ScriptedBridge, listening: Listening) -> None:
    """A cluster comes with a thousand pods, which are listened to, fail and go; then the cluster goes."""
    page = listening.page
    await page.evaluate("document.body.append(document.createElement('kube-cluster'))")
    peer, _ = await bridge.subscribed()
    names = [f"p{number}" for number in range(PODS)]
    await peer.send(hello(head=10), *snapshot(*(pod(name) for name in names)))
    await listening.until_state("live")
    await page.evaluate(LISTENING)
    failures = (event("podFailed", name, 0, incident=name) for name in names)
    await peer.send(changes(*numbered(11, *failures, *(gone(name, 0) for name in names))))
    await listening.until_heard("podDeleted", PODS)
    await page.evaluate("stop.abort()")
    await listening.forget()
    await page.evaluate("document.querySelector('kube-cluster').remove()")
    await peer.closed()
