"""Where the bridge listens, what it serves and whom, and the port taken before anything else is started."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import ConfigurationError, PortInUse
from .identity import TrustedProxies

DEFAULT_PORT = 8384
DEFAULT_CONFIG_PATH = "/api/v1/config/"
_PATH = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)+/?")
#: Paths that answer something else.
_TAKEN = frozenset({"/healthz", "/readyz", "/signin"})


@dataclass(frozen=True, kw_only=True)
class BridgeSettings:
    """Where the bridge listens, what it serves and whom.

    Args:
        host: The address to listen on; only loopback, unless users sign in with tokens or through a proxy.
        port: The port; 0 takes a free one.
        web_dir: A folder of the page's author, looked in before kubedom's own.
        default_deployment: `namespace/name` that `POST /api/deploy` starts when a page names none.
        default_manifest: A file whose objects it applies instead; None for none.
        default_config: `namespace/name` that a page's form is kept as when it names none.
        config_path: Where a page's form is sent to, beside `/api/v1/config/`.
        origins: The origins under which browsers reach it, beside loopback's own, such as `https://kubedom.example.org`.
        tokens: Whether users sign in with a token of the cluster.
        audiences: For whom these tokens must be meant; empty for the API server's own audience.
        proxies: A proxy that signs users in; None for none.
        drain_seconds: Over how long the pages are told to come back when the bridge ends.
        compress: Whether pages that offer it are sent compressed messages: a tenth of the bytes for more CPU.
        connections_a_user: How many sockets one user may have; None for the default.

    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    web_dir: Path | None = None
    default_deployment: str = ""
    default_manifest: Path | None = None
    default_config: str = ""
    config_path: str = DEFAULT_CONFIG_PATH
    origins: tuple[str, ...] = ()
    tokens: bool = False
    audiences: tuple[str, ...] = ()
    proxies: TrustedProxies | None = None
    drain_seconds: float = 20.0
    compress: bool = False
    connections_a_user: int | None = None

    @property
    def reviewed(self) -> bool:
        """Whether the API server judges who users are and what they may see."""
        return self.tokens or self.proxies is not None


def check_settings(settings: BridgeSettings) -> None:
    """Refuse settings that cannot be served safely.

    Raises:
        ConfigurationError: with the option at fault.

    """
    if not _is_loopback(settings.host) and not settings.reviewed:
        raise ConfigurationError(
            f"kubedom does not listen on {settings.host} without authentication: whoever reaches it could act as you.",
            remedy="Use --host 127.0.0.1, and `ssh -L` or `kubectl port-forward` from elsewhere; or let users sign in, "
            "with --sign-in token.",
            field="--host",
        )
    if settings.audiences and not settings.tokens:
        raise ConfigurationError(
            "An audience is of tokens only.", remedy="Add --sign-in token, or leave --audience out.", field="--audience"
        )
    for name in settings.origins:
        parts = urlsplit(name)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.netloc
            or name != f"{parts.scheme}://{parts.netloc}".lower()
        ):
            raise ConfigurationError(
                f"{name!r} is not an origin.", remedy="Write it as https://kubedom.example.org.", field="--origin"
            )
    if settings.web_dir is not None and not settings.web_dir.is_dir():
        raise ConfigurationError(
            f"There is no folder {settings.web_dir}.", remedy="Correct --web-dir.", field="--web-dir"
        )
    _check_default(settings.default_deployment, "a deployment", "--default-deployment")
    if settings.default_manifest is not None:
        if settings.default_deployment:
            raise ConfigurationError(
                "--default-manifest and --default-deployment both say what POST /api/deploy starts.",
                remedy="Leave one of them out.",
                field="--default-manifest",
            )
        if not settings.default_manifest.is_file():
            raise ConfigurationError(
                f"There is no file {settings.default_manifest}.",
                remedy="Correct --default-manifest.",
                field="--default-manifest",
            )
    _check_default(settings.default_config, "a ConfigMap", "--default-config")
    path = settings.config_path
    if not _PATH.fullmatch(path) or (path.startswith("/api/") and path != DEFAULT_CONFIG_PATH) or path in _TAKEN:
        raise ConfigurationError(
            f"Forms cannot be sent to {path!r}.",
            remedy="Write --config-path /django/api/v1/config/, as the page's form has it.",
            field="--config-path",
        )


def _check_default(value: str, what: str, option: str) -> None:
    namespace, _, name = value.partition("/")
    if value and (not namespace or not name or "/" in name):
        raise ConfigurationError(
            f"{value!r} does not name {what}.", remedy=f"Write {option} NAMESPACE/NAME.", field=option
        )


def trusted_proxies(networks: Sequence[str]) -> TrustedProxies | None:
    """Read the addresses of `--trusted-proxy`; None where there are none.

    Raises:
        ConfigurationError: where one is no address or network.

    """
    if not networks:
        return None
    try:
        return TrustedProxies(tuple(map(ipaddress.ip_network, networks)))
    except ValueError as error:
        raise ConfigurationError(
            f"A trusted proxy cannot be read: {error}.", remedy="Write it as 10.0.0.0/8.", field="--trusted-proxy"
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(settings: BridgeSettings) -> socket.socket:
    """Take the port, before anything else is started.

    Raises:
        PortInUse: where another process has it.
        ConfigurationError: where the address is none of this machine's.

    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {settings.port} of {settings.host} is in use.",
                remedy="Choose another with --port, or --port 0 for any free one.",
                field="--port",
            ) from None
        raise ConfigurationError(
            f"kubedom cannot listen on {settings.host}:{settings.port}: {error.strerror}.",
            remedy="Choose another address or port.",
            field="--host",
        ) from None
    listener.setblocking(False)
    return listener
