"""What watching costs: changes a CPU second, memory, and how long a change takes to the journal.

python -m tests.bench.bench_watch                        every client against a replay server
python -m tests.bench.bench_watch --kubeconfig FILE      latencies against a real API server as well

The replay server (tests/bench/informer, Go) answers as an API server with TLS, so that all clients read the same bytes
and the API server's own limits do not count; it sends copies of recorded pods (tests/recorded), a tenth of them in a
crash loop. Latency is from the moment of writing a change to the end of its handling. Against a real API server the
clock starts when the patch is sent, so that the API server's own work is in it.
"""

import argparse
import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import create_default_context
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "recorded" / "pods.jsonl.gz"
CLIENTS = {
    "stream": "stream: mirror, diagnosis, journal",
    "stream-bare": "stream alone",
    "informer": "Go informer, protobuf",
    "informer-json": "Go informer, JSON",
    "kopf": "Kopf source: mirror, diagnosis, journal",
    "kopf-bare": "Kopf handler, defaults",
}
JSON_CONTENT = "application/json"


def templates() -> dict[str, list[dict[str, Any]]]:
    """Take pods of the recording, with places where the replay server writes what differs."""
    healthy, failing = [], []
    with gzip.open(RECORDED, "rt") as lines:
        for line in lines:
            pod = json.loads(line)["object"]
            name = pod["metadata"]["name"]
            if name.startswith("deploy-healthy") and pod["status"]["phase"] == "Running":
                healthy.append(pod)
            elif name.startswith("deploy-crashes") and pod["status"].get("containerStatuses"):
                failing.append(pod)
    for pod in (*healthy, *failing):
        pod["metadata"] |= {
            "name": "nnnnnnnnnn",
            "uid": "uuuuuuuu-uuuu-4uuu-8uuu-uuuuuuuuuuuu",
            "resourceVersion": "8888888888",
        }
        pod["status"]["message"] = "7777777777777777777"
    return {"healthy": healthy[-1:], "failing": failing[-9:]}


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process and wait until it is ready."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
        try:
            assert started.stdout is not None
            for line in started.stdout:
                if line.strip() == "READY":
                    break
            else:
                sys.exit(f"{' '.join(command)} failed")
            yield started
        finally:
            started.kill()


def client(name: str, informer: str, kubeconfig: Path, pods: int, events: int, namespace: str = "") -> list[str]:
    where = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", f"--events={events}"]
    if name.startswith("informer"):
        return [informer, "watch", *where, *([f"--content={JSON_CONTENT}"] if name.endswith("json") else [])]
    return [sys.executable, "-m", "tests.bench.watching", name, *where, f"--pods={pods}"]


def report(started: subprocess.Popen[str]) -> dict[str, float]:
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("{"):
            found: dict[str, float] = json.loads(line)
            return found
    sys.exit("a client ended without a report")


def replayed(name: str, informer: str, folder: Path, pods: int, events: int, rate: float) -> dict[str, float]:
    kubeconfig = folder / "replay.yaml"
    serve = [informer, "serve", f"--templates={folder / 'templates.json'}", f"--kubeconfig={kubeconfig}"]
    with (
        process(*serve, f"--pods={pods}", f"--events={events}", f"--rate={rate}"),
        process(*client(name, informer, kubeconfig, pods, events)) as watching,
    ):
        cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        trust = create_default_context(cadata=authority)
        with urllib.request.urlopen(cluster["server"] + "/start", context=trust):
            return report(watching)


def real(name: str, informer: str, kubeconfig: Path, pods: int, events: int, rate: float) -> dict[str, float]:
    namespace = f"kubedom-bench-{uuid.uuid4().hex[:6]}"
    kubectl = ["kubectl", f"--kubeconfig={kubeconfig}"]
    subprocess.run([*kubectl, "create", "namespace", namespace], check=True, capture_output=True)
    try:
        wanted = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", f"--pods={pods}"]
        with (
            process(informer, "drive", *wanted, f"--events={events}", f"--rate={rate}") as driver,
            process(*client(name, informer, kubeconfig, pods, events, namespace)) as watching,
        ):
            assert driver.stdin is not None
            driver.stdin.write("go\n")
            driver.stdin.flush()
            return report(watching) | {"driven": report(driver)["rate"]}
    finally:
        subprocess.run([*kubectl, "delete", "namespace", namespace, "--wait=false"], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=50_000, help="changes of the measurement of throughput")
    parser.add_argument("--rates", default="20,200,1000", help="changes a second of the measurements of latency")
    parser.add_argument("--seconds", type=float, default=10, help="how long each of those lasts")
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--real-pods", type=int, default=1000)
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",") if rate]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        informer = str(folder / "informer")
        go = shutil.which("go") or sys.exit("the benchmark needs Go")
        subprocess.run([go, "build", "-trimpath", "-o", informer, "."], cwd=ROOT / "tests/bench/informer", check=True)
        (folder / "templates.json").write_text(json.dumps(templates()))
        columns = ["changes/CPU s", "list s", "list CPU s", "RSS MB", "peak MB"]
        columns += [f"p50/p99/longest ms at {rate:g}/s" for rate in rates]
        if options.kubeconfig:
            columns += [f"real: p50/p99/longest ms at {rate:g}/s" for rate in rates]
        print("| client | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
        for _ in range(options.rounds):
            for one in options.clients.split(","):
                # Kopf would take minutes.
                events = options.events // 10 if one.startswith("kopf") else options.events
                found = replayed(one, informer, folder, options.pods, events, 0)
                cells = [f"{found['events'] / found['cpu']:,.0f}"]
                cells += [f"{found[key]:.1f}" for key in ("list_seconds", "list_cpu")]
                cells += [f"{found[key]:.0f}" for key in ("rss", "peak")]
                for rate in rates:
                    found = replayed(one, informer, folder, options.pods, int(rate * options.seconds), rate)
                    cells.append(_latencies(found))
                for rate in rates if options.kubeconfig else ():
                    events = int(rate * options.seconds)
                    found = real(one, informer, options.kubeconfig, options.real_pods, events, rate)
                    cells.append(f"{_latencies(found)} ({found['driven']:.0f}/s)")
                print(f"| {CLIENTS[one]} | " + " | ".join(cells) + " |", flush=True)


def _latencies(found: dict[str, float]) -> str:
    return " / ".join(f"{found[key]:.1f}" for key in ("p50", "p99", "longest"))


if __name__ == "__main__":
    main()
