"""The sign-in link of a `kubedom run` lets `kubedom events` in as it lets a browser in: once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest
from tests.unit.bridge.conftest import Cluster, Running
from tests.unit.bridge.entries import event

from kubedom_bridge.bridge import Bridge
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.journal import Journal
from kubedom_bridge.kube import Api
from kubedom_bridge.protocol import Filter
from kubedom_bridge.session import Greeting
from kubedom_bridge.settings import BridgeSettings, listen
from kubedom_operator.events.asked import read_address
from kubedom_operator.events.items import Event, Item
from kubedom_operator.events.remote import Remote


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    settings = BridgeSettings(port=0, drain_seconds=0.0)
    journal = Journal(clock=asyncio.get_running_loop().time)
    cluster = Cluster()
    bridge = Bridge(
        settings,
        listen(settings),
        journal=journal,
        api=cast(Api, cluster),
        user="ann",
        resources={},
        greeting=Greeting("test", "v1.36.3"),
        not_ready=lambda: "",
    )
    async with bridge.serving():
        yield Running(bridge, journal, cluster, [""])


async def first(link: str) -> Item:
    async with contextlib.aclosing(Remote(read_address(link), Filter()).items()) as told, asyncio.timeout(30):
        return await anext(told)


async def test_a_link_works_once(running: Running) -> None:
    running.journal.publish([event("a", phase="begin")])
    link = running.bridge.signin_link()
    told = await first(link)
    assert isinstance(told, Event)
    assert told.entry.name == "a"
    with pytest.raises(NotPermitted, match="works once"):
        await first(link)


async def test_without_it_the_sentence_says_where_one_comes_from(running: Running) -> None:
    with pytest.raises(NotPermitted, match="sign-in link as --url"):
        await first(running.origin)
