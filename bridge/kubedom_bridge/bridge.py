"""The bridge as a whole: one port that serves the page, the socket and the health checks of one journal."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import uvicorn
from starlette.requests import cookie_parser
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from . import audit, origin, protocol
from .actions import ActionGateway
from .app import make_app, packaged_web_dir
from .arrivals import Arrivals
from .authority import Authority, LocalAuthority, ReviewedAuthority
from .delivery import Delivery
from .delivery_traces import DeliveryTraces
from .drain import drain
from .errors import KubedomError
from .frames import heartbeat, text_frame
from .identity import Proof, SignInRefused, token_of_header, token_of_subprotocols
from .kube import Api
from .limits import (
    CONNECTIONS_A_USER,
    CONNECTIONS_OF_THE_LOCAL_USER,
    SIGN_IN_BURST,
    SIGN_INS_PER_SECOND,
    Buckets,
    Connections,
)
from .metrics import Metrics
from .outlook import Resource
from .permissions import Permissions
from .protocol import CloseCode
from .records import Ledger, Record
from .rest.commands import Commands
from .reviews import AccessReviews, TokenReviews
from .session import Greeting, Services, Session
from .settings import BridgeSettings
from .signin import LocalSignIn
from .site import Site
from .snapshots import Snapshots
from .subscriptions import Telling
from .traces import Traces
from .upgrade import PunctualHttp, SocketHost, Upgraded, refuse

#: How long requests that are under way may take when the bridge ends.
REQUEST_SECONDS = 2
SIGN_IN_SECONDS = 5.0
#: How often it is looked whether a decision about rights or tokens has run out.
RIGHTS_SECONDS = 5.0
NEW_NAMESPACE_SECONDS = 0.2
#: Over so long pages come back when all have to.
ANEW_SECONDS = 3.0
AGE_SECONDS = (30 * 60.0, 60 * 60.0)


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
        settings: Where, what and whom.
        listener: The socket from `listen`.
        journal: What is told to the pages.
        api: The API server, with kubedom's own credentials.
        user: Whom these credentials are of, which is the local user.
        resources: The kinds that pages are told of; reviews of rights ask for them.
        greeting: The cluster, as pages are told.
        not_ready: Says why kubedom is not ready yet; an empty string when it is.
        lag: Says how many seconds the journal is behind the cluster.
        watch_age: Says how many seconds ago the API server was heard of the kind of which that is longest.
        not_healing: Says why actions are not carried out; an empty string when they are.
        stating: Whether it asks for a proxy's users in its own name, for it may not impersonate them.
        traces: Where the spans of traced events go; None for nowhere.

    """

    def __init__(
        self,
        settings: BridgeSettings,
        listener: socket.socket,
        *,
        journal: Ledger,
        api: Api,
        user: str,
        resources: Mapping[str, Resource],
        greeting: Greeting,
        not_ready: Callable[[], str],
        lag: Callable[[], float] = lambda: 0.0,
        watch_age: Callable[[], float] = lambda: 0.0,
        not_healing: Callable[[], str] = lambda: "",
        stating: bool = False,
        traces: Traces | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._settings = settings
        self._lag = lag
        self._watch_age = watch_age
        self._listener = listener
        self._journal = journal
        self.host = settings.host
        self.port: int = listener.getsockname()[1]
        self.signin = LocalSignIn(clock=loop.time)
        self.metrics = Metrics()
        cookie = f"kubedom_session_{self.port}"
        self.authority: Authority
        if settings.reviewed:
            self.authority = ReviewedAuthority(
                api,
                tokens=TokenReviews(
                    api, clock=loop.time, audiences=settings.audiences, count=self.metrics.review_counter("token")
                )
                if settings.tokens
                else None,
                access=AccessReviews(
                    api, resources, journal.namespaces, clock=loop.time, count=self.metrics.review_counter("access")
                ),
                cookie=cookie,
                proxies=settings.proxies,
                stating=stating,
            )
        else:
            self.authority = LocalAuthority(self.signin, cookie, api, user)
        delivery_traces = DeliveryTraces(traces, journal_clock=loop.time) if traces is not None else None
        self.delivery = Delivery(journal, metrics=self.metrics, traces=delivery_traces)
        self._services = Services(
            telling=Telling(
                journal=journal,
                delivery=self.delivery,
                snapshots=Snapshots(journal),
                arrivals=Arrivals(not_ready=not_ready),
                metrics=self.metrics,
            ),
            gateway=ActionGateway(journal, not_healing),
            permissions=Permissions(
                api,
                own=not settings.reviewed,
                not_healing=not_healing,
                clock=loop.time,
                count=self.metrics.review_counter("action"),
            ),
            authority=self.authority,
            greeting=greeting,
            metrics=self.metrics,
            messages=Buckets(protocol.MESSAGES_PER_SECOND, protocol.MESSAGE_BURST),
            commands=Buckets(protocol.COMMANDS_PER_SECOND, protocol.COMMAND_BURST),
            traces=delivery_traces,
        )
        own = (settings.web_dir,) if settings.web_dir is not None else ()
        names = {settings.host, "127.0.0.1", "localhost"}
        self.site = Site(
            origins=frozenset(f"http://{f'[{name}]' if ':' in name else name}:{self.port}" for name in names)
            | frozenset(settings.origins),
            cookie=cookie,
            secure_cookie=bool(settings.origins) and all(name.startswith("https:") for name in settings.origins),
            signin=None if settings.reviewed else self.signin,
            by_token=settings.tokens,
            authority=self.authority,
            sign_ins=Buckets(SIGN_INS_PER_SECOND, SIGN_IN_BURST),
            web_dirs=(*own, packaged_web_dir()),
            not_ready=not_ready,
            commands=Commands(
                self._services.gateway,
                self.authority,
                rate=self._services.commands,
                asked=self._services.messages,
                metrics=self.metrics,
            ),
            default_deployment=settings.default_deployment,
            default_manifest=settings.default_manifest,
            default_config=settings.default_config,
            config_path=settings.config_path,
            refused=lambda reason: self.metrics.refused.labels(reason).inc(),
        )
        self._sockets = SocketHost(self._judge, self._converse, compress=settings.compress)
        self._sessions: set[Session] = set()
        self._connections = Connections(
            settings.connections_a_user or (CONNECTIONS_A_USER if settings.reviewed else CONNECTIONS_OF_THE_LOCAL_USER)
        )
        self._look_again = asyncio.Event()
        self._watch_metrics()

    def signin_link(self) -> str:
        """Make a link that signs a browser in, once."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http://{host}:{self.port}/signin?code={self.signin.new_code()}"

    def begin_anew(self) -> None:
        """Let every page begin anew, for the journal tells of the cluster from its beginning now."""
        for session in tuple(self._sessions):
            hint = random.uniform(0.1, ANEW_SECONDS)  # noqa: S311 - jitter
            session.cut_off(CloseCode.RESTARTING, f"the log begins anew; retry after {hint:.1f} s")

    async def look_after_rights(self) -> None:
        """Ask for everybody who is connected who they are and what they may see now."""
        # Sessions of one user share every question, so that this costs by the user.
        await asyncio.gather(*(session.refresh() for session in tuple(self._sessions)), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts; pages are told to come back when it ends."""
        server = _Server(
            uvicorn.Config(
                make_app(self.site),
                http=PunctualHttp,
                ws=self._sockets.protocol_class(),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # Who a request comes from is the connection's address: a header that anybody can send decides nothing.
                proxy_headers=False,
                timeout_graceful_shutdown=REQUEST_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve([self._listener]), name="bridge")
        helpers = [asyncio.create_task(self._beat(), name="heartbeat")]
        if self.authority.changes:
            helpers.append(asyncio.create_task(self._keep_rights(), name="rights"))
        unfollow = self._journal.follow(self._notice_namespaces) if self.authority.changes else lambda: None
        try:
            await server.listening.wait()
            yield
        finally:
            self._sockets.stop()
            for listening in server.servers:
                listening.close()
            # Rights are looked after as long as anybody is told anything.
            await drain(tuple(self._sessions), self._settings.drain_seconds)
            unfollow()
            for helper in helpers:
                helper.cancel()
            server.should_exit = True
            await serving
            if self._sockets.handler_tasks:
                await asyncio.wait(self._sockets.handler_tasks, timeout=REQUEST_SECONDS)
            self._services.telling.arrivals.close()
            self.delivery.close()
            self._services.gateway.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(protocol.HEARTBEAT_SECONDS)
            frame = text_frame(heartbeat(self._journal.head, self._lag()))
            for session in tuple(self._sessions):
                session.beat(frame)
            self.delivery.cut_off_stalled()

    async def _keep_rights(self) -> None:
        while True:
            self._look_again.clear()
            try:
                async with asyncio.timeout(RIGHTS_SECONDS):
                    await self._look_again.wait()
                # A namespace rarely comes alone, and what it holds comes after it.
                await asyncio.sleep(NEW_NAMESPACE_SECONDS)
            except TimeoutError:
                pass
            await self.look_after_rights()

    def _notice_namespaces(self, records: list[Record]) -> None:
        if any(record.op == "upsert" and record.kind == "Namespace" and record.first for record in records):
            self._look_again.set()

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != protocol.SOCKET_PATH:
            return refuse(connection, HTTPStatus.NOT_FOUND, f"The socket is at {protocol.SOCKET_PATH}.")
        reason = origin.refusal(
            method="GET",
            upgrade=True,
            host=origin.joined(request.headers.get_all("Host")) or "",
            origin=origin.joined(request.headers.get_all("Origin")),
            fetch_site=origin.joined(request.headers.get_all("Sec-Fetch-Site")),
            allowed=self.site.origins,
        )
        if not reason:
            return None
        self.metrics.refused.labels("origin").inc()
        audit.record("refusal", source=_peer(connection), target=protocol.SOCKET_PATH, outcome="origin", reason=reason)
        return refuse(connection, HTTPStatus.FORBIDDEN, reason)

    async def _converse(self, connection: Upgraded) -> None:
        if connection.subprotocol != protocol.SUBPROTOCOL:
            await self._refuse(connection, CloseCode.VERSION, f"offer the subprotocol {protocol.SUBPROTOCOL}")
            return
        source = _peer(connection)
        try:
            async with asyncio.timeout(SIGN_IN_SECONDS):
                identity = await self.authority.identify(_proof(connection))
        except SignInRefused as problem:
            await self._refuse(connection, CloseCode.SIGN_IN, f"{problem.message} {problem.remedy}")
            return
        except (KubedomError, TimeoutError):
            await self._refuse(connection, CloseCode.BUSY, "the sign-in cannot be checked at present")
            return
        user = identity.user
        if not self._connections.enter(user):
            await self._refuse(connection, CloseCode.TOO_MANY, "too many connections", user.name)
            return
        audit.record("connect", user=user.name, source=source, outcome="accepted")
        session = Session(connection, self._services, identity, source)
        connection.on_drained = session.drained
        self._sessions.add(session)
        self.metrics.connections.inc()
        ageing = None
        if self.authority.changes:
            # Nobody stays for ever on one bridge; at random, so that those who came together do not leave together.
            age = random.uniform(*AGE_SECONDS)  # noqa: S311
            ageing = asyncio.get_running_loop().call_later(
                age, session.cut_off, CloseCode.RESTARTING, "this connection is old; retry after 0.1 s"
            )
        try:
            await session.run()
        finally:
            if ageing is not None:
                ageing.cancel()
            self._sessions.discard(session)
            self._connections.leave(user)
            self.metrics.connections.dec()

    async def _refuse(self, connection: Upgraded, code: int, reason: str, user: str = "") -> None:
        self.metrics.closed.labels(str(code)).inc()
        audit.record("refusal", user=user, source=_peer(connection), outcome=str(code), reason=reason)
        await connection.close(code, reason[:120])

    def _watch_metrics(self) -> None:
        watch = self.metrics.watch
        watch("lag_seconds", "How long the oldest change that is not told yet has waited.", self._lag)
        watch(
            "oldest_watch_age_seconds",
            "How long ago the API server was heard of the kind of which that is longest.",
            self._watch_age,
        )
        watch(
            "subscriptions_behind",
            "Subscriptions whose page reads too slowly.",
            self.delivery.behind,
        )
        watch("journal_entries", "Entries of the journal so far.", lambda: self._journal.head)
        watch("arrivals_waiting", "Pages that wait to be let in.", lambda: self._services.telling.arrivals.waiting)


def _proof(connection: Upgraded) -> Proof:
    request = connection.request
    if request is None:
        return Proof()
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.raw_items():
        headers.setdefault(name.lower(), []).append(value)
    offered = [one.strip() for line in headers.get("sec-websocket-protocol", ()) for one in line.split(",")]
    token = token_of_subprotocols(offered) or token_of_header(origin.joined(headers.get("authorization", ())) or "")
    # As the HTTP half reads them: cookies of all this host's ports come along, and http.cookies ends at an odd one.
    cookies: dict[str, str] = {}
    for line in headers.get("cookie", ()):
        cookies.update(cookie_parser(line))
    return Proof(token=token, cookies=cookies, headers=headers, peer=_peer(connection))


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address
    return str(address[0]) if address else ""
