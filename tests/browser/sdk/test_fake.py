"""The fake cluster: page authors test their listeners with a recorded journal, and time passes when they say so."""

from typing import Any

import pytest
from playwright.async_api import Page
from tests.browser.sdk.conftest import RECORDER, Listening, Open
from tests.browser.sdk.scripted import Json, ScriptedBridge, changes, deployment, event, gone, hello, pod, snapshot
from tests.browser.waiting import eventually

pytestmark = pytest.mark.browsers("chromium", "firefox")

PAGE = "<!doctype html><title>fake</title><link rel=icon href=/icon.svg><kube-cluster src=/nowhere></kube-cluster>"
FAKES = """
import '/kubedom.js';
import { record, replay } from '/fake.js';
Object.assign(window, { record, replay, cluster: document.querySelector('kube-cluster') });
"""


def at(seconds: int, entry: Json) -> Json:
    return {**entry, "time": f"2026-01-01T00:00:{seconds:02}Z"}


def there(entry: Json) -> Json:
    """Without a time: from the beginning."""
    return {key: value for key, value in entry.items() if key not in ("time", "sequence")}


JOURNAL: list[Json] = [
    there(pod("a", workload="api")),
    there(deployment("api")),
    at(10, event("podFailed", "a", 0)),
    at(12, pod("b", workload="api")),
    at(40, event("podRecovered", "a", 0, phase="end")),
    at(40, gone("b", 0)),
]


@pytest.fixture
def play(bridge: ScriptedBridge, page: Page) -> Any:
    """Open a page whose cluster is a fake with this journal."""

    async def played(journal: Any) -> Listening:
        bridge.pages["/fake.html"] = PAGE + "<script type=module src=/fakes.js></script>"
        bridge.pages["/fakes.js"] = FAKES
        await page.add_init_script(RECORDER)
        await page.goto(bridge.origin + "/fake.html")
        await eventually(page, "!!window.replay")
        await page.evaluate("async (journal) => { window.fake = await replay(cluster, journal); }", journal)
        return Listening(page)

    return played


async def test_a_journal_is_there_at_once_and_its_events_come_at_their_times(play: Any) -> None:
    page = await play(JOURNAL)
    assert await page.tree() == "namespace:default(deployment:api(pod:a))"
    assert await page.page.evaluate("cluster.status.state") == "live"
    assert await page.types() == []
    await page.page.evaluate("fake.advance(1000)")
    assert await page.types() == ["podFailed", "resource-failed"]
    await page.page.evaluate("fake.advance(2000)")
    assert await page.types() == ["podFailed", "resource-failed", "podCreated"]
    assert await page.tree() == "namespace:default(deployment:api(pod:a pod:b))"
    assert await page.page.evaluate("fake.now") == 1767225613000
    await page.forget()
    await page.page.evaluate("fake.finish()")
    assert await page.types() == ["podRecovered", "resource-recovered", "podDeleted"]
    assert await page.page.evaluate("cluster.incidents.length") == 0


async def test_a_test_lets_things_happen_that_no_journal_has(play: Any) -> None:
    page = await play(JOURNAL)
    await page.page.evaluate("(entry) => fake.tell(entry)", there(event("podOutOfMemory", "a", 0, incident="i9")))
    assert await page.types() == ["podOutOfMemory", "resource-failed"]


async def test_commands_are_noted_and_end_as_the_test_says(play: Any) -> None:
    page = await play(JOURNAL)
    outcomes = await page.page.evaluate(
        """async () => {
          const pod = document.querySelector('kube-pod');
          const ask = (name) => pod.command(name, { force: true }).then(({ message }) => message, ({ code }) => code);
          const outcomes = [await ask('restartPod')];
          fake.answer = ({ name }) => (name === 'deletePod' ? { phase: 'Failed' } : { code: 'forbidden' });
          outcomes.push(await ask('deletePod'), await ask('restartPod'));
          fake.allow = (name) => name === 'deletePod';
          outcomes.push(await pod.can('restartPod'), await pod.can('deletePod'));
          return outcomes;
        }"""
    )
    assert outcomes == ["Done.", "failed", "forbidden", False, True]
    commands = await page.page.evaluate("fake.commands")
    assert [each["name"] for each in commands] == ["restartPod", "deletePod", "restartPod"]
    assert commands[0]["target"] == {"kind": "Pod", "namespace": "default", "name": "a", "uid": "uid-a"}
    assert commands[0]["parameters"] == {"force": True}


async def test_the_connection_goes_and_comes_and_nothing_is_lost(play: Any) -> None:
    page = await play(JOURNAL)
    await page.page.evaluate("fake.disconnect()")
    assert await page.page.evaluate("cluster.status.state") == "offline"
    code = "document.querySelector('kube-pod').command('restartPod').catch((error) => error.code)"
    assert await page.page.evaluate(code) == "offline"
    await page.page.evaluate("fake.advance(2000)")
    assert await page.types() == []
    await page.page.evaluate("fake.connect()")
    assert [(each["type"], each["replayed"]) for each in await page.heard()] == [
        ("podFailed", True),
        ("resource-failed", True),
        ("podCreated", True),
    ]
    assert await page.page.evaluate("cluster.status.state") == "live"
    await page.forget()
    await page.page.evaluate("fake.resync()")
    assert await page.types() == ["kube:resync"]
    assert await page.tree() == "namespace:default(deployment:api(pod:a pod:b))"


async def test_what_was_recorded_from_a_bridge_is_replayed(bridge: ScriptedBridge, open_page: Open) -> None:
    bridge.pages["/both.html"] = PAGE.replace("/nowhere", "/api/socket") + (
        "<script type=module src=/fakes.js></script>"
    )
    bridge.pages["/fakes.js"] = FAKES
    page, former = await open_page(pod("a"), path="/both.html")
    await page.page.evaluate("window.recording = record(cluster)")
    await former.closed()
    peer, subscription = await bridge.subscribed()
    assert "since" not in subscription
    await peer.send(hello(head=10), *snapshot(pod("a"), incidents=(event("podFailed", "a", 5),)))
    await peer.send(changes(at(20, pod("b", 11))), {"type": "heartbeat", "head": 11}, changes(at(50, gone("a", 12))))
    await page.until("document.querySelector('kube-pod')?.name === 'b'")
    journal = await page.page.evaluate("recording.stop()")
    assert len(journal.splitlines()) == 5
    await page.forget()
    await page.page.evaluate("async (journal) => { window.fake = await replay(cluster, journal); }", journal)
    assert await page.tree() == "namespace:default(pod:a)"
    assert await page.types() == ["podDeleted", "podFailed", "resource-failed", "kube:resync"]
    await page.page.evaluate("fake.finish()")
    assert (await page.types())[-2:] == ["podCreated", "podDeleted"]
    assert await page.tree() == "namespace:default(pod:b)"
