"""The operator's thread: Kopf, the pipeline and the executor on a loop of their own.

Kopf cancels every task of a loop that it shares, and its parsing would stall one that serves sockets; so it gets this
thread, and entries cross to the journal's loop with `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_bridge.protocol import Entry

from .healing.executor import Executor
from .pipeline import Pipeline
from .watch.kopf_source import KopfSource

KINDS = ("Pod", "Deployment")
STOP_SECONDS = 10.0

log = logging.getLogger(__name__)


class OperatorThread:
    """Watches and heals one cluster until it is stopped.

    Args:
        choice: The cluster.
        cluster: Its name.
        publish: Takes journal entries; called on the operator's thread.
        namespace: One namespace, or None for all.
        healing: Whether HealingActions are carried out.

    """

    def __init__(
        self,
        choice: ClusterChoice,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        *,
        namespace: str | None = None,
        healing: bool = True,
    ) -> None:
        self._choice = choice
        self._cluster = cluster
        self._publish = publish
        self._namespace = namespace
        self._healing = healing
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._pipeline: Pipeline | None = None
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="operator", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until nothing more is told."""
        if self._loop is not None and self._main is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(STOP_SECONDS)

    def not_ready(self) -> str:
        """Say why the operator cannot be relied on yet; an empty string when it can."""
        if self._failure:
            return self._failure
        return self._pipeline.not_ready(KINDS) if self._pipeline is not None else "starting"

    def _run(self) -> None:
        try:
            asyncio.run(self._operate())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            log.exception("The operator failed.")
            self._failure = f"the operator failed: {error}"

    async def _operate(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        api = await Api.connect(self._choice)
        woken = asyncio.Event()
        pipeline = Pipeline(self._cluster, self._publish, clock=time.time, wake=woken.set)
        executor = Executor(api, self._cluster, self._publish, clock=time.time)
        source = KopfSource(
            self._choice,
            api,
            KINDS,
            pipeline,
            namespace=self._namespace,
            extra={"healingactions.kubedom.dev": executor.observe} if self._healing else {},
        )
        self._pipeline = pipeline
        keeping = asyncio.create_task(_keep_time(pipeline, woken), name="timers")
        try:
            await source.run()
        finally:
            keeping.cancel()
            await api.close()


async def _keep_time(pipeline: Pipeline, woken: asyncio.Event) -> None:
    while True:
        woken.clear()
        due = pipeline.next_due()
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - time.time())):
                await woken.wait()
        except TimeoutError:
            pipeline.tick()
