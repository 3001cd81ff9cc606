"""What is sent when acting as somebody, and how the API server's refusals read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio import client

from kubedom_bridge.errors import AdmissionDenied, KubedomError, NotPermitted
from kubedom_bridge.kube import Api, ApiError, create_named

SENTENCE = 'ann may not patch deployments.apps "db" in namespace shop, which restartDeployment would do.'
POLICY = "healingactions.kubedom.dev"


class Server:
    """Notes the headers of every request, and answers as told."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.status = 200
        self.answer: Any = {}
        self.unavailable = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.headers = [(name.lower(), value) for name, value in request.headers.items()]
        if self.unavailable:
            self.unavailable -= 1
            return web.json_response({"message": "There can be a delay.", "reason": "ServiceUnavailable"}, status=503)
        return web.json_response(self.answer, status=self.status)

    def refuses(self, status: int, reason: str, message: str) -> None:
        self.status, self.answer = status, {"kind": "Status", "message": message, "reason": reason, "code": status}

    def acting(self) -> list[tuple[str, str]]:
        return sorted(each for each in self.headers if each[0].startswith(("impersonate", "authorization")))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made = Api(client.Configuration(host=f"http://127.0.0.1:{port}"), "test")
    yield made
    await made.close()
    await runner.cleanup()


async def refusal(api: Api) -> KubedomError:
    with pytest.raises(KubedomError) as caught:
        await api.call("POST", "/apis")
    return caught.value


async def test_all_of_a_user_is_impersonated(api: Api, server: Server) -> None:
    extra = (("scopes", ("a", "b")), ("example.org/Team %1", ("ops",)))
    await api.impersonating("ann", ["dev", "ops"], uid="7", extra=extra).call("GET", "/api")
    assert server.acting() == [
        ("impersonate-extra-example.org%2fteam%20%251", "ops"),
        ("impersonate-extra-scopes", "a"),
        ("impersonate-extra-scopes", "b"),
        ("impersonate-group", "dev"),
        ("impersonate-group", "ops"),
        ("impersonate-uid", "7"),
        ("impersonate-user", "ann"),
    ]
    await api.call("GET", "/api")
    assert server.acting() == []


async def test_a_stream_is_read_as_the_same_user_as_any_other_answer(api: Api, server: Server) -> None:
    async with api.impersonating("ann").stream("/api", {}, inactivity=5):
        assert server.acting() == [("impersonate-user", "ann")]
    async with api.with_token("t").stream("/api", {}, inactivity=5):
        assert server.acting() == [("authorization", "Bearer t")]


async def test_who_has_a_token_impersonates_by_the_tokens_right(api: Api, server: Server) -> None:
    await api.with_token("t").impersonating("ann").impersonating("bob").call("GET", "/api")
    assert server.acting() == [("authorization", "Bearer t"), ("impersonate-user", "bob")]


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (422, "Invalid")])
async def test_a_policys_sentence_is_shown_without_what_the_api_server_wraps_it_in(
    api: Api, server: Server, status: int, reason: str
) -> None:
    server.refuses(
        status,
        reason,
        f"healingactions.kubedom.dev \"x\" is forbidden: ValidatingAdmissionPolicy '{POLICY}' with binding "
        f"'{POLICY}' denied request: {SENTENCE}",
    )
    problem = await refusal(api)
    assert isinstance(problem, AdmissionDenied)
    assert (problem.policy, problem.message, problem.code) == (POLICY, SENTENCE, "forbidden")
    assert str(problem) == (f"{SENTENCE} Ask for this right." if status == 403 else SENTENCE)


async def test_a_refusal_by_rbac_is_not_one_by_a_policy(api: Api, server: Server) -> None:
    server.refuses(403, "Forbidden", 'pods is forbidden: User "ann" cannot list resource "pods"')
    problem = await refusal(api)
    assert isinstance(problem, NotPermitted)
    assert not isinstance(problem, AdmissionDenied)


async def test_an_invalid_object_is_no_matter_of_rights(api: Api, server: Server) -> None:
    server.refuses(422, "Invalid", "spec.action: Unsupported value")
    problem = await refusal(api)
    assert isinstance(problem, ApiError)
    assert (problem.status, problem.message) == (422, "spec.action: Unsupported value")


async def test_what_a_starting_api_server_cannot_take_yet_is_created_when_it_can(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubedom_bridge.kube.UNAVAILABLE_POLL_SECONDS", 0)
    server.unavailable, server.answer = 3, {"kind": "HealingAction"}
    assert await create_named(api, "/apis", {}) == {"kind": "HealingAction"}
    server.refuses(409, "AlreadyExists", "It is there.")
    with pytest.raises(ApiError, match="It is there"):
        await create_named(api, "/apis", {})


async def test_an_api_server_that_stays_unavailable_is_believed_in_the_end(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubedom_bridge.kube.UNAVAILABLE_SECONDS", 0)
    server.unavailable = 3
    with pytest.raises(ApiError, match="There can be a delay"):
        await create_named(api, "/apis", {})
