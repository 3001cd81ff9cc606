"""The widget that asks an address again and again."""

import asyncio

import pytest
from tests.browser.complaints import Complaints
from tests.browser.sdk.conftest import Listening, Open
from tests.browser.sdk.scripted import Json, ScriptedBridge
from tests.browser.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.browsers("chromium", "firefox")

RECORDER = """
window.checks = [];
for (const type of ['resource-failed', 'resource-recovered']) {
  document.addEventListener(type, (event) => checks.push({
    type, on: event.target.localName, cancelable: event.cancelable, replayed: event.replayed,
    incident: event.incident, resource: event.resource, detail: event.detail,
  }));
}
"""
CHECK = "document.querySelector('kube-healthcheck')"


class Service:
    """What is checked: it answers what it is told to, and counts."""

    def __init__(self) -> None:
        self.status = 200
        self.text = "ready"
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.go_on = asyncio.Event()
        self._counted = asyncio.Condition()
        self.go_on.set()

    async def answer(self) -> tuple[int, str]:
        async with self._counted:
            self.asked += 1
            self._counted.notify_all()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go_on.wait()
        finally:
            self.at_once -= 1
        return self.status, self.text

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._counted:
            await self._counted.wait_for(lambda: self.asked >= times)


@pytest.fixture
def service(bridge: ScriptedBridge, complaints: Complaints) -> Service:
    service = Service()
    bridge.answers["/health"] = service.answer
    # Chromium writes every answer that is an error into the console, whoever asked for it.
    complaints.expect("Failed to load resource")
    return service


async def open_check(
    bridge: ScriptedBridge, open_page: Open, attributes: str = "", label: str = "", interval: str = "100ms"
) -> Listening:
    bridge.pages["/check.html"] = (
        "<!doctype html><title>check</title><link rel=icon href=/icon.svg>"
        f"<kube-healthcheck src=/health interval={interval} {attributes}>{label}</kube-healthcheck>"
        "<kube-cluster></kube-cluster><script type=module src=/checks.js></script>"
    )
    bridge.pages["/checks.js"] = f"{RECORDER}\nimport './widgets.js';"
    listening, _ = await open_page(path="/check.html")
    return listening


async def checks(listening: Listening, count: int) -> list[Json]:
    found: list[Json] = await listening.until("(count) => checks.length >= count && checks", count)
    return found


async def test_a_check_that_passes_says_so_and_tells_nothing(
    bridge: ScriptedBridge, open_page: Open, service: Service
) -> None:
    page = await open_check(bridge, open_page, "name=orders")
    await page.until(f"{CHECK}.getAttribute('state') === 'passing'")
    await service.until_asked(3)
    assert await page.page.evaluate(f"{CHECK}.passing")
    assert await page.page.evaluate(f"{CHECK}.getAttribute('status')") == "200"
    assert await page.page.get_by_role("status").aria_snapshot() == "- status: orders passing"
    assert await page.page.evaluate("checks") == []


async def test_a_failure_is_told_once_and_so_is_its_end(
    bridge: ScriptedBridge, open_page: Open, service: Service
) -> None:
    service.status = 503
    page = await open_check(bridge, open_page, label="Orders")
    await service.until_asked(3)
    [failed] = await checks(page, 1)
    assert failed["type"] == "resource-failed"
    assert (failed["on"], failed["cancelable"], failed["replayed"]) == ("kube-healthcheck", True, False)
    assert failed["resource"] == {"kind": "Healthcheck", "namespace": "", "name": "Orders", "uid": ""}
    assert failed["detail"] == {
        "healthcheckName": "Orders",
        "src": f"{bridge.origin}/health",
        "expected": "2xx",
        "received": "503",
        "status": 503,
        "reason": "Status",
        "message": "Orders: expected 2xx, received 503.",
    }
    assert await page.page.evaluate(f"{CHECK}.getAttribute('state')") == "failing"
    assert await page.page.get_by_role("status").aria_snapshot() == (
        '- status: "Orders failing: expected 2xx, received 503"'
    )
    service.status = 204
    _, recovered = await checks(page, 2)
    assert recovered["type"] == "resource-recovered"
    assert recovered["incident"]["id"] == failed["incident"]["id"]
    assert (failed["incident"]["phase"], recovered["incident"]["phase"]) == ("begin", "end")
    asked = service.asked
    await service.until_asked(asked + 2)
    assert len(await page.page.evaluate("checks")) == 2


