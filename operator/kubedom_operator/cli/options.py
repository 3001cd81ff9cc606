"""The options that several commands share, as decorators: a command is given one value for each group of options.

Each option can also be given in the environment, as `KUBEDOM_RUN_PORT` for `kubedom run --port`; so the name of its
parameter is the option's own, and several values of one are separated by spaces there.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from kubedom_bridge.credentials import ClusterChoice
from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.jetstream.link import NatsSettings, check_nats
from kubedom_bridge.settings import (
    DEFAULT_CONFIG_PATH,
    DEFAULT_PORT,
    BridgeSettings,
    check_settings,
    trusted_proxies,
)
from kubedom_bridge.traces import start_traces
from kubedom_operator.diagnosis import CATALOGUE, Settings
from kubedom_operator.watch.choice import MODES, STREAM_FROM_PODS, Mode

from .logs import FORMATS, LogFormat, LogSettings
from .probes import ProbeAddress

C = TypeVar("C", bound=Callable[..., Any])
Decorator = Callable[[C], C]
_FILE = click.Path(path_type=Path)
_PORTS = click.IntRange(0, 65535)


class Watching(NamedTuple):
    """What is watched: one namespace or all, by which source, and how it is judged; and how the cluster is called."""

    cluster_name: str
    namespace: str | None
    mode: Mode
    diagnosis: Settings


class _PortOption(click.Option):
    """A port; what Kubernetes itself writes into the environment for a Service of that name is none.

    For a Service `kubedom-bridge` each container of its namespace has `KUBEDOM_BRIDGE_PORT=tcp://10.0.0.1:8384`.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        return None if value is not None and "://" in value else value


def _gather(name: str, build: Callable[..., Any], *options: Decorator[Any]) -> Decorator[Any]:
    """Make a decorator that adds options, and gives the command what `build` makes of their values as `name`."""
    parameters = tuple(inspect.signature(build).parameters)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(**given: Any) -> None:
            own = {each: given.pop(each) for each in parameters}
            command(**given, **{name: build(**own)})

        for option in reversed(options):
            called = option(called)
        return called

    return decorate


def cluster_options() -> Decorator[Any]:
    """Give `choice`, the cluster."""
    return _gather(
        "choice",
        lambda kubeconfig, context: ClusterChoice(kubeconfig, context),
        click.option(
            "--kubeconfig", metavar="FILE", help="The kubeconfig to use; else KUBECONFIG, else ~/.kube/config."
        ),
        click.option("--context", metavar="NAME", help="The kubeconfig's context to use; else its current one."),
    )


def watching_options() -> Decorator[Any]:
    """Give `watching`, what is watched."""

    def build(cluster_name: str, namespace: str | None, watch: Mode, hold: tuple[str, ...]) -> Watching:
        return Watching(cluster_name, namespace, watch, Settings(holds=dict(map(_read_hold, hold))))

    return _gather(
        "watching",
        build,
        click.option("--cluster-name", default="", help="How pages call the cluster; else by its context's name."),
        click.option("--namespace", "-n", metavar="NAME", help="Watch one namespace only."),
        click.option(
            "--watch",
            type=click.Choice(MODES),
            default="auto",
            show_default=True,
            help="What watches pods and deployments: Kopf's handlers, the stream, or Kopf up to "
            f"{STREAM_FROM_PODS} pods.",
        ),
        click.option(
            "--hold",
            multiple=True,
            metavar="KIND=SECONDS",
            help="How long a failure must hold before it counts; its kind is in docs/failures.md. May be given again.",
        ),
    )


