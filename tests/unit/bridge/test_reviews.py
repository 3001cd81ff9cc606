"""Reviews are asked rarely, once at a time, and never guessed."""

from __future__ import annotations

import asyncio
import base64
import gc
import ipaddress
import json
from contextlib import suppress
from typing import Any, cast

import pytest

from kubedom_bridge.authority import ReviewedAuthority
from kubedom_bridge.errors import ClusterUnreachable
from kubedom_bridge.identity import (
    TOKEN_SUBPROTOCOL,
    Proof,
    SignInRefused,
    TrustedProxies,
    User,
    expiry_of,
    token_of_header,
    token_of_subprotocols,
)
from kubedom_bridge.kube import Api
from kubedom_bridge.outlook import Resource, possible
from kubedom_bridge.reviews import ACCESS_SECONDS, TOKEN_SECONDS, AccessReviews, Decisions, TokenReviews
from kubedom_bridge.view import Rights

ANN = User("ann", "u1", ("dev",), (("scopes", ("a", "b")),))
RESOURCES = {"Pod": Resource("", "pods", True), "Node": Resource("", "nodes", False)}


class Reviewer:
    """An API server that answers reviews from a table."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.allowed: set[tuple[str, str, str]] = set()
        self.status: dict[str, Any] = {"authenticated": False}
        self.rules: dict[str, dict[str, Any]] = {}
        self.away = False

    async def call(self, method: str, path: str, *, body: Any) -> dict[str, Any]:
        self.asked.append(body["spec"])
        await asyncio.sleep(0)
        if self.away:
            raise ClusterUnreachable("gone")
        if path.endswith("tokenreviews"):
            return {"status": self.status}
        if path.endswith("selfsubjectrulesreviews"):
            return {"status": self.rules.get(body["spec"]["namespace"], {"resourceRules": []})}
        asked = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": (asked["verb"], asked["resource"], asked["namespace"]) in self.allowed}}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reviewer() -> Reviewer:
    return Reviewer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(reviewer: Reviewer, clock: Clock) -> AccessReviews:
    return AccessReviews(cast(Api, reviewer), RESOURCES, lambda: ("shop", "default", ""), clock=clock)


async def test_the_whole_cluster_is_asked_for_first_and_namespaces_only_where_that_is_refused(
    reviewer: Reviewer, access: AccessReviews
) -> None:
    reviewer.allowed = {("list", "pods", ""), ("watch", "pods", "")}
    assert await access.rights(ANN) == Rights(frozenset({"Pod"}))
    assert [asked["resourceAttributes"]["resource"] for asked in reviewer.asked].count("pods") == 2
    assert all(asked["resourceAttributes"]["namespace"] == "" for asked in reviewer.asked)
    assert reviewer.asked[0] | {"resourceAttributes": 0} == {
        "resourceAttributes": 0,
        "user": "ann",
        "uid": "u1",
        "groups": ["dev"],
        "extra": {"scopes": ["a", "b"]},
    }


async def test_listing_without_watching_is_not_enough(reviewer: Reviewer, access: AccessReviews) -> None:
    reviewer.allowed = {("list", "pods", ""), ("list", "pods", "shop"), ("watch", "pods", "shop")}
    assert await access.rights(ANN) == Rights(frozenset(), frozenset({("Pod", "shop")}))


async def test_many_questions_at_once_are_one_and_are_forgotten_in_time(
    reviewer: Reviewer, access: AccessReviews, clock: Clock
) -> None:
    reviewer.allowed = {("list", "pods", "shop"), ("watch", "pods", "shop")}
    answers = await asyncio.gather(*(access.rights(ANN) for _ in range(20)))
    assert len(set(answers)) == 1
    asked = len(reviewer.asked)
    assert asked == 5
    reviewer.allowed.clear()
    clock.now = ACCESS_SECONDS - 0.1
    assert await access.rights(ANN) == answers[0]
    assert len(reviewer.asked) == asked
    clock.now = ACCESS_SECONDS + 0.1
    assert await access.rights(ANN) == Rights()


PODS = {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]}


async def test_whose_rules_can_be_asked_for_is_asked_for_nothing_else_in_other_namespaces(
    reviewer: Reviewer, access: AccessReviews
) -> None:
    reviewer.allowed = {("list", "pods", "shop"), ("watch", "pods", "shop"), ("list", "pods", "default")}
    reviewer.rules["shop"] = {"resourceRules": [PODS]}
    assert await access.rights(ANN, cast(Api, reviewer)) == Rights(frozenset(), frozenset({("Pod", "shop")}))
    reviewed = [asked["resourceAttributes"] for asked in reviewer.asked if "resourceAttributes" in asked]
    assert {each["namespace"] for each in reviewed} == {"", "shop"}


async def test_rules_alone_grant_nothing(reviewer: Reviewer, access: AccessReviews) -> None:
    reviewer.rules["shop"] = {"resourceRules": [PODS]}
    assert await access.rights(ANN, cast(Api, reviewer)) == Rights()


@pytest.mark.parametrize("status", [{"incomplete": True}, {"evaluationError": "a webhook tells no rules"}])
async def test_where_rules_are_incomplete_everything_is_asked_for(
    reviewer: Reviewer, access: AccessReviews, status: dict[str, Any]
) -> None:
    reviewer.allowed = {("list", "pods", "shop"), ("watch", "pods", "shop")}
    reviewer.rules = {place: {"resourceRules": [], **status} for place in ("shop", "default")}
    assert await access.rights(ANN, cast(Api, reviewer)) == Rights(frozenset(), frozenset({("Pod", "shop")}))


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, True),
        ({"verbs": ["*"]}, True),
        ({"apiGroups": ["*"]}, True),
        ({"resources": ["*"]}, True),
        ({"verbs": ["list"]}, False),
        ({"apiGroups": ["apps"]}, False),
        ({"resources": ["pods/log"]}, False),
        ({"resourceNames": ["web"]}, False),
    ],
)
def test_a_rule_is_of_a_kind_by_verbs_group_and_resource(changed: dict[str, Any], found: bool) -> None:
    kinds = possible({"resourceRules": [PODS | changed]}, RESOURCES)
    assert kinds is not None
    assert ("Pod" in kinds) is found


async def test_users_of_one_name_are_told_apart(reviewer: Reviewer, access: AccessReviews) -> None:
    await access.rights(ANN)
    asked = len(reviewer.asked)
    await access.rights(User("ann", "u1", ("dev", "admins"), ANN.extra))
    await access.rights(User("ann", "u2", ("dev",), ANN.extra))
    assert len(reviewer.asked) == 3 * asked


async def test_what_cannot_be_asked_is_an_error_and_not_an_old_answer(
    reviewer: Reviewer, access: AccessReviews, clock: Clock
) -> None:
    reviewer.allowed = {("list", "pods", ""), ("watch", "pods", "")}
    await access.rights(ANN)
    reviewer.away, clock.now = True, ACCESS_SECONDS + 0.1
    with pytest.raises(ClusterUnreachable):
        await access.rights(ANN)
    reviewer.away = False
    assert await access.rights(ANN) == Rights(frozenset({"Pod"}))


async def test_an_error_that_nobody_waits_for_any_more_is_not_complained_of() -> None:
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    decisions: Decisions[str, bool] = Decisions(loop.time, lambda _: 1.0)
    closed = asyncio.Event()

    async def ask() -> bool:
        await closed.wait()
        raise RuntimeError("Session is closed")

    waiting = asyncio.create_task(decisions.get("ann", ask))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    closed.set()
    # The question ends in the first turn, and what follows from it in the next.
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_a_token_is_reviewed_again_within_a_minute_and_must_be_meant_for_the_audience(
    reviewer: Reviewer, clock: Clock
) -> None:
    tokens = TokenReviews(cast(Api, reviewer), clock=clock, audiences=("kubedom",))
    reviewer.status = {"authenticated": True, "user": {"username": "ann", "uid": "u1"}}
    with pytest.raises(SignInRefused):
        # An API server that says nothing of audiences has not looked at them.
        await tokens.identify("t")
    reviewer.status |= {"audiences": ["kubedom"]}
    clock.now += 10
    assert (await tokens.identify("t")).user == User("ann", "u1")
    assert reviewer.asked[-1] == {"token": "t", "audiences": ["kubedom"]}
    count = len(reviewer.asked)
    await tokens.identify("t")
    assert len(reviewer.asked) == count
    reviewer.status = {"authenticated": False}
    clock.now += TOKEN_SECONDS + 0.1
    assert TOKEN_SECONDS <= 55
    with pytest.raises(SignInRefused):
        await tokens.identify("t")


async def test_a_token_is_renewed_for_the_same_user_only(reviewer: Reviewer, access: AccessReviews) -> None:
    tokens = TokenReviews(cast(Api, reviewer), clock=lambda: 0.0)
    authority = ReviewedAuthority(cast(Api, reviewer), tokens=tokens, access=access, cookie="c")
    reviewer.status = {"authenticated": True, "user": {"username": "ann", "uid": "u1"}}
    identity = await authority.identify(Proof(cookies={"c": "first"}))
    assert (await authority.renew(identity, "second")).token == "second"
    reviewer.status = {"authenticated": True, "user": {"username": "bob", "uid": "u2"}}
    with pytest.raises(SignInRefused, match="another user"):
        await authority.renew(identity, "third")


def jwt(claims: Any) -> str:
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".s"


def test_when_a_token_ends_is_read_where_it_says_so() -> None:
    assert expiry_of(jwt({"exp": 1_800_000_000})) == 1_800_000_000
    for odd in ("opaque", "a.b.c", jwt({}), jwt([]), jwt({"exp": "soon"}), "..", "a.b"):
        assert expiry_of(odd) is None


def test_a_token_comes_as_bearer_or_as_one_subprotocol() -> None:
    assert token_of_header("") == token_of_subprotocols(["kubedom.v1"]) == ""
    assert token_of_header("bearer  abc") == "abc"
    encoded = TOKEN_SUBPROTOCOL + base64.urlsafe_b64encode(b"a.b-c").decode().rstrip("=")
    assert token_of_subprotocols(["kubedom.v1", encoded]) == "a.b-c"
    for header in ("Basic abc", "Bearer", "Bearer a b", "Bearer \x00", "Bearer " + "x" * 20_000):
        with pytest.raises(SignInRefused):
            token_of_header(header)
    for offered in ([encoded, encoded], [TOKEN_SUBPROTOCOL + "%"], [TOKEN_SUBPROTOCOL + "/w"]):
        with pytest.raises(SignInRefused):
            token_of_subprotocols(offered)


def test_a_proxy_is_believed_by_its_address_only() -> None:
    proxies = TrustedProxies((ipaddress.ip_network("10.0.0.0/8"),))
    headers = {"x-forwarded-user": ["ann"], "x-forwarded-groups": ["dev,system:masters, ops"]}
    assert proxies.vouch(Proof(headers=headers, peer="10.1.2.3")) == User(
        "ann", groups=("dev", "ops", "system:authenticated")
    )
    for peer in ("11.0.0.1", "", "unix", "::1"):
        assert proxies.vouch(Proof(headers=headers, peer=peer)) is None
    for names in ([], [""], ["ann", "root"], ["system:admin"]):
        with pytest.raises(SignInRefused):
            proxies.vouch(Proof(headers={"x-forwarded-user": names}, peer="10.1.2.3"))
