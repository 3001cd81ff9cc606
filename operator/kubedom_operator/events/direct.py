"""The cluster itself as a source: watched and diagnosed in this process, with the user's own rights.

In comes an API server, out go the same items as from a bridge. Nothing is installed, written or healed; what
healing does is told by a bridge only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.protocol import Filter
from kubedom_bridge.records import Record
from kubedom_bridge.view import View
from kubedom_operator.pipeline import Pipeline
from kubedom_operator.runtime import keep_time
from kubedom_operator.watch.choice import plan
from kubedom_operator.watch.stream import StreamSource

from .items import Event, Item, Listed, read

READY_POLL_SECONDS = 0.05
#: After so long it is said what is waited for.
PATIENCE_SECONDS = 10.0


class Direct:
    """Tells what one cluster shows.

    Args:
        api: The API server.
        wanted: What is to be told.
        namespaces: Each is watched by itself, for which the rights in it suffice; none for the whole cluster.
        note: Says a sentence to whoever watches.

    """

    def __init__(
        self,
        api: Api,
        wanted: Filter,
        *,
        namespaces: Sequence[str] = (),
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._view = View(wanted)
        self._namespaces: tuple[str | None, ...] = tuple(dict.fromkeys(namespaces)) or (None,)
        self._note = note

    async def items(self) -> AsyncGenerator[Item]:
        """Tell without end.

        Raises:
            KubedomError: where the API server cannot be asked what may be watched.

        """
        loop = asyncio.get_running_loop()
        # Nobody comes back to it, so it keeps nothing to replay.
        journal = Journal(clock=loop.time, ring_entries=0)
        watched: list[tuple[Pipeline, tuple[str, ...]]] = []
        tasks: list[asyncio.Task[None]] = []
        told: asyncio.Queue[bytes | asyncio.Task[None]] = asyncio.Queue()

        def take(records: Iterable[Record]) -> None:
            for record in records:
                if record.op == "event" and self._view.admits(record):
                    told.put_nowait(record.encoded)

        try:
            for namespace in self._namespaces:
                chosen = await plan(self._api, "stream", namespace, healing=False)
                if chosen.missing:
                    self._note(f"Not shown, for they may not be listed: {', '.join(chosen.missing)}.")
                woken = asyncio.Event()
                pipeline = Pipeline(self._api.name, journal.publish, clock=time.time, wake=woken.set)
                source = StreamSource(self._api, chosen.stream, pipeline, namespace=namespace)
                tasks += (asyncio.create_task(source.run()), asyncio.create_task(keep_time(pipeline, woken)))
                watched.append((pipeline, chosen.kinds))
            for task in tasks:
                task.add_done_callback(told.put_nowait)
            await self._ready(watched, told)
            snapshot = journal.snapshot()
            opening = [record.encoded for record in snapshot.incidents if self._view.admits(record)]
            # From here on, with nothing between, everything is news.
            journal.follow(take)
            for encoded in opening:
                yield Event(read(encoded), encoded, opening=True)
            yield Listed()
            while True:
                happened = await told.get()
                if isinstance(happened, asyncio.Task):
                    happened.result()
                    return
                yield Event(read(happened), happened)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ready(
        self,
        watched: Sequence[tuple[Pipeline, tuple[str, ...]]],
        ended: asyncio.Queue[bytes | asyncio.Task[None]],
    ) -> None:
        loop = asyncio.get_running_loop()
        said, began = "", loop.time()
        while ended.empty():
            waiting = "; ".join(filter(None, (pipeline.not_ready(kinds) for pipeline, kinds in watched)))
            if not waiting:
                return
            if loop.time() - began > PATIENCE_SECONDS and waiting != said:
                self._note(f"The cluster is not known completely yet: {waiting}.")
                said, began = waiting, loop.time()
            await asyncio.sleep(READY_POLL_SECONDS)
