"""One Python client of the benchmark, in a process of its own: `python -m tests.bench.watching SOURCE [options]`.

Prints READY when the first list is complete, then one line of JSON when it has seen as many changes as it was told to
expect. A change's status message is the moment, in nanoseconds, at which it was made.

stream       the stream source, mirror, diagnosis and journal
stream-bare  the stream source alone
kopf         the Kopf source, mirror, diagnosis and journal
kopf-bare    a Kopf handler with default settings that does nothing
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import kopf

from kubedom_bridge.credentials import load_configuration
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator.pipeline import Pipeline
from kubedom_operator.watch.kopf_source import KopfSource
from kubedom_operator.watch.stream import StreamSource


class Meter:
    """Says what a list and then a number of changes cost."""

    def __init__(self, events: int) -> None:
        self._expected = events
        self._begun = time.perf_counter()
        self._begun_cpu = cpu()
        self._latencies: list[float] = []
        self._first = 0.0
        self._used = 0.0
        self._report: dict[str, float] = {}
        self.finished = asyncio.Event()

    async def ready(self, objects: int) -> None:
        self._report |= {
            "list_seconds": time.perf_counter() - self._begun,
            "list_cpu": cpu() - self._begun_cpu,
            "objects": objects,
        }
        await asyncio.sleep(1)
        self._report["rss_after_list"] = memory("VmRSS")
        self._used = cpu()
        print("READY", flush=True)

    def change(self, message: str | None) -> None:
        if not message or not message.isdecimal() or not int(message):
            return
        if not self._latencies:
            self._first = time.perf_counter()
        self._latencies.append((time.time_ns() - int(message)) / 1e6)
        if len(self._latencies) == self._expected:
            self._report["cpu"] = cpu() - self._used
            self._report["seconds"] = time.perf_counter() - self._first
            self.finished.set()

    def report(self) -> dict[str, float]:
        latencies = sorted(self._latencies)
        return self._report | {
            "events": len(latencies),
            "rss": memory("VmRSS"),
            "peak": memory("VmHWM"),
            "p50": latencies[len(latencies) // 2],
            "p99": latencies[len(latencies) * 99 // 100],
            "longest": latencies[-1],
        }


class Bare:
    """A sink that keeps uids and does nothing."""

    def __init__(self) -> None:
        self.uids: set[str] = set()
        self.complete = asyncio.Event()

    def changed(self, kind: str, obj: Any) -> None:
        self.uids.add(obj.metadata.uid)

    def gone(self, kind: str, uid: str, resource_version: str = "") -> None:
        self.uids.discard(uid)

    def unreadable(self, problem: Any, minimal: Any) -> None:
        raise problem

    def synced(self, kind: str) -> None:
        self.complete.set()

    def known(self, kind: str) -> Collection[str]:
        return self.uids

    def trouble(self, kind: str, sentence: str) -> None:
        pass


class Whole(Bare):
    """The pipeline with a journal, as the product has it."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(clock=time.monotonic)
        self.pipeline = Pipeline("bench", self.journal.publish, clock=time.time)
        self.changed = self.pipeline.changed  # type: ignore[method-assign]
        self.gone = self.pipeline.gone  # type: ignore[method-assign]
        self.known = self.pipeline.known  # type: ignore[method-assign]

    def synced(self, kind: str) -> None:
        self.pipeline.synced(kind)
        self.complete.set()


def metered(sink: Bare, meter: Meter) -> Bare:
    inner: Callable[[str, Any], None] = sink.changed

    def changed(kind: str, obj: Any) -> None:
        inner(kind, obj)
        meter.change(obj.status.message)

    sink.changed = changed  # type: ignore[method-assign]
    return sink


async def watch(arguments: argparse.Namespace, meter: Meter) -> None:
    choice = ClusterChoice(arguments.kubeconfig)
    api = await Api.connect(choice)
    sink = metered(Bare() if arguments.source.endswith("bare") else Whole(), meter)
    namespace = arguments.namespace or None
    source: StreamSource | KopfSource
    if arguments.source.startswith("stream"):
        source = StreamSource(api, ["Pod"], sink, namespace=namespace)
    else:
        source = KopfSource(choice, api, ["Pod"], sink, namespace=namespace)
    task = asyncio.create_task(source.run())
    await sink.complete.wait()
    await meter.ready(len(sink.known("Pod")))
    await meter.finished.wait()
    print(json.dumps(meter.report()), flush=True)
    task.cancel()
    await asyncio.wait([task])
    await api.close()


async def kopf_bare(arguments: argparse.Namespace, meter: Meter) -> None:
    uids: set[str] = set()
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        configuration, _name = await load_configuration(ClusterChoice(arguments.kubeconfig))
        return kopf.ConnectionInfo(
            server=configuration.host,
            ca_path=configuration.ssl_ca_cert,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
            token=configuration.api_key.get("BearerToken", "").removeprefix("Bearer ") or None,
            scheme="Bearer",
        )

    @kopf.on.event("", "v1", "pods", registry=registry)
    async def pod(body: kopf.Body, **_: Any) -> None:
        uids.add(body["metadata"]["uid"])
        meter.change(body["status"].get("message"))

    await kopf.operator(
        registry=registry,
        standalone=True,
        clusterwide=not arguments.namespace,
        namespaces=[arguments.namespace] if arguments.namespace else [],
        # In here, since Kopf ends every task of its loop that it does not know.
        stop_flag=asyncio.create_task(_until_done(arguments, meter, uids)),
    )


async def _until_done(arguments: argparse.Namespace, meter: Meter, uids: set[str]) -> None:
    # The handler has nothing to say when the list is complete, so the count is looked at.
    while len(uids) < arguments.pods:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await meter.ready(len(uids))
    await meter.finished.wait()
    print(json.dumps(meter.report()), flush=True)


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory(name: str) -> float:
    """Read a figure of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", choices=["stream", "stream-bare", "kopf", "kopf-bare"])
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--namespace", default="")
    parser.add_argument("--pods", type=int, required=True)
    parser.add_argument("--events", type=int, required=True)
    arguments = parser.parse_args()
    run = kopf_bare if arguments.source == "kopf-bare" else watch

    async def measured() -> None:
        await run(arguments, Meter(arguments.events))

    asyncio.run(measured())


if __name__ == "__main__":
    main()
