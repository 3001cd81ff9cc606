"""once() and stream(): what they give, and that no listener outlives its purpose."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.browser.sdk.conftest import Open
from tests.browser.sdk.scripted import ScriptedBridge, changes, event, pod
from tests.browser.waiting import eventually

pytestmark = pytest.mark.browsers("chromium", "firefox")

# Counts the listeners that are there, as the page's code adds and removes them.
COUNTER = """
window.listening = 0;
const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
const there = new WeakMap();
const of = (target) => there.get(target) ?? there.set(target, new Map()).get(target);
EventTarget.prototype.addEventListener = function (type, listener, ...rest) {
  if (type === 'thing' || type === 'abort') { of(this ?? window).set(listener, type); listening += 1; }
  return add.call(this, type, listener, ...rest);
};
EventTarget.prototype.removeEventListener = function (type, listener, ...rest) {
  if (of(this ?? window).delete(listener)) listening -= 1;
  return remove.call(this, type, listener, ...rest);
};
"""
PAGE = "<!doctype html><title>listening</title><link rel=icon href=/icon.svg><script type=module src=/mine.js></script>"
MINE = """
import { once, stream } from '/kubedom.js';
const dispatch = (detail) => document.dispatchEvent(new CustomEvent('thing', { detail, bubbles: true }));
const settled = (promise) => promise.then(({ detail }) => detail, (error) => error.name ?? String(error));
const aborter = () => new AbortController();
Object.assign(window, { once, stream, dispatch, settled, aborter });
"""


@pytest_asyncio.fixture(loop_scope="session")
async def mine(bridge: ScriptedBridge, page: Page) -> Page:
    bridge.pages["/listening.html"], bridge.pages["/mine.js"] = PAGE, MINE
    await page.add_init_script(COUNTER)
    await page.goto(bridge.origin + "/listening.html")
    await eventually(page, "!!window.once")
    return page


async def run(page: Page, body: str) -> Any:
    """What the body of an async function returns."""
    return await page.evaluate(f"async () => {{ {body} }}")


async def test_once_is_the_next_event_of_the_cluster(open_page: Open, bridge: ScriptedBridge) -> None:
    bridge.pages["/once.html"] = (
        "<kube-cluster></kube-cluster><link rel=icon href=/icon.svg><script type=module src=/mine.js></script>"
    )
    bridge.pages["/mine.js"] = MINE
    page, peer = await open_page(pod("a"), pod("b"), path="/once.html")
    await page.page.evaluate(
        """() => {
          once(document, 'podFailed')
            .then(({ detail, resource }) => { window.first = [detail.podName, resource.uid]; });
          once(document, 'podFailed', { filter: ({ detail }) => detail.podName === 'b' })
            .then((event) => { window.second = [event.detail.podName, event.constructor.name]; });
        }"""
    )
    await peer.send(changes(event("podFailed", "a", 11), event("podFailed", "b", 12, incident="i2")))
    assert await page.until("window.first") == ["a", "uid-a"]
    assert await page.until("window.second") == ["b", "ClusterEvent"]


@pytest.mark.parametrize(
    ("way", "outcome"),
    [
        ("const p = once(document, 'thing'); dispatch(1); dispatch(2);", 1),
        ("const p = once(document, 'thing', { filter: ({ detail }) => detail > 1 }); dispatch(1); dispatch(2);", 2),
        (
            "const p = once(document, 'thing', { filter: () => { throw new RangeError(); } }); dispatch(1);",
            "RangeError",
        ),
        ("const p = once(document, 'thing', { signal: AbortSignal.timeout(20) });", "TimeoutError"),
        (
            "const c = aborter(), p = once(document, 'thing', { signal: c.signal }); p.catch(() => 0); c.abort();",
            "AbortError",
        ),
        ("const p = once(document, 'thing', { signal: AbortSignal.abort() }); dispatch(1);", "AbortError"),
        (
            "const c = aborter(), p = once(document, 'thing', { signal: c.signal }); dispatch(1); c.abort();",
            1,
        ),
    ],
)
async def test_a_promise_is_settled_once_and_leaves_no_listener(mine: Page, way: str, outcome: Any) -> None:
    assert await run(mine, f"{way} return [await settled(p), listening];") == [outcome, 0]


async def test_it_is_a_promise_like_any_other(mine: Page) -> None:
    assert await run(
        mine,
        """
        const p = once(document, 'thing');
        const derived = p.then(() => 'then').finally(() => {});
        const [raced] = await Promise.all([Promise.race([p, once(document, 'other')]), derived, dispatch('raced')]);
        return [p instanceof Promise, derived.constructor === Promise, raced.detail, (await p).detail, await derived];
        """,
    ) == [True, True, "raced", "raced", "then"]


async def test_an_aborted_promise_that_nobody_waits_for_is_no_error(mine: Page) -> None:
    # The page's console would complain of a rejection that nobody handled.
    await run(
        mine,
        """
        const stop = new AbortController();
        for (let i = 0; i < 3; i += 1) once(document, 'thing', { signal: stop.signal });
        stop.abort();
        await new Promise((done) => setTimeout(done, 50));
        """,
    )
    assert await mine.evaluate("listening") == 0


async def test_a_stream_gives_every_event_in_order(mine: Page) -> None:
    assert await run(
        mine,
        """
        const told = [];
        const events = stream(document, 'thing');
        dispatch(1); dispatch(2);
        const loop = (async () => {
          for await (const { detail } of events) { told.push(detail); if (detail === 4) break; }
        })();
        await new Promise((done) => setTimeout(done, 10));
        dispatch(3); dispatch(4); dispatch(5);
        await loop;
        return [told, listening, (await events.next()).done];
        """,
    ) == [[1, 2, 3, 4], 0, True]


async def test_several_that_ask_at_once_are_each_given_one(mine: Page) -> None:
    assert await run(
        mine,
        """
        const events = stream(document, 'thing');
        const asked = [events.next(), events.next(), events.next()];
        dispatch(1); dispatch(2);
        await events.return();
        return [(await Promise.all(asked)).map(({ value, done }) => done ? 'done' : value.detail), listening];
        """,
    ) == [[1, 2, "done"], 0]


@pytest.mark.parametrize(
    ("overflow", "told", "dropped"),
    [("drop-oldest", [3, 4, 5], 2), ("drop-newest", [1, 2, 3], 2), ("error", [1, 2, 3, "RangeError"], 0)],
)
async def test_what_waits_is_bounded(mine: Page, overflow: str, told: list[Any], dropped: int) -> None:
    found = await mine.evaluate(
        """async (overflow) => {
          const told = [];
          const events = stream(document, 'thing', { max: 3, overflow });
          for (const number of [1, 2, 3, 4, 5]) dispatch(number);
          for (let at = 0; at < 3; at += 1) told.push((await events.next()).value.detail);
          if (overflow === 'error') told.push(await events.next().catch((error) => error.name));
          await events.return();
          return [told, events.dropped, listening, (await events.next()).done];
        }""",
        overflow,
    )
    assert found == [told, dropped, 0, True]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("stop.abort();", "AbortError"),
        ("throw new RangeError();", "RangeError"),
        ("return 'returned';", "returned"),
        ("break;", "ended"),
    ],
)
async def test_however_a_loop_ends_its_listener_goes(mine: Page, end: str, outcome: str) -> None:
    assert await run(
        mine,
        f"""
        const stop = new AbortController();
        const loop = async () => {{
          for await (const each of stream(document, 'thing', {{ signal: stop.signal }})) {{ {end} }}
          return 'ended';
        }};
        const p = loop();
        dispatch(1); dispatch(2);
        return [await p.catch((error) => error.name), listening];
        """,
    ) == [outcome, 0]


async def test_a_limit_that_is_none_is_refused(mine: Page) -> None:
    wrong = (
        "[0, -1, 1.5, NaN].map((max) => { try { stream(document, 'thing', { max }); } catch (e) { return e.name; } })"
    )
    assert await mine.evaluate(wrong) == ["RangeError"] * 4
    assert await mine.evaluate("listening") == 0


async def collected(page: Page) -> None:
    """Let the browser look for garbage, and run what waits for it."""
    for _ in range(3):
        await page.request_gc()
        await asyncio.sleep(0.1)


@pytest.mark.browsers("chromium")
async def test_what_is_abandoned_leaves_nothing(mine: Page) -> None:
    await run(
        mine,
        """
        const stop = window.stop = new AbortController();
        for (let i = 0; i < 100; i += 1) {
          once(document, 'thing');
          once(document, 'thing', { signal: stop.signal, filter: () => true });
          stream(document, 'thing', { signal: stop.signal });
          const own = once(document, 'thing', { filter: () => own === null });
          const used = stream(document, 'thing');
          dispatch(i);
          await used.next();
        }
        """,
    )
    await collected(mine)
    assert await mine.evaluate("listening") == 0


@pytest.mark.browsers("chromium")
async def test_what_somebody_waits_for_is_not_abandoned(mine: Page) -> None:
    await run(
        mine,
        """
        window.told = [];
        once(document, 'thing').then(({ detail }) => told.push(detail));
        (async () => told.push((await once(document, 'thing')).detail))();
        (async () => { for await (const { detail } of stream(document, 'thing')) told.push(detail); })();
        """,
    )
    await collected(mine)
    await mine.evaluate("dispatch(1)")
    await eventually(mine, "told.length === 3")
    await collected(mine)
    await mine.evaluate("dispatch(2)")
    await eventually(mine, "told.length === 4")
    assert await mine.evaluate("[told, listening]") == [[1, 1, 1, 2], 1]


@pytest.mark.browsers("chromium")
async def test_a_target_that_is_waited_on_can_go(mine: Page) -> None:
    await run(
        mine,
        """
        window.gone = 0;
        // A registry that is not kept tells nothing.
        window.registry = new FinalizationRegistry(() => { gone += 1; });
        for (let i = 0; i < 10; i += 1) {
          const target = new EventTarget();
          registry.register(target, i);
          once(target, 'thing').then(() => {});
          (async () => { for await (const each of stream(target, 'thing')); })();
          window.kept = once(target, 'thing', { signal: new AbortController().signal });
        }
        """,
    )
    await collected(mine)
    assert await mine.evaluate("gone") == 10
