"""The button that asks the cluster to do something, and says what became of it."""

import pytest
from tests.browser.sdk.conftest import Listening, OpenWidgets
from tests.browser.sdk.scripted import Json, Peer, ScriptedBridge, changes, deployment, gone, healing, hello, pod

pytestmark = pytest.mark.browsers("chromium", "firefox")

ACTION = {"name": "restart-1", "namespace": "default", "uid": "u1", "created": True}
RESTART = "<kube-button command=restartPod for='kube-pod[name=a]'>Restart</kube-button>"
DELETE = "<button id=before>Before</button><kube-button command=deletePod for=uid-a>Delete</kube-button>"
STATE = "document.querySelector('kube-button').getAttribute('state')"
BUTTON = "document.querySelector('kube-button').shadowRoot.querySelector('[part=button]')"
SAID = "document.querySelector('kube-button').shadowRoot.querySelector('[part=status]').textContent"
DIALOG = "document.querySelector('kube-button').shadowRoot.querySelector('dialog')"


async def command(peer: Peer, *, allowed: bool = True) -> Json:
    """The next command of the page; what it asks for rights meanwhile is answered."""
    while True:
        message = await peer.receive()
        if message["type"] != "can":
            return message
        verdicts = [allowed] * len(message["questions"])
        await peer.send({"type": "verdicts", "id": message["id"], "allowed": verdicts})


async def succeed(peer: Peer, asked: Json, message: str) -> None:
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": message})


async def told(page: Listening) -> str:
    """What a screen reader is told of the button's fate."""
    return await page.page.locator("kube-button").get_by_role("status").inner_text()


async def press(page: Listening) -> None:
    await page.page.locator("kube-button").get_by_role("button").first.click()


async def test_a_press_is_a_command_and_its_fate_is_said(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART.replace("command=", "reason='it hangs' command="), pod("a"))
    assert await page.page.evaluate(STATE) == "idle"
    await press(page)
    asked = await command(peer)
    assert (asked["name"], asked["reason"], asked["target"]["uid"]) == ("restartPod", "it hangs", "uid-a")
    assert "dryRun" not in asked
    assert await page.page.evaluate(STATE) == "running"
    assert await told(page) == "Running…"
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send(changes(healing("healingStarted", "a", 11, message="Evicting a.")))
    await page.until(f"{STATE} === 'running' && {SAID} === 'Evicting a.'")
    await peer.send({"type": "result", "id": asked["id"], "phase": "Succeeded", "message": "Evicted a."})
    await page.until(f"{STATE} === 'succeeded'")
    assert await told(page) == "Evicted a."
    assert await page.page.evaluate("document.activeElement.localName") == "kube-button"


