"""A way to the API server that can be cut, or fall silent without an end, in the middle of a watch."""

import asyncio
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
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.port = 0

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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._closed:
            writer.transport.abort()
            return
        try:
            onward_reader, onward = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(onward)
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
    listener = await asyncio.start_server(way._accept, "127.0.0.1", 0)
    way.port = listener.sockets[0].getsockname()[1]
    try:
        yield way
    finally:
        listener.close()
        way.cut()
        await asyncio.gather(*way._tasks, return_exceptions=True)


def kubeconfig_through(kubeconfig: Path, way: Cuttable, folder: Path) -> Path:
    """Write the same kubeconfig with the server's address replaced."""
    content = yaml.safe_load(kubeconfig.read_text())
    for cluster in content["clusters"]:
        cluster["cluster"]["server"] = f"https://127.0.0.1:{way.port}"
    changed = folder / "kubeconfig-through"
    changed.write_text(yaml.safe_dump(content))
    return changed