def serving_options(host: str) -> Decorator[Any]:
    """Give `settings`, those of the bridge, which are checked.

    Args:
        host: The address to listen on, unless told.

    """

    def build(
        host: str,
        port: int,
        sign_in: tuple[str, ...],
        audience: tuple[str, ...],
        trusted_proxy: tuple[str, ...],
        origin: tuple[str, ...],
        compress: bool,
        web_dir: Path | None,
        default_deployment: str,
        default_manifest: Path | None,
        default_config: str,
        config_path: str,
        drain_seconds: float,
    ) -> BridgeSettings:
        settings = BridgeSettings(
            host=host,
            port=port,
            web_dir=web_dir,
            default_deployment=default_deployment,
            default_manifest=default_manifest,
            default_config=default_config,
            config_path=config_path,
            origins=origin,
            tokens="token" in sign_in,
            audiences=audience,
            proxies=trusted_proxies(trusted_proxy),
            drain_seconds=drain_seconds,
            compress=compress,
        )
        check_settings(settings)
        return settings

    return _gather(
        "settings",
        build,
        click.option("--host", default=host, show_default=True, help="The address to listen on."),
        click.option(
            "--port",
            cls=_PortOption,
            default=DEFAULT_PORT,
            show_default=True,
            type=_PORTS,
            help="The port to listen on; 0: any free one.",
        ),
        click.option(
            "--sign-in",
            type=click.Choice(["token"]),
            multiple=True,
            help="Let users sign in with a token of the cluster, and show each what they may see; else, and without "
            "--trusted-proxy, there is you alone, by a link.",
        ),
        click.option("--audience", multiple=True, help="For whom these tokens must be meant. May be given again."),
        click.option(
            "--trusted-proxy",
            multiple=True,
            metavar="CIDR",
            help="Whose X-Forwarded-User is believed. Again: more.",
        ),
        click.option(
            "--origin",
            multiple=True,
            metavar="URL",
            help="An origin under which browsers come. Again: more.",
        ),
        click.option("--compress", is_flag=True, help="Compress what pages are sent: fewer bytes for more CPU."),
        click.option("--web-dir", type=_FILE, help="A folder with a page of your own."),
        click.option(
            "--default-deployment", default="", metavar="NAMESPACE/NAME", help="What POST /api/deploy starts."
        ),
        click.option(
            "--default-manifest",
            type=_FILE,
            metavar="FILE",
            help="What POST /api/deploy applies instead.",
        ),
        click.option("--default-config", default="", metavar="NAMESPACE/NAME", help="What a page's form is kept as."),
        click.option(
            "--config-path",
            default=DEFAULT_CONFIG_PATH,
            show_default=True,
            metavar="PATH",
            help="Where a page's form may be sent to as well.",
        ),
        click.option(
            "--drain-seconds",
            type=click.FloatRange(0, 600),
            default=BridgeSettings.drain_seconds,
            show_default=True,
            help="Over how long the pages are told to come back when it ends.",
        ),
    )


def nats_options() -> Decorator[Any]:
    """Give `nats`, where the log is, which is checked."""

    def build(
        nats: tuple[str, ...], nats_prefix: str, nats_creds: Path | None, nats_nkey: Path | None, nats_ca: Path | None
    ) -> NatsSettings:
        settings = NatsSettings(servers=nats, prefix=nats_prefix, credentials=nats_creds, nkey=nats_nkey, ca=nats_ca)
        check_nats(settings)
        return settings

    return _gather(
        "nats",
        build,
        click.option("--nats", multiple=True, metavar="URL", help="Where NATS is, as nats://nats:4222. Again: more."),
        click.option(
            "--nats-prefix",
            default=NatsSettings.prefix,
            show_default=True,
            help="With what the names in NATS begin; another one for each cluster.",
        ),
        click.option("--nats-creds", type=_FILE, metavar="FILE", help="The credentials for NATS."),
        click.option("--nats-nkey", type=_FILE, metavar="FILE", help="The seed of an NKey instead."),
        click.option("--nats-ca", type=_FILE, metavar="FILE", help="Who signed NATS's certificate."),
    )


def probe_options(host: str, port: int | None) -> Decorator[Any]:
    """Give `probes`, where /healthz, /readyz and /metrics are; None for nowhere.

    Args:
        host: The address to listen on, unless told.
        port: The port, unless told; None for none.

    """

    def build(probe_host: str, probe_port: int | None) -> ProbeAddress | None:
        return None if probe_port is None else ProbeAddress(probe_host, probe_port)

    return _gather(
        "probes",
        build,
        click.option("--probe-host", default=host, show_default=True, help="The address of --probe-port."),
        click.option(
            "--probe-port",
            default=port,
            show_default=port is not None,
            type=_PORTS,
            help="Answer /healthz, /readyz and Prometheus' /metrics there; 0: any free one."
            + (" Else nowhere." if port is None else ""),
        ),
    )


def log_options() -> Decorator[Any]:
    """Give `logs`, what is logged and how."""

    def build(log_format: LogFormat, verbose: bool) -> LogSettings:
        return LogSettings(log_format, verbose)

    return _gather(
        "logs",
        build,
        click.option(
            "--log-format",
            type=click.Choice(FORMATS),
            default="text",
            show_default=True,
            help="Log lines of text, or a JSON object a line.",
        ),
        click.option("--verbose", "-v", is_flag=True, help="Log what happens."),
    )


def traces_option(service: str) -> Decorator[Any]:
    """Give `traces`, where spans go, begun; None for nowhere.

    Args:
        service: How this process is called among those that send traces.

    """
    return _gather(
        "traces",
        lambda traces: start_traces(service) if traces else None,
        click.option("--traces", is_flag=True, help="Send OpenTelemetry traces of events, as OTEL_* variables say."),
    )


def _read_hold(text: str) -> tuple[str, float]:
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
