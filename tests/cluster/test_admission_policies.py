"""Who may write a HealingPolicy, whose name stands in a HealingVeto, and which actions are a policy's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.cluster.admitting import ROOT, SECONDS, admitted, create, without_stamp
from tests.cluster.identities import RBAC, binding, role
from tests.cluster.policies import policy
from tests.cluster.shop import GROUP, action, with_admission
from tests.conftest import Cluster

from kubedom_bridge.action_catalogue import Right
from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.identity import User
from kubedom_bridge.kube import MERGE_PATCH, Api, ApiError, ClusterChoice
from kubedom_bridge.stating import StatedApi
from kubedom_operator.install import apply

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    return with_admission(cluster)


async def until_refused(attempt: Callable[[], Awaitable[Any]], sentence: str) -> None:
    """Try until the API server refuses with this sentence: a policy that was just installed takes a moment."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await attempt()
            except (AdmissionDenied, ApiError) as problem:
                if sentence in problem.message:
                    return
            await asyncio.sleep(0.05)


async def bound(api: Api, namespace: str, user: str, *rights: Right) -> None:
    """Give a user rights in the namespace."""
    name = f"{user}-{rights[0].resource}"
    made = role(name, list(rights)) | {"kind": "Role", "metadata": {"name": name, "namespace": namespace}}
    await apply(api, f"{RBAC}/namespaces/{namespace}/roles/{name}", made)
    given = binding(name, {"kind": "User", "name": user}, name, namespace)
    given["roleRef"]["kind"] = "Role"
    await apply(api, f"{RBAC}/namespaces/{namespace}/rolebindings/{name}", given)


async def test_a_policy_names_only_an_account_that_its_author_may_impersonate(api: Api, namespace: str) -> None:
    await bound(
        api,
        namespace,
        "author",
        Right("create", GROUP, "healingpolicies"),
        Right("patch", GROUP, "healingpolicies"),
    )
    author = api.impersonating("author")
    path = f"{ROOT}/namespaces/{namespace}/healingpolicies"

    def write(name: str, account: str = "healer") -> Awaitable[Any]:
        return author.call("POST", path, body=policy(name, serviceAccountName=account), query={"dryRun": "All"})

    may_not = f'author may not impersonate serviceaccounts "healer" in namespace {namespace}'
    await until_refused(lambda: write("restart"), may_not)
    own = policy("dry", dryRun=True, serviceAccountName=None)
    await admitted(lambda: author.call("POST", path, body=own))
    change = {"spec": {"dryRun": False, "serviceAccountName": "healer"}}
    with pytest.raises(AdmissionDenied, match="may not impersonate"):
        await author.call("PATCH", f"{path}/dry", body=change, content_type=MERGE_PATCH)
    await bound(api, namespace, "author", Right("impersonate", "", "serviceaccounts"))
    await admitted(lambda: write("restart"))


async def test_nobody_but_an_account_of_the_namespace_takes_an_action_for_a_policys(api: Api, namespace: str) -> None:
    wanted = action("restartDeployment", "Deployment", "web", policyRef={"name": "restart", "uid": "u"})
    boss = api.impersonating("boss", ["system:masters"])
    await until_refused(lambda: create(boss, wanted, namespace), "boss is no HealingPolicy: leave spec.policyRef out.")
    other = api.impersonating("system:serviceaccount:default:healer", ["system:masters"])
    with pytest.raises(AdmissionDenied, match="is no HealingPolicy"):
        await create(other, wanted, namespace)
    healer = api.impersonating(f"system:serviceaccount:{namespace}:healer", ["system:masters"])
    assert (await create(healer, wanted, namespace))["spec"]["policyRef"]["uid"] == "u"


async def test_a_veto_says_who_asked_for_it_whatever_they_write(api: Api, namespace: str) -> None:
    await bound(api, namespace, "ann", Right("create", GROUP, "healingvetoes"))
    ann, path = api.impersonating("ann"), f"{ROOT}/namespaces/{namespace}/healingvetoes"
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")

    def hold(by: str) -> Awaitable[Any]:
        spec = {"target": {"kind": "Deployment", "name": "web"}, "until": until, "requestedBy": by}
        made = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "HealingVeto", "metadata": {"generateName": "hold-"}}
        return ann.call("POST", path, body=made | {"spec": spec}, query={"dryRun": "All"})

    assert (await admitted(lambda: hold("boss")))["spec"]["requestedBy"] == "ann"
    async with without_stamp(api):
        await until_refused(lambda: hold("boss"), "This was done by ann, so spec.requestedBy must say that")
        assert (await hold("ann"))["spec"]["requestedBy"] == "ann"
        stated = StatedApi(api.impersonating("bridge", ["system:masters"]), User("ann"))
        body = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "HealingVeto", "metadata": {"name": "held"}}
        spec = {"target": {"kind": "Deployment", "name": "web"}, "until": until, "requestedBy": "boss"}
        made = await stated.call("POST", path, body=body | {"spec": spec})
        assert made["spec"]["requestedBy"] == "ann"
        with pytest.raises(NotPermitted, match="bob may not create healingvetoes"):
            await StatedApi(api, User("bob")).call("POST", path, body=body | {"spec": spec})
