"""How a process runs and ends: SIGINT and SIGTERM end it, at first by leaving what it waits for, later in order.

The handlers are there from the beginning. A container's first process is sent no signal that it does not handle, so
one that waits for NATS would otherwise only be killed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.traces import Traces

#: After so long whoever did not leave what they wait for is told again.
AGAIN_SECONDS = 3.0
#: What a process says of its own start and end, whatever else is logged.
log = logging.getLogger("kubedom.process")


class Stopping:
    """Whether the process is to end; belongs to its main loop."""

    def __init__(self, main: asyncio.Task[None]) -> None:
        self._main = main
        self._asked = asyncio.Event()
        self._in_order = False
        self._failure: KubedomError | None = None
        #: Whether what was under way was left because of it.
        self.left = False

    def ask(self) -> None:
        """Let the process end."""
        self._asked.set()
        self._leave()

    def fail(self, problem: KubedomError) -> None:
        """Let the process end because of this; the first one counts."""
        self._failure = self._failure or problem
        self.ask()

    def in_order(self) -> None:
        """From now on there is something to end in order, so nothing is left any more."""
        self._in_order = True

    def _leave(self) -> None:
        if self._in_order or self._main.done():
            return
        self.left = True
        self._main.cancel()
        # Some that wait for others lose it, as `asyncio.wait_for` of Python 3.11 may.
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._leave)

    async def wait(self) -> None:
        """Wait until the process is to end.

        Raises:
            KubedomError: where it failed.

        """
        await self._asked.wait()
        self.check()

    def check(self) -> None:
        """Raise what the process failed of, if it did."""
        if self._failure is not None:
            raise self._failure


def run_until_stopped(main: Callable[[Stopping], Coroutine[Any, Any, None]], traces: Traces | None = None) -> None:
    """Run the process's main coroutine on a loop of its own, until it returns or is told to end.

    Args:
        main: The coroutine.
        traces: What is sent last, of all that has happened.

    Raises:
        KubedomError: where it fails.

    """

    async def supervised() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "a coroutine that asyncio.run runs is a task"
        stopping = Stopping(task)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.ask)
        try:
            await main(stopping)
        except asyncio.CancelledError:
            if not stopping.left:
                raise
            stopping.check()

    try:
        asyncio.run(supervised())
    finally:
        if traces is not None:
            traces.stop()
