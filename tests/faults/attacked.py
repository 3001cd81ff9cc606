"""A bridge in a process of its own, whose memory and log are its own.

It prints one line with its port and the cookie of a signed-in browser, and then does what the lines it reads say:
`publish N SIZE` adds N events of about SIZE bytes to the journal, `rss` measures. Each is answered by a line.
"""

import argparse
import asyncio
import gc
import json
import logging
import sys
from pathlib import Path
from typing import cast

from tests.unit.bridge.conftest import Cluster
from tests.unit.bridge.entries import event

from kubedom_bridge import protocol, session, upgrade
from kubedom_bridge.bridge import Bridge
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.settings import BridgeSettings, listen


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def main(open_seconds: float) -> None:
    # Whoever fuzzes sends more than a page may.
    protocol.MESSAGES_PER_SECOND = 1e6
    upgrade.OPEN_SECONDS = session.SUBSCRIBE_SECONDS = open_seconds
    journal = Journal(clock=asyncio.get_running_loop().time)
    settings = BridgeSettings(port=0)
    bridge = Bridge(
        settings,
        listen(settings),
        journal=journal,
        api=cast(Api, Cluster()),
        user="ann",
        resources={},
        greeting=session.Greeting("test", "v1.36.3"),
        not_ready=lambda: "",
    )
    async with bridge.serving():
        cookie = f"kubedom_session_{bridge.port}={bridge.signin.exchange(bridge.signin.new_code())}"
        print(json.dumps({"port": bridge.port, "cookie": cookie}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, *numbers = line.split()
            if what == "publish":
                count, size = map(int, numbers)
                journal.publish([event(detail={"text": "x" * size}) for _ in range(count)])
                print(journal.head, flush=True)
            else:
                gc.collect()
                print(resident_bytes(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open-seconds", type=float, required=True)
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(parser.parse_args().open_seconds))
