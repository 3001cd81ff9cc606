"""The operator's thread: the watch sources, the pipeline and the executor on a loop of their own.

Kopf cancels every task of a loop that it shares, and its parsing would stall one that serves sockets; so it gets this
thread, and entries cross to the journal's loop with `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from kubedom_bridge.actions import CLUSTER_PLURAL, GROUP, PLURAL
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_bridge.protocol import Entry

from .admission import Proof
from .diagnosis import Settings
from .event_traces import EventTraces
from .healing.executor import Executor
from .heard import Heard
from .judging import Judge
from .pipeline import Pipeline
from .policy.controller import Policies
from .policy.openings import Openings
from .pulse import Pulse
from .resuming import Told, read, still_open
from .watch.choice import Mode, Plan, plan
from .watch.kopf_source import Handler, KopfSource
from .watch.seam import Sink
from .watch.stream import StreamSource

STOP_SECONDS = 10.0
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class OperatorThread:
    """Watches and heals one cluster until it is stopped.

    Args:
        choice: The cluster.
        cluster: Its name.
        publish: Takes journal entries; called on the operator's thread.
        namespace: One namespace, or None for all.
        proof: Whether admission was shown to judge actions, which is looked at again from then on; where it was not,
            nothing is carried out. None carries out whatever there is.
        watch: Which source watches pods and deployments.
        settings: Hold times and the like.
        failed: Called on the operator's thread where it ends by a failure, with a sentence.
        told: What was told of the cluster before, to go on from; None tells all that there is.
        traces: Gives events their traces; None for none.

    """

    def __init__(
        self,
        choice: ClusterChoice,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        *,
        namespace: str | None = None,
        proof: Proof | None,
        watch: Mode = "auto",
        settings: Settings | None = None,
        failed: Callable[[str], None] = lambda _: None,
        told: Told | None = None,
        traces: EventTraces | None = None,
    ) -> None:
        self._choice = choice
        self._cluster = cluster
        self._publish = publish if traces is None else traces.publishing(publish)
        self._traces = traces
        self._namespace = namespace
        self._proof = proof
        self._refuted = proof.why if proof is not None else ""
        self._judge: Judge | None = None
        self._watch = watch
        self._settings = settings
        self._failed = failed
        self._told = told
        self._plan: Plan | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._pipeline: Pipeline | None = None
        self._sources: tuple[StreamSource | KopfSource, ...] = ()
        self._failure = ""
        self._pulse: Pulse | None = None
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
        if self._pipeline is None or self._plan is None:
            return "starting"
        return self._pipeline.not_ready(self._plan.kinds)

    def not_alive(self) -> str:
        """Say why the operator has to be started again; an empty string where it has not. From any thread."""
        if self._failure:
            return self._failure
        if self._pulse is not None and (why := self._pulse.stuck("operator")):
            return why
        for source in self._sources:
            if (age := source.age()) > source.stale_seconds:
                return f"the API server was not heard of for {age:.0f} s"
        return ""

    def watch_age(self) -> float:
        """How many seconds ago the API server was heard of the kind of which that is longest; from any thread."""
        return max((source.age() for source in self._sources), default=0.0)

    def not_healing(self) -> str:
        """Say why HealingActions are not carried out; an empty string where they are, or it is not known yet."""
        if why := self._refuted or (self._judge.why if self._judge is not None else ""):
            return why
        if self._plan is not None and not self._plan.healing:
            return "Not healing because HealingActions may not be listed."
        return ""

    def _heard(self, kind: str) -> float | None:
        return next((heard for source in self._sources if (heard := source.heard(kind)) is not None), None)

    def _run(self) -> None:
        try:
            asyncio.run(self._operate())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            log.exception("The operator failed.")
            self._failure = f"the operator failed: {error}"
            self._failed(self._failure)

    async def _operate(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        self._loop.set_exception_handler(_complain)
        pulse = self._pulse = Pulse(self._loop)
        api = await Api.connect(self._choice)
        woken = asyncio.Event()

        def tell(entries: list[Entry]) -> None:
            self._publish(entries)
            policies.told(entries)

        pipeline = self._pipeline = Pipeline(
            self._cluster, tell, clock=time.time, settings=self._settings, wake=woken.set
        )
        before, self._told = read(self._told) if self._told is not None else None, None
        heard = Heard(before, time.time()) if before is not None and before.until else None
        sink: Sink = pipeline if self._traces is None else self._traces.watching(pipeline, self._heard)
        judge = None
        if self._proof is not None and not self._refuted:
            judge = self._judge = Judge(api, self._namespace, self._proof.tried)
        executor = Executor(
            api,
            self._cluster,
            self._publish,
            clock=time.time,
            refusal=judge.refusal if judge is not None else _unasked,
            heard=heard,
        )
        policies = Policies(
            api,
            self._cluster,
            self._publish,
            Openings(pipeline.find, pipeline.workload, clock=time.time),
            lambda: not self.not_ready(),
            clock=time.time,
            namespace=self._namespace,
            heard=heard,
        )
        if before is not None:
            pipeline.resume(before)
            policies.told(still_open(before))
            # It is large, and kept where it is needed.
            del before
        tasks = [asyncio.create_task(keep_time(pipeline, woken), name="timers")]
        try:
            chosen = self._plan = await self._planned(api)
            if not chosen.healing and not self._refuted:
                log.warning("%s", self.not_healing())
            pipeline.drop_unwatched(chosen.kinds)
            if judge is not None:
                tasks.append(asyncio.create_task(judge.run(), name="judge"))
            stream = StreamSource(api, chosen.stream, sink, namespace=self._namespace)
            source = KopfSource(
                self._choice,
                api,
                chosen.kopf,
                sink,
                namespace=self._namespace,
                extra=_handlers(chosen, executor, policies),
            )
            self._sources = (stream, source)
            tasks.append(asyncio.create_task(stream.run(), name="stream"))
            if chosen.policies:
                tasks.append(asyncio.create_task(policies.run(), name="policies"))
            if chosen.kopf or chosen.healing or chosen.node_healing:
                # The others first: on its way out Kopf cancels every task that is younger than itself.
                await asyncio.sleep(0)
                tasks.append(asyncio.create_task(source.run(), name="Kopf"))
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await executor.close()
            await api.close()
            pulse.stop()

    async def _planned(self, api: Api) -> Plan:
        while True:
            try:
                chosen = await plan(api, self._watch, self._namespace, healing=not self._refuted)
                break
            except KubedomError as problem:
                log.warning("What can be watched is not known yet: %s", problem)
                await asyncio.sleep(RETRY_SECONDS)
        by = "Kopf" if chosen.kopf else "the stream"
        log.info("Pods and deployments are watched by %s, %s.", by, chosen.reason)
        if chosen.missing:
            log.warning("Not shown, for they may not be listed: %s.", ", ".join(chosen.missing))
        if chosen.healing and not chosen.policies:
            log.warning(
                "Nothing is healed without being asked for: HealingPolicies or HealingVetoes may not be listed."
            )
        return chosen


def _handlers(chosen: Plan, executor: Executor, policies: Policies) -> dict[str, Handler]:
    """Who hears of which of the kubedom kinds."""

    def observe_action(change: str | None, body: Mapping[str, Any]) -> None:
        executor.observe(change, body)
        policies.observe_action(change, body)

    handlers: dict[str, Handler] = {}
    if chosen.healing:
        handlers[f"{PLURAL}.{GROUP}"] = observe_action
    if chosen.node_healing:
        handlers[f"{CLUSTER_PLURAL}.{GROUP}"] = executor.observe
    if chosen.policies:
        handlers[f"healingpolicies.{GROUP}"] = policies.observe_policy
        handlers[f"healingvetoes.{GROUP}"] = policies.observe_veto
    return handlers


async def _unasked(_: str) -> str:
    return ""


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody awaits, but for a generator that ends badly: Kopf's do when it is stopped while it connects."""
    if "asyncgen" not in context:
        loop.default_exception_handler(context)


async def keep_time(pipeline: Pipeline, woken: asyncio.Event) -> None:
    """Let a pipeline look again whenever it is due; `woken` is set by its `wake`."""
    while True:
        woken.clear()
        due = pipeline.next_due()
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - time.time())):
                await woken.wait()
        except TimeoutError:
            pipeline.tick()
