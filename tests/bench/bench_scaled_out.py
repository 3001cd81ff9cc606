"""What it costs to scale out: the log on NATS JetStream and apart bridges, beside one process with its own journal.

    python -m tests.bench.bench_scaled_out [--parts log clients memory] [--rounds 3] [--json FILE] …

log      entries a second: states of pods given to the operator's writer until the log has them, and until a bridge's
         copy has them; beside the in-process journal. A CPU second of the writer does not depend on the machine's load
clients  a bridge in one process with the journal, and 1 and 3 bridges at a log, each with its own 1,000 clients that
         watch all pods: from a pod's change to a client's read, and what each process used of a core
memory   what the operator's side, NATS and a bridge hold with none and with so many pods; the bridge also once a page
         was given them all, and the next operator that goes on from the log. "clients" has what 1,000 of them take

Every part is a process of its own (tests/bench/scaling.py), NATS is the real server with file storage on loopback, and
clients are real WebSockets in processes beside the bridges. Pods are copies of a recorded one that change one after
the other; they pass the operator's diagnosis, but no API server. Rounds of both sides alternate, and figures are
medians of the rounds; "load" is the machine's one-minute load before each. Nothing is pinned to a core: on a machine
with few, latency at a high rate is that of all the clients' work too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.nats import NatsServer

ROOT = Path(__file__).parents[2]
BRIDGES = 3
WARM_UP_SECONDS = 2.0
SETTLE_SECONDS = 1.0
MIB = 2**20
Found = dict[str, float]


class Part:
    """One of the processes; `where` is what it said when it was up."""

    def __init__(self, process: asyncio.subprocess.Process, where: dict[str, Any]) -> None:
        self._process = process
        self.where = where

    async def ask(self, *words: object) -> dict[str, Any]:
        """Let it do something, and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            sys.exit(f"the process that was asked to {words[0]} has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def part(role: str, url: str = "") -> AsyncIterator[Part]:
    """Start a process, and wait until it is up."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.scaling", role, f"--nats={url}"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            sys.exit(f"the {role} did not start")
        yield Part(process, json.loads(line))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def nats() -> AsyncIterator[NatsServer]:
    """A NATS server with an empty log."""
    with tempfile.TemporaryDirectory() as folder, NatsServer(Path(folder)) as server:
        yield server


def cpu_of(pid: int) -> float:
    """CPU seconds of a process that is none of ours."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Resident bytes of such a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def journal_alone(options: argparse.Namespace) -> Found:
    """Entries a second in one process."""
    async with part("whole") as whole:
        await whole.ask("load", options.pods)
        told = await whole.ask("flood", options.entries)
    took = told["ended"] - told["begun"]
    rate = options.entries / took
    return {"written": rate, "seen": rate, "a writer's CPU s": options.entries / told["cpu"], "cpu": told["cpu"] / took}


async def journal_on_jetstream(options: argparse.Namespace) -> Found:
    """Entries a second through NATS."""
    async with nats() as server, part("operator", server.url) as operator:
        await operator.ask("load", options.pods)
        async with part("bridge", server.url) as bridge:
            first = await operator.ask("head")
            used, bridge_used = cpu_of(server.pid), await bridge.ask("figures")
            told, seen = await asyncio.gather(
                operator.ask("flood", options.entries), bridge.ask("reached", first["head"] + options.entries)
            )
            bridge_cpu = (await bridge.ask("figures"))["cpu"] - bridge_used["cpu"]
            used = cpu_of(server.pid) - used
    took, until_seen = told["ended"] - told["begun"], seen["at"] - told["begun"]
    return {
        "written": options.entries / took,
        "seen": options.entries / until_seen,
        "a writer's CPU s": options.entries / told["cpu"],
        "cpu": told["cpu"] / took,
        "nats cpu": used / until_seen,
        "bridge cpu": bridge_cpu / until_seen,
    }


async def clients_of(bridges: int, rate: float, options: argparse.Namespace) -> Found:
    """Latency and CPU with so many bridges; with none it is in the process that makes the changes."""
    async with AsyncExitStack() as stack:
        server = None
        if not bridges:
            teller = await stack.enter_async_context(part("whole"))
            serving = [teller]
        else:
            server = await stack.enter_async_context(nats())
            teller = await stack.enter_async_context(part("operator", server.url))
            serving = [await stack.enter_async_context(part("bridge", server.url)) for _ in range(bridges)]
        await teller.ask("load", options.pods)
        crowds = [await stack.enter_async_context(part("clients")) for _ in serving]
        empty = [await one.ask("figures") for one in serving]
        for crowd, one in zip(crowds, serving, strict=True):
            await crowd.ask("join", one.where["port"], one.where["cookie"], options.clients)
        full = [await one.ask("figures") for one in serving]
        await teller.ask("pace", rate, WARM_UP_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)
        for crowd in crowds:
            await crowd.ask("forget")
        before = [await one.ask("figures") for one in serving]
        nats_before = cpu_of(server.pid) if server is not None else 0.0
        paced = await teller.ask("pace", rate, options.seconds)
        took = paced["changes"] / paced["rate"]
        nats_used = (cpu_of(server.pid) if server is not None else 0.0) - nats_before
        after = [await one.ask("figures") for one in serving]
        wanted = paced["changes"] * options.clients
        read = await asyncio.gather(*(crowd.ask("received", wanted) for crowd in crowds))
    for one in read:
        if one["received"] != wanted or one["lost"]:
            sys.exit(f"{one['lost']} connections lost, {one['received']:,} of {wanted:,} entries read")
    latencies = sorted(ms for one in read for ms in one["ms"])
    # What the process that makes the changes uses for that is in the one process's share.
    shares = [
        (late["cpu"] - early["cpu"]) / (late["at"] - early["at"]) for early, late in zip(before, after, strict=True)
    ]
    grown = [(late["rss"] - early["rss"]) / MIB for early, late in zip(empty, full, strict=True)]
    return {
        "clients": float(len(serving) * options.clients),
        "rate": paced["rate"],
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[len(latencies) * 99 // 100],
        "bridge cpu": statistics.mean(shares),
        "operator cpu": paced["cpu"] if server is not None else 0.0,
        "nats cpu": nats_used / took,
        "MiB a 1,000 clients": statistics.mean(grown) * 1_000 / options.clients,
    }


async def memory_with(objects: int, options: argparse.Namespace) -> Found:
    """Resident MiB of each process with so many pods."""
    async with nats() as server, part("operator", server.url) as operator:
        await operator.ask("load", objects)
        begun = time.monotonic()
        async with part("bridge", server.url) as bridge, part("clients") as crowd:
            loaded = time.monotonic() - begun
            read = await bridge.ask("figures")
            await crowd.ask("join", bridge.where["port"], bridge.where["cookie"], 1)
            asked = await bridge.ask("figures")
            writes = await operator.ask("figures")
            async with part("operator", server.url) as next_one:
                goes_on = await next_one.ask("figures")
            return {
                "objects": float(objects),
                "bridge": read["rss"] / MIB,
                "bridge with a page": asked["rss"] / MIB,
                "bridge peak": asked["peak"] / MIB,
                "operator": writes["rss"] / MIB,
                "next operator": goes_on["rss"] / MIB,
                "next operator peak": goes_on["peak"] / MIB,
                "nats": memory_of(server.pid) / MIB,
                "start s": loaded,
            }


async def measure(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """All parts that were asked for; rounds of what is compared alternate."""
    parts: dict[str, list[tuple[str, Any]]] = {
        "log": [
            ("in-process journal", lambda: journal_alone(options)),
            ("JetStream", lambda: journal_on_jetstream(options)),
        ],
        "clients": [
            (f"{name} at {rate:g}/s", lambda bridges=bridges, rate=rate: clients_of(bridges, rate, options))
            for rate in options.rates
            for name, bridges in (("one process", 0), ("1 bridge", 1), (f"{BRIDGES} bridges", BRIDGES))
        ],
        "memory": [(f"{count:,} pods", lambda count=count: memory_with(count, options)) for count in options.objects],
    }
    results: dict[str, list[dict[str, Any]]] = {}
    for name in options.parts:
        rounds: dict[str, list[Found]] = {title: [] for title, _ in parts[name]}
        for number in range(options.rounds):
            for title, run in parts[name]:
                load = os.getloadavg()[0]
                found = await run()
                rounds[title].append(found | {"load": load})
                said = ", ".join(f"{key} {value:.2f}" for key, value in rounds[title][-1].items())
                print(f"{name}, round {number + 1}, {title}: {said}", file=sys.stderr, flush=True)
        results[name] = [
            {
                "what": title,
                "median": {key: statistics.median(one[key] for one in found) for key in found[0]},
                "rounds": found,
            }
            for title, found in rounds.items()
        ]
        show(name, results[name])
    return results


def show(name: str, rows: list[dict[str, Any]]) -> None:
    """Print one part's medians as a table; the first row is what the others are beside."""
    columns = list(dict.fromkeys(key for row in rows for key in row["median"]))
    print(f"\n| {name} | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for row in rows:
        cells = [_cell(key, row["median"].get(key)) for key in columns]
        print(f"| {row['what']} | {' | '.join(cells)} |", flush=True)


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return ""
    if key.endswith("cpu"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = ["log", "clients", "memory"]
    parser.add_argument("--parts", nargs="+", choices=every, default=every)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pods", type=int, default=1_000, help="how many there are for `log` and `clients`")
    parser.add_argument("--entries", type=int, default=20_000, help="how many states `log` writes")
    parser.add_argument("--clients", type=int, default=1_000, help="how many each bridge has")
    parser.add_argument("--rates", type=float, nargs="+", default=[5, 20], help="changes a second for `clients`")
    parser.add_argument("--seconds", type=float, default=10, help="how long each rate lasts")
    parser.add_argument("--objects", type=int, nargs="+", default=[0, 10_000, 50_000], help="the sizes for `memory`")
    parser.add_argument("--json", type=Path, help="where the medians and all rounds are written as JSON")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # The others inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = asyncio.run(measure(options))
    if options.json is not None:
        machine = {"cores": os.cpu_count(), "python": sys.version.split()[0]}
        asked = {key: value for key, value in vars(options).items() if key != "json"}
        options.json.write_text(json.dumps({"machine": machine, "options": asked, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
