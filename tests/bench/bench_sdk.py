"""What the SDK costs in Chromium: a snapshot, events, and listeners at every level, beside plain objects.

    python -m tests.bench.bench_sdk [--pods 10000 150000] [--events 100000] [--rounds 2]

A scripted bridge sends what the real one would: pods as the operator tells them (of the recorded ones), in messages of
250, and failures that begin and end. `elements` is the SDK as it is, `objects` a page of the same frames that keeps a
`Map` of plain objects and calls functions instead of dispatching events, in slices of the same length. Rounds are
interleaved. Times are from the first slice that was applied to the last; the longest task is what Chromium reports
(nothing below 50 ms), the longest frame what a page saw between two animation frames, the busy time the processor
time of the page's main thread, and memory what is left after garbage was collected.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

from playwright.async_api import Browser, CDPSession, Page, async_playwright
from tests.bench.scenes import FAILING, messages_of_events, messages_of_pods
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.sdk.scripted import Peer, ScriptedBridge, hello

PAGES = Path(__file__).with_name("sdk_pages")
KINDS = ("elements", "objects")


class Opened:
    """A page of one kind, and the bridge's side of its socket."""

    def __init__(self, page: Page, peer: Peer, cdp: CDPSession) -> None:
        self.page = page
        self._peer = peer
        self._cdp = cdp

    @classmethod
    async def open(cls, browser: Browser, bridge: ScriptedBridge, kind: str) -> Opened:
        page = await browser.new_page()
        await page.goto(f"{bridge.origin}/{kind}.html")
        peer, _ = await bridge.subscribed()
        await peer.send(hello(head=0))
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        return cls(page, peer, cdp)

    async def send(self, texts: Iterable[str]) -> None:
        for text in texts:
            await self._peer.send_text(text)

    async def memory(self) -> float:
        """Megabytes of the page's heap and of what Chromium keeps for it, as elements."""
        await self._cdp.send("HeapProfiler.collectGarbage")
        usage: dict[str, float] = await self._cdp.send("Runtime.getHeapUsage")
        return (usage["usedSize"] + usage.get("embedderHeapUsedSize", 0.0)) / 1e6

    async def show(self, texts: Iterable[str]) -> dict[str, float]:
        """Send messages, and give what was measured until the last was applied."""
        await self.page.evaluate("measure.start()")
        before = await self._busy()
        await self.send(texts)
        found: dict[str, float] = await self.page.evaluate("measure.result")
        return {**found, "busy": await self._busy() - before}

    async def _busy(self) -> float:
        metrics = await self._cdp.send("Performance.getMetrics")
        return next(float(one["value"]) for one in metrics["metrics"] if one["name"] == "TaskDuration")


COLUMNS = {"seconds": "seconds", "busy": "busy s", "task": "longest task ms", "frame": "longest frame ms"}


async def snapshots(browser: Browser, bridge: ScriptedBridge, count: int, rounds: int) -> None:
    pods = messages_of_pods(count)
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            opened = await Opened.open(browser, bridge, kind)
            empty = await opened.memory()
            shown = await opened.show(pods)
            results[kind].append({**shown, "memory": await opened.memory() - empty})
            await opened.page.close()
    size = sum(map(len, pods)) / 1e6
    report(f"snapshot of {count:,} pods ({size:.0f} MB)", results, {**COLUMNS, "memory": "memory MB"})


async def events(
    browser: Browser, bridge: ScriptedBridge, count: int, a_message: int, listeners: str, rounds: int
) -> None:
    pods, happened = messages_of_pods(FAILING), messages_of_events(count, a_message)
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            opened = await Opened.open(browser, bridge, kind)
            await opened.show(pods)
            await opened.page.evaluate("(where) => measure.listen(where)", listeners)
            shown = await opened.show(happened)
            results[kind].append({**shown, "rate": count / shown["seconds"], "cost": shown["busy"] / count * 1e6})
            await opened.page.close()
    columns = {"rate": "events/s", "cost": "busy µs/event", "calls": "listeners called", "task": COLUMNS["task"]}
    report(f"{count:,} events, {a_message} a message, listeners: {listeners}", results, columns)


def report(title: str, results: dict[str, list[dict[str, float]]], columns: dict[str, str]) -> None:
    """Print the median of each figure, and of the longest tasks and frames the longest."""
    print(f"\n{title}\n{'':10}" + "".join(f"{heading:>{len(heading) + 3}}" for heading in columns.values()))
    for kind, each in results.items():
        medians = {
            name: (max if name in {"task", "frame"} else statistics.median)([one[name] for one in each])
            for name in columns
        }
        cells = (
            f"{value:{len(columns[name]) + 3},.{0 if value >= 100 or name == 'task' else 2}f}"
            for name, value in medians.items()
        )
        print(f"{kind:10}" + "".join(cells))


async def run(options: argparse.Namespace) -> None:
    async with async_playwright() as playwright, ScriptedBridge().run() as bridge:
        for file in PAGES.iterdir():
            bridge.pages[f"/{file.name}"] = file.read_text()
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        print(f"Chromium {browser.version}", file=sys.stderr)
        for count in options.pods:
            await snapshots(browser, bridge, count, options.rounds)
        for a_frame, listeners in ((1, "document"), (100, "document"), (100, "every level"), (100, "none")):
            # One a message takes longer, and as few tell as much.
            count = options.events // (10 if a_frame == 1 else 1)
            await events(browser, bridge, count, a_frame, listeners, options.rounds)
        await browser.close()


def main(arguments: list[str]) -> None:
    """Run the benchmark; the figures go to standard output."""
    parser = argparse.ArgumentParser(description="What the SDK costs in Chromium, beside plain objects.")
    parser.add_argument("--pods", type=int, nargs="+", default=[10_000, 150_000])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
