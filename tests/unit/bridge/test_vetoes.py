"""`vetoHealing` becomes one HealingVeto of the user's, for a time that is near enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from kubedom_bridge import vetoes
from kubedom_bridge.errors import CommandRefused, NotPermitted
from kubedom_bridge.kube import Api
from kubedom_bridge.protocol import Command, Target

from .conftest import Cluster, Running, receive_until, send


def ahead(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat(timespec="seconds")


def command(until: Any = None, *, key: str = "", target: Target | None = None, **parameters: Any) -> Command:
    return Command(
        id="c1",
        name="vetoHealing",
        target=target or Target(kind="Deployment", name="web"),
        idempotency_key=key,
        reason="I look at it.",
        parameters={"until": ahead(hours=1) if until is None else until} | parameters,
    )


async def test_the_veto_means_this_object_and_says_who_asked_and_until_when() -> None:
    cluster = Cluster()
    until = "2030-01-31T13:00:00+01:00"
    reference, outcome = await vetoes.start(given := command(incident="i1"), "ann", cast(Api, cluster))
    (made,) = cluster.made
    assert made["spec"]["target"] == {"kind": "Deployment", "name": "web", "uid": "uid-web"}
    assert (made["spec"]["requestedBy"], made["spec"]["reason"], made["spec"]["incident"]) == (
        "ann",
        "I look at it.",
        "i1",
    )
    assert datetime.fromisoformat(made["spec"]["until"]) == datetime.fromisoformat(given.parameters["until"])
    assert (reference.name, reference.created) == (made["metadata"]["name"], True)
    assert outcome.result().phase == "Succeeded"
    checked = vetoes.check(command(until), datetime(2030, 1, 31, 11, tzinfo=UTC))
    assert checked == datetime(2030, 1, 31, 12, tzinfo=UTC)


async def test_a_repeated_command_is_one_veto() -> None:
    cluster = Cluster()
    first, _ = await vetoes.start(command(key="k"), "ann", cast(Api, cluster))
    second, _ = await vetoes.start(command(key="k"), "ann", cast(Api, cluster))
    assert (first.name, second.name, second.created, len(cluster.made)) == (first.name, first.name, False, 1)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (command("tomorrow"), "badParameter", "parameters.until"),
        (command(3600), "badParameter", "parameters.until"),
        (command("2030-01-31T12:00:00"), "badParameter", "parameters.until"),
        (command(ahead(hours=25)), "badParameter", "parameters.until"),
        (command(ahead(seconds=-5)), "badParameter", "parameters.until"),
        (command(incident=["i1"]), "badParameter", "parameters.incident"),
        (command(target=Target(kind="Node", name="n")), "badTarget", "target.kind"),
        (command(target=Target(kind="Pod", name="../secrets")), "badTarget", "target.name"),
        (command(target=Target(kind="Pod", name="gone")), "targetGone", "target.name"),
        (command(target=Target(kind="Pod", name="p", uid="another")), "targetGone", "target.name"),
    ],
)
async def test_what_cannot_be_held_is_refused_and_nothing_is_made(given: Command, code: str, field: str) -> None:
    cluster = Cluster()
    with pytest.raises(CommandRefused) as caught:
        await vetoes.start(given, "ann", cast(Api, cluster))
    assert (caught.value.code, caught.value.field, cluster.made) == (code, field, [])


async def test_a_page_vetoes_by_its_socket_and_hears_what_the_api_server_says(running: Running) -> None:
    socket = await running.page()
    message = {
        "type": "command",
        "id": "c1",
        "name": "vetoHealing",
        "target": {"kind": "Pod", "name": "p"},
        "parameters": {"until": ahead(minutes=10)},
    }
    await send(socket, message)
    *_, ack, result = await receive_until(socket, "result")
    (made,) = running.cluster.made
    assert (ack["action"]["name"], result["phase"]) == (made["metadata"]["name"], "Succeeded")
    assert (made["kind"], made["spec"]["requestedBy"]) == ("HealingVeto", "ann")
    running.cluster.refusal = NotPermitted("ann cannot create healingvetoes.", remedy="Ask for it.")
    await send(socket, message)
    refused = (await receive_until(socket, "error"))[-1]
    assert (refused["code"], "cannot create" in refused["message"]) == ("forbidden", True)
