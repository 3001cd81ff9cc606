"""What came and went leaves nothing behind."""

from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import changes, deployment, event, gone, pod
from tests.browser.waiting import eventually


async def count(cdp: object, page: object, constructor: str) -> int:
    """How many objects of a class the page still holds."""
    prototype = await cdp.send("Runtime.evaluate", {"expression": f"customElements.get('{constructor}').prototype"})  # type: ignore[attr-defined]
    found = await cdp.send("Runtime.queryObjects", {"prototypeObjectId": prototype["result"]["objectId"]})  # type: ignore[attr-defined]
    length = await cdp.send(  # type: ignore[attr-defined]
        "Runtime.callFunctionOn",
        {
            "objectId": found["objects"]["objectId"],
            "functionDeclaration": "function() { return this.length; }",
            "returnByValue": True,
        },
    )
    await cdp.send("Runtime.releaseObject", {"objectId": found["objects"]["objectId"]})  # type: ignore[attr-defined]
    return int(length["result"]["value"])


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
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await page.request_gc()
    cdp = await page.context.new_cdp_session(page)
    # The prototypes of each class are among them: of KubePod's, none has it as its own prototype.
    assert await count(cdp, page, "kube-pod") == 0
    assert await count(cdp, page, "kube-namespace") == 1
    assert await page.evaluate("document.querySelector('kube-cluster').incidents.length") == 0