async def test_a_second_press_while_it_runs_is_nothing(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"))
    await press(page)
    first = await command(peer)
    button = page.page.get_by_role("button", name="Restart")
    assert await button.get_attribute("aria-busy") == "true"
    assert await button.is_disabled()
    await button.click(force=True)
    await succeed(peer, first, "Done.")
    await page.until(f"{STATE} === 'succeeded'")
    await press(page)
    second = await command(peer)
    assert second["id"] != first["id"]
    assert second["idempotencyKey"] != first["idempotencyKey"]


async def test_a_refusal_is_said_in_the_cluster_s_words(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"))
    await press(page)
    asked = await command(peer)
    await peer.send({"type": "error", "id": asked["id"], "code": "forbidden", "message": "You may not evict a."})
    await page.until(f"{STATE} === 'failed'")
    assert await told(page) == "You may not evict a."
    assert not await page.page.get_by_role("button", name="Restart").is_disabled()


async def test_an_answer_that_was_lost_does_not_do_it_twice(bridge: ScriptedBridge, open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"))
    await press(page)
    first = await command(peer)
    await peer.abort()
    await page.until(f"{STATE} === 'failed'")
    again, _ = await bridge.subscribed()
    await again.send(hello(head=10))
    await page.until_state("live")
    await press(page)
    assert (await command(again))["idempotencyKey"] == first["idempotencyKey"]


async def test_who_may_not_is_shown_so_and_sends_nothing(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"))
    asked = await peer.receive()
    assert [(each["name"], each["target"]["name"]) for each in asked["questions"]] == [("restartPod", "a")]
    await peer.send({"type": "verdicts", "id": asked["id"], "allowed": [False]})
    await page.until("document.querySelector('kube-button[denied]')")
    button = page.page.get_by_role("button", name="Restart")
    assert await button.is_disabled()
    assert await button.get_attribute("title") == "You may not do this."
    await page.page.keyboard.press("Tab")
    assert await page.page.evaluate("document.activeElement.localName") == "kube-button"
    await page.page.keyboard.press("Enter")
    assert await page.page.evaluate(STATE) == "idle"


@pytest.mark.parametrize(
    ("content", "name", "target"),
    [
        ("<kube-button command=restartPod for=uid-a>", "restartPod", "a"),
        ("<kube-button command=restartPod for='kube-pod[name=b]'>", "restartPod", "b"),
        ("<kube-button command=restartDeployment for=uid-a>", "restartDeployment", "api"),
        ("<kube-button command=scale parameters='{\"replicas\": 3}' for='kube-deployment'>", "scale", "api"),
    ],
)
async def test_what_it_is_about(open_widgets: OpenWidgets, content: str, name: str, target: str) -> None:
    page, peer = await open_widgets(content + "Go</kube-button>", deployment("api"), pod("a", workload="api"), pod("b"))
    assert await page.page.evaluate("document.querySelector('kube-button').target.name") == target
    await press(page)
    asked = await command(peer)
    assert (asked["name"], asked["target"]["name"]) == (name, target)
    assert asked.get("parameters", {}) == ({"replicas": 3} if name == "scale" else {})


async def test_inside_a_resource_it_is_about_that(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets("", deployment("api"), pod("a", workload="api"))
    targets = await page.page.evaluate(
        """() => ['restartPod', 'restartDeployment', 'vetoHealing', 'restartDaemonSet'].map((command) => {
          const button = document.createElement('kube-button');
          button.setAttribute('command', command);
          document.querySelector('kube-pod').append(button);
          return button.target?.localName; })"""
    )
    assert targets == ["kube-pod", "kube-deployment", "kube-pod", None]


async def test_without_a_resource_there_is_nothing_to_press(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("b"))
    button = page.page.get_by_role("button", name="Restart")
    assert await button.is_disabled()
    assert await button.get_attribute("title") == "There is nothing to do this to."
    await peer.send(changes(pod("a", 11)))
    await page.until("document.querySelector('kube-button').target")
    await page.until(f"{BUTTON}.title === 'Pod a in default'")
    assert not await button.is_disabled()
    await peer.send(changes(gone("a", 12)))
    await page.until(f"{BUTTON}.getAttribute('aria-disabled')")
    await page.page.evaluate("document.querySelector('kube-button').setAttribute('for', 'kube-pod[')")
    assert await button.is_disabled()


async def test_what_cannot_be_taken_back_is_asked_about(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(DELETE, pod("a"))
    button = page.page.get_by_role("button", name="Delete")
    await button.focus()
    await page.page.keyboard.press("Enter")
    dialog = page.page.get_by_role("alertdialog", name="Delete: Pod a in default?")
    await dialog.wait_for()
    assert await page.page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") == "Cancel"
    await page.page.keyboard.press("Escape")
    await page.until(f"!{DIALOG}")
    assert await page.page.evaluate("document.activeElement.shadowRoot.activeElement.part.value") == "button"
    assert await page.page.evaluate(STATE) == "idle"
    await page.page.keyboard.press("Enter")
    await page.page.keyboard.press("Enter")
    await page.until(f"!{DIALOG}")
    await page.page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Delete").click()
    assert (await command(peer))["name"] == "deletePod"


@pytest.mark.parametrize(
    ("attributes", "asks"),
    [
        ("command=restartPod", False),
        ("command=deletePod", True),
        ("command=restartPod confirm='Really?'", True),
        ("command=restartPod confirm", True),
        ("command=restartPod parameters='{\"force\": true}'", True),
        ("command=scale parameters='{\"replicas\": 0}'", True),
        ("command=scale parameters='{\"replicas\": 2}'", False),
        ("command=rollback", True),
        ("command=drain", True),
        ("command=deletePod dry-run", False),
    ],
)
async def test_what_is_asked_about(open_widgets: OpenWidgets, attributes: str, asks: bool) -> None:
    page, peer = await open_widgets(f"<kube-button {attributes} for='kube-pod'>Go</kube-button>", pod("a"))
    await press(page)
    if asks:
        await page.until(DIALOG)
        assert await page.page.evaluate(STATE) == "idle"
    else:
        assert (await command(peer))["type"] == "command"


async def test_the_question_can_be_tried_first(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(DELETE, pod("a"))
    await press(page)
    dialog = page.page.get_by_role("alertdialog")
    await dialog.get_by_role("button", name="Dry run").click()
    rehearsal = await command(peer)
    assert rehearsal["dryRun"] is True
    await succeed(peer, rehearsal, "It would evict a.")
    await page.until(f"{DIALOG}.querySelector('[role=status]').textContent === 'Dry run: It would evict a.'")
    await dialog.get_by_role("button", name="Dry run").click()
    refused = await command(peer)
    await peer.send({"type": "error", "id": refused["id"], "code": "forbidden", "message": "You may not."})
    await page.until(f"{DIALOG}.querySelector('[role=status]').textContent === 'Dry run: You may not.'")
    await dialog.get_by_role("button", name="Delete").click()
    real = await command(peer)
    assert "dryRun" not in real
    assert len({each["idempotencyKey"] for each in (rehearsal, refused, real)}) == 3


async def test_a_button_for_dry_runs_only(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(DELETE.replace("command=", "dry-run command="), pod("a"))
    await press(page)
    assert (await command(peer))["dryRun"] is True


async def test_what_waits_for_approval_says_so(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"))
    await press(page)
    asked = await command(peer)
    await peer.send({"type": "ack", "id": asked["id"], "action": ACTION})
    await peer.send(changes(healing("healingAwaitingApproval", "a", 11, phase="AwaitingApproval")))
    await page.until(f"{SAID} === 'Waits for approval.'")
    await peer.send({"type": "result", "id": asked["id"], "phase": "Denied", "message": "Grace said no."})
    await page.until(f"{STATE} === 'failed' && {SAID} === 'Grace said no.'")


@pytest.mark.parametrize("parameters", ["{", "[3]", "null", "3"])
async def test_parameters_that_cannot_be_read_are_told(open_widgets: OpenWidgets, parameters: str) -> None:
    page, _ = await open_widgets(f"<kube-button command=scale for='kube-pod' parameters='{parameters}'>", pod("a"))
    await press(page)
    await page.until(f"{STATE} === 'failed'")
    assert "is not a JSON object" in await told(page)


async def test_another_target_is_another_story(open_widgets: OpenWidgets) -> None:
    page, peer = await open_widgets(RESTART, pod("a"), pod("b"))
    await press(page)
    await succeed(peer, await command(peer), "Evicted a.")
    await page.until(f"{STATE} === 'succeeded'")
    await page.page.evaluate("document.querySelector('kube-button').setAttribute('for', 'uid-b')")
    assert await page.page.evaluate(STATE) == "idle"
    assert await told(page) == ""


async def test_the_author_can_disable_and_name_it(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets(RESTART.replace("command=", "disabled aria-label='Restart pod a' command="), pod("a"))
    button = page.page.get_by_role("button", name="Restart pod a")
    assert await button.is_disabled()
    await page.page.evaluate("document.querySelector('kube-button').removeAttribute('disabled')")
    assert not await button.is_disabled()


async def test_without_a_label_it_is_called_after_its_command(open_widgets: OpenWidgets) -> None:
    page, _ = await open_widgets("<kube-button command=restartPod for=uid-a></kube-button>", pod("a"))
    assert await page.page.get_by_role("button", name="Restart pod", exact=True).count() == 1


async def test_a_thousand_buttons_ask_for_their_rights_together(open_widgets: OpenWidgets) -> None:
    buttons = "".join(f"<kube-button command=restartPod for=uid-p{at}></kube-button>" for at in range(1000))
    page, peer = await open_widgets(buttons, *(pod(f"p{at}") for at in range(1000)))
    messages = 0
    answered = 0
    while answered < 1000:
        asked = await peer.receive()
        messages += 1
        answered += len(asked["questions"])
        await peer.send({"type": "verdicts", "id": asked["id"], "allowed": [False] * len(asked["questions"])})
    assert messages <= 20
    await page.until("document.querySelectorAll('kube-button[denied]').length === 1000")
