"""kubedom's identities use just what their roles grant, as the API server's own audit log has it.

One run of everything that the identities exist for, on a control plane of its own, in one process and once more with
the operator and the bridge apart: what is granted and never used would be too much, and what is refused too little.
Each is a set, so a rule that is added or taken away is seen.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
import yaml
from tests.apart import Apart
from tests.cluster import healing
from tests.cluster.admitting import without_stamp
from tests.cluster.healing import action, carried_out, create, finished, own_node, sent_to, workload
from tests.cluster.policies import crash, deployed, policy, veto, with_healer
from tests.cluster.rest.asking import User, upload
from tests.cluster.rights.audited import Right, granted, used
from tests.conftest import Cluster
from tests.nats import NatsServer
from tests.running import KubedomRun, wait_for
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from kubedom_bridge.action_catalogue import TARGETS
from kubedom_bridge.known_kinds import APPLIED, SHOWN
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator import local, rbac_manifests

pytestmark = pytest.mark.cluster

HERE = "kubedom"
NAMESPACE = "rights"
ROOT = "root@example.org"
ADMINS = "admins"
ROLES = {
    "operator": ("kubedom-operator", "kubedom-operator-policies", "kubedom-install"),
    "bridge": ("kubedom-bridge", "kubedom-bridge-impersonate", "kubedom-bridge-impersonate-apply"),
    "older-bridge": ("kubedom-bridge", "kubedom-bridge-request-for"),
}
#: Who does not put back what stamps a user's name, since it is not there before 1.36.
OLDER_OPERATOR = {"older-operator": ("kubedom-operator",)}
#: What no request shows.
NOT_SEEN = {
    # RBAC lets nobody give a right that they do not have, and the installer gives this one to the canary.
    "operator": {Right("create", "kubedom.dev", "healingactions")},
    "bridge": set[Right](),
    # Admission asks for this one, by its `authorizer`, whenever the bridge writes a user's name.
    "older-bridge": {Right("requestfor", "kubedom.dev", f"{each}healingactions") for each in ("", "cluster")}
    | {Right("requestfor", "kubedom.dev", "healingvetoes")},
}
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "userGroups": [f"system:serviceaccounts:{HERE}"]}, {"level": "None"}],
}


@pytest.fixture(scope="module", params=["one process", "apart"])
def processes(request: pytest.FixtureRequest) -> str:
    """Whether operator and bridge are one process; each way has a control plane of its own."""
    return str(request.param)


@pytest.fixture(scope="module")
def audited(
    processes: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A control plane that writes down what kubedom's service accounts ask, and nothing of kubedom in it but these."""
    if request.config.getoption("--kubeconfig"):
        pytest.skip("needs an API server with an audit log, and --kubeconfig names somebody's own")
    file = tmp_path_factory.mktemp("audit") / "policy.yaml"
    file.write_text(yaml.safe_dump(AUDIT_POLICY))
    made = local.ensure_cluster(f"kubedom-test-{os.getpid()}-audit", audit_policy=file, progress=lambda _: None)
    try:
        cluster = Cluster(made.kubeconfig, made.context, made.server, made)
        for namespace in (HERE, NAMESPACE):
            cluster.kubectl("create", "namespace", namespace)
        yield cluster
    finally:
        made.delete()


