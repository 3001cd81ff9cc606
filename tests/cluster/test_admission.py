"""The real API server judges every action with the rights of whoever asks for it, on every way that there is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.admitting import ROOT, admitted, create, denied, switched_off, without_stamp
from tests.cluster.identities import RBAC, Make, binding, role, rules
from tests.cluster.shop import GROUP, Shop, action, opened_shop, with_admission
from tests.cluster.test_many_users import Page, page
from tests.conftest import Cluster
from tests.running import KubedomRun, wait_for
from websockets.asyncio.client import ClientConnection

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS, Right
from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.identity import User
from kubedom_bridge.kube import MERGE_PATCH, Api, ApiError, ClusterChoice
from kubedom_bridge.stating import StatedApi, must_state
from kubedom_operator import rbac_manifests
from kubedom_operator.admission import start_admission
from kubedom_operator.install import apply, install_crds

pytestmark = pytest.mark.cluster

PEOPLE = "kubedom-test-people"
ROWS = [
    (kind.name, target, force)
    for kind in ACTION_KINDS.values()
    for target, force in product(kind.targets, (False, True) if kind.forced else (False,))
]
PARAMETERS: dict[str, Any] = {"replicas": 2, "image": "registry.example/web:2"}


@pytest.fixture(scope="module")
def choice(cluster: Cluster) -> ClusterChoice:
    return with_admission(cluster)


# Every row of the catalogue.


@pytest.fixture
async def people(api: Api) -> AsyncIterator[None]:
    """Members of a group may create actions, and nothing else."""
    asking = [Right("create", GROUP, plural) for plural in ("healingactions", "clusterhealingactions")]
    await apply(api, f"{RBAC}/clusterroles/{PEOPLE}", role(PEOPLE, asking))
    bound = binding(PEOPLE, {"kind": "Group", "name": PEOPLE}, PEOPLE)
    await apply(api, f"{RBAC}/clusterrolebindings/{PEOPLE}", bound)
    yield
    await api.call("DELETE", f"{RBAC}/clusterrolebindings/{PEOPLE}")
    await api.call("DELETE", f"{RBAC}/clusterroles/{PEOPLE}")


@pytest.mark.parametrize(("verb", "kind", "force"), ROWS)
async def test_every_action_takes_just_the_rights_to_do_the_same_by_hand(
    api: Api, people: None, namespace: str, verb: str, kind: str, force: bool
) -> None:
    name = f"{namespace}-{verb}-{kind}-{'force' if force else 'plain'}".lower()
    user = api.impersonating(name, [PEOPLE])
    catalogued = ACTION_KINDS[verb]
    parameters = {key: PARAMETERS[key] for key in catalogued.required} | ({"force": True} if force else {})
    spec = {"parameters": parameters} if parameters else {}
    wanted, other = action(verb, kind, "web", **spec), action(verb, kind, "db", **spec)
    needed = catalogued.rights(kind, force=force)
    subject = {"kind": "User", "name": name}
    # One right after the other is given, and until the last one is there the next one is missed.
    for number, right in enumerate(needed):
        subresource = f"/{right.subresource}" if right.subresource else ""
        what = f"{right.verb} {right.resource}{f'.{right.group}' if right.group else ''}{subresource}"
        problem = await denied(lambda: create(user, wanted, namespace), f"{name} may not {what}")
        assert problem.message.endswith(f", which {verb} would do.")
        made = f"{name}-{number}"
        await apply(api, f"{RBAC}/clusterroles/{made}", role(made, [right], ["web"]))
        within = namespace if TARGETS[kind].namespaced else ""
        path = f"namespaces/{namespace}/rolebindings" if within else "clusterrolebindings"
        await apply(api, f"{RBAC}/{path}/{made}", binding(made, subject, made, within))
    try:
        made_action = await admitted(lambda: create(user, wanted, namespace))
        assert made_action["spec"]["requestedBy"] == name
        if not any(right.any_name for right in needed) or len(needed) > 1:
            with pytest.raises(AdmissionDenied, match='"db"'):
                await create(user, other, namespace)
        if TARGETS[kind].namespaced:
            # Rights end at the namespace, for the action and for its target.
            with pytest.raises(AdmissionDenied, match="in namespace default"):
                await create(user, wanted, "default")
    finally:
        for number in range(len(needed)):
            await api.call("DELETE", f"{RBAC}/clusterroles/{name}-{number}")
            if not TARGETS[kind].namespaced:
                await api.call("DELETE", f"{RBAC}/clusterrolebindings/{name}-{number}")


async def test_what_the_catalogue_does_not_have_is_refused_to_everybody(api: Api, namespace: str) -> None:
    for wanted in (
        action("restartDeployment", "Pod", "web"),
        action("scale", "Deployment", "web", parameters={"replicas": 1, "force": True}),
        action("restartPod", "CronJob", "web"),
    ):
        # The schema comes first, and where it lets something pass, the policy does not.
        with pytest.raises((AdmissionDenied, ApiError)) as refused:
            await create(api, wanted, namespace)
        if isinstance(refused.value, ApiError):
            assert refused.value.status == 422
        else:
            assert "No HealingAction does this" in refused.value.message


# Who asked, and who approved.


async def test_a_forged_name_is_overwritten(api: Api, people: None, namespace: str) -> None:
    wanted = action("restartDeployment", "Deployment", "web", requestedBy="ann")
    boss = api.impersonating("boss", ["system:masters"])
    assert (await create(boss, wanted, namespace))["spec"]["requestedBy"] == "boss"
    mallory = api.impersonating("mallory", [PEOPLE], uid="7", extra=(("example.org/scopes", ("all",)),))
    await denied(lambda: create(mallory, wanted, namespace), "mallory may not patch")


@dataclass
class Approvals:
    """An action that waits, and people who want to decide over it."""

    api: Api
    namespace: str
    name: str

    async def decide(self, user: str, decision: str = "Approve", **more: Any) -> dict[str, Any]:
        approval = {"decision": decision, **more}
        return await self.patch(user, {"approval": approval})

    async def patch(self, user: str, spec: dict[str, Any]) -> dict[str, Any]:
        path = f"{ROOT}/namespaces/{self.namespace}/healingactions/{self.name}"
        acting = self.api.impersonating(user)
        return await acting.call("PATCH", path, body={"spec": spec}, content_type=MERGE_PATCH)


@pytest.fixture
async def approvals(api: Api, namespace: str) -> Approvals:
    """Ann asked; she and the boss may approve, the clerk may only patch actions."""
    everything, patching = f"{namespace}-everything", f"{namespace}-patching"
    roles = {
        everything: [
            Right("create", GROUP, "healingactions"),
            Right("patch", GROUP, "healingactions"),
            Right("approve", GROUP, "healingactions"),
            Right("patch", "apps", "deployments"),
        ],
        patching: [Right("patch", GROUP, "healingactions")],
    }
    for name, rights in roles.items():
        made = role(name, rights) | {"kind": "Role", "metadata": {"name": name, "namespace": namespace}}
        await apply(api, f"{RBAC}/namespaces/{namespace}/roles/{name}", made)
    for user, given in (("ann", everything), ("boss", everything), ("clerk", patching)):
        bound = binding(user, {"kind": "User", "name": user}, given, namespace)
        bound["roleRef"]["kind"] = "Role"
        await apply(api, f"{RBAC}/namespaces/{namespace}/rolebindings/{user}", bound)
    wanted = action("restartDeployment", "Deployment", "web", approvalRequired=True)
    made = await admitted(lambda: create(api.impersonating("ann"), wanted, namespace, dry=False))
    assert made["spec"]["requestedBy"] == "ann"
    return Approvals(api, namespace, made["metadata"]["name"])


async def test_an_approval_takes_the_verb_and_another_person_and_says_who_it_was(approvals: Approvals) -> None:
    await denied(lambda: approvals.decide("clerk"), "clerk may not approve healingactions.kubedom.dev")
    with pytest.raises(AdmissionDenied, match="ann asked for this action, so another person has to decide"):
        await approvals.decide("ann")
    # Whose name they write is nothing to go by.
    with pytest.raises(AdmissionDenied, match="ann asked for this action"):
        await approvals.decide("ann", by="boss")
    decided = await approvals.decide("boss", by="somebody")
    assert decided["spec"]["approval"] == {"decision": "Approve", "by": "boss"}
    with pytest.raises(ApiError, match="was decided about already"):
        await approvals.decide("boss", "Deny")
    with pytest.raises(ApiError, match="was decided about already"):
        await approvals.patch("boss", {"approval": None})


async def test_nobody_approves_what_they_create(approvals: Approvals) -> None:
    approved = {"approvalRequired": True, "approval": {"decision": "Approve", "by": "boss"}}
    wanted = action("restartDeployment", "Deployment", "web", **approved)
    with pytest.raises(AdmissionDenied, match="cannot approve an action while creating it"):
        await create(approvals.api.impersonating("ann"), wanted, approvals.namespace)


async def test_who_asked_for_it_cannot_be_changed_later(approvals: Approvals) -> None:
    with pytest.raises(ApiError, match="cannot be changed"):
        await approvals.patch("boss", {"requestedBy": "boss"})


# Alice and Bob, by kubectl and by the socket.


@pytest.fixture
def shop(choice: ClusterChoice, cluster: Cluster, namespace: str) -> Shop:
    return opened_shop(cluster, namespace)


def test_by_kubectl_each_may_ask_for_what_they_may_do(shop: Shop) -> None:
    def created() -> bool:
        return shop.kubectl_create("alice", "web")[0] == 0

    wait_for("Alice's action on web", created)
    for user, deployment in (("alice", "db"), ("bob", "web")):
        code, output = shop.kubectl_create(user, deployment)
        assert code != 0
        assert shop.sentence(user, deployment) in output
    shop.let_alice_no_more()
    wait_for("the end of Alice's right", lambda: not created())
    assert shop.sentence("alice", "web") in shop.kubectl_create("alice", "web")[1]


@pytest.fixture
def run(cluster: Cluster) -> Iterator[KubedomRun]:
    options = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--sign-in=token")
    with KubedomRun(*options) as started:
        yield started


@pytest.fixture
async def opened() -> AsyncIterator[list[ClientConnection]]:
    sockets: list[ClientConnection] = []
    yield sockets
    for socket in sockets:
        await socket.close()


async def answer(shown: Page, namespace: str, deployment: str, number: str) -> dict[str, Any]:
    """Command a restart, and give the first answer to it."""
    target = {"kind": "Deployment", "namespace": namespace, "name": deployment}
    command = {"type": "command", "id": number, "name": "restartDeployment", "target": target}
    await shown.socket.send(json.dumps(command))

    def answers() -> list[dict[str, Any]]:
        return [message for message in map(json.loads, shown.raw) if message.get("id") == number]

    await shown.until(answers)
    return answers()[0]


async def test_by_the_socket_each_may_ask_for_what_they_may_do(
    shop: Shop, run: KubedomRun, opened: list[ClientConnection]
) -> None:
    namespace = shop.namespace
    alice = await page(run, shop.token("alice"), opened)
    bob = await page(run, shop.token("bob"), opened)
    assert (await answer(alice, namespace, "web", "1"))["type"] == "ack"
    await alice.until(lambda: any('"type":"result"' in text for text in alice.raw), seconds=60)
    (result,) = [message for message in map(json.loads, alice.raw) if message["type"] == "result"]
    assert result["phase"] == "Succeeded"
    for shown, user, deployment in ((alice, "alice", "db"), (bob, "bob", "web")):
        refused = await answer(shown, namespace, deployment, "2")
        assert (refused["type"], refused["code"]) == ("error", "forbidden")
        assert refused["message"] == f"{shop.sentence(user, deployment)} Ask for this right."
    actions = shop.cluster.get("healingactions", f"--namespace={namespace}")["items"]
    assert [each["spec"]["requestedBy"] for each in actions] == [shop.user("alice")]
    shop.let_alice_no_more()
    wait_for("the end of Alice's right", lambda: shop.kubectl_create("alice", "web")[0] != 0)
    refused = await answer(alice, namespace, "web", "3")
    assert refused["message"] == f"{shop.sentence('alice', 'web')} Ask for this right."


# The proof at the start.


async def test_the_operators_own_role_is_enough_for_the_proof(api: Api, somebody: Make, tmp_path: Path) -> None:
    operator = somebody("operator", *rules(rbac_manifests.operator(), "kubedom-operator"))
    own = await Api.connect(ClusterChoice(str(operator.kubeconfig(tmp_path))))
    try:
        assert await start_admission(own, None) == ""
        async with switched_off(api):
            why = await start_admission(own, None, deadline=2)
        assert why.startswith("Not healing because the API server let an action pass that it has to refuse")
    finally:
        await own.close()


async def test_the_installers_role_is_enough_to_install(api: Api, somebody: Make, tmp_path: Path) -> None:
    both = [rule for name in ("kubedom-operator", "kubedom-install") for rule in rules(rbac_manifests.operator(), name)]
    operator = somebody("installer", *both)
    own = await Api.connect(ClusterChoice(str(operator.kubeconfig(tmp_path))))
    try:
        async with switched_off(api):
            await install_crds(own)
            assert await start_admission(own, None) == ""
    finally:
        await own.close()


async def test_who_may_not_impersonate_shows_what_can_be_shown(api: Api, somebody: Make, tmp_path: Path) -> None:
    asks = {"apiGroups": [GROUP], "resources": ["healingactions"], "verbs": ["create"]}
    own = await Api.connect(ClusterChoice(str(somebody("asks", asks).kubeconfig(tmp_path))))
    nobody = await Api.connect(ClusterChoice(str(somebody("nobody").kubeconfig(tmp_path))))
    try:
        assert await start_admission(own, None) == ""
        assert "it cannot be shown that the API server judges actions" in await start_admission(nobody, None)
        async with switched_off(api):
            assert "let an action pass" in await start_admission(own, None, deadline=2)
    finally:
        await own.close()
        await nobody.close()


async def test_without_the_proof_kubedom_shows_the_cluster_and_heals_nothing(
    api: Api, shop: Shop, somebody: Make, opened: list[ClientConnection], tmp_path: Path
) -> None:
    wanted = [*rules(rbac_manifests.operator(), "kubedom-operator"), *rules(rbac_manifests.bridge(), "kubedom-bridge")]
    kubeconfig = somebody("kubedom", *wanted).kubeconfig(tmp_path)
    async with switched_off(api):
        # Long enough for the run to give up waiting for a policy that will not come.
        with KubedomRun(f"--kubeconfig={kubeconfig}", "--sign-in=token") as started:
            shown = await page(started, shop.token("alice"), opened)
            refused = await answer(shown, shop.namespace, "web", "1")
            await shown.until(lambda: "web" in shown.names("Deployment"))
            printed = started.output()
    assert (refused["type"], refused["code"]) == ("error", "healingOff")
    assert refused["message"].startswith("Not healing because the API server let an action pass")
    assert printed.count("WARNING kubedom_operator.cli.preflight: Not healing because") == 1
    assert shop.cluster.get("healingactions", f"--namespace={shop.namespace}")["items"] == []


# A bridge that acts as its users by constrained impersonation.


async def test_as_its_users_the_bridge_can_ask_for_actions_and_do_nothing_else(
    api: Api, people: None, somebody: Make, namespace: str, tmp_path: Path
) -> None:
    bridge = somebody("bridge", *rules(rbac_manifests.bridge(), "kubedom-bridge-impersonate"))
    own = await Api.connect(ClusterChoice(str(bridge.kubeconfig(tmp_path))))
    await apply(
        api,
        f"{RBAC}/clusterrolebindings/{namespace}-admins",
        binding(f"{namespace}-admins", {"kind": "Group", "name": "admins"}, "cluster-admin"),
    )
    admin = own.impersonating("root", ["admins"])
    try:
        wanted = action("restartDeployment", "Deployment", "web")
        assert (await admitted(lambda: create(admin, wanted, namespace)))["spec"]["requestedBy"] == "root"
        ann = own.impersonating("ann", [PEOPLE])
        await denied(lambda: create(ann, wanted, namespace), "ann may not patch deployments.apps")
        for method, path in (
            ("GET", f"/api/v1/namespaces/{namespace}/secrets"),
            ("GET", f"/api/v1/namespaces/{namespace}/pods"),
            ("DELETE", f"/api/v1/namespaces/{namespace}"),
            ("DELETE", f"{ROOT}/namespaces/{namespace}/healingactions"),
        ):
            with pytest.raises(NotPermitted, match="cannot impersonate"):
                await admin.call(method, path)
    finally:
        await own.close()
        await api.call("DELETE", f"{RBAC}/clusterrolebindings/{namespace}-admins")


async def test_as_a_policys_service_account_the_operator_can_ask_for_actions_and_do_nothing_else(
    shop: Shop, somebody: Make, tmp_path: Path
) -> None:
    operator = somebody("operator", *rules(rbac_manifests.operator(), "kubedom-operator-policies"))
    own = await Api.connect(ClusterChoice(str(operator.kubeconfig(tmp_path))))
    alice = own.impersonating(shop.user("alice"))
    try:
        made = await admitted(lambda: create(alice, action("restartDeployment", "Deployment", "web"), shop.namespace))
        assert made["spec"]["requestedBy"] == shop.user("alice")
        db = action("restartDeployment", "Deployment", "db")
        await denied(lambda: create(alice, db, shop.namespace), shop.sentence("alice", "db"))
        with pytest.raises(NotPermitted, match="cannot impersonate"):
            await alice.call("GET", f"/api/v1/namespaces/{shop.namespace}/pods")
    finally:
        await own.close()


# Kubernetes 1.30 to 1.35, where nothing stamps who asked.


async def test_where_nothing_stamps_a_user_is_held_to_their_own_name(api: Api, approvals: Approvals) -> None:
    namespace = approvals.namespace
    ann = api.impersonating("ann")
    async with without_stamp(api):
        wanted = action("restartDeployment", "Deployment", "web", requestedBy="ann")
        assert (await create(ann, wanted, namespace))["spec"]["requestedBy"] == "ann"
        for spec in ({"requestedBy": "boss"}, {}):
            forged = action("restartDeployment", "Deployment", "web", **spec)
            with pytest.raises(AdmissionDenied, match=r"This was done by ann, so spec\.requestedBy must say that"):
                await create(ann, forged, namespace)
        with pytest.raises(AdmissionDenied, match=r"This was done by boss, so spec\.approval\.by must say that"):
            await approvals.decide("boss", by="clerk")
        with pytest.raises(AdmissionDenied, match="ann asked for this action"):
            await approvals.decide("ann", by="ann")
        assert (await approvals.decide("boss", by="boss"))["spec"]["approval"]["by"] == "boss"


async def test_where_nothing_stamps_the_bridge_asks_for_whom_it_has_reviewed(
    api: Api, approvals: Approvals, somebody: Make, tmp_path: Path
) -> None:
    namespace = approvals.namespace
    roles = ("kubedom-bridge", "kubedom-bridge-request-for")
    bridge = somebody("bridge", *(rule for name in roles for rule in rules(rbac_manifests.bridge(), name)))
    own = await Api.connect(ClusterChoice(str(bridge.kubeconfig(tmp_path))))
    wanted = action("restartDeployment", "Deployment", "web")
    try:
        assert await must_state(own)
        async with without_stamp(api):
            made = await create(StatedApi(own, User("ann")), wanted, namespace)
            assert made["spec"]["requestedBy"] == "ann"
            with pytest.raises(NotPermitted, match="clerk may not create healingactions"):
                await create(StatedApi(own, User("clerk")), wanted, namespace)
            approval = {"spec": {"approval": {"decision": "Approve"}}}
            path = f"{ROOT}/namespaces/{namespace}/healingactions/{approvals.name}"
            for user, sentence in (("clerk", "clerk may not approve"), ("ann", "ann asked for this action")):
                with pytest.raises(NotPermitted, match=sentence):
                    await StatedApi(own, User(user)).call("PATCH", path, body=approval, content_type=MERGE_PATCH)
            decided = await StatedApi(own, User("boss")).call("PATCH", path, body=approval, content_type=MERGE_PATCH)
            assert decided["spec"]["approval"]["by"] == "boss"
            # What it states is nobody's to state who lacks the verb, whatever else they may do.
            forged = action("restartDeployment", "Deployment", "web", requestedBy="boss")
            with pytest.raises(AdmissionDenied, match="This was done by ann"):
                await create(api.impersonating("ann"), forged, namespace)
    finally:
        await own.close()
