"""The metrics count what happens, name nobody, and are those that the documentation has."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import generate_latest

from .conftest import receive, receive_until, send
from .entries import event, state
from .reviewing import Reviewing, reviewed

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "sign-in.md"


async def test_what_happens_is_counted_and_nobody_is_named() -> None:
    async with reviewed(Reviewing(token="ann")) as running:
        registry = running.bridge.metrics.registry
        running.journal.publish([state("secret-pod", namespace="secret-space")])
        socket = await running.connect(Authorization="Bearer token")
        epoch = (await receive(socket))["epoch"]
        for since in ({}, {"since": {"epoch": "another", "sequence": 1}}):
            await send(socket, {"type": "subscribe"} | since)
            await receive_until(socket, "snapshotEnd")
        await send(socket, {"type": "subscribe", "since": {"epoch": epoch, "sequence": 1}})
        # Answered when what came before it has begun.
        await send(socket, {"type": "?"})
        await receive_until(socket, "error")
        running.journal.publish([event("secret-pod", namespace="secret-space")])
        await receive(socket)

        def value(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(f"kubedom_{name}", labels)

        assert value("connections") == 1
        assert value("snapshots_sent_total") == 2
        assert value("resumes_total") == 1
        assert value("resyncs_total", reason="epoch") == 1
        assert value("entries_sent_total") == 1
        assert (value("sent_bytes_total") or 0) > 500
        assert value("reviews_total", of="token", by="apiserver") == 1
        assert (value("reviews_total", of="access", by="memory") or 0) > 0
        text = generate_latest(registry).decode()
        assert "secret" not in text
        assert "ann" not in re.findall(r'="([^"]*)"', text)


async def test_the_documentation_names_every_metric_and_no_other() -> None:
    async with reviewed(Reviewing()) as running:
        text = generate_latest(running.bridge.metrics.registry).decode()
    served = set(re.findall(r"(?m)^# TYPE (kubedom_\w+)", text))
    served = {name for name in served if not name.endswith("_created")}
    table = DOCUMENTATION.read_text(encoding="utf-8").partition("## Metrics")[2].partition("## Limits")[0]
    assert set(re.findall(r"`(kubedom_\w+)", table)) == served
