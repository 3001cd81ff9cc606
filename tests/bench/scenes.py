"""The messages of a large cluster: its pods, and failures that begin and end."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubedom_bridge import frames
from kubedom_bridge.protocol import encode
from kubedom_operator import telling
from kubedom_operator.projection import from_object

RECORDED = Path(__file__).parents[1] / "recorded" / "pods.jsonl.gz"
A_MESSAGE = 250
NAMESPACES = 100
#: Workloads of 50 pods each.
A_WORKLOAD = 50
#: How many pods fail and recover in turn.
FAILING = 1000
#: One change in so many is a pod that goes or comes back.
CHURN = 50
STATUSES = ("Running", "Running", "Running", "NotReady", "ContainerCreating", "CrashLoopBackOff")


def _sample() -> dict[str, Any]:
    """A pod that runs, as the operator tells it."""
    with gzip.open(RECORDED, "rt") as lines:
        for line in lines:
            pod = json.loads(line)["object"]
            states = pod.get("status", {}).get("containerStatuses", [])
            if states and all(state.get("ready") for state in states):
                entry: dict[str, Any] = json.loads(encode(telling.state("Pod", from_object("Pod", pod), time.time())))
                return entry
    raise AssertionError("No recorded pod was ready.")


def _place(number: int) -> tuple[str, str]:
    workload = number // A_WORKLOAD
    return f"namespace-{workload % NAMESPACES}", f"workload-{workload}"


def _pod(sample: dict[str, Any], number: int) -> dict[str, Any]:
    namespace, workload = _place(number)
    name, uid = f"{workload}-7d9c5b6f4-{number:06}", f"7f000000-0000-4000-8000-{number:012}"
    metadata = sample["object"]["metadata"] | {"name": name, "namespace": namespace, "uid": uid}
    return sample | {
        "uid": uid,
        "namespace": namespace,
        "workload": {"kind": "Deployment", "name": workload},
        "object": sample["object"] | {"metadata": metadata},
    }


def messages_of_pods(count: int, failing: int = 0) -> list[str]:
    """A snapshot of so many pods, of which the first ones fail, and of the deployments that they belong to."""
    sample = _sample()
    entries = []
    for number in range(count):
        if number % A_WORKLOAD == 0:
            entries.append(_deployment(*_place(number)))
        entries.append(json.dumps(_pod(sample, number), separators=(",", ":")).encode())
    incidents = [_failure(number, number, 0, begins=True) for number in range(failing)]
    longest = max(len(entries), len(incidents))
    chunks = [
        frames.snapshot_chunk(entries[at : at + A_MESSAGE], incidents[at : at + A_MESSAGE], "")
        for at in range(0, longest, A_MESSAGE)
    ]
    return [chunk.decode() for chunk in (*chunks, frames.snapshot_end("e1", 1, ""))]


def messages_of_changes(count: int, a_message: int) -> Iterator[str]:
    """Changes of so many pods after their snapshot, without end; one in fifty is a pod that goes or comes back."""
    sample, chance, gone = _sample(), random.Random(1), -1
    entries = []
    for sequence in itertools.count(2):
        if sequence % CHURN:
            number = chance.randrange(count)
            number += number == gone
            display = sample["display"] | {"restarts": chance.randrange(100), "status": chance.choice(STATUSES)}
            entry = _pod(sample, number % count) | {"display": display}
        elif gone < 0:
            gone = chance.randrange(count)
            there = _pod(sample, gone)
            entry = {name: there[name] for name in ("kind", "uid", "namespace")} | {"op": "delete"}
        else:
            entry, gone = _pod(sample, gone), -1
        entry |= {"sequence": sequence, "time": "2026-01-01T00:00:03Z"}
        entries.append(json.dumps(entry, separators=(",", ":")).encode())
        if len(entries) == a_message:
            yield frames.changes(entries, "").decode()
            entries = []


def messages_of_events(count: int, a_message: int) -> list[str]:
    """Failures of the first pods, begun and ended in turn."""
    entries = [_event(number) for number in range(count)] + [_last(count + 2)]
    return [frames.changes(entries[at : at + a_message], "").decode() for at in range(0, len(entries), a_message)]


def _last(sequence: int) -> bytes:
    """By this the page knows that everything has come."""
    metadata = {"name": "last", "namespace": "last", "uid": "last"}
    entry = {
        "op": "upsert",
        "kind": "Pod",
        "uid": "last",
        "namespace": "last",
        "time": "2026-01-01T00:00:03Z",
        "sequence": sequence,
        "object": {"metadata": metadata, "spec": {}, "status": {"phase": "Running"}},
    }
    return json.dumps(entry, separators=(",", ":")).encode()


def _deployment(namespace: str, name: str) -> bytes:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1}
    status = {"observedGeneration": 1, "replicas": A_WORKLOAD, "readyReplicas": A_WORKLOAD}
    entry = {
        "op": "upsert",
        "kind": "Deployment",
        "uid": f"uid-{name}",
        "namespace": namespace,
        "time": "2026-01-01T00:00:00Z",
        "object": {"metadata": metadata, "spec": {"replicas": A_WORKLOAD}, "status": status},
    }
    return json.dumps(entry, separators=(",", ":")).encode()


def _event(number: int) -> bytes:
    lap, pod = divmod(number, FAILING)
    return _failure(number, pod, lap // 2, begins=lap % 2 == 0)


def _failure(number: int, pod: int, nth: int, *, begins: bool) -> bytes:
    """That a pod fails or recovers, for the nth time."""
    namespace, workload = _place(pod)
    name = f"{workload}-7d9c5b6f4-{pod:06}"
    entry = {
        "op": "event",
        "type": "podFailed" if begins else "podRecovered",
        "kind": "Pod",
        "uid": f"7f000000-0000-4000-8000-{pod:012}",
        "namespace": namespace,
        "resourceVersion": str(number),
        "time": "2026-01-01T00:00:02.000Z",
        "sequence": number + 2,
        "id": f"e1-{number + 2}",
        "source": "/clusters/test",
        "subject": f"{namespace}/pods/{name}",
        "severity": "error" if begins else "info",
        "incident": {
            "id": f"{pod}-{nth}",
            "kind": "PodFailed",
            "phase": "begin" if begins else "end",
            "since": "2026-01-01T00:00:01.000Z",
            "container": "main",
        },
        "detail": {
            "podName": name,
            "namespace": namespace,
            "reason": "Error",
            "exitCode": 1,
            "message": f"Container main of {name} ended with exit code 1.",
            "nextStep": "Read its last words with kubectl logs --previous.",
            "restartHelps": True,
        },
    }
    return json.dumps(entry, separators=(",", ":")).encode()
