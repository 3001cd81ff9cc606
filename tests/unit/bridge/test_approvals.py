"""A decision is written once, as the user, to the very action that was asked about."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kubedom_bridge import approvals
from kubedom_bridge.errors import CommandRefused, NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.protocol import Command, Target

from .conftest import ACTIONS, Running, receive_until, send

CLUSTER_ACTIONS = "/apis/kubedom.dev/v1alpha1/clusterhealingactions"


class Server:
    """One action at one path; notes what is patched."""

    def __init__(self, path: str = f"{ACTIONS}/a", **spec: Any) -> None:
        self.path = path
        target = {"kind": "Deployment", "name": "web"}
        self.action: dict[str, Any] = {
            "metadata": {"name": "a", "uid": "uid-a"} | ({"namespace": "default"} if "namespaces" in path else {}),
            "spec": {"action": "restartDeployment", "target": target, "approvalRequired": True} | spec,
            "status": {"phase": "AwaitingApproval"},
        }
        self.patched: list[dict[str, Any]] = []

    async def call(self, method: str, path: str, *, body: Any = None, **_: Any) -> dict[str, Any]:
        if path != self.path:
            raise ApiError(404, "NotFound", "not found")
        if method == "PATCH":
            self.patched.append(body)
            self.action["spec"]["approval"] = body["spec"]["approval"]
        return self.action


def decide(
    name: str = "approveHealing", *, kind: str = "HealingAction", called: str = "a", reason: str = "", **target: Any
) -> Command:
    aimed = Target(**({"kind": kind, "namespace": "default", "name": called} | target))
    return Command(id="c1", name=name, target=aimed, reason=reason)


async def start(server: Server, command: Command, user: str = "boss") -> Any:
    return await approvals.start(command, user, cast(Api, server))


@pytest.mark.parametrize(
    ("name", "decision", "said"), [("approveHealing", "Approve", "approved"), ("denyHealing", "Deny", "denied")]
)
async def test_the_decision_and_its_reason_are_written(name: str, decision: str, said: str) -> None:
    server = Server()
    reference, outcome = await start(server, decide(name, reason="I looked.", uid="uid-a"))
    assert server.patched == [{"spec": {"approval": {"decision": decision, "by": "boss", "reason": "I looked."}}}]
    assert (reference.name, reference.uid, reference.created) == ("a", "uid-a", True)
    assert outcome.result().message == f"restartDeployment of Deployment web is {said}."


async def test_an_action_on_a_node_is_in_no_namespace() -> None:
    server = Server(f"{CLUSTER_ACTIONS}/a")
    reference, _ = await start(server, decide(kind="ClusterHealingAction", namespace=""))
    assert (reference.namespace, len(server.patched)) == ("", 1)


async def test_the_same_decision_again_is_none() -> None:
    server = Server()
    await start(server, decide())
    reference, outcome = await start(server, decide())
    assert (reference.created, len(server.patched), outcome.result().phase) == (False, 1, "Succeeded")
    for command, user in ((decide("denyHealing"), "boss"), (decide(), "ann")):
        with pytest.raises(CommandRefused, match="boss has approved this already"):
            await start(server, command, user)


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (decide(kind="Deployment"), "badTarget", "target.kind"),
        (decide(called="../x"), "badTarget", "target.name"),
        (decide(namespace="A"), "badTarget", "target.namespace"),
        (decide(uid="another"), "targetGone", "target.name"),
    ],
)
async def test_what_is_no_action_is_refused(command: Command, code: str, field: str) -> None:
    server = Server()
    with pytest.raises(CommandRefused) as caught:
        await start(server, command)
    assert (caught.value.code, caught.value.field, server.patched) == (code, field, [])


async def test_a_decision_has_no_parameters_and_no_dry_run() -> None:
    target = Target(kind="HealingAction", namespace="default", name="a")
    for more, field in (({"parameters": {"x": 1}}, "parameters.x"), ({"dry_run": True}, "dryRun")):
        with pytest.raises(CommandRefused) as caught:
            await start(Server(), Command(id="c", name="approveHealing", target=target, **more))
        assert caught.value.field == field


@pytest.mark.parametrize(("spec", "phase"), [({"approvalRequired": False}, "Running"), ({}, "Expired")])
async def test_an_action_that_waits_for_nobody_is_not_decided_about(spec: dict[str, Any], phase: str) -> None:
    server = Server(**spec)
    server.action["status"]["phase"] = phase
    with pytest.raises(CommandRefused, match="waits for no decision"):
        await start(server, decide())
    assert server.patched == []


async def test_a_page_decides_by_its_socket_and_hears_what_the_api_server_says(running: Running) -> None:
    running.cluster.objects[f"{ACTIONS}/a"] = Server().action
    socket = await running.page()
    target = {"kind": "HealingAction", "namespace": "default", "name": "a"}
    message = {"type": "command", "id": "c1", "name": "approveHealing", "target": target}
    running.cluster.refusal = NotPermitted("ann asked for this action, so another person has to decide.")
    await send(socket, message)
    refused = (await receive_until(socket, "error"))[-1]
    assert (refused["code"], "another person" in refused["message"]) == ("forbidden", True)
