"""`kubedom run`: operator and bridge in one process, against the given cluster or a local one that it starts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import click
from prometheus_client import start_http_server

from kubedom_bridge.audit import Redaction
from kubedom_bridge.bridge import Bridge
from kubedom_bridge.errors import ConfigurationError, PortInUse
from kubedom_bridge.handover import Handover
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api, ClusterChoice, kubeconfig_path
from kubedom_bridge.reviews import Resource
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import (
    DEFAULT_CONFIG_PATH,
    DEFAULT_PORT,
    BridgeSettings,
    check_settings,
    listen,
    trusted_proxies,
)
from kubedom_bridge.stating import must_state
from kubedom_bridge.traces import Traces, start_traces
from kubedom_operator.demo import install_demo
from kubedom_operator.diagnosis import CATALOGUE, Settings
from kubedom_operator.event_traces import EventTraces
from kubedom_operator.local import ensure_cluster
from kubedom_operator.pipeline import TOLD
from kubedom_operator.projection import KINDS
from kubedom_operator.runtime import OperatorThread
from kubedom_operator.watch.choice import MODES, STREAM_FROM_PODS, Mode

from .preflight import check_rights, install, server_version, who_am_i


@click.command()
@click.option("--kubeconfig", help="The kubeconfig to use; else KUBECONFIG, else ~/.kube/config.")
@click.option("--context", help="The kubeconfig's context to use; else its current one.")
@click.option("--bridge-context", help="Another context of it, as which the bridge asks; else the operator's own.")
@click.option("--namespace", "-n", help="Watch one namespace only.")
@click.option("--local", is_flag=True, help="Use the local control plane, even where a kubeconfig exists.")
@click.option("--demo", is_flag=True, help="Add a few deployments to the local cluster, some of which fail and heal.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option(
    "--sign-in",
    "sign_ins",
    type=click.Choice(["token"]),
    multiple=True,
    help="Let users sign in with a token of the cluster, and show each what they may see; else you alone, by the link.",
)
@click.option("--audience", "audiences", multiple=True, help="For whom these tokens must be meant. May be given again.")
@click.option(
    "--trusted-proxy", "proxies", multiple=True, metavar="CIDR", help="Whose X-Forwarded-User is believed. Again: more."
)
@click.option(
    "--origin", "origins", multiple=True, metavar="URL", help="An origin under which browsers come. Again: more."
)
@click.option("--compress", is_flag=True, help="Compress what pages are sent: fewer bytes for more CPU.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Serve Prometheus metrics there, on --host.")
@click.option("--web-dir", type=click.Path(path_type=Path), help="A folder with a page of your own.")
@click.option("--default-deployment", default="", metavar="NAMESPACE/NAME", help="What POST /api/deploy starts.")
@click.option(
    "--default-manifest", type=click.Path(path_type=Path), metavar="FILE", help="What POST /api/deploy applies instead."
)
@click.option("--default-config", default="", metavar="NAMESPACE/NAME", help="What a page's form is kept as.")
@click.option(
    "--config-path",
    default=DEFAULT_CONFIG_PATH,
    show_default=True,
    metavar="PATH",
    help="Where a page's form may be sent to as well.",
)
@click.option(
    "--watch",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help=f"What watches pods and deployments: Kopf's handlers, the stream, or Kopf up to {STREAM_FROM_PODS} pods.",
)
@click.option(
    "--hold",
    "holds",
    multiple=True,
    metavar="KIND=SECONDS",
    help="How long a failure must hold before it counts; its kind is in docs/failures.md. May be given again.",
)
@click.option("--traces", is_flag=True, help="Send OpenTelemetry traces of events, as OTEL_* variables say.")
@click.option("--open/--no-open", "browse", default=True, help="Open the page in a browser.")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens.")
def run(
    kubeconfig: str | None,
    context: str | None,
    bridge_context: str | None,
    namespace: str | None,
    local: bool,
    demo: bool,
    host: str,
    port: int,
    sign_ins: tuple[str, ...],
    audiences: tuple[str, ...],
    proxies: tuple[str, ...],
    origins: tuple[str, ...],
    compress: bool,
    metrics_port: int | None,
    web_dir: Path | None,
    default_deployment: str,
    default_manifest: Path | None,
    default_config: str,
    config_path: str,
    watch: Mode,
    holds: tuple[str, ...],
    traces: bool,
    browse: bool,
    verbose: bool,
) -> None:
    """Show a cluster as a live page. Without a cluster, a local one is started."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(Redaction())
    # What they would say of an outage is said by the watch, once and in a sentence.
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    for chatty in ("aiohttp", "websockets", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if (demo or local) and (kubeconfig or context):
        option, other = "--demo" if demo else "--local", "--kubeconfig" if kubeconfig else "--context"
        raise ConfigurationError(
            f"{option} uses the local cluster, and {other} names another.",
            remedy="Leave one of them out.",
            field=option,
        )
    settings = BridgeSettings(
        host=host,
        port=port,
        web_dir=web_dir,
        default_deployment=default_deployment,
        default_manifest=default_manifest,
        default_config=default_config,
        config_path=config_path,
        origins=origins,
        tokens="token" in sign_ins,
        audiences=audiences,
        proxies=trusted_proxies(proxies),
        compress=compress,
    )
    if settings.reviewed:
        # With many users, who did what is to be seen without asking for it.
        logging.getLogger("kubedom.audit").setLevel(logging.INFO)
    check_settings(settings)
    diagnosis = Settings(holds=dict(map(_hold, holds)))
    listener = listen(settings)
    sent = start_traces("kubedom") if traces else None
    choice = ClusterChoice(kubeconfig, context)
    if demo or local or (context is None and kubeconfig_path(choice) is None and not _in_cluster()):
        started = ensure_cluster(progress=click.echo)
        choice = ClusterChoice(str(started.kubeconfig), started.context)
    with contextlib.ExitStack() as ending, contextlib.suppress(KeyboardInterrupt):
        if sent is not None:
            ending.callback(sent.stop)
        asyncio.run(
            _run(
                settings,
                listener,
                choice,
                namespace,
                bridge_context=bridge_context,
                watch=watch,
                diagnosis=diagnosis,
                demo=demo,
                browse=browse,
                metrics_port=metrics_port,
                sent=sent,
            )
        )


def _hold(text: str) -> tuple[str, float]:
    """Read one `--hold`.

    Raises:
        ConfigurationError: where the kind or the number of seconds is none.

    """
    kind, _, number = text.partition("=")
    if kind not in CATALOGUE:
        raise ConfigurationError(
            f"--hold {text}: there is no failure kind {kind}.",
            remedy="docs/failures.md has their names, as NodeNotReady.",
            field="--hold",
        )
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(
            f"--hold {text}: {number or 'nothing'} is no number of seconds.",
            remedy=f"Write --hold {kind}=60.",
            field="--hold",
        )
    return kind, seconds


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ


async def _run(
    settings: BridgeSettings,
    listener: object,
    choice: ClusterChoice,
    namespace: str | None,
    *,
    bridge_context: str | None,
    watch: Mode,
    diagnosis: Settings,
    demo: bool,
    browse: bool,
    metrics_port: int | None,
    sent: Traces | None,
) -> None:
    loop = asyncio.get_running_loop()
    api = await Api.connect(choice)
    bridge_api = api
    try:
        if bridge_context is not None:
            bridge_api = await Api.connect(ClusterChoice(choice.kubeconfig, bridge_context))
        version = await server_version(api)
        await check_rights(api, namespace)
        proof = await install(api, namespace)
        user = await who_am_i(bridge_api)
        journal = Journal(clock=loop.time)
        event_traces = EventTraces(sent) if sent is not None else None
        publish = journal.publish if event_traces is None else event_traces.taking(journal.publish)
        handover = Handover(loop.call_soon_threadsafe, publish, clock=loop.time)
        operator = OperatorThread(
            choice,
            api.name,
            handover.put,
            namespace=namespace,
            proof=proof,
            watch=watch,
            settings=diagnosis,
            traces=event_traces,
        )
        bridge = Bridge(
            settings,
            listener,  # type: ignore[arg-type]
            journal=journal,
            api=bridge_api,
            user=user,
            resources={
                kind: Resource(info.group, info.plural, info.namespaced) for kind, info in KINDS.items() if kind in TOLD
            }
            | {
                "HealingAction": Resource("kubedom.dev", "healingactions", True),
                "HealingPolicy": Resource("kubedom.dev", "healingpolicies", True),
                "ClusterHealingAction": Resource("kubedom.dev", "clusterhealingactions", False),
            },
            greeting=Greeting(api.name, version),
            not_ready=operator.not_ready,
            lag=handover.lag,
            watch_age=operator.watch_age,
            not_healing=operator.not_healing,
            stating=settings.proxies is not None and await must_state(bridge_api),
            traces=sent,
        )
        # Only from here on is there something to end in order; before, Ctrl-C cancels what is waited for.
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        operator.start()
        scraped = _serve_metrics(bridge, settings.host, metrics_port)
        try:
            async with bridge.serving():
                _announce(bridge, api, browse=browse)
                if demo:
                    await install_demo(api)
                    click.echo("The demo's deployments are in the namespace `demo`; some fail, one heals by itself.")
                await stopping.wait()
                click.echo("Stopping.")
        finally:
            scraped()
            await asyncio.to_thread(operator.stop)
    finally:
        if bridge_api is not api:
            await bridge_api.close()
        await api.close()


def _serve_metrics(bridge: Bridge, host: str, port: int | None) -> Callable[[], None]:
    """Serve the metrics on a thread of their own; the returned function ends it.

    Raises:
        PortInUse: where another process has the port.

    """
    if port is None:
        return lambda: None
    try:
        server, thread = start_http_server(port, host, bridge.metrics.registry)
    except OSError:
        raise PortInUse(
            f"Port {port} of {host} is in use.", remedy="Choose another with --metrics-port.", field="--metrics-port"
        ) from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _announce(bridge: Bridge, api: Api, *, browse: bool) -> None:
    if bridge.authority.changes:
        click.echo(f"Showing {api.name} ({api.server}) at http://{bridge.host}:{bridge.port}/; users sign in there.")
        return
    link = bridge.signin_link()
    click.echo(f"Showing {api.name} ({api.server}). Open this link, which works once:\n\n    {link}\n")
    if sys.stdin.isatty():
        click.echo("Enter prints a new link, Ctrl-C stops.")
        asyncio.get_running_loop().add_reader(sys.stdin, _new_link, bridge)
    if browse and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(link)


def _new_link(bridge: Bridge) -> None:
    if sys.stdin.readline():
        click.echo(f"    {bridge.signin_link()}\n")
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)
