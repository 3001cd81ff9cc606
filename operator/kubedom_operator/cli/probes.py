"""The port for those who look after a process: `/healthz`, `/readyz` and Prometheus `/metrics`.

It is served by threads of its own, so that it answers also while a loop is stuck; that is what `/healthz` is to tell.
What it says is for the kubelet and for administrators, and speaks of the whole cluster, so it has a port of its own.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from socketserver import ThreadingTCPServer
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from kubedom_bridge.errors import ConfigurationError, PortInUse
from kubedom_operator.pulse import Pulse

REQUEST_SECONDS = 5.0
POLL_SECONDS = 0.1
#: So many requests are answered at once; more are cut off.
AT_ONCE = 16

log = logging.getLogger(__name__)
Check = Callable[[], str]


class ProbeAddress(NamedTuple):
    """Where probes are answered."""

    host: str
    port: int


class Health:
    """What a process says of itself, asked by other threads; its parts add their checks as they come up.

    A check says what is wrong, and nothing where nothing is. Until `ready` was called the process is starting.
    """

    def __init__(self) -> None:
        self._alive: list[Check] = []
        self._ready: Check | None = None
        #: What is waited for as long as the process is starting.
        self.starting = "starting"

    def alive(self, check: Check) -> None:
        """Be alive only while this check finds nothing wrong."""
        self._alive.append(check)

    def ready(self, check: Check) -> None:
        """Have started, and be ready while this check finds nothing wrong."""
        self._ready = check

    def not_alive(self) -> str:
        """Say why the process has to be started again; an empty string where it has not."""
        return next(filter(None, (check() for check in tuple(self._alive))), "")

    def not_ready(self) -> str:
        """Say why the process cannot be relied on yet; an empty string where it can."""
        return self._ready() if self._ready is not None else self.starting


def process_registry() -> CollectorRegistry:
    """A registry of metrics that has the process's own: memory, CPU, files, and which kubedom it is."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Gauge("kubedom_build_info", "Which kubedom this is.", ["version"], registry=registry).labels(
        version("kubedom")
    ).set(1)
    return registry


def gauge(registry: CollectorRegistry, name: str, description: str, value: Callable[[], float]) -> None:
    """Show a number that somebody else keeps, asked for when it is scraped (on another thread)."""
    Gauge(f"kubedom_{name}", description, registry=registry).set_function(value)


@asynccontextmanager
async def monitored(address: ProbeAddress | None, name: str) -> AsyncIterator[tuple[Health, CollectorRegistry]]:
    """Answer probes of this process, whose main loop this is, as long as the context lasts.

    Args:
        address: Where; None for nowhere.
        name: What the loop belongs to.

    Raises:
        KubedomError: as `probes_served`.

    """
    health, registry, pulse = Health(), process_registry(), Pulse(asyncio.get_running_loop())
    health.alive(lambda: pulse.stuck(name))
    gauge(registry, "ready", "Whether this process can be relied on.", lambda: not health.not_ready())
    try:
        with probes_served(address, health, registry) as port:
            if address is not None:
                log.info("Probes are answered on %s:%d.", address.host, port)
            yield health, registry
    finally:
        pulse.stop()


@contextmanager
def probes_served(address: ProbeAddress | None, health: Health, registry: CollectorRegistry) -> Iterator[int]:
    """Answer probes as long as the context lasts, and give the port.

    Args:
        address: Where; None for nowhere, port 0 for any free one.
        health: What is told.
        registry: The metrics.

    Raises:
        PortInUse: where another process has the port.
        ConfigurationError: where the address is none of this machine's.

    """
    if address is None:
        yield 0
        return
    try:
        server = _Server(address, health, registry)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {address.port} of {address.host} is in use.",
                remedy="Choose another with --probe-port.",
                field="--probe-port",
            ) from None
        raise ConfigurationError(
            f"Probes cannot be answered on {address.host}:{address.port}: {error.strerror}.",
            remedy="Choose another address or port.",
            field="--probe-host",
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), name="probes", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # A client that does not finish its request must not hold up the end of the process.
    block_on_close = False

    def __init__(self, address: ProbeAddress, health: Health, registry: CollectorRegistry) -> None:
        self.health = health
        self.registry = registry
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, *_: Any) -> None:
        error = sys.exc_info()[1]
        # Who asks may go away before the answer.
        if not isinstance(error, OSError):
            log.error("A probe could not be answered: %r", error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_SECONDS
    server_version = "kubedom"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._judge(self.server.health.not_alive)
        elif path == "/readyz":
            self._judge(self.server.health.not_ready)
        elif path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.server.registry), content_type)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"There are /healthz, /readyz and /metrics.\n")

    do_HEAD = do_GET  # noqa: N815 - named by the standard library

    def log_message(self, *_: Any) -> None:
        pass

    def _judge(self, check: Check) -> None:
        try:
            why = check()
        except Exception as error:
            log.exception("A check of the process's health failed.")
            why = f"the check failed: {error}"
        self._answer(HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, f"{why or 'ok'}\n".encode())

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
