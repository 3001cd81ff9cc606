"""What is done for a user is what they may do, and what their action would do as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.identity import User
from kubedom_bridge.kube import Api
from kubedom_bridge.stating import StatedApi, must_state, rights_of

ACTIONS = "/apis/kubedom.dev/v1alpha1/namespaces/shop/healingactions"
NODE_ACTIONS = "/apis/kubedom.dev/v1alpha1/clusterhealingactions"
ANN = User("ann", uid="7", groups=("dev",), extra=(("scopes", ("all",)),))


class Server:
    """Allows what it is told to, and notes what is asked and done."""

    def __init__(self, *allowed: str) -> None:
        self.name, self.server = "test", "https://test"
        self.allowed = set(allowed)
        self.reviewed: list[dict[str, Any]] = []
        self.done: list[tuple[str, str, Any]] = []

    async def call(self, method: str, path: str, *, body: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("accessreviews"):
            self.reviewed.append(body["spec"])
            asked = body["spec"]["resourceAttributes"]
            resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            return {"status": {"allowed": f"{asked['verb']} {resource}" in self.allowed}}
        self.done.append((method, path, body))
        return {}

    @asynccontextmanager
    async def stream(self, path: str, query: dict[str, str], **_: Any) -> AsyncIterator[str]:
        self.done.append(("GET", path, query))
        yield "a stream"


def restart(**spec: Any) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": "web"}
    return {"metadata": {"name": "x"}, "spec": {"action": "restartDeployment", "target": target} | spec}


def stated(server: Server) -> StatedApi:
    return StatedApi(cast(Api, server), ANN)


async def test_an_action_is_created_in_the_users_name_once_they_may_do_what_it_would() -> None:
    server = Server("create healingactions", "patch deployments")
    await stated(server).call("POST", ACTIONS, body=restart(requestedBy="bob"))
    ((method, path, body),) = server.done
    assert (method, path, body["spec"]["requestedBy"]) == ("POST", ACTIONS, "ann")
    for review in server.reviewed:
        assert (review["user"], review["uid"], review["groups"]) == ("ann", "7", ["dev"])
        assert review["extra"] == {"scopes": ["all"]}
    assert server.reviewed[1]["resourceAttributes"] == {
        "verb": "patch",
        "group": "apps",
        "resource": "deployments",
        "subresource": "",
        "namespace": "shop",
        "name": "web",
    }


@pytest.mark.parametrize(
    ("allowed", "sentence"),
    [
        ("create healingactions", 'ann may not patch deployments.apps "web" in namespace shop.'),
        ("patch deployments", "ann may not create healingactions.kubedom.dev in namespace shop."),
    ],
)
async def test_a_right_that_is_missing_is_named_and_nothing_is_created(allowed: str, sentence: str) -> None:
    server = Server(allowed)
    with pytest.raises(NotPermitted) as caught:
        await stated(server).call("POST", ACTIONS, body=restart())
    assert caught.value.message == sentence
    assert server.done == []


@pytest.mark.parametrize("action", ACTION_KINDS)
def test_every_action_takes_its_rights(action: str) -> None:
    kind = ACTION_KINDS[action]
    for target in kind.targets:
        for force in (False, True):
            spec = {"action": action, "target": {"kind": target, "name": "web"}, "parameters": {"force": force}}
            within = TARGETS[target].namespaced
            asked = rights_of("POST", ACTIONS if within else NODE_ACTIONS, {"spec": spec})
            assert asked is not None
            assert [each.right for each in asked[1:]] == list(kind.rights(target, force=force))
            for each in asked[1:]:
                assert each.namespace == ("shop" if within else "")
                assert each.name == ("" if each.right.any_name else "web")


async def test_an_approval_takes_its_verb_and_carries_the_users_name() -> None:
    server = Server("patch healingactions", "approve healingactions")
    approval = {"spec": {"approval": {"decision": "Approve", "by": "boss"}}}
    await stated(server).call("PATCH", f"{ACTIONS}/x", body=approval)
    assert server.done == [("PATCH", f"{ACTIONS}/x", {"spec": {"approval": {"decision": "Approve", "by": "ann"}}})]
    with pytest.raises(NotPermitted, match=r"ann may not approve healingactions\.kubedom\.dev"):
        await stated(Server("patch healingactions")).call("PATCH", f"{ACTIONS}/x", body=approval)


async def test_one_object_is_looked_at_with_the_users_right() -> None:
    pod = "/api/v1/namespaces/shop/pods/web-1"
    server = Server("get pods")
    await stated(server).call("GET", pod)
    assert server.done == [("GET", pod, None)]
    with pytest.raises(NotPermitted, match='ann may not get pods "web-1" in namespace shop'):
        await stated(Server()).call("GET", pod)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/namespaces/shop/pods", None),
        ("GET", "/api/v1/namespaces/shop/secrets", None),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments", None),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments/web/log", None),
        ("DELETE", "/api/v1/namespaces/shop/pods/web-1/log", None),
        ("GET", "/api/v1/namespaces/shop/pods/web-1/exec", None),
        ("GET", "/api/v1/namespaces/shop/pods/..", None),
        ("GET", "/api/v1/namespaces/shop/pods/a%2f..%2fb", None),
        ("GET", "/api/v1/namespaces/shop/pods/a?watch=1", None),
        ("DELETE", "/api/v1/namespaces/shop/pods/web-1", None),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", {"spec": {"approval": {}}}),
        ("PATCH", f"{ACTIONS}/x", {"spec": {"approval": {}, "requestedBy": "ann"}}),
        ("PATCH", f"{ACTIONS}/x", {"spec": {"approval": {}}, "metadata": {}}),
        ("PATCH", f"{ACTIONS}/x/status", {"spec": {"approval": {}}}),
        ("PATCH", f"{ACTIONS}/x", [{"op": "add", "path": "/spec/approval", "value": {}}]),
        ("POST", f"{ACTIONS}/x", {"spec": {}}),
        ("POST", "/api/v1/namespaces/shop/secrets", {"spec": {}}),
    ],
)
async def test_nothing_else_is_done_for_somebody_else(method: str, path: str, body: Any) -> None:
    everything = ("get pods", "delete pods", "patch deployments", "patch healingactions", "approve healingactions")
    server = Server(*everything)
    with pytest.raises(NotPermitted, match="may not impersonate"):
        await stated(server).call(method, path, body=body)
    assert server.reviewed == server.done == []


@pytest.mark.parametrize(
    ("right", "path"),
    [
        ("list events", "/api/v1/namespaces/shop/events"),
        ("list healingactions", ACTIONS),
        ("list clusterhealingactions", NODE_ACTIONS),
    ],
)
async def test_events_and_actions_are_listed_with_the_users_right(right: str, path: str) -> None:
    server = Server(right)
    await stated(server).call("GET", path)
    assert server.done == [("GET", path, None)]
    with pytest.raises(NotPermitted, match=f"ann may not {right}"):
        await stated(Server()).call("GET", path)


async def test_a_log_is_read_with_the_users_right() -> None:
    log = "/api/v1/namespaces/shop/pods/x/log"
    server = Server("get pods/log")
    async with stated(server).stream(log, {"tailLines": "3"}, inactivity=1) as answer:
        assert (answer, server.done) == ("a stream", [("GET", log, {"tailLines": "3"})])
    server = Server("get pods")
    with pytest.raises(NotPermitted, match='ann may not get pods/log "x" in namespace shop'):
        async with stated(server).stream(log, {}, inactivity=1):
            pass
    with pytest.raises(NotPermitted, match="may not impersonate"):
        async with stated(server).stream("/api/v1/pods", {"watch": "1"}, inactivity=1):
            pass
    assert server.done == []


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ((), False),
        (("requestfor healingactions",), True),
        (("requestfor healingactions", "impersonate users"), False),
        (("requestfor healingactions", "impersonate:user-info users"), False),
        (("impersonate users",), False),
    ],
)
async def test_who_may_impersonate_does(allowed: tuple[str, ...], expected: bool) -> None:
    assert await must_state(cast(Api, Server(*allowed))) is expected
