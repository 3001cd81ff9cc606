"""Whether a user may start an action is asked of the API server, seldom, and never guessed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS
from kubedom_bridge.errors import ClusterUnreachable, CommandRefused
from kubedom_bridge.identity import User
from kubedom_bridge.kube import Api
from kubedom_bridge.permissions import LONGEST_WAIT_SECONDS, REVIEW_BURST, Permissions, rights_for
from kubedom_bridge.protocol import Question, Target
from kubedom_bridge.reviews import ACCESS_SECONDS

from .conftest import Running, receive, send

ANN, BOB = User("ann", "u1", ("dev",)), User("bob")


class Server:
    """Allows what it is told to: `verb resource` everywhere, or `verb resource name`."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = set(allowed)
        self.reviewed: list[tuple[str, dict[str, Any]]] = []
        self.away = False

    async def call(self, _: str, path: str, *, body: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.reviewed.append((path.rpartition("/")[2], body["spec"]))
        if self.away:
            raise ClusterUnreachable("gone")
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked["subresource"])))
        of_all = f"{asked['verb']} {resource}"
        return {"status": {"allowed": bool({of_all, f"{of_all} {asked['name']}"} & self.allowed)}}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(server: Server, clock: Clock | None = None, *, own: bool = False, healing: bool = True) -> Permissions:
    return Permissions(
        cast(Api, server), own=own, not_healing=lambda: "" if healing else "it is off", clock=clock or Clock()
    )


def question(name: str, kind: str, target: str = "web", namespace: str = "shop") -> Question:
    return Question(name=name, target=Target(kind=kind, name=target, namespace=namespace))


ROWS = [(action.name, kind) for action in ACTION_KINDS.values() for kind in action.targets]


@pytest.mark.parametrize(("name", "kind"), ROWS)
async def test_an_action_takes_the_right_to_ask_for_it_and_the_right_to_do_it(name: str, kind: str) -> None:
    rights = ACTION_KINDS[name].rights(kind)
    actions = "healingactions" if TARGETS[kind].namespaced else "clusterhealingactions"
    needed = [f"create {actions}"] + ["/".join(filter(None, (f"{r.verb} {r.resource}", r.subresource))) for r in rights]
    assert await made(Server(*needed)).verdicts(ANN, [question(name, kind)]) == [True]
    for one in needed:
        assert await made(Server(*set(needed) - {one})).verdicts(ANN, [question(name, kind)]) == [False]


@pytest.mark.parametrize(
    ("kind", "plural"), [("HealingAction", "healingactions"), ("ClusterHealingAction", "clusterhealingactions")]
)
@pytest.mark.parametrize("name", ["approveHealing", "denyHealing"])
async def test_a_decision_takes_the_right_to_approve_and_to_write_it_down(name: str, kind: str, plural: str) -> None:
    asked = [question(name, kind, "restart-1")]
    assert await made(Server(f"patch {plural}", f"approve {plural}")).verdicts(ANN, asked) == [True]
    assert await made(Server(f"patch {plural}")).verdicts(ANN, asked) == [False]
    assert await made(Server(f"approve {plural}")).verdicts(ANN, asked) == [False]
    assert await made(Server(f"patch {plural}", f"approve {plural}")).verdicts(ANN, [question(name, "Pod")]) == [False]


async def test_a_right_over_one_object_is_for_that_one() -> None:
    permissions = made(Server("create healingactions", "patch deployments web"))
    asked = [question("restartDeployment", "Deployment", name) for name in ("web", "other")]
    assert await permissions.verdicts(ANN, asked) == [True, False]


async def test_a_right_over_all_objects_is_asked_for_once() -> None:
    server = Server("create healingactions", "patch deployments")
    permissions = made(server)
    many = [question("restartDeployment", "Deployment", f"web-{number}") for number in range(100)]
    assert await permissions.verdicts(ANN, many) == [True] * 100
    assert len(server.reviewed) == 2
    await permissions.verdicts(BOB, many)
    assert len(server.reviewed) == 4, "another user is another question"
    await permissions.verdicts(ANN, [question("restartDeployment", "Deployment", namespace="elsewhere")])
    assert len(server.reviewed) == 6, "and so is another namespace"


async def test_a_verdict_is_asked_for_again_when_it_is_old() -> None:
    server, clock = Server("create healingactions", "patch deployments"), Clock()
    permissions = made(server, clock)
    asked = [question("restartDeployment", "Deployment")]
    assert await permissions.verdicts(ANN, asked) == [True]
    server.allowed.clear()
    assert await permissions.verdicts(ANN, asked) == [True]
    clock.now += ACCESS_SECONDS + 1
    assert await permissions.verdicts(ANN, asked) == [False]


