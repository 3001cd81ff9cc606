"""A bridge in a process of its own, whose memory and log are its own.

It prints one line with its port and the cookie of a signed-in browser (with `--tokens`, whose user may do everything,
the cookie is the token's), and then does what the lines it reads say:
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

from tests.unit.bridge.entries import event
from tests.unit.bridge.reviewing import RESOURCES, Reviewing

from kubedom_bridge import bridge as bridges
from kubedom_bridge import protocol, session, upgrade
from kubedom_bridge.bridge import Bridge
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.settings import BridgeSettings, listen


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


TOKEN = "good-token"


async def main(open_seconds: float, tokens: bool, compress: bool) -> None:
    # Whoever fuzzes sends more than a page may.
    protocol.MESSAGES_PER_SECOND = protocol.COMMANDS_PER_SECOND = 1e6
    upgrade.OPEN_SECONDS = session.SUBSCRIBE_SECONDS = open_seconds
    journal = Journal(clock=asyncio.get_running_loop().time)
    bridges.SIGN_IN_BURST = 1e6
    settings = BridgeSettings(
        port=0, tokens=tokens, compress=compress, default_deployment="default/web", default_config="default/settings"
    )
    bridge = Bridge(
        settings,
        listen(settings),
        journal=journal,
        api=cast(Api, Reviewing(**{TOKEN: "ann"})),
        user="ann",
        resources=RESOURCES,
        greeting=session.Greeting("test", "v1.36.3"),
        not_ready=lambda: "",
    )
    async with bridge.serving():
        value = TOKEN if tokens else bridge.signin.exchange(bridge.signin.new_code())
        cookie = f"kubedom_session_{bridge.port}={value}"
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
    parser.add_argument("--tokens", action="store_true")
    parser.add_argument("--compress", action="store_true")
    logging.basicConfig(level=logging.INFO)
    options = parser.parse_args()
    asyncio.run(main(options.open_seconds, options.tokens, options.compress))
