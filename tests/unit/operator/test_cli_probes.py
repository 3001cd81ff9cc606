"""The probes' port: what it says of a process, also of one whose loop is stuck."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Gauge

from kubedom_bridge.errors import ConfigurationError, PortInUse
from kubedom_operator.cli.probes import AT_ONCE, Health, ProbeAddress, probes_served, process_registry
from kubedom_operator.pulse import STUCK_SECONDS, Pulse


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Content-Type", "")
    finally:
        connection.close()


@contextmanager
def served(health: Health, registry: CollectorRegistry | None = None) -> Iterator[int]:
    with probes_served(ProbeAddress("127.0.0.1", 0), health, registry or CollectorRegistry()) as port:
        yield port


def test_a_process_that_starts_is_alive_and_not_ready() -> None:
    health = Health()
    health.starting = "NATS is waited for"
    with served(health) as port:
        assert ask(port, "/healthz")[:2] == (200, "ok\n")
        assert ask(port, "/readyz")[:2] == (503, "NATS is waited for\n")
        health.ready(lambda: "")
        assert ask(port, "/readyz")[:2] == (200, "ok\n")


def test_what_is_wrong_is_said() -> None:
    health, wrong = Health(), ["", ""]
    health.alive(lambda: wrong[0])
    health.alive(lambda: wrong[1])
    health.ready(lambda: "the first lists are not there")
    with served(health) as port:
        assert ask(port, "/healthz")[0] == 200
        assert ask(port, "/readyz")[:2] == (503, "the first lists are not there\n")
        wrong[1] = "the API server was not heard of for 300 s"
        assert ask(port, "/healthz?verbose")[:2] == (503, "the API server was not heard of for 300 s\n")


def test_a_check_that_fails_is_no_good_sign() -> None:
    health = Health()
    health.alive(lambda: str(1 // 0))
    with served(health) as port:
        status, said, _ = ask(port, "/healthz")
    assert status == 503
    assert "division" in said


def test_metrics_are_those_of_the_process_and_of_what_was_added_later() -> None:
    registry, later = process_registry(), CollectorRegistry()
    with served(Health(), registry) as port:
        assert "process_resident_memory_bytes" in ask(port, "/metrics")[1]
        Gauge("kubedom_connections", "Open.", registry=later).set(3)
        registry.register(later)
        status, text, content_type = ask(port, "/metrics")
        assert (status, content_type.partition(";")[0]) == (200, "text/plain")
        assert "kubedom_connections 3.0" in text
        assert 'kubedom_build_info{version="' in text
        open_metrics = ask(port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert open_metrics[1].endswith("# EOF\n")
        assert open_metrics[2].startswith("application/openmetrics-text")


def test_nothing_else_is_there() -> None:
    with served(Health()) as port:
        assert ask(port, "/")[0] == 404
        assert ask(port, "/healthz", "HEAD")[:2] == (200, "")
        assert ask(port, "/healthz", "POST")[0] == 501


def test_a_port_in_use_is_said_with_its_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortInUse, match=f"Port {port} of 127.0.0.1 is in use"),
            probes_served(ProbeAddress("127.0.0.1", port), Health(), CollectorRegistry()),
        ):
            pass


def test_an_address_of_elsewhere_is_said_with_its_option() -> None:
    with (
        pytest.raises(ConfigurationError) as caught,
        probes_served(ProbeAddress("192.0.2.1", 0), Health(), CollectorRegistry()),
    ):
        pass
    assert caught.value.field == "--probe-host"


def test_nothing_is_served_where_no_port_is_named() -> None:
    with probes_served(None, Health(), CollectorRegistry()) as port:
        assert port == 0


def test_clients_that_say_nothing_neither_use_up_threads_nor_hold_up_the_end() -> None:
    started = time.monotonic()
    with served(Health()) as port:
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(AT_ONCE)]
        # The next one is cut off at once instead of waiting for a thread.
        with socket.create_connection(("127.0.0.1", port), timeout=30) as late:
            late.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert cut_off(late)
        for each in idle:
            each.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert ask(port, "/healthz")[0] == 200
                break
            except (http.client.HTTPException, OSError):
                assert time.monotonic() < deadline
    assert time.monotonic() - started < 60


def cut_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


async def test_a_loop_that_is_stuck_is_told_by_another_thread() -> None:
    now = [1000.0]
    pulse = Pulse(asyncio.get_running_loop(), clock=lambda: now[0])
    health = Health()
    health.alive(lambda: pulse.stuck("bridge"))
    try:
        with served(health) as port:
            assert ask(port, "/healthz")[0] == 200
            # This loop has no turn meanwhile, as the answer comes from a thread.
            now[0] += STUCK_SECONDS + 1
            assert ask(port, "/healthz")[:2] == (503, "the bridge's loop has been stuck for 31 s\n")
            async with asyncio.timeout(30):
                await turned(pulse)
            assert ask(port, "/healthz")[0] == 200
    finally:
        pulse.stop()


async def turned(pulse: Pulse) -> None:
    """Wait until the loop's next turn was noted."""
    for _ in range(1000):
        if not pulse.age():
            return
        await asyncio.sleep(0.05)
