"""The processes of bench_scaled_out: `python -m tests.bench.scaling ROLE [--nats URL]`.

operator   pipeline and the log's writer: the side that watches, without the watch itself
bridge     the log's copy and the bridge
whole      pipeline, in-process journal and the bridge
clients    WebSocket clients, which only count and time what they read

Each prints one line of JSON when it is up, and then answers every line that it reads with one line of JSON. The first
three load what the `kubedom` command loads, so that their memory is that of the command.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import gzip
import json
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

from tests.bench.bench_fanout import Server, Tally, connect

import kubedom_operator.cli  # noqa: F401 - for its weight
from kubedom_bridge import protocol
from kubedom_bridge.bridge import Bridge
from kubedom_bridge.jetstream.beat import Beat
from kubedom_bridge.jetstream.link import NatsSettings
from kubedom_bridge.jetstream.replica import Replica
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.protocol import Entry
from kubedom_bridge.records import Ledger
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_operator import telling
from kubedom_operator.jetstream.writer import LogWriter
from kubedom_operator.pipeline import Pipeline
from kubedom_operator.projection import decoder
from kubedom_operator.resuming import Told, read

RECORDED = Path(__file__).parents[1] / "recorded" / "pods.jsonl.gz"
NAMESPACES = 100
#: So many entries are given to the log at once, and so many may be on their way to it.
BATCH, AHEAD = 500, 3_000
QUANTILES = 1_000
#: So few clients come at once, for several bridges may share one core.
AT_ONCE = 20

Answer = dict[str, Any]
Answers = dict[str, Callable[..., Awaitable[Answer]]]


class Pods:
    """Pods as the API server tells them, each with its own name, of which any can change."""

    def __init__(self) -> None:
        self._decode = decoder("Pod").object
        with gzip.open(RECORDED, "rt") as lines:
            pods = (json.loads(line)["object"] for line in lines)
            pod = next(pod for pod in pods if pod["metadata"]["name"].startswith("deploy-healthy") and _runs(pod))
        pod["metadata"] |= {"name": "NAME", "namespace": "NAMESPACE", "uid": "UID", "resourceVersion": "VERSION"}
        # The stamp by which clients know when this version was made.
        pod["metadata"]["labels"]["at"] = "STAMP"
        self._template = json.dumps(pod)
        self._version = 1

    def pod(self, number: int) -> Any:
        """The next version of a pod, made now."""
        self._version += 1
        text = self._template.replace("NAMESPACE", f"namespace-{number % NAMESPACES}")
        text = text.replace("NAME", f"workload-{number // 50}-7d9c5b6f4-{number:06}")
        text = text.replace("UID", f"7f000000-0000-4000-8000-{number:012}")
        text = text.replace("VERSION", str(self._version)).replace("STAMP", f"{time.monotonic():017.6f}")
        return self._decode(text.encode())


def _runs(pod: dict[str, Any]) -> bool:
    states = pod["status"].get("containerStatuses", [])
    return bool(states) and all(state["ready"] for state in states)


class Telling:
    """Tells a log of pods.

    Args:
        publish: Takes entries.
        told: Waits until the log has all but so many of what it was given.
        log: What it had before.

    """

    def __init__(
        self, publish: Callable[[list[Entry]], None], told: Callable[[int], Awaitable[None]], log: Told | None = None
    ) -> None:
        self._publish = publish
        self._told = told
        self._pods = Pods()
        self._pipeline = Pipeline("bench", publish, clock=time.time)
        if log is not None:
            self._pipeline.resume(read(log))
        self._count = 0

    @property
    def answers(self) -> Answers:
        return {"load": self.load, "flood": self.flood, "pace": self.pace}

    async def load(self, count: int) -> Answer:
        """Tell so many pods by way of the pipeline."""
        for number in range(self._count, count):
            self._pipeline.changed("Pod", self._pods.pod(number))
            if number % BATCH == 0:
                await self._told(AHEAD)
        self._count = count
        await self._told(0)
        return {}

    async def flood(self, count: int) -> Answer:
        """Give the log so many states, which are made beforehand, as fast as it takes them."""
        chosen = [self._pods.pod(number % self._count) for number in range(count)]
        entries: list[Entry] = [telling.state("Pod", pod, time.time()) for pod in chosen]
        gc.collect()
        cpu, begun = time.process_time(), time.monotonic()
        for at in range(0, count, BATCH):
            self._publish(entries[at : at + BATCH])
            await self._told(AHEAD)
        await self._told(0)
        return {"begun": begun, "ended": time.monotonic(), "cpu": time.process_time() - cpu}

    async def pace(self, rate: float, seconds: float) -> Answer:
        """Change pods evenly, by way of the pipeline."""
        chance, due = random.Random(1), time.monotonic()
        cpu, begun = time.process_time(), time.monotonic()
        count = int(rate * seconds)
        for _ in range(count):
            self._pipeline.changed("Pod", self._pods.pod(chance.randrange(self._count)))
            due += 1 / rate
            await asyncio.sleep(max(0, due - time.monotonic()))
        await self._told(0)
        took = time.monotonic() - begun
        return {"changes": count, "rate": count / took, "cpu": (time.process_time() - cpu) / took}


@contextlib.asynccontextmanager
async def operator(nats: NatsSettings) -> AsyncIterator[tuple[Answer, Answers]]:
    writer = LogWriter(nats, cluster="bench", version="v1.36.3")
    log = await writer.connect()

    async def told(left: int) -> None:
        # Given to the writer, which has not made messages of it yet, is not told either.
        while writer._handover.waiting or len(writer._outbox) > left:  # noqa: ASYNC110 - a bench may look
            await asyncio.sleep(0.001)

    async def head() -> Answer:
        return {"head": writer._outbox.head}

    async with writer.running(lambda: Beat(epoch="")):
        tells = Telling(writer.put, told, log)
        # As the command forgets it.
        del log
        yield {}, tells.answers | {"head": head}


@contextlib.asynccontextmanager
async def bridge(nats: NatsSettings) -> AsyncIterator[tuple[Answer, Answers]]:
    replica = Replica(nats, name="bench")
    async with replica.running():
        await replica.loaded()
        async with _serving(replica.journal) as where:

            async def reached(sequence: int) -> Answer:
                while replica.journal.head < sequence:  # noqa: ASYNC110 - a bench may look
                    await asyncio.sleep(0.001)
                return {"at": time.monotonic()}

            yield where, {"reached": reached}


@contextlib.asynccontextmanager
async def whole(_: NatsSettings) -> AsyncIterator[tuple[Answer, Answers]]:
    journal = Journal(clock=time.monotonic)

    async def told(_: int) -> None:
        await asyncio.sleep(0)

    async with _serving(journal) as where:
        yield where, Telling(journal.publish, told).answers


@contextlib.asynccontextmanager
async def _serving(journal: Ledger) -> AsyncIterator[Answer]:
    # All clients are one user's.
    protocol.MESSAGE_BURST = 100_000
    settings = BridgeSettings(port=0, connections_a_user=100_000, drain_seconds=0.0)
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
async def clients(_: NatsSettings) -> AsyncIterator[tuple[Answer, Answers]]:
    tally = Tally()
    tally.timing = True

    async def join(port: int, cookie: str, count: int) -> Answer:
        await connect(Server(cast(asyncio.subprocess.Process, None), port, cookie), tally, count, AT_ONCE)
        return {}

    async def forget() -> Answer:
        tally.latencies.clear()
        return {}

    async def received(count: int) -> Answer:
        """Wait until so many entries were read, for at most a minute; the quantiles of how old they were."""
        try:
            async with asyncio.timeout(60):
                while len(tally.latencies) < count and not tally.lost:  # noqa: ASYNC110 - a bench may look
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        quantiles = [round(1000 * one, 3) for one in statistics.quantiles(tally.latencies or [0, 0], n=QUANTILES)]
        return {"received": len(tally.latencies), "lost": tally.lost, "ms": quantiles}

    yield {}, {"join": join, "forget": forget, "received": received}


ROLES = {"operator": operator, "bridge": bridge, "whole": whole, "clients": clients}


async def figures() -> Answer:
    gc.collect()
    return {"rss": _memory("VmRSS"), "peak": _memory("VmHWM"), "cpu": time.process_time(), "at": time.monotonic()}


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _arguments(words: list[str]) -> Iterator[Any]:
    for word in words:
        try:
            yield json.loads(word)
        except ValueError:
            yield word


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--nats", default="")
    options = parser.parse_args()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with ROLES[options.role](NatsSettings(servers=(options.nats,))) as (where, own):
        answers = own | {"figures": figures}
        print(json.dumps(where | {"pid": os.getpid()}), flush=True)
        while line := (await lines.readline()).decode():
            what, *words = line.split()
            print(json.dumps(await answers[what](*_arguments(words))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
