"""A bridge as a source: its socket, opened again whenever it is cut, without loss and without telling anything twice.

In comes an address, what is wanted and how one signs in; out go items until the bridge refuses for good. What a
terminal should know about the connection is said in `note`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.protocol import SUBPROTOCOL, CloseCode, Filter, Subscribe, Token, encode

from . import endings
from .asked import Address
from .endings import Ending, NoBridge
from .items import Gap, Item
from .position import Follower, Message, read_message

OPEN_SECONDS = 10.0
FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
#: A connection that lasted so long was a good one.
GOOD_SECONDS = 10.0
#: Without a heartbeat for so many of its intervals a connection is dead.
SILENT_BEATS = 1.5
#: A token is renewed so long before it ends.
RENEW_SECONDS = 60.0


class _Connect(connect):
    """Follows no redirect: what it leads to is no bridge, and must not be shown the token."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Lost(Exception):
    """A connection is over, and another may be tried."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.why)
        self.ending = ending


class Remote:
    """Tells what one bridge tells.

    Args:
        address: Where it is.
        wanted: What is to be told.
        token: Gives the bearer token, each time anew, as a file's content changes; an empty one for none.
        note: Says a sentence to whoever watches.
        rng: Where jitter comes from.
        sleep: Waits for a number of seconds.

    """

    def __init__(
        self,
        address: Address,
        wanted: Filter,
        *,
        token: Callable[[], str] = lambda: "",
        note: Callable[[str], None] = lambda _: None,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._address = address
        self._wanted = wanted
        self._token = token
        self._note = note
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._sleep = sleep
        self._follower = Follower()
        self._cookie = ""
        self._shown = ""
        self._greeted = False
        # When the bridge greeted, of the connection that there is.
        self._since = math.inf
        self._failures = 0

    async def items(self) -> AsyncGenerator[Item]:
        """Tell until the bridge refuses for good.

        Raises:
            KubedomError: when it does, or was never there.

        """
        if self._address.code:
            self._cookie = await _sign_in(self._address)
        while True:
            try:
                async with contextlib.aclosing(self._connected()) as told:
                    async for item in told:
                        yield item
            except Lost as lost:
                await self._wait(lost.ending)

    async def _wait(self, ending: Ending) -> None:
        if asyncio.get_running_loop().time() - self._since > GOOD_SECONDS:
            self._failures = 0
        self._since = math.inf
        self._failures += ending.patience
        bound = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (self._failures - 1)) if self._failures else 0.0
        # A bridge that ends tells each of its clients another moment, so that not all come at once.
        wait = self._rng.uniform(0, bound) if ending.wait is None else min(ending.wait, LONGEST_SECONDS)
        self._note(f"{ending.sentence[:-1]}; trying again in {wait:.1f} s.")
        await self._sleep(wait)

    async def _connected(self) -> AsyncGenerator[Item]:
        """Tell what one connection tells.

        Raises:
            Lost: when it is over.
            KubedomError: when there should be no other.

        """
        socket = await self._open()
        renewal: asyncio.Task[None] | None = None
        try:
            self._follower.opened()
            hello = await self._hello(socket)
            self._greeted, self._since = True, asyncio.get_running_loop().time()
            await socket.send(encode(Subscribe(filter=self._wanted, since=self._follower.position)).decode())
            silence = hello.heartbeat * SILENT_BEATS or None
            renewal = self._renewal(socket, hello)
            while True:
                for item in self._read(await _receive(socket, silence, self._address.origin)):
                    if isinstance(item, Gap):
                        self._note(f"What was missed cannot be told, for {item.reason}; what is open now follows.")
                    yield item
        except ConnectionClosed as end:
            code, told = (end.rcvd.code, end.rcvd.reason) if end.rcvd is not None else (None, "")
            raise self._ended(code, told) from None
        finally:
            if renewal is not None:
                renewal.cancel()
            await socket.close()

    def _ended(self, code: int | None, told: str) -> Exception:
        ending = endings.closed(code, told, self._address.origin)
        if isinstance(ending, Ending):
            return Lost(ending)
        if code == CloseCode.SIGN_IN and self._greeted and self._token() not in {"", self._shown}:
            # Another token stands in the file by now.
            return Lost(Ending("The token has expired, and there is a new one", 0, 0.0))
        return ending

    async def _open(self) -> ClientConnection:
        self._shown = token = self._token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if self._cookie:
            headers["Cookie"] = self._cookie
        origin = self._address.origin
        try:
            socket = await _Connect(
                self._address.socket,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=headers,
                open_timeout=OPEN_SECONDS,
                close_timeout=1.0,
                # The protocol has a heartbeat of its own.
                ping_interval=None,
                max_size=None,
                proxy=None if self._address.loopback else True,
            )
        except InvalidStatus as error:
            body = error.response.body or b""
            location = error.response.headers.get("Location", "")
            raise self._failed(
                endings.refused(error.response.status_code, body.decode(errors="replace"), origin, location)
            ) from None
        except InvalidHandshake as error:
            if self._greeted:
                raise self._failed(endings.unreachable(error, origin)) from None
            raise NoBridge(
                f"There is no kubedom at {origin}: {str(error) or type(error).__name__}.",
                remedy="Correct --url.",
                field="--url",
            ) from None
        except (OSError, TimeoutError) as error:
            raise self._failed(endings.unreachable(error, origin)) from None
        if socket.subprotocol != SUBPROTOCOL:
            await socket.close()
            raise NoBridge(
                f"What answers at {origin} does not speak {SUBPROTOCOL}.", remedy="Correct --url.", field="--url"
            )
        return socket

    def _failed(self, ending: Ending | KubedomError) -> Exception:
        """Of a bridge that was there once it is believed that it comes back."""
        if isinstance(ending, KubedomError):
            return ending
        return Lost(ending) if self._greeted else endings.given_up(ending)

    async def _hello(self, socket: ClientConnection) -> Message:
        while True:
            message = await _receive(socket, OPEN_SECONDS, self._address.origin)
            if message.type == "hello":
                return message

    def _read(self, message: Message) -> list[Item]:
        if message.type == "error":
            raise KubedomError(f"{self._address.origin} refuses: {message.message}")
        try:
            return list(self._follower.take(message))
        except msgspec.DecodeError as error:
            raise KubedomError(
                f"What {self._address.origin} tells cannot be read: {error}.", remedy="Use the kubedom that runs there."
            ) from None

    def _renewal(self, socket: ClientConnection, hello: Message) -> asyncio.Task[None] | None:
        """Renew the token before it ends, where there is another by then."""
        try:
            expires = datetime.fromisoformat(hello.token_expires)
        except ValueError:
            return None
        left = (expires - datetime.now(UTC)).total_seconds()

        async def renew() -> None:
            await asyncio.sleep(max(0.0, left - min(RENEW_SECONDS, left / 10)))
            token = self._token()
            if token != self._shown:
                self._shown = token
                with contextlib.suppress(ConnectionClosed):
                    await socket.send(encode(Token(token=token)).decode())

        return asyncio.create_task(renew())


async def _receive(socket: ClientConnection, silence: float | None, origin: str) -> Message:
    try:
        async with asyncio.timeout(silence):
            text = await socket.recv()
    except TimeoutError:
        raise Lost(Ending(f"nothing was heard from {origin}")) from None
    try:
        return read_message(text)
    except msgspec.DecodeError:
        raise Lost(Ending(f"{origin} sent what is no message")) from None


async def _sign_in(address: Address) -> str:
    """Exchange the code of a sign-in link for a session's cookie.

    Raises:
        KubedomError: where there is no bridge, or the link does not work any more.

    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(OPEN_SECONDS)) as session,
            session.get(f"{address.origin}/signin", params={"code": address.code}, allow_redirects=False) as answer,
        ):
            cookies = answer.cookies
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise endings.given_up(endings.unreachable(error, address.origin)) from None
    if not cookies:
        raise endings.no_session(status, address.origin)
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in cookies.values())
