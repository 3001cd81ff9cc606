"""A bridge whose users the API server knows by token, and may be allowed or forbidden namespaces."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.outlook import Resource
from kubedom_bridge.records import RING_ENTRIES
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen

from .conftest import Cluster, Running

RESOURCES = {
    "Pod": Resource("", "pods", True),
    "Node": Resource("", "nodes", False),
    "Namespace": Resource("", "namespaces", False),
}


class Reviewing(Cluster):
    """The API server of the other tests, which knows some tokens and what their users may list and watch.

    Args:
        tokens: The user of each token that is accepted.

    """

    def __init__(self, **tokens: str) -> None:
        super().__init__()
        self.tokens = tokens
        #: (user, kind's plural, namespace; empty for the whole cluster) that may be listed; None for everything.
        self.allowed: set[tuple[str, str, str]] | None = None
        self.reviews = 0

    def with_token(self, token: str) -> Self:
        """The same, as whoever this token is of."""
        return self

    async def call(self, method: str, path: str, *, body: Any = None, **more: Any) -> dict[str, Any]:
        if path.endswith("tokenreviews"):
            name = self.tokens.get(body["spec"]["token"], "")
            user = {"username": name, "uid": f"u-{name}", "groups": ["dev"]}
            return {"status": {"authenticated": bool(name), "user": user}}
        if path.endswith("subjectaccessreviews"):
            await asyncio.sleep(0)
            self.reviews += 1
            asked = body["spec"]["resourceAttributes"]
            place = (body["spec"]["user"], asked["resource"], asked["namespace"])
            return {"status": {"allowed": self.allowed is None or place in self.allowed}}
        if path.endswith("selfsubjectrulesreviews"):
            # As where a webhook authorizes: so everything is asked for.
            return {"status": {"resourceRules": [], "incomplete": True}}
        return await super().call(method, path, body=body, **more)


@asynccontextmanager
async def reviewed(
    cluster: Reviewing, *, ring_entries: int = RING_ENTRIES, send_buffer: int = 0, **settings: Any
) -> AsyncIterator[Running]:
    """Run a bridge in front of it; `send_buffer` is the kernel's for each socket, in bytes."""
    chosen = BridgeSettings(**{"port": 0, "tokens": True, "drain_seconds": 0.0} | settings)
    journal = Journal(clock=asyncio.get_running_loop().time, ring_entries=ring_entries)
    listener = listen(chosen)
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    bridge = Bridge(
        chosen,
        listener,
        journal=journal,
        api=cast(Api, cluster),
        user="kubedom",
        resources=RESOURCES,
        greeting=Greeting("test", "v1.36.3"),
        not_ready=lambda: "",
    )
    async with bridge.serving():
        running = Running(bridge, journal, cluster, [""])
        yield running
        for one in running.sockets:
            await one.close()
