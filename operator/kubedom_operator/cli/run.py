"""`kubedom run`: operator and bridge in one process, against the given cluster or a local one that it starts."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass

import click
from prometheus_client import CollectorRegistry

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.credentials import ClusterChoice, in_cluster, kubeconfig_path
from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.handover import Handover
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_bridge.stating import must_state
from kubedom_bridge.traces import Traces
from kubedom_operator.demo import install_demo
from kubedom_operator.event_traces import EventTraces
from kubedom_operator.local import ensure_cluster
from kubedom_operator.runtime import OperatorThread

from .logs import LogSettings, audited, start_logging
from .options import (
    Watching,
    cluster_options,
    log_options,
    probe_options,
    serving_options,
    traces_option,
    watching_options,
)
from .preflight import check_rights, install, server_version, who_am_i
from .probes import Health, ProbeAddress, gauge, monitored
from .process import Stopping, log, run_until_stopped
from .serving import address_of, told_resources, warn_of_proxies


@click.command()
@cluster_options()
@click.option("--bridge-context", help="Another context of it, as which the bridge asks; else the operator's own.")
@click.option("--local", is_flag=True, help="Use the local control plane, even where a kubeconfig exists.")
@click.option("--demo", is_flag=True, help="Add a few deployments to the local cluster, some of which fail and heal.")
@watching_options()
@serving_options(host="127.0.0.1")
@probe_options(host="127.0.0.1", port=None)
@click.option("--open/--no-open", "browse", default=True, envvar="KUBEDOM_RUN_OPEN", help="Open the page in a browser.")
@log_options()
@traces_option("kubedom")
def run(
    choice: ClusterChoice,
    bridge_context: str | None,
    local: bool,
    demo: bool,
    watching: Watching,
    settings: BridgeSettings,
    probes: ProbeAddress | None,
    browse: bool,
    logs: LogSettings,
    traces: Traces | None,
) -> None:
    """Show a cluster as a live page. Without a cluster, a local one is started."""
    start_logging(logs)
    if (demo or local) and (choice.kubeconfig or choice.context):
        option, other = "--demo" if demo else "--local", "--kubeconfig" if choice.kubeconfig else "--context"
        raise ConfigurationError(
            f"{option} uses the local cluster, and {other} names another.",
            remedy="Leave one of them out.",
            field=option,
        )
    if settings.reviewed:
        # With many users, who did what is to be seen without asking for it.
        audited()
    listener = listen(settings)
    if demo or local or (choice.context is None and kubeconfig_path(choice) is None and not in_cluster()):
        started = ensure_cluster(progress=click.echo)
        choice = ClusterChoice(str(started.kubeconfig), started.context)
    say = click.echo if logs.format == "text" else log.info
    both = _Both(settings, listener, choice, bridge_context, watching, probes, say, traces, demo=demo, browse=browse)
    run_until_stopped(both.run, traces)


@dataclass(frozen=True)
class _Both:
    """Operator and bridge, and what they are given."""

    settings: BridgeSettings
    listener: socket.socket
    choice: ClusterChoice
    bridge_context: str | None
    watching: Watching
    probes: ProbeAddress | None
    say: Callable[[str], None]
    traces: Traces | None
    demo: bool
    browse: bool

    async def run(self, stopping: Stopping) -> None:
        """Connect, and serve until the process is to end."""
        async with monitored(self.probes, "bridge") as (health, registry):
            api = await Api.connect(self.choice)
            bridge_api = api
            try:
                if self.bridge_context is not None:
                    bridge_api = await Api.connect(ClusterChoice(self.choice.kubeconfig, self.bridge_context))
                await self._serve(stopping, api, bridge_api, health, registry)
            finally:
                if bridge_api is not api:
                    await bridge_api.close()
                await api.close()

    async def _serve(
        self, stopping: Stopping, api: Api, bridge_api: Api, health: Health, registry: CollectorRegistry
    ) -> None:
        loop = asyncio.get_running_loop()
        version = await server_version(api)
        warn_of_proxies(self.settings, version)
        await check_rights(api, self.watching.namespace)
        proof = await install(api, self.watching.namespace, version)
        user = await who_am_i(bridge_api)
        name = self.watching.cluster_name or api.name
        journal = Journal(clock=loop.time)
        event_traces = EventTraces(self.traces) if self.traces is not None else None
        publish = journal.publish if event_traces is None else event_traces.taking(journal.publish)
        handover = Handover(lambda: loop.call_soon_threadsafe(lambda: publish(handover.take())), clock=loop.time)
        operator = OperatorThread(
            self.choice,
            name,
            handover.put,
            namespace=self.watching.namespace,
            proof=proof,
            watch=self.watching.mode,
            settings=self.watching.diagnosis,
            traces=event_traces,
        )
        bridge = Bridge(
            self.settings,
            self.listener,
            journal=journal,
            api=bridge_api,
            user=user,
            resources=told_resources(),
            greeting=Greeting(name, version),
            not_ready=operator.not_ready,
            lag=handover.lag,
            watch_age=operator.watch_age,
            not_healing=operator.not_healing,
            stating=self.settings.proxies is not None and await must_state(bridge_api),
            traces=self.traces,
        )
        # Only from here on is there something to end in order.
        stopping.in_order()
        operator.start()
        health.alive(operator.not_alive)
        health.ready(operator.not_ready)
        registry.register(bridge.metrics.registry)
        gauge(registry, "healing", "Whether actions are carried out.", lambda: not operator.not_healing())
        try:
            async with bridge.serving():
                self._announce(bridge, api)
                if self.demo:
                    await install_demo(api)
                    self.say("The demo's deployments are in the namespace `demo`; some fail, one heals by itself.")
                await stopping.wait()
                self.say("Stopping.")
        finally:
            await asyncio.to_thread(operator.stop)

    def _announce(self, bridge: Bridge, api: Api) -> None:
        if bridge.authority.changes:
            self.say(f"Showing {api.name} ({api.server}) at {address_of(bridge)}; users sign in there.")
            return
        link = bridge.signin_link()
        self.say(f"Showing {api.name} ({api.server}). Open this link, which works once:\n\n    {link}\n")
        if sys.stdin.isatty():
            self.say("Enter prints a new link, Ctrl-C stops.")
            asyncio.get_running_loop().add_reader(sys.stdin, _new_link, bridge)
        if self.browse and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(link)


def _new_link(bridge: Bridge) -> None:
    if sys.stdin.readline():
        click.echo(f"    {bridge.signin_link()}\n")
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)
