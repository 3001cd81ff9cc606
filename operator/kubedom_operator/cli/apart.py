"""`kubedom operator` and `kubedom bridge`: the two halves as processes of their own, with the log on NATS between them.

The operator watches one cluster, heals it and writes the log; there is one of it. A bridge reads the log and serves
pages; there are as many as are needed. Whichever of them, or NATS, is away for a while, the others go on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import click
from prometheus_client import CollectorRegistry

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.credentials import ClusterChoice
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.jetstream.beat import Beat
from kubedom_bridge.jetstream.link import LogUnreachable, NatsSettings
from kubedom_bridge.jetstream.replica import Replica
from kubedom_bridge.kube import Api
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_bridge.stating import must_state
from kubedom_bridge.traces import Traces
from kubedom_operator.event_traces import EventTraces
from kubedom_operator.jetstream.writer import LogWriter
from kubedom_operator.resuming import Told
from kubedom_operator.runtime import OperatorThread

from .logs import LogSettings, audited, start_logging
from .options import (
    Watching,
    cluster_options,
    log_options,
    nats_options,
    probe_options,
    serving_options,
    traces_option,
    watching_options,
)
from .preflight import check_rights, install, server_version, who_am_i
from .probes import Health, ProbeAddress, gauge, monitored
from .process import Stopping, log, run_until_stopped
from .serving import address_of, told_resources, warn_of_proxies

RETRY_SECONDS = 1.0
#: What the log is behind by longer than this counts as not told.
LAG_SECONDS = 30.0


class OperatorFailed(KubedomError):
    """The operator cannot go on."""


@click.command()
@cluster_options()
@watching_options()
@nats_options()
@probe_options(host="0.0.0.0", port=8081)  # noqa: S104 - for the kubelet, in a pod
@log_options()
@traces_option("kubedom-operator")
def operator(
    choice: ClusterChoice,
    watching: Watching,
    nats: NatsSettings,
    probes: ProbeAddress | None,
    logs: LogSettings,
    traces: Traces | None,
) -> None:
    """Watch a cluster and heal it, and tell bridges of it by NATS. One for each cluster."""
    start_logging(logs)
    # Who did what is to be seen without asking for it.
    audited()
    run_until_stopped(_Operator(choice, watching, nats, probes, traces).run, traces)


@click.command()
@cluster_options()
@nats_options()
@serving_options(host="0.0.0.0")  # noqa: S104 - not without a sign-in
@probe_options(host="0.0.0.0", port=8081)  # noqa: S104 - for the kubelet, in a pod
@log_options()
@traces_option("kubedom-bridge")
def bridge(
    choice: ClusterChoice,
    nats: NatsSettings,
    settings: BridgeSettings,
    probes: ProbeAddress | None,
    logs: LogSettings,
    traces: Traces | None,
) -> None:
    """Serve pages of what an operator tells by NATS. As many as are needed."""
    start_logging(logs)
    if settings.reviewed:
        audited()
    run_until_stopped(_Bridge(choice, nats, settings, listen(settings), probes, traces).run, traces)


@dataclass(frozen=True)
class _Operator:
    choice: ClusterChoice
    watching: Watching
    nats: NatsSettings
    probes: ProbeAddress | None
    traces: Traces | None

    async def run(self, stopping: Stopping) -> None:
        """Watch, heal and write until the process is to end."""
        async with monitored(self.probes, "operator") as (health, registry), _connected(self.choice) as api:
            version = await server_version(api)
            await check_rights(api, self.watching.namespace)
            proof = await install(api, self.watching.namespace, version)
            name = self.watching.cluster_name or api.name
            event_traces = EventTraces(self.traces) if self.traces is not None else None
            writer, told = await self._log(name, version, health, event_traces)
            loop = asyncio.get_running_loop()

            def failed(why: str) -> None:
                loop.call_soon_threadsafe(stopping.fail, _failed(why))

            operator = OperatorThread(
                self.choice,
                name,
                writer.put,
                namespace=self.watching.namespace,
                proof=proof,
                watch=self.watching.mode,
                settings=self.watching.diagnosis,
                told=told,
                failed=failed,
                traces=event_traces,
            )
            # It is large, and of use to the operator's thread alone.
            del told
            writer.failure.add_done_callback(lambda done: None if done.cancelled() else stopping.fail(done.result()))
            # Only from here on is there something to end in order.
            stopping.in_order()
            async with writer.running(lambda: _beat(operator)):
                operator.start()
                try:
                    health.alive(operator.not_alive)
                    health.ready(lambda: operator.not_ready() or _behind(writer.lag()))
                    _watch_operator(registry, operator, writer)
                    log.info("Watching %s (%s, %s).", name, api.server, version)
                    await stopping.wait()
                    log.info("Stopping.")
                finally:
                    await asyncio.to_thread(operator.stop)

    async def _log(
        self, cluster: str, version: str, health: Health, traces: EventTraces | None
    ) -> tuple[LogWriter, Told]:
        """Take the log over, however long NATS takes to be there."""
        written = traces.taken if traces is not None else None
        while True:
            writer = LogWriter(self.nats, cluster=cluster, version=version, written=written)
            try:
                return writer, await writer.connect()
            except LogUnreachable as problem:
                _wait_for(problem, health)
            await asyncio.sleep(RETRY_SECONDS)


@dataclass(frozen=True)
class _Bridge:
    choice: ClusterChoice
    nats: NatsSettings
    settings: BridgeSettings
    listener: socket.socket
    probes: ProbeAddress | None
    traces: Traces | None

    async def run(self, stopping: Stopping) -> None:
        """Read the log and serve pages until the process is to end."""
        async with monitored(self.probes, "bridge") as (health, registry), _connected(self.choice) as api:
            version = await server_version(api)
            warn_of_proxies(self.settings, version)
            user = await who_am_i(api)
            stating = self.settings.proxies is not None and await must_state(api)
            async with self._reading(health) as replica:
                # Until then whoever comes is kept waiting: there is nothing to show, nor a cluster to name.
                health.ready(replica.not_ready)
                await replica.loaded()
                bridge = Bridge(
                    self.settings,
                    self.listener,
                    journal=replica.journal,
                    api=api,
                    user=user,
                    resources=told_resources(),
                    greeting=Greeting(replica.origin.name, replica.origin.version),
                    not_ready=replica.not_ready,
                    lag=replica.lag,
                    watch_age=replica.watch_age,
                    not_healing=replica.not_healing,
                    stating=stating,
                    traces=self.traces,
                )
                replica.on_new_epoch(bridge.begin_anew)
                registry.register(bridge.metrics.registry)
                gauge(registry, "stale", "Whether what is shown may be old.", lambda: bool(replica.warning()))
                # Only from here on is there something to end in order.
                stopping.in_order()
                async with bridge.serving():
                    log.info("Showing %s (%s) at %s.", replica.origin.name, replica.origin.version, address_of(bridge))
                    if not bridge.authority.changes:
                        click.echo(bridge.signin_link())
                    await stopping.wait()
                    log.info("Stopping.")

    @asynccontextmanager
    async def _reading(self, health: Health) -> AsyncIterator[Replica]:
        """Read the log, however long NATS takes to be there."""
        async with AsyncExitStack() as stack:
            while True:
                replica = Replica(self.nats, name=f"kubedom bridge {socket.gethostname()}")
                try:
                    await stack.enter_async_context(replica.running())
                    break
                except LogUnreachable as problem:
                    _wait_for(problem, health)
                await asyncio.sleep(RETRY_SECONDS)
            yield replica


@asynccontextmanager
async def _connected(choice: ClusterChoice) -> AsyncIterator[Api]:
    api = await Api.connect(choice)
    try:
        yield api
    finally:
        await api.close()


def _wait_for(problem: KubedomError, health: Health) -> None:
    """Say once what is waited for."""
    if health.starting != problem.message:
        health.starting = problem.message
        log.warning("%s It is tried again until it works.", problem)


def _failed(why: str) -> KubedomError:
    return OperatorFailed(f"{why[:1].upper()}{why[1:]}.", remedy="The lines of the log before this one say where.")


def _beat(operator: OperatorThread) -> Beat:
    return Beat(
        epoch="",
        not_ready=operator.not_ready(),
        not_healing=operator.not_healing(),
        watch_age=operator.watch_age(),
    )


def _behind(lag: float) -> str:
    return f"the log is {lag:.0f} s behind" if lag > LAG_SECONDS else ""


def _watch_operator(registry: CollectorRegistry, operator: OperatorThread, writer: LogWriter) -> None:
    gauge(registry, "lag_seconds", "How long the oldest change that the log does not have has waited.", writer.lag)
    gauge(
        registry,
        "oldest_watch_age_seconds",
        "How long ago the API server was heard of the kind of which that is longest.",
        operator.watch_age,
    )
    gauge(registry, "healing", "Whether actions are carried out.", lambda: not operator.not_healing())
