"""What one server process tells many clients: deliveries a second, latency, and memory an idle connection.

    python -m tests.bench.bench_fanout [--clients 1000 3000] [--seconds 5] [--rate 20] [--stalled 20]

The bridge with its journal, sign-in and delivery beside `websockets.broadcast()` on a plain websockets server, which
passes the same journal on; entries of 1 KB. The server has one core (where a process can be pinned) and the clients,
all in this process, another: they only count the entries in what they read, and every entry has to be counted by every
client. Throughput is with as many entries published as the clients take, at most a window ahead; latency is at an even
rate, from publishing to the client's read. Each server is measured a second time beside some clients that subscribe and
never read; what its memory grew by in the run is the last column but one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.fanning import SERVERS
from tests.faults.wire import PONG, frame

ROOT = Path(__file__).parents[2]
CONNECT_AT_ONCE = 100
WARM_UP_SECONDS = 1.0
TAKEN_SECONDS = 0.005
BUFFER_BYTES = 262_144
# Begins an entry, and is no part of anything else that is sent.
ENTRY = b'"at":"'
STAMP_BYTES = 17
# Of the server's keepalive, which closes a connection that does not answer; nothing in JSON looks like it.
PING_BYTES = 4
PING = bytes((0x89, PING_BYTES))


class Tally:
    """What all clients together have read."""

    def __init__(self) -> None:
        self.entries = 0
        self.ready = 0
        self.lost = 0
        self.timing = False
        self.latencies: list[float] = []
        # One for all: what was read is counted before the next read.
        self.buffer = bytearray(BUFFER_BYTES)


class Client(asyncio.BufferedProtocol):
    """A connection that shakes hands, subscribes, and from then on counts."""

    def __init__(self, tally: Tally, request: bytes, subscribes: bool) -> None:
        self._tally = tally
        self._request = request
        self._ready_at = b'"snapshotEnd"' if subscribes else b"\r\n\r\n"
        self._subscribes = subscribes
        self._opening = b""
        self._tail = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.lost += 1

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._tally.buffer

    def buffer_updated(self, nbytes: int) -> None:
        tally = self._tally
        if (at := tally.buffer.find(PING, 0, nbytes)) >= 0:
            payload = bytes(tally.buffer[at + len(PING) : at + len(PING) + PING_BYTES])
            self._transport.write(frame(payload, opcode=PONG))
        if not self._open:
            self._shake_hands(bytes(tally.buffer[:nbytes]))
            return
        if tally.timing:
            self._time(self._tail + bytes(tally.buffer[:nbytes]))
        else:
            # One that lies across two reads is in neither of them.
            tally.entries += tally.buffer.count(ENTRY, 0, nbytes)
            tally.entries += (
                (self._tail + bytes(tally.buffer[: min(nbytes, len(ENTRY) - 1)])).count(ENTRY) if self._tail else 0
            )
            self._tail = (self._tail + bytes(tally.buffer[max(0, nbytes - len(ENTRY) + 1) : nbytes]))[1 - len(ENTRY) :]

    def _shake_hands(self, data: bytes) -> None:
        self._opening += data
        if self._subscribes and b"\r\n\r\n" in self._opening:
            assert self._opening.startswith(b"HTTP/1.1 101 "), self._opening
            self._transport.write(frame(b'{"type":"subscribe"}'))
            self._subscribes = False
        if self._ready_at in self._opening:
            self._open, self._opening = True, b""
            self._tally.ready += 1
        elif not self._subscribes:
            # A large snapshot comes in many reads.
            self._opening = self._opening[-len(self._ready_at) :]

    def _time(self, data: bytes) -> None:
        now = time.monotonic()
        at = 0
        while (at := data.find(ENTRY, at)) >= 0:
            stamp = data[at + len(ENTRY) : at + len(ENTRY) + STAMP_BYTES]
            if len(stamp) < STAMP_BYTES:
                self._tail = data[at:]
                return
            self._tally.entries += 1
            self._tally.latencies.append(now - float(stamp))
            at += len(ENTRY)
        self._tail = data[-len(ENTRY) + 1 :]


class Server:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, cookie: str) -> None:
        self.process = process
        self.port = port
        self.cookie = cookie

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    async def figures(self) -> dict[str, float]:
        assert self.process.stdout is not None
        self.tell("figures")
        found: dict[str, float] = json.loads(await self.process.stdout.readline())
        return found

    def request(self) -> bytes:
        lines = [
            "GET /api/socket HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Origin: http://127.0.0.1:{self.port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        ]
        if self.cookie:
            lines += ["Sec-WebSocket-Protocol: kubedom.v1", f"Cookie: {self.cookie}"]
        return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def serving(name: str, core: int | None) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.fanning", name),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        yield Server(process, **json.loads(await process.stdout.readline()))
    finally:
        process.kill()
        await process.wait()


async def connect(server: Server, tally: Tally, clients: int, at_once: int = CONNECT_AT_ONCE) -> None:
    loop = asyncio.get_running_loop()
    for start in range(0, clients, at_once):
        wanted = min(start + at_once, clients)
        for _ in range(start, wanted):
            await loop.create_connection(
                lambda: Client(tally, server.request(), bool(server.cookie)), "127.0.0.1", server.port
            )
        while tally.ready < wanted:
            await asyncio.sleep(0.01)
            if tally.lost:
                sys.exit(f"{tally.lost} connections were lost")


def stall(server: Server) -> socket.socket:
    """A client that asks for everything and reads nothing."""
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", server.port))
    stalled.sendall(server.request())
    if server.cookie:
        stalled.sendall(frame(b'{"type":"subscribe"}'))
    return stalled


async def measure(name: str, clients: int, stalled: int, options: argparse.Namespace, core: int | None) -> list[float]:
    tally = Tally()
    async with serving(name, core) as server:
        empty = await server.figures()
        await connect(server, tally, clients)
        idle = await server.figures()
        sockets = [stall(server) for _ in range(stalled)]

        tally.timing = True
        server.tell(f"pace {options.rate}")
        await asyncio.sleep(WARM_UP_SECONDS)
        tally.latencies.clear()
        await asyncio.sleep(options.seconds)
        latencies = [1000 * one for one in tally.latencies]
        server.tell("rest")
        await asyncio.sleep(WARM_UP_SECONDS)

        tally.timing = False
        server.tell(f"taken {tally.entries // clients}")
        server.tell(f"flood {options.window}")
        telling = asyncio.create_task(_tell_taken(server, tally, clients))
        await asyncio.sleep(WARM_UP_SECONDS)
        first = await server.figures()
        before, own_cpu, started = tally.entries, time.process_time(), time.monotonic()
        await asyncio.sleep(options.seconds)
        delivered, own_cpu, took = tally.entries - before, time.process_time() - own_cpu, time.monotonic() - started
        # A busy server answers late, so its share is of the time by its own clock.
        last = await server.figures()
        server_share = (last["cpu"] - first["cpu"]) / (last["at"] - first["at"])
        server.tell("rest")
        head = (await server.figures())["head"]
        while tally.entries < head * clients:
            await asyncio.sleep(0.1)
            if tally.lost:
                break
        await asyncio.sleep(WARM_UP_SECONDS)
        grown = ((await server.figures())["rss"] - idle["rss"]) / 2**20
        telling.cancel()
        for one in sockets:
            one.close()
        if tally.lost or tally.entries != head * clients:
            sys.exit(f"{tally.lost} connections lost, {tally.entries:,} of {head * clients:,.0f} entries counted")
    p50, p99 = (statistics.quantiles(latencies, n=100)[at] for at in (49, 98))
    return [
        delivered / took,
        p50,
        p99,
        (idle["rss"] - empty["rss"]) / 1024 / clients,
        grown,
        server_share,
        own_cpu / took,
    ]


async def _tell_taken(server: Server, tally: Tally, clients: int) -> None:
    while True:
        await asyncio.sleep(TAKEN_SECONDS)
        server.tell(f"taken {tally.entries // clients}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="+", default=[1000, 3000])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=float, default=20, help="entries a second of the measurement of latency")
    parser.add_argument("--stalled", type=int, default=20, help="clients that read nothing, in the second round")
    parser.add_argument("--window", type=int, default=150, help="how many entries the clients may be behind")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # The server inherits it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    core = None
    if hasattr(os, "sched_setaffinity") and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        core = cores[0]
        os.sched_setaffinity(0, cores[1:])
    columns = "clients | server | stalled | deliveries/s | p50 ms | p99 ms | KB a connection | MB grown"
    print(f"| {columns} | server CPU | clients' CPU | of broadcast() |\n|" + "---|" * 11)
    for clients in options.clients:
        for stalled in dict.fromkeys((0, options.stalled)):
            found = {name: asyncio.run(measure(name, clients, stalled, options, core)) for name in options.servers}
            for name, (rate, p50, p99, memory, grown, *cpu) in found.items():
                cells = [f"{clients:,}", name, str(stalled), f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}"]
                cells += [f"{memory:.1f}", f"{grown:.0f}", *(f"{share:.0%}" for share in cpu)]
                cells.append(f"{rate / found['broadcast'][0]:.1f}" if "broadcast" in found else "")
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
