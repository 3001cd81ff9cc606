"""The bridge as a whole: one port that serves the page, the socket and the health checks of one journal."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.requests import cookie_parser
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from . import origin, protocol
from .actions import ActionGateway
from .app import Site, make_app, packaged_web_dir
from .delivery import Delivery
from .errors import CommandRefused, ConfigurationError, PortInUse
from .journal import Journal
from .protocol import CloseCode, Command, Target
from .session import Greeting, Session
from .signin import LocalSignIn
from .upgrade import SocketHost, Upgraded, refuse

DEFAULT_PORT = 8384
DRAIN_SECONDS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BridgeSettings:
    """Where the bridge listens and what it serves.

    Args:
        host: The address to listen on; only loopback, until authentication is set up.
        port: The port; 0 takes a free one.
        web_dir: A folder of the page's author, looked in before kubedom's own.
        default_deployment: `namespace/name` that `POST /api/deploy` starts when a page names none.

    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    web_dir: Path | None = None
    default_deployment: str = ""


def check_settings(settings: BridgeSettings) -> None:
    """Refuse settings that cannot be served safely.

    Raises:
        ConfigurationError: with the option at fault.

    """
    if not _is_loopback(settings.host):
        raise ConfigurationError(
            f"kubedom does not listen on {settings.host} without authentication: whoever reaches it could act as you.",
            remedy="Use --host 127.0.0.1, and `ssh -L` or `kubectl port-forward` from elsewhere.",
            field="--host",
        )
    if settings.web_dir is not None and not settings.web_dir.is_dir():
        raise ConfigurationError(
            f"There is no folder {settings.web_dir}.", remedy="Correct --web-dir.", field="--web-dir"
        )
    namespace, _, name = settings.default_deployment.partition("/")
    if settings.default_deployment and (not namespace or not name or "/" in name):
        raise ConfigurationError(
            f"{settings.default_deployment!r} does not name a deployment.",
            remedy="Write --default-deployment NAMESPACE/NAME.",
            field="--default-deployment",
        )


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


class _Server(uvicorn.Server):
    """Leaves the process's signals to whoever runs kubedom, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Bridge:
    """Serves one journal on one port.

    Args:
        settings: Where and what.
        listener: The socket from `listen`.
        journal: What is told to the pages.
        gateway: What carries out their commands.
        greeting: The cluster and the user, as pages are told.
        not_ready: Says why kubedom is not ready yet; an empty string when it is.
        lag: Says how many seconds the journal is behind the cluster.

    """

    def __init__(
        self,
        settings: BridgeSettings,
        listener: socket.socket,
        *,
        journal: Journal,
        gateway: ActionGateway,
        greeting: Greeting,
        not_ready: Callable[[], str],
        lag: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._settings = settings
        self._lag = lag
        self._listener = listener
        self._journal = journal
        self._gateway = gateway
        self._greeting = greeting
        self.port: int = listener.getsockname()[1]
        self.signin = LocalSignIn(clock=asyncio.get_running_loop().time)
        self.delivery = Delivery(journal)
        own = (settings.web_dir,) if settings.web_dir is not None else ()
        names = {settings.host, "127.0.0.1", "localhost"}
        self._site = Site(
            origins=frozenset(f"http://{f'[{name}]' if ':' in name else name}:{self.port}" for name in names),
            cookie=f"kubedom_session_{self.port}",
            signin=self.signin,
            web_dirs=(*own, packaged_web_dir()),
            not_ready=not_ready,
            deploy=self._deploy,
        )
        self._sockets = SocketHost(self._judge, self._converse)

    def signin_link(self) -> str:
        """Make a link that signs a browser in, once."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http://{host}:{self.port}/signin?code={self.signin.new_code()}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts; pages are told to come back when it ends."""
        server = _Server(
            uvicorn.Config(
                make_app(self._site),
                http="h11",
                ws=self._sockets.protocol_class(),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve([self._listener]), name="bridge")
        heart = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            await server.listening.wait()
            yield
        finally:
            heart.cancel()
            self._sockets.stop()
            server.should_exit = True
            await serving
            if self._sockets.handler_tasks:
                await asyncio.wait(self._sockets.handler_tasks, timeout=DRAIN_SECONDS)
            self.delivery.close()
            self._gateway.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(protocol.HEARTBEAT_SECONDS)
            self.delivery.broadcast(protocol.heartbeat(self._journal.head, self._lag()))

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != protocol.SOCKET_PATH:
            return refuse(connection, HTTPStatus.NOT_FOUND, f"The socket is at {protocol.SOCKET_PATH}.")
        reason = origin.refusal(
            method="GET",
            upgrade=True,
            host=request.headers.get("Host", ""),
            origin=request.headers.get("Origin"),
            fetch_site=request.headers.get("Sec-Fetch-Site"),
            allowed=self._site.origins,
        )
        return refuse(connection, HTTPStatus.FORBIDDEN, reason) if reason else None

    async def _converse(self, connection: Upgraded) -> None:
        if connection.subprotocol != protocol.SUBPROTOCOL:
            await connection.close(CloseCode.VERSION, f"offer the subprotocol {protocol.SUBPROTOCOL}")
        elif not self._site.is_signed_in(_cookies(connection.request)):
            await connection.close(CloseCode.SIGN_IN, "open the sign-in link that kubedom printed")
        else:
            session = Session(
                connection,
                journal=self._journal,
                delivery=self.delivery,
                gateway=self._gateway,
                greeting=self._greeting,
            )
            connection.on_drained = session.drained
            await session.run()

    async def _deploy(self, named: str) -> dict[str, object]:
        named = named or self._settings.default_deployment
        if not named:
            raise CommandRefused(
                "noDefaultDeployment",
                "No deployment was named as the default.",
                remedy="Start kubedom with --default-deployment NAMESPACE/NAME, or write <kube-cluster "
                'default-deployment="namespace/name"> in the page.',
                field="default-deployment",
            )
        namespace, _, name = named.rpartition("/")
        target = Target(kind="Deployment", namespace=namespace or "default", name=name)
        command = Command(id="deploy", name="restartDeployment", target=target, reason="POST /api/deploy")
        reference, outcome = await self._gateway.start(command, self._greeting.user)
        outcome.cancel()
        return {"healingAction": {"namespace": reference.namespace, "name": reference.name, "uid": reference.uid}}


def _cookies(request: Request | None) -> dict[str, str]:
    # As the HTTP half reads them: cookies of all this host's ports come along, and http.cookies ends at an odd one.
    return cookie_parser(request.headers.get("Cookie", "")) if request is not None else {}