@pytest.fixture(scope="module")
def kubeconfig(audited: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contexts of the identities, each with its roles and nothing else."""
    roles = [*rbac_manifests.operator(), *rbac_manifests.bridge(), *rbac_manifests.users()]
    audited.apply(*roles)
    content = yaml.safe_load(audited.kubeconfig.read_text())
    (own,) = [each["context"] for each in content["contexts"] if each["name"] == audited.context]
    content |= {"users": [], "contexts": [], "current-context": "operator"}
    for name, given in (ROLES | OLDER_OPERATOR).items():
        audited.kubectl("create", "serviceaccount", name, f"--namespace={HERE}")
        for role in given:
            account = f"--serviceaccount={HERE}:{name}"
            audited.kubectl("create", "clusterrolebinding", f"{name}-{role}", f"--clusterrole={role}", account)
        token = audited.kubectl("create", "token", name, f"--namespace={HERE}", "--duration=2h").strip()
        content["users"].append({"name": name, "user": {"token": token}})
        content["contexts"].append({"name": name, "context": own | {"user": name}})
    audited.kubectl("create", "clusterrolebinding", ADMINS, "--clusterrole=cluster-admin", f"--group={ADMINS}")
    file = tmp_path_factory.mktemp("rights") / "kubeconfig"
    file.write_text(yaml.safe_dump(content))
    return file


class Serving(Protocol):
    """What serves pages."""

    origin: str


Start = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture
def started(processes: str, kubeconfig: Path, tmp_path: Path) -> Start:
    """Runs kubedom as the operator's identity and the bridge's."""
    numbers = itertools.count()

    @contextmanager
    def apart(bridge: str, *options: str, operator: str = "operator") -> Iterator[Serving]:
        with NatsServer(tmp_path / f"nats-{next(numbers)}") as nats:
            where = (f"--kubeconfig={kubeconfig}", f"--nats={nats.url}")
            with (
                Apart("operator", *where, f"--context={operator}") as watching,
                Apart("bridge", *where, f"--context={bridge}", "--drain-seconds=1", *options) as serving,
            ):
                watching.ready()
                yield serving.ready()

    def together(bridge: str, *options: str, operator: str = "operator") -> KubedomRun:
        who = (f"--kubeconfig={kubeconfig}", f"--context={operator}", f"--bridge-context={bridge}")
        return KubedomRun(*who, *options)

    return apart if processes == "apart" else together


async def test_each_identity_uses_all_that_its_roles_grant_and_is_refused_nothing(
    audited: Cluster, started: Start
) -> None:
    proxied = "--trusted-proxy=127.0.0.0/8"
    with started("bridge", proxied) as run:
        await asyncio.to_thread(every_action, audited)
        await asyncio.to_thread(every_policy, audited)
        await everything_by_rest(run, audited)
        await every_command(run, audited)
    admin = await Api.connect(ClusterChoice(str(audited.kubeconfig), audited.context))
    async with without_stamp(admin):
        with started("older-bridge", proxied, operator="older-operator") as run:
            await what_can_be_stated(run, audited)
    await admin.close()
    for name in ("bridge", "older-bridge"):
        with started(name, "--sign-in=token") as run:
            await sign_in_by_token(run, audited)
    assert audited.own is not None
    lines = audited.own.audit_log.read_text().splitlines()
    roles = {each["metadata"]["name"]: each for each in (*rbac_manifests.operator(), *rbac_manifests.bridge())}
    found, none = {}, {}
    for name, given in ROLES.items():
        rights, refusals = used(lines, f"system:serviceaccount:{HERE}:{name}")
        allowed = granted(roles[role] for role in given) - NOT_SEEN[name]
        found[name] = {
            "refused": refusals,
            "granted and not used": sorted(map(str, allowed - rights)),
            "used and not granted": sorted(map(str, rights - allowed)),
        }
        none[name] = {key: [] for key in found[name]}
    assert found == none


def every_action(cluster: Cluster) -> None:
    """Let the operator carry out every action, most of them tried first."""

    def do(verb: str, kind: str, name: str, **spec: Any) -> None:
        carried_out(cluster, "" if kind == "Node" else NAMESPACE, action(verb, kind, name, **spec))

    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        name = kind.lower()
        healing.deployed(cluster, NAMESPACE, name, 2, kind)
        do(f"restart{kind}", kind, name, dryRun=True)
        do(f"restart{kind}", kind, name)
        do("setImage", kind, name, parameters={"image": "example.com/main:2.0"})
        do("rollback", kind, name)
    for verb in ("pauseRollout", "resumeRollout"):
        do(verb, "Deployment", "deployment")
    cluster.apply(workload("ReplicaSet", "replicaset"), namespace=NAMESPACE)
    for kind in ("Deployment", "StatefulSet", "ReplicaSet"):
        do("scale", kind, kind.lower(), parameters={"replicas": 3})
    for verb, force in (("restartPod", False), ("deletePod", False), ("deletePod", True)):
        pods = cluster.get("pods", f"--namespace={NAMESPACE}", "--selector=app=deployment")["items"]
        name = next(each["metadata"]["name"] for each in pods if "deletionTimestamp" not in each["metadata"])
        do(verb, "Pod", name, **({"parameters": {"force": True}} if force else {}))
    healing.fail_job(cluster, NAMESPACE, "backup")
    made = create(cluster, NAMESPACE, action("retryJob", "Job", "backup"))
    finished(cluster, NAMESPACE, made, lambda: healing.end_pods(cluster, NAMESPACE, "Succeeded"))
    cluster.apply(healing.cron_job("nightly"), namespace=NAMESPACE)
    for verb in ("suspendCronJob", "resumeCronJob", "runCronJob"):
        do(verb, "CronJob", "nightly")
    with own_node(cluster, "own") as node:
        cluster.apply(workload("Deployment", "drained", **sent_to(node)), namespace=NAMESPACE)
        healing.rolled_out(cluster, NAMESPACE, "Deployment", "drained")
        for verb in ("cordon", "uncordon", "drain"):
            do(verb, "Node", node)
        short = create(cluster, "", action("uncordon", "Node", node, ttlSecondsAfterFinished=1))
        wait_for("the end of its time", lambda: short not in names(cluster, "clusterhealingactions"))
    short = create(
        cluster, NAMESPACE, action("restartDeployment", "Deployment", "deployment", ttlSecondsAfterFinished=1)
    )
    wait_for("the end of its time", lambda: short not in names(cluster, "healingactions"))


def names(cluster: Cluster, kinds: str) -> set[str]:
    return {each["metadata"]["name"] for each in cluster.get(kinds, "--all-namespaces")["items"]}


def every_policy(cluster: Cluster) -> None:
    """Let a policy heal what crash-loops, as its service account."""
    with_healer(cluster, NAMESPACE)
    pod = deployed(cluster, NAMESPACE, "crashes")
    cluster.apply(policy(selector={"matchLabels": {"app": "crashes"}}), namespace=NAMESPACE)
    crash(cluster, NAMESPACE, pod)

    def healed() -> bool:
        found = cluster.get("healingactions", f"--namespace={NAMESPACE}")["items"]
        own = [each for each in found if "policyRef" in each["spec"]]
        return any((each.get("status") or {}).get("phase") == "Succeeded" for each in own)

    wait_for("the policy's action", healed)
    cluster.apply(veto("Deployment", "crashes", 3), namespace=NAMESPACE)
    wait_for("the end of the veto", lambda: names(cluster, "healingvetoes") == set())


async def sign_in_by_token(run: Serving, cluster: Cluster) -> None:
    """As whoever a token is of, which the bridge has reviewed."""
    token = cluster.kubectl("create", "token", "operator", f"--namespace={HERE}").strip()
    async with aiohttp.ClientSession() as http:
        by_token = User(http, run.origin, {"Authorization": f"Bearer {token}"})
        assert (await by_token.ask("GET", "/api/session")).status == 200


async def everything_by_rest(run: Serving, cluster: Cluster) -> None:
    """As a user whom the proxy vouches for: look at every kind, apply every kind that may be applied."""
    signed_in = {"X-Forwarded-User": ROOT, "X-Forwarded-Groups": ADMINS}
    async with aiohttp.ClientSession() as http:
        root = User(http, run.origin, signed_in)
        for kind, place in SHOWN.items():
            within = f"&namespace={NAMESPACE}" if place.namespaced else ""
            assert (await root.ask("GET", f"/api/v1/objects?kind={kind}&name=none{within}")).status == 404, kind
        for api_version, status in (("v1", 404), ("apps/v1", 404)):
            asked = f"/api/v1/objects?kind=Nothing&name=none&apiVersion={api_version}"
            assert (await root.ask("GET", asked)).status == status
        for kind, place in APPLIED.items():
            wanted = {"apiVersion": place.api_version, "kind": kind, "metadata": {"name": "tried"}}
            sent = {"namespace": NAMESPACE, "manifest": wanted, "dryRun": True}
            assert (await root.ask("POST", "/api/deploy", json=sent)).status in {200, 422}, kind
        here = f"/api/v1/namespaces/{NAMESPACE}"
        assert (await root.ask("GET", f"{here}/events?kind=Deployment&name=deployment")).json["items"]
        assert (await root.ask("GET", f"{here}/pods/none/log")).status == 404
        assert (await root.ask("GET", "/api/v1/actions")).json["items"]
        for kind in ("policies", "vetoes", "events"):
            assert (await root.ask("GET", f"/api/v1/{kind}")).status == 200, kind
        form = upload(NAMESPACE, name="settings", title="Shop", restart="true")
        assert (await root.ask("POST", "/api/v1/config/", data=form)).status == 202
        deploy = {"namespace": NAMESPACE, "name": "deployment"}
        assert (await root.ask("POST", "/api/deploy", json=deploy)).status == 202


@asynccontextmanager
async def socket_of(run: Serving, user: str, *groups: str) -> AsyncIterator[ClientConnection]:
    headers = {"X-Forwarded-User": user, "X-Forwarded-Groups": ",".join(groups)}
    address = f"{run.origin.replace('http', 'ws')}/api/socket"
    async with connect(
        address,
        subprotocols=[Subprotocol("kubedom.v1")],
        additional_headers=headers,
        origin=Origin(run.origin),
        proxy=None,
        max_size=None,
    ) as socket:
        yield socket


async def commanded(socket: ClientConnection, name: str, kind: str, target: str, **more: Any) -> str:
    """Give a command, and wait for the phase that it ends in."""
    number = str(next(_NUMBERS))
    within = {} if kind in {"Node", "ClusterHealingAction"} else {"namespace": NAMESPACE}
    aimed = {"kind": kind, "name": target, **within}
    await socket.send(json.dumps({"type": "command", "id": number, "name": name, "target": aimed, **more}))
    async with asyncio.timeout(60):
        while True:
            message = json.loads(await socket.recv())
            if message.get("id") == number and message["type"] in {"result", "error"}:
                return str(message.get("phase") or message["message"])


_NUMBERS = itertools.count()


async def hold(socket: ClientConnection) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    held = await commanded(socket, "vetoHealing", "Deployment", "deployment", parameters={"until": until})
    assert held == "Succeeded"


async def every_command(run: Serving, cluster: Cluster) -> None:
    """As the same user, over the socket: act on every kind of target, approve, and hold the policies."""
    waiting = create(cluster, NAMESPACE, action("restartDeployment", "Deployment", "deployment", approvalRequired=True))
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    on_node = create(cluster, "", action("uncordon", "Node", node, approvalRequired=True))
    async with socket_of(run, ROOT, ADMINS) as socket:
        for kind, name in (("HealingAction", waiting), ("ClusterHealingAction", on_node)):
            assert await commanded(socket, "approveHealing", kind, name) == "Succeeded"
        assert await commanded(socket, "uncordon", "Node", node) == "Succeeded"
        await hold(socket)
    assert TARGETS.keys() <= SHOWN.keys(), "every target was looked at by REST"
    for name, namespace in ((waiting, NAMESPACE), (on_node, "")):
        assert (await asyncio.to_thread(finished, cluster, namespace, name))["phase"] == "Succeeded"


def restarts(cluster: Cluster, who: str) -> bool:
    made = create(cluster, NAMESPACE, action("restartDeployment", "Deployment", "deployment", requestedBy=who))
    return bool(finished(cluster, NAMESPACE, made)["phase"] == "Succeeded")


async def what_can_be_stated(run: Serving, cluster: Cluster) -> None:
    """Where the bridge may not impersonate: the same, but for what is applied."""
    who = cluster.kubectl("auth", "whoami", "--output=jsonpath={.status.userInfo.username}")
    asked = {"approvalRequired": True, "requestedBy": who}
    # Without what stamps, the operator tries the policies once more, and denies what was created before.
    wait_for("an action that is judged", lambda: restarts(cluster, who))
    waiting = create(cluster, NAMESPACE, action("restartDeployment", "Deployment", "deployment", **asked))
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    on_node = create(cluster, "", action("uncordon", "Node", node, **asked))
    async with aiohttp.ClientSession() as http:
        root = User(http, run.origin, {"X-Forwarded-User": ROOT, "X-Forwarded-Groups": ADMINS})
        for kind, place in SHOWN.items():
            within = f"&namespace={NAMESPACE}" if place.namespaced else ""
            assert (await root.ask("GET", f"/api/v1/objects?kind={kind}&name=none{within}")).status == 404, kind
        here = f"/api/v1/namespaces/{NAMESPACE}"
        assert (await root.ask("GET", f"{here}/events")).json["items"]
        assert (await root.ask("GET", f"{here}/pods/none/log")).status == 404
        assert (await root.ask("GET", "/api/v1/actions")).json["items"]
        for kind in ("policies", "vetoes", "events"):
            assert (await root.ask("GET", f"/api/v1/{kind}")).status == 200, kind
        deploy = {"namespace": NAMESPACE, "name": "deployment"}
        assert (await root.ask("POST", "/api/deploy", json=deploy)).status == 202
    async with socket_of(run, ROOT, ADMINS) as socket:
        for kind, name in (("HealingAction", waiting), ("ClusterHealingAction", on_node)):
            assert await commanded(socket, "approveHealing", kind, name) == "Succeeded"
        assert await commanded(socket, "uncordon", "Node", node) == "Succeeded"
        await hold(socket)
