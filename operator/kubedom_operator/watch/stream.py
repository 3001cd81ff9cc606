"""The stream source: list and watch of our own, decoded by msgspec straight into the projection.

In go the API server's bytes, out go calls of a `Sink`. Every kind has a task of its own (`reader.py`) on the one loop
that runs `StreamSource.run`, and kinds can be added and removed while it runs.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable

from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.kube import Api
from kubedom_operator.projection import KINDS

from .reader import Counts, KindReader
from .seam import STALE_TIMES, Sink


class StreamSource:
    """Watches kinds of one cluster and keeps the contract of `seam.py`.

    What it keeps of an object is its uid and resourceVersion, nothing else.

    Args:
        api: The API server.
        kinds: Names of `KINDS`.
        sink: What is told.
        namespace: The only namespace to watch; None for all. Kinds without a namespace are always watched whole.
        page_size: How many objects a page of a list has.
        inactivity: After how many silent seconds a connection counts as dead. Bookmarks come about once a minute.
        clock: Seconds that only go forward.
        rng: Where jitter comes from.
        sleep: Waits for a number of seconds.

    """

    def __init__(
        self,
        api: Api,
        kinds: Iterable[str],
        sink: Sink,
        *,
        namespace: str | None = None,
        page_size: int = 500,
        inactivity: float = 70.0,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._sink = sink
        self._namespace = namespace
        self._page_size = page_size
        self._inactivity = inactivity
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._sleep = sleep
        self._running = False
        # A reader outlives its task: a kind that is removed and added again is not told twice.
        self._readers: dict[str, KindReader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wanted: list[str] = []
        for kind in kinds:
            self.add_kind(kind)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are watched."""
        return tuple(self._wanted)

    def counts(self, kind: str) -> Counts:
        """What was done for a kind so far."""
        return self._readers[kind].counts

    @property
    def stale_seconds(self) -> float:
        """After how many seconds without hearing of a kind its watch does not work any more."""
        return STALE_TIMES * self._inactivity

    def age(self) -> float:
        """How many seconds ago the API server was heard of the kind of which that is longest; 0 without kinds."""
        now = self._clock()
        return max((now - self._readers[kind].heard for kind in tuple(self._wanted)), default=0.0)

    def heard(self, kind: str) -> float | None:
        """When the API server was last heard of a kind, by the clock; None where it is not watched here."""
        reader = self._readers.get(kind)
        return reader.heard if reader is not None else None

    def add_kind(self, kind: str) -> None:
        """Watch one more kind from now on; call it on the source's loop.

        Raises:
            ConfigurationError: where kubedom does not know the kind.

        """
        if kind not in KINDS:
            raise ConfigurationError(
                f"The kind {kind} cannot be watched.", remedy=f"Choose of: {', '.join(KINDS)}.", field="kinds"
            )
        if kind in self._wanted:
            return
        self._wanted.append(kind)
        if kind not in self._readers:
            self._readers[kind] = KindReader(
                self._api,
                KINDS[kind],
                self._sink,
                namespace=self._namespace,
                page_size=self._page_size,
                inactivity=self._inactivity,
                clock=self._clock,
                rng=self._rng,
                sleep=self._sleep,
            )
        if self._running:
            self._start(kind)

    async def remove_kind(self, kind: str) -> None:
        """Watch a kind no longer; when this returns, the sink is told nothing more of it.

        Its objects are not told as gone, since they are not. If the kind is added again, it is listed again, and what
        went in the meantime is told then.
        """
        if kind in self._wanted:
            self._wanted.remove(kind)
        task = self._tasks.pop(kind, None)
        if task is not None:
            await _end([task])

    async def run(self) -> None:
        """Watch until it is cancelled."""
        if self._running:
            raise RuntimeError("this source runs already")
        self._running = True
        try:
            for kind in self._wanted:
                self._start(kind)
            # Readers never end by themselves; the loop only keeps weak references to tasks, so they are kept here.
            await asyncio.get_running_loop().create_future()
        finally:
            self._running = False
            tasks = list(self._tasks.values())
            self._tasks.clear()
            await _end(tasks)

    def _start(self, kind: str) -> None:
        self._tasks[kind] = asyncio.create_task(self._readers[kind].run(), name=f"watch {kind}")


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
