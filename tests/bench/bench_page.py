"""What kubedom's own page costs in Chromium: 10,000 pods of which 500 change each second, beside a plain table.

    python -m tests.bench.bench_page [--pods 10000] [--changes 500] [--failing 0] [--minutes 1] [--kinds table]

A scripted bridge sends what the real one would: a snapshot in messages of 250 pods, then changes in a message every
20 ms, of which one in fifty is a pod that goes or comes back. `table` is the page's view of pods, `overview` the one
with the map, and `plain` a page with the same SDK whose table has one `<tbody>` and is painted at once for each change.

First the cold load, each time in a fresh context: from the navigation to the frame in which something useful is
painted (a screenful of rows, or of the map), and to the one in which all is there. Then in turn, for so many minutes,
five seconds in which nobody touches the page and five in which it is scrolled by gestures. Frames are those of the
main thread, the busy share is the processor time of the page's main thread, and the memory is what is left after
garbage was collected, at the beginning and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from playwright.async_api import Browser, CDPSession, Page, async_playwright
from tests.bench.scenes import messages_of_changes, messages_of_pods
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.sdk.scripted import Peer, ScriptedBridge, hello

PAGES = Path(__file__).with_name("page_pages")
PATHS = {"table": "/?view=pods", "overview": "/", "plain": "/plain.html"}
A_SECOND = 50
WINDOW_SECONDS = 5.0
#: Something useful: a screenful of rows, or of the map.
SCREENFUL = 20

# Looks in every frame for what is painted, and keeps when that was.
LOADING = """
window.painted = new Promise((resolve) => {
  let useful;
  const look = (now) => {
    const rows = document.querySelectorAll('#podsTable tbody tr').length;
    const [map = '0'] = document.getElementById('podMap')?.getAttribute('aria-label')?.match(/[0-9,]+/) ?? [];
    const shown = location.pathname + location.search === '/' ? Number(map.replaceAll(',', '')) : rows;
    if (shown >= SCREENFUL) useful ??= now;
    if (shown < WHOLE) requestAnimationFrame(look);
    else resolve({ useful: useful / 1000, all: now / 1000 });
  };
  requestAnimationFrame(look);
});
"""
FRAMES = """(ms) => new Promise((resolve) => {
  const began = performance.now();
  let count = 0, longest = 0, last = began;
  const tick = (now) => {
    count += 1;
    longest = Math.max(longest, now - last);
    last = now;
    if (now - began < ms) requestAnimationFrame(tick);
    else resolve({ rate: count / (now - began) * 1000, longest });
  };
  requestAnimationFrame(tick);
})"""

Figures = dict[str, float]


class Opened:
    """A page of one kind with all its pods, and the bridge's side of its socket."""

    def __init__(self, page: Page, peer: Peer, cdp: CDPSession) -> None:
        self.page = page
        self.peer = peer
        self._cdp = cdp

    async def memory(self) -> float:
        """Megabytes of the page's heap and of what Chromium keeps for it."""
        await self._cdp.send("HeapProfiler.collectGarbage")
        usage: dict[str, float] = await self._cdp.send("Runtime.getHeapUsage")
        return (usage["usedSize"] + usage.get("embedderHeapUsedSize", 0.0)) / 1e6

    async def window(self, *, scrolling: bool) -> Figures:
        """Frames and the busy share in some seconds."""
        busy, began = await self._busy(), time.perf_counter()
        scroll = asyncio.create_task(self._scroll()) if scrolling else None
        frames: Figures = await self.page.evaluate(FRAMES, WINDOW_SECONDS * 1000)
        if scroll:
            await scroll
        return frames | {"busy": (await self._busy() - busy) / (time.perf_counter() - began) * 100}

    async def _scroll(self) -> None:
        gesture = {"x": 600, "y": 500, "speed": 4000, "gestureSourceType": "mouse"}
        # Down and up again, for as long as the window is.
        for distance in (-4000, 4000) * int(WINDOW_SECONDS / 2):
            await self._cdp.send("Input.synthesizeScrollGesture", gesture | {"yDistance": distance})

    async def _busy(self) -> float:
        metrics = await self._cdp.send("Performance.getMetrics")
        return next(float(one["value"]) for one in metrics["metrics"] if one["name"] == "TaskDuration")


