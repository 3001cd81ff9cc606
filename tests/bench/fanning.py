"""The servers of bench_fanout: the bridge, and a plain websockets server that passes the same journal on.

It prints one line of JSON when it serves, and answers the lines it reads: `figures` gives memory, CPU seconds
and the journal's head,
`flood WINDOW` publishes as fast as the clients take it, never more than WINDOW entries ahead of what `taken N` has
told, `pace RATE` publishes evenly, `rest` publishes no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from websockets.asyncio.server import ServerConnection, broadcast, serve

from kubedom_bridge import protocol
from kubedom_bridge.bridge import Bridge
from kubedom_bridge.frames import changes
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.protocol import EventEntry
from kubedom_bridge.records import Record
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen

# Makes an entry 1 KB long.
FILLING = "x" * 710
# Between two looks at what the clients have taken; the operator publishes in batches too.
BATCH = 10


@contextlib.asynccontextmanager
async def kubedom(journal: Journal) -> AsyncIterator[dict[str, object]]:
    # All clients are one user's.
    protocol.MESSAGE_BURST = 10_000
    settings = BridgeSettings(port=0, connections_a_user=10_000, drain_seconds=0.0)
    bridge = Bridge(
        settings,
        listen(settings),
        journal=journal,
        # No command is sent.
        api=cast(Api, None),
        user="ann",
        resources={},
        greeting=Greeting("bench", ""),
        not_ready=lambda: "",
    )
    async with bridge.serving():
        session = bridge.signin.exchange(bridge.signin.new_code())
        yield {"port": bridge.port, "cookie": f"kubedom_session_{bridge.port}={session}"}


@contextlib.asynccontextmanager
async def plain(journal: Journal) -> AsyncIterator[dict[str, object]]:
    connections: set[ServerConnection] = set()

    async def converse(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    def tell(records: list[Record]) -> None:
        for record in records:
            broadcast(connections, changes([record.encoded]), text=True)

    journal.follow(tell)
    async with serve(converse, "127.0.0.1", 0, compression=None, subprotocols=None, backlog=1024) as server:
        yield {"port": next(iter(server.sockets)).getsockname()[1], "cookie": ""}


SERVERS = {"kubedom": kubedom, "broadcast": plain}


class Publisher:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._taken = 0
        self._more = asyncio.Event()
        self._publishing: asyncio.Task[None] | None = None

    def taken(self, count: int) -> None:
        self._taken = count
        self._more.set()

    def start(self, what: str, number: float) -> None:
        self._publishing = asyncio.create_task(self._flood(int(number)) if what == "flood" else self._pace(number))

    async def rest(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait([self._publishing])

    def _publish(self, count: int) -> None:
        self._journal.publish([_entry() for _ in range(count)])

    async def _flood(self, window: int) -> None:
        ahead = self._journal.head - self._taken
        while True:
            self._more.clear()
            if self._journal.head - self._taken - ahead < window:
                self._publish(BATCH)
                await asyncio.sleep(0)
            else:
                await self._more.wait()

    async def _pace(self, rate: float) -> None:
        due = time.monotonic()
        while True:
            self._publish(1)
            due += 1 / rate
            await asyncio.sleep(max(0, due - time.monotonic()))


def _entry() -> EventEntry:
    return EventEntry(
        type="podFailed",
        kind="Pod",
        uid="7f0c1a52-93d5-4d0e-a4c1-5a0b7c9d2e11",
        namespace="default",
        time="2026-11-24T12:00:00.000Z",
        source="/clusters/bench",
        subject="default/pods/web",
        detail={"at": f"{time.monotonic():017.6f}", "text": FILLING},
    )


def figures() -> dict[str, float]:
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"rss": resident, "cpu": time.process_time(), "at": time.monotonic()}


async def main(name: str) -> None:
    journal = Journal(clock=asyncio.get_running_loop().time)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    publisher = Publisher(journal)
    async with SERVERS[name](journal) as where:
        print(json.dumps(where), flush=True)
        while line := (await lines.readline()).decode():
            what, *numbers = line.split()
            if what == "taken":
                publisher.taken(int(numbers[0]))
            elif what == "figures":
                print(json.dumps(figures() | {"head": journal.head}), flush=True)
            elif what == "rest":
                await publisher.rest()
            else:
                publisher.start(what, float(numbers[0]))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
