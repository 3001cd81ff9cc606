"""Rights that change, while a page is connected or away, and what its user is told then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from kubedom_bridge import bridge as bridges
from kubedom_bridge import reviews
from kubedom_bridge.view import ALL_RIGHTS, NO_RIGHTS, Rights, epoch_of

from .conftest import Running, receive, receive_until, send
from .entries import event, state
from .reviewing import Reviewing, reviewed


def pods(user: str, *namespaces: str) -> set[tuple[str, str, str]]:
    return {(user, "pods", namespace) for namespace in namespaces}


@pytest.fixture
def cluster() -> Reviewing:
    return Reviewing(token="ann")


@pytest.fixture
async def running(cluster: Reviewing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    # No decision is kept and all are looked after, so that a test need not wait for half a minute.
    monkeypatch.setattr(reviews, "ACCESS_SECONDS", 0.0)
    monkeypatch.setattr(bridges, "RIGHTS_SECONDS", 0.05)
    async with reviewed(cluster) as started:
        started.journal.publish([state("d", namespace="default"), state("s", namespace="shop")])
        yield started


async def connected(running: Running) -> tuple[ClientConnection, dict[str, Any]]:
    socket = await running.connect(Authorization="Bearer token")
    return socket, await receive(socket)


async def subscribed(running: Running, **subscribe: Any) -> tuple[ClientConnection, list[dict[str, Any]]]:
    socket, _ = await connected(running)
    await send(socket, {"type": "subscribe"} | subscribe)
    return socket, await receive_until(socket, "snapshotEnd")


def told(messages: list[dict[str, Any]]) -> set[str]:
    return {entry["uid"] for message in messages for entry in message.get("entries", ())}


async def test_a_right_that_is_taken_away_and_given_again_empties_and_fills_the_page(
    running: Running, cluster: Reviewing
) -> None:
    cluster.allowed = pods("ann", "shop")
    socket, snapshot = await subscribed(running)
    assert told(snapshot) == {"s"}
    cluster.allowed = set()
    emptied = await receive_until(socket, "snapshotEnd")
    assert emptied[0] == {"type": "resync", "reason": "what you may see has changed"}
    assert told(emptied) == set()
    running.journal.publish([event("s", namespace="shop")])
    cluster.allowed = pods("ann", "default", "shop")
    assert told(await receive_until(socket, "snapshotEnd")) == {"d", "s"}
    running.journal.publish([event("d")])
    assert told([await receive(socket)]) == {"d"}


@pytest.mark.parametrize("now", [(), ("default",), ("default", "shop")])
async def test_who_comes_back_with_other_rights_starts_anew(
    running: Running, cluster: Reviewing, now: tuple[str, ...]
) -> None:
    cluster.allowed = pods("ann", "shop")
    socket, snapshot = await subscribed(running)
    position = {name: snapshot[-1][name] for name in ("epoch", "sequence")}
    await socket.close()
    cluster.allowed = pods("ann", *now)
    running.journal.publish([event("s", namespace="shop")])
    _, again = await subscribed(running, since=position)
    assert again[0] == {"type": "resync", "reason": "what you may see has changed"}
    assert told(again) == {namespace[0] for namespace in now}


async def test_who_comes_back_with_the_same_rights_is_told_what_was_missed(
    running: Running, cluster: Reviewing
) -> None:
    cluster.allowed = pods("ann", "shop")
    socket, snapshot = await subscribed(running)
    await socket.close()
    running.journal.publish([event("d"), event("s", namespace="shop")])
    socket, hello = await connected(running)
    assert hello["epoch"] == snapshot[-1]["epoch"]
    await send(socket, {"type": "subscribe", "since": {"epoch": hello["epoch"], "sequence": snapshot[-1]["sequence"]}})
    missed = await receive(socket)
    assert [(one["uid"], one["replayed"]) for one in missed["entries"]] == [("s", True)]


async def test_a_new_namespace_of_ones_own_is_shown_without_waiting(
    running: Running, cluster: Reviewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridges, "RIGHTS_SECONDS", 3600.0)
    cluster.allowed = pods("ann", "shop", "new")
    socket, _ = await subscribed(running)
    running.journal.publish([state("new", kind="Namespace", namespace="new"), state("n", namespace="new")])
    assert told(await receive_until(socket, "snapshotEnd")) == {"s", "n"}


async def test_several_subscriptions_each_have_their_filter_and_end_alone(running: Running, cluster: Reviewing) -> None:
    cluster.allowed = pods("ann", "", "default", "shop")
    socket, _ = await subscribed(running, id="shop", filter={"namespaces": ["shop"]})
    await send(socket, {"type": "subscribe", "id": "default", "filter": {"namespaces": ["default"]}})
    snapshot = await receive_until(socket, "snapshotEnd")
    assert {message["subscription"] for message in snapshot} == {"default"}
    running.journal.publish([event("s", namespace="shop"), event("d")])
    changes = [await receive(socket), await receive(socket)]
    assert {message["subscription"]: told([message]) for message in changes} == {"shop": {"s"}, "default": {"d"}}
    await send(socket, {"type": "unsubscribe", "id": "shop"})
    await send(socket, {"type": "?"})
    await receive_until(socket, "error")
    running.journal.publish([event("s", namespace="shop"), event("d")])
    assert (await receive(socket))["subscription"] == "default"


def test_an_epoch_is_of_the_rights_too() -> None:
    some = Rights(frozenset({"Pod", "Node"}), frozenset({("Job", "a"), ("Job", "b")}))
    same = Rights(frozenset({"Node", "Pod"}), frozenset({("Job", "b"), ("Job", "a")}))
    assert epoch_of("e", ALL_RIGHTS) == "e"
    assert epoch_of("e", some) == epoch_of("e", same)
    assert len({epoch_of("e", one) for one in (ALL_RIGHTS, NO_RIGHTS, some, Rights(frozenset({"Pod"})))}) == 4