@pytest.mark.parametrize(
    ("expect", "status", "text", "received"),
    [
        ("200", 200, "", None),
        ("200", 204, "", "204"),
        ("2xx", 201, "", None),
        ("200,404", 404, "", None),
        ("200 404", 503, "", "503"),
        ("5XX", 503, "", None),
        ("ready", 200, "is ready now", None),
        ("ready", 200, "starting", "200 without that text"),
        ("ready", 503, "ready", "503"),
        ("503 maintenance mode", 503, "in maintenance mode", None),
        ("'404'", 200, "404 pages", None),
        ('"404"', 404, "404 pages", "404"),
        ("2xx “ünï”", 200, "x" * 200_000 + "“ünï”", None),
        ("2xx far", 200, "x" * 2_000_000 + "far", "200 without that text"),
    ],
)
async def test_what_is_expected(
    bridge: ScriptedBridge,
    open_page: Open,
    service: Service,
    expect: str,
    status: int,
    text: str,
    received: str | None,
) -> None:
    service.status, service.text = status, text
    page = await open_check(bridge, open_page)
    await page.until(f"{CHECK}.passing !== null")
    await page.page.evaluate(f"(expect) => {{ checks.length = 0; {CHECK}.setAttribute('expect', expect); }}", expect)
    passing = await page.page.evaluate(f"{CHECK}.check()")
    assert passing == (received is None)
    if received:
        [failed] = await checks(page, 1)
        assert failed["detail"]["received"] == received


async def test_no_answer_in_time_is_a_failure(bridge: ScriptedBridge, open_page: Open, service: Service) -> None:
    service.go_on.clear()
    page = await open_check(bridge, open_page, "timeout=300ms")
    [failed] = await checks(page, 1)
    assert failed["detail"]["reason"] == "Timeout"
    assert failed["detail"]["received"] == "no answer within 0.3 s"
    # Of a machine that is busy 0.3 s may be too little for any answer.
    await page.page.evaluate(f"{CHECK}.setAttribute('timeout', '1m')")
    service.go_on.set()
    _, recovered = await checks(page, 2)
    assert recovered["type"] == "resource-recovered"


async def test_checks_never_overlap(bridge: ScriptedBridge, open_page: Open, service: Service) -> None:
    page = await open_check(bridge, open_page, "timeout=1m")
    await page.until(f"{CHECK}.passing")
    service.go_on.clear()
    asked = service.asked
    await service.until_asked(asked + 1)
    # The page's script asks for more while one is held: it is the same check.
    await page.page.evaluate(f"() => {{ window.same = Promise.all([{CHECK}.check(), {CHECK}.check()]); }}")
    await asyncio.sleep(0.5)
    assert service.asked == asked + 1
    service.go_on.set()
    assert await page.page.evaluate("same.then(String)") == "true,true"
    assert service.most_at_once == 1


async def test_a_service_that_is_not_there_is_a_failure(
    bridge: ScriptedBridge, open_page: Open, service: Service, complaints: Complaints
) -> None:
    # The content policy of the page keeps it away; to the widget it is the same.
    complaints.expect("Content Security Policy", "connect-src")
    page = await open_check(bridge, open_page)
    await page.page.evaluate(f"{CHECK}.setAttribute('src', 'http://127.0.0.1:9/health')")
    [failed] = await checks(page, 1)
    assert (failed["detail"]["reason"], failed["detail"]["status"]) == ("Unreachable", 0)