async def test_the_review_is_of_the_user_that_asks() -> None:
    server = Server("create healingactions")
    await made(server).verdicts(ANN, [question("scale", "Deployment")])
    path, spec = server.reviewed[0]
    assert (path, spec["user"], spec["uid"], spec["groups"]) == ("subjectaccessreviews", "ann", "u1", ["dev"])
    server = Server("create healingactions")
    await made(server, own=True).verdicts(ANN, [question("scale", "Deployment")])
    assert {path for path, _ in server.reviewed} == {"selfsubjectaccessreviews"}
    assert {field for _, spec in server.reviewed for field in spec} == {"resourceAttributes"}


@pytest.mark.parametrize(
    "asked",
    [
        question("flyToTheMoon", "Pod"),
        question("restartPod", "Deployment"),
        question("restartPod", "Widget"),
        question("restartPod", "Pod", "../../secrets"),
        question("restartPod", "Pod", "p", "kube-system/pods"),
        question("restartPod", "Pod", "p", ""),
        question("vetoHealing", "Node", "n"),
    ],
)
async def test_what_no_cluster_could_do_is_not_allowed_and_costs_no_review(asked: Question) -> None:
    server = Server("create healingactions", "create pods/eviction", "create healingvetoes")
    assert rights_for(asked) == []
    assert await made(server).verdicts(ANN, [asked]) == [False]
    assert server.reviewed == []


async def test_nothing_but_a_veto_is_allowed_while_healing_is_off() -> None:
    permissions = made(Server("create healingactions", "patch deployments", "create healingvetoes"), healing=False)
    asked = [question("restartDeployment", "Deployment"), question("vetoHealing", "Deployment")]
    assert await permissions.verdicts(ANN, asked) == [False, True]


async def test_what_cannot_be_asked_is_an_error_and_asked_again() -> None:
    server = Server("create healingactions", "patch deployments")
    permissions = made(server)
    server.away = True
    with pytest.raises(ClusterUnreachable):
        await permissions.verdicts(ANN, [question("restartDeployment", "Deployment")])
    server.away = False
    assert await permissions.verdicts(ANN, [question("restartDeployment", "Deployment")]) == [True]


async def turns(count: int) -> None:
    """Let whatever can go on do so, on a machine that is busy too."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_asks_for_too_much_waits_and_then_hears_so_and_others_do_not() -> None:
    server, clock = Server("create healingactions"), Clock()
    permissions = made(server, clock)
    # Each name that is refused is a review of its own.
    asked = [question("restartDeployment", "Deployment", f"web-{number}") for number in range(int(REVIEW_BURST))]
    waiting = asyncio.create_task(permissions.verdicts(ANN, asked))
    # The clock stands still, so that no more are reviewed however long this takes.
    await turns(2000)
    assert len(server.reviewed) == REVIEW_BURST
    assert not waiting.done()
    assert await permissions.verdicts(BOB, [question("restartDeployment", "Deployment")]) == [False]
    clock.now += LONGEST_WAIT_SECONDS / 2
    assert await waiting == [False] * len(asked)


async def test_a_page_asks_over_its_socket(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("create healingactions", "create pods/eviction")
    answer = running.cluster.call

    async def call(method: str, path: str, **more: Any) -> dict[str, Any]:
        return await (server.call(method, path, **more) if "reviews" in path else answer(method, path, **more))

    monkeypatch.setattr(running.cluster, "call", call)
    socket = await running.page()
    target = {"kind": "Pod", "namespace": "default", "name": "p"}
    asked = [{"name": name, "target": target} for name in ("restartPod", "flyToTheMoon")]
    await send(socket, {"type": "can", "id": "q1", "questions": asked})
    while (message := await receive(socket))["type"] in {"snapshot", "snapshotEnd"}:
        pass
    assert message == {"type": "verdicts", "id": "q1", "allowed": [True, False]}
    await send(socket, {"type": "can", "id": "q2", "questions": asked * 51})
    message = await receive(socket)
    assert (message["type"], message["id"], message["field"]) == ("error", "q2", "questions")
    server.away = True
    await send(
        socket, {"type": "can", "id": "q3", "questions": [{"name": "cordon", "target": target | {"kind": "Node"}}]}
    )
    assert (await receive(socket))["code"] == "clusterUnreachable"


async def test_more_than_is_reviewed_in_time_is_refused() -> None:
    server, clock = Server("create healingactions"), Clock()
    permissions = made(server, clock)
    permissions._reviews = type(permissions._reviews)(0.0, 2)
    waiting = asyncio.create_task(permissions.verdicts(ANN, [question("scale", "Deployment")]))
    await turns(200)
    clock.now += LONGEST_WAIT_SECONDS + 1
    with pytest.raises(CommandRefused, match="Too many rights"):
        await waiting
