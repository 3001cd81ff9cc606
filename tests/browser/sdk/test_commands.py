"""The way back: commands, their results, and what happens when the connection does not last as long."""

import pytest
from playwright.async_api import Page
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import Json, ScriptedBridge, changes, event, healing, hello, pod, snapshot
from tests.browser.waiting import eventually

pytestmark = pytest.mark.browsers("chromium", "firefox")

ACTION = {"name": "restart-1", "namespace": "default", "uid": "u1", "created": True}


async def start(page: Page, args: str = "{}", options: str = "{}") -> None:
    await page.evaluate(
        "([args, options]) => { window.outcome = null;"
        "document.querySelector('kube-pod').command('restartPod', JSON.parse(args), JSON.parse(options)).then("
        "(result) => { outcome = { result }; }, (e) => {"
        " outcome = { code: e.code, message: e.message, name: e.name }; }); }",
        [args, options],
    )


async def outcome(page: Page) -> Json:
    found: Json = await eventually(page, "outcome")
    return found


async def test_a_command_names_its_target_and_resolves_with_the_result(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page, '{"force": true}', '{"reason": "it hangs", "idempotencyKey": "k1", "dryRun": true}')
    command = await peer.receive()
    assert command == {
        "type": "command",
        "id": "c1",
        "idempotencyKey": "k1",
        "name": "restartPod",
        "target": {"kind": "Pod", "namespace": "default", "name": "a", "uid": "uid-a"},
        "reason": "it hangs",
        "parameters": {"force": True},
        "dryRun": True,
    }
    await peer.send({"type": "ack", "id": "c1", "action": ACTION})
    await peer.send({"type": "result", "id": "c1", "phase": "Succeeded", "message": "Evicted a."})
    assert (await outcome(page.page))["result"] == {"phase": "Succeeded", "message": "Evicted a.", "action": ACTION}


async def test_each_command_has_a_key_of_its_own(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await start(page.page)
    keys = {(await peer.receive())["idempotencyKey"] for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) == 32 for key in keys)


async def test_a_refusal_is_a_typed_error(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await peer.receive()
    await peer.send({"type": "error", "id": "c1", "code": "targetGone", "message": "Pod a is gone."})
    assert await outcome(page.page) == {"code": "targetGone", "message": "Pod a is gone.", "name": "CommandError"}


async def test_a_failed_action_is_an_error_with_the_action_s_message(open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await peer.receive()
    await peer.send({"type": "ack", "id": "c1", "action": ACTION})
    await peer.send({"type": "result", "id": "c1", "phase": "Failed", "message": "A disruption budget forbids it."})
    assert await outcome(page.page) == {
        "code": "failed",
        "message": "A disruption budget forbids it.",
        "name": "CommandError",
    }


async def test_offline_it_is_refused_and_not_kept(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await peer.close(4401)
    await page.until_state("offline")
    await start(page.page)
    assert (await outcome(page.page))["code"] == "offline"


async def test_a_lost_connection_ends_what_was_not_acknowledged(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await peer.receive()
    await peer.abort()
    assert (await outcome(page.page))["code"] == "disconnected"


async def test_an_acknowledged_command_outlives_the_connection(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await peer.receive()
    await peer.send({"type": "ack", "id": "c1", "action": ACTION}, changes(healing("healingStarted", "a", 11)))
    await page.until_heard("healingStarted")
    await peer.abort()
    again, _ = await bridge.subscribed()
    await again.send(
        hello(head=12),
        changes({**healing("healingSucceeded", "a", 12, phase="Succeeded", message="Done."), "replayed": True}),
    )
    assert (await outcome(page.page))["result"]["message"] == "Done."


async def test_a_resync_tells_where_the_missed_result_is(bridge: ScriptedBridge, open_page: Open) -> None:
    page, peer = await open_page(pod("a"))
    await start(page.page)
    await peer.receive()
    await peer.send({"type": "ack", "id": "c1", "action": ACTION})
    await peer.send(changes(pod("b", 11)))
    await page.until("document.querySelector('kube-pod[name=b]')")
    await peer.abort()
    again, _ = await bridge.subscribed()
    await again.send(hello(epoch="e2"), {"type": "resync", "reason": "restarted"}, *snapshot(pod("a"), epoch="e2"))
    error = await outcome(page.page)
    assert error["code"] == "unknown"
    assert "kubectl get healingaction restart-1" in error["message"]


async def test_a_signal_stops_the_waiting(open_page: Open) -> None:
    page, _ = await open_page(pod("a"))
    await page.page.evaluate(
        "() => { window.outcome = null; const stop = new AbortController();"
        "document.querySelector('kube-pod').command('restartPod', {}, { signal: stop.signal })"
        ".catch((e) => { outcome = { name: e.name }; }); stop.abort(); }"
    )
    assert await outcome(page.page) == {"name": "AbortError"}


async def test_an_element_that_left_the_tree_has_no_commands(open_page: Open) -> None:
    page, _ = await open_page(pod("a"))
    code = await page.page.evaluate(
        "async () => { const pod = document.querySelector('kube-pod'); pod.remove();"
        "return pod.command('restartPod').catch((e) => e.code); }"
    )
    assert code == "targetGone"


async def test_a_complaint_about_no_command_is_an_event(open_page: Open, complaints: Complaints) -> None:
    complaints.expect("What?")
    page, peer = await open_page(pod("a"))
    await peer.send({"type": "error", "code": "badMessage", "message": "What?"}, changes(event("podFailed", "a", 11)))
    await page.until_heard("podFailed")
    assert len(await page.heard("kube:error")) == 1
