"""Two users on one bridge, each with their own rights, as the API server judges them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.conftest import Cluster
from tests.running import KubedomRun
from tests.users import Someone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from kubedom_bridge.identity import TOKEN_SUBPROTOCOL

pytestmark = pytest.mark.cluster


@pytest.fixture
def users(cluster: Cluster) -> Iterator[tuple[Someone, Someone]]:
    ann, bob = Someone(cluster), Someone(cluster)
    for user in (ann, bob):
        user.prepare()
    yield ann, bob
    for user in (ann, bob):
        cluster.kubectl("delete", "namespace", user.namespace, "--wait=false")


@pytest.fixture
def run(cluster: Cluster) -> Iterator[KubedomRun]:
    options = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--sign-in=token")
    with KubedomRun(*options) as started:
        yield started


class Page:
    """A page without a DOM: what it shows after what it was told, and every byte of that."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.raw: list[str] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.snapshots = 0
        #: Up to where everything was received; None in the middle of a snapshot.
        self.position: dict[str, Any] | None = None
        self._listed: set[str] = set()

    async def read(self, seconds: float = 0.5) -> None:
        """Take in what comes until nothing has come for so long."""
        try:
            while True:
                async with asyncio.timeout(seconds):
                    text = str(await self.socket.recv())
                self.raw.append(text)
                self._take(json.loads(text))
        except TimeoutError:
            return

    async def until(self, condition: Any, seconds: float = 40.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await self.read(0.2)

    def names(self, kind: str) -> set[str]:
        found = [each["object"]["metadata"] for each in self.objects.values() if each["kind"] == kind]
        return {metadata["name"] for metadata in found}

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self._listed |= {entry["uid"] for entry in message["entries"]}
            self.position = None
        elif message["type"] == "resync":
            self.position = None
        for entry in message.get("entries", ()):
            if entry["op"] == "upsert":
                self.objects[entry["uid"]] = entry
            elif entry["op"] == "delete":
                self.objects.pop(entry["uid"], None)
            if self.position is not None:
                self.position["sequence"] = entry["sequence"]
        if message["type"] == "snapshotEnd":
            self.objects = {uid: entry for uid, entry in self.objects.items() if uid in self._listed}
            self._listed.clear()
            self.position = {"epoch": message["epoch"], "sequence": message["sequence"]}
            self.snapshots += 1


@pytest.fixture
async def opened() -> AsyncIterator[list[ClientConnection]]:
    sockets: list[ClientConnection] = []
    yield sockets
    for socket in sockets:
        await socket.close()


async def page(run: KubedomRun, token: str, opened: list[ClientConnection], **subscribe: Any) -> Page:
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    socket = await connect(
        run.origin.replace("http", "ws") + "/api/socket",
        origin=run.origin,  # type: ignore[arg-type]
        subprotocols=[Subprotocol("kubedom.v1"), Subprotocol(TOKEN_SUBPROTOCOL + encoded)],
        max_size=None,
    )
    opened.append(socket)
    await socket.send(json.dumps({"type": "subscribe"} | subscribe))
    return Page(socket)


async def test_neither_receives_a_byte_of_the_others(
    run: KubedomRun, users: tuple[Someone, Someone], opened: list[ClientConnection], cluster: Cluster
) -> None:
    ann, bob = users
    pages = [await page(run, user.token(), opened) for user in users]
    for user, shown in zip(users, pages, strict=True):
        await shown.until(lambda user=user, shown=shown: f"pod-{user.mark}" in shown.names("Pod"))
    for user in users:
        user.pod(f"later-{user.mark}")
        cluster.patch_status(
            "pod", user.namespace, f"pod-{user.mark}", {"phase": "Failed", "reason": "Evicted", "message": user.mark}
        )
    for user, shown in zip(users, pages, strict=True):
        await shown.until(lambda user=user, shown=shown: f"later-{user.mark}" in shown.names("Pod"))
        await shown.until(lambda shown=shown: any('"op":"event"' in text for text in shown.raw))
    cluster.kubectl("delete", "pod", f"later-{ann.mark}", f"--namespace={ann.namespace}", "--now")
    await pages[0].until(lambda: f"later-{ann.mark}" not in pages[0].names("Pod"))
    await pages[1].read(1.0)
    assert not any(bob.mark in text for text in pages[0].raw)
    assert not any(ann.mark in text for text in pages[1].raw)
    for user, shown in zip(users, pages, strict=True):
        for kind, plural in (("Pod", "pods"), ("Deployment", "deployments")):
            listed = cluster.get(plural, f"--namespace={user.namespace}")["items"]
            assert shown.names(kind) == {one["metadata"]["name"] for one in listed}
        assert shown.names("Namespace") == {user.namespace}
        assert shown.names("Node") == set()


async def test_a_right_that_is_taken_away_empties_the_page_and_one_that_is_given_fills_it(
    run: KubedomRun, users: tuple[Someone, Someone], opened: list[ClientConnection]
) -> None:
    ann, bob = users
    shown = await page(run, ann.token(), opened)
    await shown.until(lambda: f"pod-{ann.mark}" in shown.names("Pod"))
    ann.forbid()
    await shown.until(lambda: not shown.objects, seconds=30)
    before = len(shown.raw)
    ann.pod(f"unseen-{ann.mark}")
    await shown.read(1.0)
    assert not any(ann.mark in text for text in shown.raw[before:])
    ann.allow()
    await shown.until(lambda: f"unseen-{ann.mark}" in shown.names("Pod"))
    assert not any(bob.mark in text for text in shown.raw)


async def test_commands_are_the_users_own(
    run: KubedomRun, users: tuple[Someone, Someone], opened: list[ClientConnection], cluster: Cluster
) -> None:
    shown = await page(run, users[0].token(), opened)
    for user in users:
        target = {"kind": "Pod", "namespace": user.namespace, "name": f"pod-{user.mark}"}
        await shown.socket.send(json.dumps({"type": "command", "id": user.mark, "name": "deletePod", "target": target}))
    await shown.until(lambda: sum('"type":"error"' in text for text in shown.raw) == 2)
    answers = [json.loads(text) for text in shown.raw if '"type":"error"' in text]
    # `view` may look at her own pod and act on none; the other's is not even looked up.
    assert {answer["code"] for answer in answers} == {"forbidden"}
    for user in users:
        assert cluster.get("pod", f"pod-{user.mark}", f"--namespace={user.namespace}")
        assert cluster.get("healingactions", f"--namespace={user.namespace}")["items"] == []


async def test_a_deleted_account_is_signed_out_and_a_wrong_token_never_in(
    run: KubedomRun, users: tuple[Someone, Someone], opened: list[ClientConnection], cluster: Cluster
) -> None:
    ann, _ = users
    wrong = await page(run, "not-a-token", opened)
    with pytest.raises(ConnectionClosed) as refused:
        await wrong.read(10.0)
    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == 4401
    shown = await page(run, ann.token(), opened)
    await shown.until(lambda: shown.snapshots == 1)
    cluster.kubectl("delete", "serviceaccount", "reader", f"--namespace={ann.namespace}")
    with pytest.raises(ConnectionClosed) as ended:
        await shown.read(75.0)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 4401
    assert "not-a-token" not in run.output()
