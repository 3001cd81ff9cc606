"""The connection to NATS: where it is, as whom, and a client that comes back for ever."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client

from kubedom_bridge.errors import ConfigurationError, KubedomError

CONNECT_SECONDS = 5
RECONNECT_SECONDS = 0.5
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")

log = logging.getLogger(__name__)


class LogUnreachable(KubedomError):
    """The NATS server that holds the log does not answer, or does not let us in."""

    exit_code = 6
    code = "logUnreachable"


@dataclass(frozen=True, kw_only=True)
class NatsSettings:
    """Where the log is.

    Args:
        servers: The servers' addresses, as `nats://nats:4222`; the first that answers is taken.
        prefix: With what its names begin; another one for each installation on one NATS.
        credentials: A credentials file (JWT and seed); None for none.
        nkey: A file with an NKey's seed; None for none.
        ca: A file with the authority that signed the servers' certificates; None for the system's.

    """

    servers: tuple[str, ...]
    prefix: str = "kubedom"
    credentials: Path | None = None
    nkey: Path | None = None
    ca: Path | None = None


def check_nats(settings: NatsSettings) -> None:
    """Refuse settings that cannot work.

    Raises:
        ConfigurationError: with the option at fault.

    """
    if not settings.servers:
        raise ConfigurationError("It is not said where NATS is.", remedy="Add --nats nats://nats:4222.", field="--nats")
    for server in settings.servers:
        parts = urlsplit(server)
        if parts.scheme not in {"nats", "tls", "ws", "wss"} or not parts.hostname:
            raise ConfigurationError(
                f"{_without_password(server)!r} is no address of NATS.",
                remedy="Write it as nats://nats:4222, or tls://nats:4222.",
                field="--nats",
            )
    if not _PREFIX.fullmatch(settings.prefix):
        raise ConfigurationError(
            f"{settings.prefix!r} cannot begin the names of streams.",
            remedy="Use up to 32 letters, digits, - and _.",
            field="--nats-prefix",
        )
    if settings.credentials is not None and settings.nkey is not None:
        raise ConfigurationError(
            "--nats-creds and --nats-nkey both say who kubedom is.", remedy="Leave one out.", field="--nats-nkey"
        )
    for option, path in (
        ("--nats-creds", settings.credentials),
        ("--nats-nkey", settings.nkey),
        ("--nats-ca", settings.ca),
    ):
        if path is not None and not path.is_file():
            raise ConfigurationError(f"There is no file {path}.", remedy=f"Correct {option}.", field=option)


@asynccontextmanager
async def connected(
    settings: NatsSettings, name: str, *, changed: Callable[[bool], None] = lambda _: None
) -> AsyncIterator[Client]:
    """Connect, and stay connected as long as the context lasts, whatever happens to the server.

    Args:
        settings: Where, as whom.
        name: What the server is told that this is.
        changed: Told whether the server is there, whenever that changes.

    Raises:
        LogUnreachable: where no server lets us in at first.

    """

    async def complain(error: Exception) -> None:
        log.debug("NATS: %s", reason(error))

    ending = False

    async def lost() -> None:
        if not ending:
            changed(False)

    async def back() -> None:
        changed(True)

    client = Client()
    options: dict[str, Any] = {}
    if settings.credentials is not None:
        options["user_credentials"] = str(settings.credentials)
    if settings.nkey is not None:
        options["nkeys_seed"] = str(settings.nkey)
    if settings.ca is not None:
        options["tls"] = ssl.create_default_context(cafile=str(settings.ca))
    try:
        # The library's own first attempts are silent and many; this one says what is wrong at once.
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect(
                list(settings.servers),
                name=name,
                error_cb=complain,
                disconnected_cb=lost,
                reconnected_cb=back,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
                connect_timeout=CONNECT_SECONDS,
                ping_interval=10,
                pending_size=64 * 1024 * 1024,
                **options,
            )
    except (TimeoutError, OSError, nats.errors.Error, ValueError) as error:
        await _closed(client)
        raise LogUnreachable(
            f"NATS at {where(settings)} cannot be used: {reason(error)}.",
            remedy="Check --nats, that it runs with JetStream, and that it lets kubedom in.",
            field="--nats",
        ) from None
    changed(True)
    try:
        yield client
    finally:
        ending = True
        await _closed(client)


def where(settings: NatsSettings) -> str:
    """Name the servers, without what an address may have of a password."""
    return ", ".join(map(_without_password, settings.servers))


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended.

    `asyncio.wait_for` of Python 3.11, which the client library uses, now and then loses a cancellation.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)


async def _closed(client: Client) -> None:
    # Before it is closed, and not by that: `close` breaks off where the server was just lost, and what it leaves behind
    # connects again for ever.
    for task in _tasks_of(client):
        await ended(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("NATS: %r", error)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.close()
    except (TimeoutError, OSError, nats.errors.Error) as error:
        log.debug("NATS: %s", error)
    except asyncio.CancelledError:
        # Where a task that waited for the socket's end was ended, whoever waits for that as well is told so.
        if (current := asyncio.current_task()) is not None and current.cancelling():
            raise


def _tasks_of(client: Client) -> list[asyncio.Task[Any]]:
    """Find the tasks that run for a client: its own methods, and its subscriptions'."""
    found = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        if task is not asyncio.current_task() and client in (owner, getattr(owner, "_conn", None)):
            found.append(task)
    return found


def _without_password(server: str) -> str:
    scheme, found, rest = server.rpartition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}"


def reason(error: BaseException) -> str:
    """Say in a few words what the library's error says."""
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(error).removeprefix("nats: ").strip().rstrip(".") or type(error).__name__