async def test_while_it_fails_the_pauses_grow(bridge: ScriptedBridge, open_page: Open, service: Service) -> None:
    service.status = 500
    page = await open_check(bridge, open_page, interval="1h")
    await checks(page, 1)
    # What the widget asks timers for, in its own order; the real clock has no part in it.
    await page.page.evaluate(
        """() => { window.waits = []; const real = setTimeout;
          window.setTimeout = (run, wait) => (waits.push(wait), real(run, Math.min(wait, 5)));
          document.querySelector('kube-healthcheck').setAttribute('interval', '2s'); }"""
    )
    waits = await page.until("waits.length > 12 && waits.filter((wait) => wait >= 1000)")
    bounds = [min(2000 * 2**n, 300_000) for n in range(12)]
    for wait, bound in zip(waits, bounds, strict=False):
        assert 0.75 * bound <= wait <= bound
    service.status = 200
    await page.until(f"{CHECK}.passing && waits.at(-1) === 2000")


async def test_nobody_looks_so_nobody_asks(bridge: ScriptedBridge, open_page: Open, service: Service) -> None:
    page = await open_check(bridge, open_page)
    await page.until(f"{CHECK}.passing")
    await page.page.evaluate(
        """() => { Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
          document.dispatchEvent(new Event('visibilitychange')); }"""
    )
    # A check may be on its way; this is that one, or the last by the page's own script.
    await page.page.evaluate(f"{CHECK}.check()")
    asked = service.asked
    await asyncio.sleep(0.5)
    assert service.asked == asked
    service.status = 500
    await page.page.evaluate(
        "() => { delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange')); }"
    )
    [failed] = await checks(page, 1)
    assert failed["type"] == "resource-failed"


async def test_without_a_network_of_its_own_it_blames_nobody(
    bridge: ScriptedBridge, open_page: Open, service: Service, complaints: Complaints
) -> None:
    complaints.expect("WebSocket connection")
    page = await open_check(bridge, open_page)
    await page.until(f"{CHECK}.passing")
    await page.page.context.set_offline(True)
    await asyncio.sleep(0.5)
    assert await page.page.evaluate("checks") == []
    await page.page.context.set_offline(False)
    asked = service.asked
    await service.until_asked(asked + 1)
    await page.until(f"{CHECK}.passing")
    assert await page.page.evaluate("checks") == []


async def test_taken_out_it_stops_and_put_back_it_begins_anew(
    bridge: ScriptedBridge, open_page: Open, service: Service
) -> None:
    page = await open_check(bridge, open_page)
    await page.until(f"{CHECK}.passing")
    await page.page.evaluate(f"document.body.append({CHECK})")
    assert await page.page.evaluate(f"{CHECK}.passing"), "a move is no removal"
    service.go_on.clear()
    asked = service.asked
    await service.until_asked(asked + 1)
    await page.page.evaluate(f"() => {{ window.check = {CHECK}; check.remove(); }}")
    service.go_on.set()
    asked = service.asked
    await asyncio.sleep(0.4)
    assert service.asked == asked
    assert not await page.page.evaluate("check.check()")
    await page.page.evaluate("document.body.append(check)")
    await service.until_asked(asked + 1)
    await page.until(f"{CHECK}.passing")


async def test_a_time_that_cannot_be_read_is_told(
    bridge: ScriptedBridge, open_page: Open, service: Service, complaints: Complaints
) -> None:
    page = await open_check(bridge, open_page, "timeout=soon")
    await page.until(f"{CHECK}.passing")
    await service.until_asked(service.asked + 3)
    complaints.expect("10 s is used")
    (told,) = complaints.all
    assert "soon" in told
    assert "10 s is used" in told


async def test_without_an_address_it_says_so(bridge: ScriptedBridge, open_page: Open, service: Service) -> None:
    page = await open_check(bridge, open_page)
    await page.page.evaluate(f"{CHECK}.removeAttribute('src')")
    assert "has no src to check" in await page.page.get_by_role("status").inner_text()
    assert await page.page.evaluate(f"{CHECK}.check()") is False
