"""A way to the API server that can be cut, or fall silent without an end, in the middle of a watch."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class Cuttable:
    """Forwards TCP connections to one address."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])
        # An asyncio server loses what it has just accepted when its loop ends, and never closes it.
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def cut(self) -> None:
        """Break all connections, and each new one at once, until `mend`."""
        self._closed = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._closed = False

    def silence(self) -> None:
        """Forward nothing more of the present connections, and leave them open; new ones work."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Break all connections, and wait until every socket is closed."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._opening)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionAbortedError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            task = asyncio.create_task(self._connect(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _connect(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        self._writers.add(writer)
        try:
            onward_reader, onward = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(onward)
        if self._closed:
            self.cut()
            return
        for source, sink in ((reader, onward), (onward_reader, writer)):
            task = asyncio.create_task(_forward(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    # A cancelled task comes not here: its connection stays open and silent.
    writer.close()


@asynccontextmanager
async def cuttable(server: str) -> AsyncIterator[Cuttable]:
    """Open such a way to a server's address."""
    address = urlsplit(server)
    assert address.hostname is not None
    assert address.port is not None
    way = Cuttable(address.hostname, address.port)
    try:
        yield way
    finally:
        await way.close()


def kubeconfig_through(kubeconfig: Path, way: Cuttable, folder: Path) -> Path:
    """Write the same kubeconfig with the server's address replaced."""
    content = yaml.safe_load(kubeconfig.read_text())
    for cluster in content["clusters"]:
        cluster["cluster"]["server"] = f"https://127.0.0.1:{way.port}"
    changed = folder / "kubeconfig-through"
    changed.write_text(yaml.safe_dump(content))
    return changed