@asynccontextmanager
async def opened(
    browser: Browser, bridge: ScriptedBridge, kind: str, pods: list[str], count: int
) -> AsyncIterator[tuple[Opened, Figures]]:
    """Load a page of one kind into a fresh context; give it and how long that took, in seconds."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = await context.new_page()
    await page.add_init_script(LOADING.replace("SCREENFUL", str(SCREENFUL)).replace("WHOLE", str(count)))
    going = asyncio.create_task(page.goto(bridge.origin + PATHS[kind]))
    peer, _ = await bridge.subscribed()
    await peer.send(hello(head=0))
    for text in pods:
        await peer.send_text(text)
    await going
    loaded: Figures = await page.evaluate("painted")
    cdp = await context.new_cdp_session(page)
    await cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    yield Opened(page, peer, cdp), loaded
    await context.close()


async def feed(peer: Peer, count: int, rate: int) -> None:
    """Send so many changes a second, until cancelled."""
    began = time.perf_counter()
    for number, text in enumerate(messages_of_changes(count, rate // A_SECOND)):
        await asyncio.sleep(began + number / A_SECOND - time.perf_counter())
        await peer.send_text(text)


async def loads(browser: Browser, bridge: ScriptedBridge, pods: list[str], options: argparse.Namespace) -> None:
    found: dict[str, list[Figures]] = {kind: [] for kind in options.kinds}
    for _ in range(options.loads):
        for kind, each in found.items():
            async with opened(browser, bridge, kind, pods, options.pods) as (_, figures):
                each.append(figures)
    report(f"cold load with {options.pods:,} pods", found, {"useful": "something useful s", "all": "everything s"})


async def changing(browser: Browser, bridge: ScriptedBridge, pods: list[str], options: argparse.Namespace) -> None:
    found: dict[str, dict[str, list[Figures]]] = {"nobody touches it": {}, "it is scrolled": {}}
    memory: dict[str, list[Figures]] = {}
    laps = max(1, round(options.minutes * 60 / (2 * WINDOW_SECONDS)))
    for kind in options.kinds:
        async with opened(browser, bridge, kind, pods, options.pods) as (page, _):
            feeding = asyncio.create_task(feed(page.peer, options.pods, options.changes))
            # So that what each page makes once is made.
            await page.window(scrolling=True)
            heap = [await page.memory()]
            for _ in range(laps):
                for title, each in found.items():
                    each.setdefault(kind, []).append(await page.window(scrolling=title == "it is scrolled"))
                heap.append(await page.memory())
            feeding.cancel()
            with suppress(asyncio.CancelledError):
                await feeding
            third = max(1, len(heap) // 3)
            first, last = statistics.median(heap[:third]), statistics.median(heap[-third:])
            memory[kind] = [{"first": first, "last": last, "growth": last - first}]
    columns = {"rate": "frames/s", "longest": "longest frame ms", "busy": "busy %"}
    for title, each in found.items():
        report(f"{options.pods:,} pods, {options.changes:,} changes/s: {title}", each, columns)
    growth = {"first": "MB in the first third", "last": "MB in the last", "growth": "growth MB"}
    report(f"memory over {laps * 2 * WINDOW_SECONDS / 60:.1f} minutes", memory, growth)


def report(title: str, results: dict[str, list[Figures]], columns: dict[str, str]) -> None:
    """Print the median of each figure, and of the longest frames the longest."""
    print(f"\n{title}\n{'':10}" + "".join(f"{heading:>{len(heading) + 3}}" for heading in columns.values()))
    for kind, each in results.items():
        cells = []
        for name, heading in columns.items():
            value = (max if name == "longest" else statistics.median)([one[name] for one in each])
            cells.append(f"{value:{len(heading) + 3},.{1 if name != 'useful' and name != 'all' else 2}f}")
        print(f"{kind:10}" + "".join(cells))


async def run(options: argparse.Namespace) -> None:
    pods = messages_of_pods(options.pods, options.failing)
    async with async_playwright() as playwright, ScriptedBridge().run() as bridge:
        for file in PAGES.iterdir():
            bridge.pages[f"/{file.name}"] = file.read_text()
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        print(f"Chromium {browser.version}", file=sys.stderr)
        if options.loads:
            await loads(browser, bridge, pods, options)
        await changing(browser, bridge, pods, options)
        await browser.close()


def main(arguments: list[str]) -> None:
    """Run the benchmark; the figures go to standard output."""
    parser = argparse.ArgumentParser(description="What kubedom's page costs in Chromium, beside a plain table.")
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--loads", type=int, default=3)
    parser.add_argument("--failing", type=int, default=0, help="how many of the pods have an open incident")
    parser.add_argument("--kinds", nargs="+", choices=PATHS, default=list(PATHS))
    asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
