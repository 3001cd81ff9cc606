"""The hand-over of a WebSocket upgrade from uvicorn to the websockets library, on the one port that serves everything.

uvicorn reads the request and gives it on to the class named in its `ws` setting. Ours is websockets' own
`ServerConnection`: ASGI's WebSocket messages would cost a queue and a task for each, and give no hold of the transport,
which delivery writes its prepared frames to.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.asyncio.server import Server, ServerConnection
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from . import problems, protocol
from .delivery import WRITE_HIGH_BYTES
from .frames import COMPRESSION_LEVEL, WINDOW_BITS
from .site import HEADERS

if TYPE_CHECKING:
    from uvicorn.server import ServerState

OPEN_SECONDS = 10.0
MAX_QUEUE = 8
# Above this, the kernel would hold megabytes of stale data for a page that does not read.
NOTSENT_LOWAT_BYTES = 131_072

#: Without a window that goes on from frame to frame: that would be another for each socket, and 300 KB of memory.
_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    compress_settings={"level": COMPRESSION_LEVEL},
)

log = logging.getLogger(__name__)


class Upgraded(ServerConnection):
    """A page's connection; `on_drained` is called when its write buffer has emptied after being full."""

    on_drained: Callable[[], None] | None = None

    @property
    def compressed(self) -> bool:
        """Whether it takes frames that are compressed once for many sockets."""
        return any(
            isinstance(one, PerMessageDeflate)
            and one.local_no_context_takeover
            and one.local_max_window_bits == WINDOW_BITS
            for one in self.protocol.extensions
        )

    def resume_writing(self) -> None:
        """Go on writing, beginning with what this page missed."""
        super().resume_writing()
        if self.on_drained is not None:
            self.on_drained()


class PunctualHttp(H11Protocol):
    """uvicorn's HTTP, with a limit that it lacks: a request's head is here `OPEN_SECONDS` after it could begin.

    Otherwise whoever connects and says nothing, or says it a byte at a time, holds a socket for as long as he likes.
    """

    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def handle_events(self) -> None:
        """Read what came; a new scope is a head that is complete, an upgrade's as well."""
        before = self.scope
        super().handle_events()
        if self.scope is not before:
            self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP as everything else is refused, or just hang up where an answer has begun already."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            document = {"type": "urn:kubedom:http", "title": msg, "status": 400}
            body = json.dumps(document).encode()
            headers = HEADERS | {
                "content-type": problems.MEDIA_TYPE,
                "content-length": str(len(body)),
                "connection": "close",
            }
            for event in (
                h11.Response(status_code=400, reason=b"Bad Request", headers=list(headers.items())),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._await_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._stop_waiting()
        self._too_late = self.loop.call_later(OPEN_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


class SocketHost:
    """What websockets' connections ask of their server, without a listening socket of its own.

    Args:
        judge: Looks at the request before the handshake; a response refuses it.
        converse: Has the conversation with an open connection.
        max_size: The longest message that is taken, in bytes; a longer one ends the connection with 1009. A
            compressed one is unpacked no further than that.
        compress: Whether permessage-deflate is agreed to where a page offers it.

    """

    def __init__(
        self,
        judge: Callable[[ServerConnection, Request], Response | None],
        converse: Callable[[Upgraded], Awaitable[None]],
        *,
        max_size: int = protocol.MAX_MESSAGE_BYTES,
        compress: bool = False,
    ) -> None:
        self._judge = judge
        self._converse = converse
        self._max_size = max_size
        self._extensions = (_DEFLATE,) if compress else ()
        self._serving = True
        self.handler_tasks: set[asyncio.Task[None]] = set()

    def is_serving(self) -> bool:
        """Whether new connections are welcome."""
        return self._serving

    def stop(self) -> None:
        """Refuse new connections."""
        self._serving = False

    async def handler(self, connection: ServerConnection) -> None:
        """Take one connection from its handshake to its end; called by websockets."""
        upgraded = cast(Upgraded, connection)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await upgraded.handshake(self._judge, server_header=None)
            if upgraded.protocol.handshake_exc is not None or upgraded.protocol.state.name != "OPEN":
                upgraded.transport.close()
                return
            upgraded.start_keepalive()
            await self._converse(upgraded)
            await upgraded.close()
        except TimeoutError:
            upgraded.transport.abort()
        except Exception:
            log.exception("A page's connection failed.")
            upgraded.transport.abort()
        finally:
            task = asyncio.current_task()
            if task is not None:
                self.handler_tasks.discard(task)

    def protocol_class(self) -> type[asyncio.Protocol]:
        """Make the class for uvicorn's `ws` setting."""
        host = cast(Server, self)
        max_size, extensions = self._max_size, self._extensions

        class Connection(Upgraded):
            def __init__(self, config: Any, server_state: ServerState, app_state: Any) -> None:  # noqa: ARG002
                super().__init__(
                    ServerProtocol(
                        subprotocols=[Subprotocol(protocol.SUBPROTOCOL)],
                        # A page that offers no known version is let in and told so by a close code it can read.
                        select_subprotocol=_select_subprotocol,
                        max_size=max_size,
                        extensions=extensions,
                    ),
                    host,
                    max_queue=MAX_QUEUE,
                    write_limit=(WRITE_HIGH_BYTES, WRITE_HIGH_BYTES // 4),
                )
                self._uvicorn_connections = server_state.connections

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self._uvicorn_connections.add(self)  # type: ignore[arg-type]
                sock = transport.get_extra_info("socket")
                if sock is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                self._uvicorn_connections.discard(self)
                super().connection_lost(exc)

            def shutdown(self) -> None:
                """Tell the page to come back; called by uvicorn when it stops."""
                host_tasks = host.handler_tasks
                task = self.loop.create_task(self.close(protocol.CloseCode.RESTARTING, "kubedom is stopping"))
                host_tasks.add(task)
                task.add_done_callback(host_tasks.discard)

        return Connection


def _select_subprotocol(_: ServerProtocol, offered: Any) -> Subprotocol | None:
    if protocol.SUBPROTOCOL in offered:
        return Subprotocol(protocol.SUBPROTOCOL)
    # A browser can read why it is refused only on a connection that has one of the subprotocols it offered.
    return next((one for one in offered if one.startswith("kubedom.v")), None)


def refuse(connection: ServerConnection, status: HTTPStatus, sentence: str) -> Response:
    """Refuse a handshake with a sentence."""
    response = connection.respond(status, sentence + "\n")
    # A browser that is led here shows it as a page of ours.
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response
