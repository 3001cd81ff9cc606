"""Run Autobahn's cases against the bridge's socket layer with an echo in place of a page's session.

In come the message limit and the cases as globs, out goes one JSON object: of each case its verdict, its close verdict
and the close code that was sent. A process of its own, for the cases are of Python 2's time: running them changes
`sys.path` and `binascii` for the whole process.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import sys

import uvicorn
from kosoku import FailureError, run_fuzzingclient
from websockets.exceptions import ConnectionClosed

from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_bridge.upgrade import SocketHost, Upgraded

AT_ONCE = 4


async def _echo(connection: Upgraded) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def _no_page(scope: object, receive: object, send: object) -> None:
    raise AssertionError("only upgrades are asked for")


async def run(max_size: int, cases: list[str]) -> dict[str, list[object]]:
    listener: socket.socket = listen(BridgeSettings(port=0))
    host = SocketHost(lambda *_: None, _echo, max_size=max_size)
    server = uvicorn.Server(
        uvicorn.Config(_no_page, http="h11", ws=host.protocol_class(), lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve([listener]))
    address = f"ws://127.0.0.1:{listener.getsockname()[1]}"
    found = {}
    for case in cases:
        try:
            results = await run_fuzzingclient(address, [case], concurrency=AT_ONCE)
        except FailureError as failure:
            results = failure.results
        found |= {
            one.case_id: [one.passed, one.behavior.value, one.behavior_close.value, one.remote_close_code]
            for one in results
        }
    server.should_exit = True
    await serving
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-size", type=int, required=True)
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    json.dump(asyncio.run(run(options.max_size, options.cases)), sys.stdout)
