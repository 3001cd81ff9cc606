"""How a process ends: left where it only waits, in order once there is something to end, and always by itself."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from kubedom_bridge.errors import ConfigurationError
from kubedom_operator.cli import process
from kubedom_operator.cli.process import Stopping, run_until_stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_waits_for_something_leaves_it(number: signal.Signals) -> None:
    happened = []

    async def main(stopping: Stopping) -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            happened.append("tidied up")

    run_until_stopped(main)
    assert happened == ["tidied up"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_has_begun_ends_in_order(number: signal.Signals) -> None:
    happened = []

    async def main(stopping: Stopping) -> None:
        stopping.in_order()
        os.kill(os.getpid(), number)
        await stopping.wait()
        # It may take its time, also when it is asked again.
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.1)
        happened.append("drained")

    run_until_stopped(main)
    assert happened == ["drained"]


def test_who_loses_that_it_is_to_end_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "AGAIN_SECONDS", 0.1)
    lost = []

    async def main(stopping: Stopping) -> None:
        stopping.ask()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("once")
        await asyncio.Event().wait()

    run_until_stopped(main)
    assert lost == ["once"]


@pytest.mark.parametrize("begun", [True, False])
def test_a_failure_ends_the_process_with_its_sentence(begun: bool) -> None:
    async def main(stopping: Stopping) -> None:
        if begun:
            stopping.in_order()
        asyncio.get_running_loop().call_soon(stopping.fail, ConfigurationError("The first."))
        asyncio.get_running_loop().call_soon(stopping.fail, ConfigurationError("The second."))
        await stopping.wait()

    with pytest.raises(ConfigurationError, match="The first"):
        run_until_stopped(main)


def test_what_cancels_itself_is_no_ordinary_end() -> None:
    async def main(stopping: Stopping) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_until_stopped(main)
