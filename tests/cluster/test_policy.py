"""HealingPolicies on a real API server: what they heal by themselves, and everything that holds them back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.healing import Operator
from tests.cluster.policies import crash, deployed, policy, veto, with_healer
from tests.conftest import Cluster
from tests.kubelet import by_hand, crash_looping, terminated
from tests.running import wait_for

from kubedom_bridge import vetoes
from kubedom_bridge.errors import NotPermitted
from kubedom_bridge.kube import MERGE_PATCH, Api, ClusterChoice
from kubedom_bridge.protocol import Command, Target
from kubedom_operator import local

pytestmark = pytest.mark.cluster


@pytest.fixture
def healer(cluster: Cluster, namespace: str) -> str:
    return with_healer(cluster, namespace)


def actions(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.get("healingactions", f"--namespace={namespace}")["items"]
    return found


def status(cluster: Cluster, namespace: str, name: str = "restart") -> dict[str, Any]:
    found: dict[str, Any] = cluster.get("healingpolicy", name, f"--namespace={namespace}").get("status") or {}
    return found


def decided(cluster: Cluster, namespace: str, reason: str) -> dict[str, Any]:
    """Wait for a decision with this reason, and give it."""

    def found() -> dict[str, Any] | None:
        decisions = status(cluster, namespace).get("decisions") or ()
        return next((each for each in reversed(decisions) if each["reason"] == reason), None)

    decision = wait_for(f"the decision {reason}", found)
    assert decision is not None
    return decision


def condition(cluster: Cluster, namespace: str, kind: str) -> dict[str, Any]:
    conditions = status(cluster, namespace).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def refusal(cluster: Cluster, wanted: dict[str, Any], namespace: str) -> str:
    """What the API server says to somebody who creates this, which is to be refused."""
    command = [str(local.find_kubectl().path), f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}"]
    done = subprocess.run(
        [*command, "create", f"--namespace={namespace}", "--filename=-"],
        input=yaml.safe_dump(wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_a_crash_looping_deployment_is_healed_by_itself(
    cluster: Cluster, namespace: str, operator: Operator, healer: str
) -> None:
    pod = deployed(cluster, namespace)
    cluster.apply(policy(), namespace=namespace)
    crash(cluster, namespace, pod)

    def healed() -> dict[str, Any] | None:
        return next((each for each in actions(cluster, namespace) if each.get("status", {}).get("finishedAt")), None)

    action = wait_for("the end of its action", healed)
    assert action is not None
    spec = action["spec"]
    assert (action["status"]["phase"], spec["action"]) == ("Succeeded", "restartDeployment")
    assert (spec["target"]["kind"], spec["target"]["name"]) == ("Deployment", "web")
    assert spec["target"]["uid"] == cluster.get("deployment", "web", f"--namespace={namespace}")["metadata"]["uid"]
    assert spec["requestedBy"] == f"system:serviceaccount:{namespace}:healer"
    made_by = cluster.get("healingpolicy", "restart", f"--namespace={namespace}")["metadata"]["uid"]
    decision = decided(cluster, namespace, "Acted")
    assert spec["policyRef"] == {"name": "restart", "uid": made_by, "incident": decision["incident"]}
    assert (decision["healingAction"], decision["object"]) == (action["metadata"]["name"], f"Pod/{pod}")
    wait_for("no open failure", lambda: status(cluster, namespace)["counts"]["open"] == 0)
    assert len(actions(cluster, namespace)) == 1
    events = cluster.get("events", f"--namespace={namespace}", "--field-selector=involvedObject.kind=HealingPolicy")
    assert [each["reason"] for each in events["items"]] == ["Acted"]
    assert [each.detail["podName"] for each in operator.events("healingPlanned")][:1] == [pod]
    printed = cluster.kubectl("get", "healingpolicies", f"--namespace={namespace}").splitlines()[1]
    assert "Acted: Acted" in printed or "Waiting:" in printed


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(
    cluster: Cluster, namespace: str, operator: Operator
) -> None:
    pod = deployed(cluster, namespace)
    before = cluster.get("deployment", "web", f"--namespace={namespace}")["metadata"]["generation"]
    cluster.apply(policy(dryRun=None, serviceAccountName=None), namespace=namespace)
    crash(cluster, namespace, pod)
    decision = decided(cluster, namespace, "DryRun")
    assert (decision["decision"], decision["action"], decision["target"]) == (
        "DryRun",
        "restartDeployment",
        "Deployment/web",
    )
    decided(cluster, namespace, "Cooldown")
    assert actions(cluster, namespace) == []
    assert cluster.get("deployment", "web", f"--namespace={namespace}")["metadata"]["generation"] == before
    assert [each.detail["decision"] for each in operator.events("healingSkipped")] == ["DryRun"]


async def _fail(choice: ClusterChoice, namespace: str, names: list[str]) -> None:
    """Let all these pods crash loop at once."""
    api = await Api.connect(choice)
    try:
        path = f"/api/v1/namespaces/{namespace}/pods"
        body = {"status": crash_looping(terminated(3))}
        calls = (api.call("PATCH", f"{path}/{name}/status", body=body, content_type=MERGE_PATCH) for name in names)
        await asyncio.gather(*calls)
    finally:
        await api.close()


def test_storm_brake_and_cooldown_hold_under_100_failures_at_once_and_across_a_restart(
    cluster: Cluster, namespace: str, choice: ClusterChoice, healer: str
) -> None:
    names = [f"app-{number}" for number in range(10)]
    cluster.apply(*(by_hand(name, 10) for name in names), namespace=namespace)

    def pods() -> list[str]:
        found = cluster.get("pods", f"--namespace={namespace}")["items"]
        return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]

    failing = wait_for("100 pods", lambda: len(found := pods()) == 100 and found)
    brakes = {"holdSeconds": 10, "storm": {"incidents": 5, "windowSeconds": 20}, "limit": {"count": 50}}
    cluster.apply(policy(action="deletePod", **brakes), namespace=namespace)
    with Operator(choice, namespace).running():
        began = time.time()
        asyncio.run(_fail(choice, namespace, failing))
        wait_for("the brake", lambda: condition(cluster, namespace, "Braked").get("reason") == "StormBrake")
        assert actions(cluster, namespace) == []
    # Another operator finds the storm as it is.
    with Operator(choice, namespace).running():

        def all_done() -> bool:
            found = actions(cluster, namespace)
            assert len(found) <= len(names)
            return sum(each.get("status", {}).get("phase") == "Succeeded" for each in found) == len(names)

        wait_for("one action for each workload", all_done, 120)
        made = actions(cluster, namespace)
        first = min(datetime.fromisoformat(each["metadata"]["creationTimestamp"]).timestamp() for each in made)
        # The API server leaves fractions of a second out.
        assert first >= began + 20 - 1
        owners = [each["metadata"]["annotations"]["kubedom.dev/owner"] for each in made]
        assert sorted(owners) == sorted(f"Deployment/{name}" for name in names)
        wait_for("the cooldown", lambda: status(cluster, namespace)["counts"]["waiting"] == len(names))
        kept = {each["metadata"]["uid"] for each in made}
    # With the brake out of the way only the cooldown holds, and a third operator knows it from what exists.
    cluster.apply(policy(action="deletePod", **brakes | {"storm": {"incidents": 1000}}), namespace=namespace)
    cluster.apply(by_hand("late"), namespace=namespace)
    wait_for("another pod", lambda: any(name.startswith("late-") for name in pods()))
    with Operator(choice, namespace).running():
        asyncio.run(_fail(choice, namespace, [name for name in pods() if name not in failing]))

        def others() -> list[dict[str, Any]]:
            return [each for each in actions(cluster, namespace) if each["metadata"]["uid"] not in kept]

        # That the one is acted upon which has not been yet shows that the operator had its turn.
        (other,) = wait_for("the action for the other workload", others)
        assert other["metadata"]["annotations"]["kubedom.dev/owner"] == "Deployment/late"
        assert len(actions(cluster, namespace)) == len(names) + 1
    events = cluster.get("events", f"--namespace={namespace}", "--field-selector=involvedObject.kind=HealingPolicy")
    reasons = [each["reason"] for each in events["items"]]
    assert (reasons.count("StormBrake"), reasons.count("Acted")) == (1, len(names) + 1)


def test_two_operators_at_once_start_one_action(
    cluster: Cluster, namespace: str, start: Callable[[], Operator], healer: str
) -> None:
    operators = [start(), start()]
    pods = [deployed(cluster, namespace, name) for name in ("web", "db")]
    cluster.apply(policy(cooldownSeconds=3600), namespace=namespace)
    for pod in pods:
        crash(cluster, namespace, pod)

    def both_know() -> bool:
        return all(
            {each.detail["podName"] for each in operator.events("healingPlanned") if each.detail["actionName"]}
            == {*pods}
            or {each.detail["reason"] for each in operator.events("healingPlanned")} >= {"UnderWay"}
            for operator in operators
        )

    wait_for("the decisions of both", both_know)
    wait_for(
        "the end of both actions",
        lambda: [each.get("status", {}).get("phase") for each in actions(cluster, namespace)] == ["Succeeded"] * 2,
    )
    targets = sorted(each["spec"]["target"]["name"] for each in actions(cluster, namespace))
    assert targets == ["db", "web"]


def test_an_action_that_needs_approval_is_created_so(
    cluster: Cluster, namespace: str, operator: Operator, healer: str
) -> None:
    pod = deployed(cluster, namespace)
    steps = [{"action": "restartPod", "parameters": {"force": True}, "timeoutSeconds": 60}, {"action": "rollback"}]
    cluster.apply(policy(steps=steps, approvalRequired=True), namespace=namespace)
    crash(cluster, namespace, pod)
    (action,) = wait_for("its action", lambda: actions(cluster, namespace))
    assert action["spec"]["approvalRequired"] is True
    assert action["spec"]["parameters"] == {"force": True}
    assert action["spec"]["activeDeadlineSeconds"] == 60
    assert (action["spec"]["target"]["kind"], action["spec"]["target"]["name"]) == ("Pod", pod)


def test_a_veto_holds_until_it_is_lifted(cluster: Cluster, namespace: str, operator: Operator, healer: str) -> None:
    pod = deployed(cluster, namespace)
    cluster.apply(veto("Deployment", "web", 3600), policy(), namespace=namespace)
    crash(cluster, namespace, pod)
    held = decided(cluster, namespace, "Vetoed")
    # Where admission is in force, the name is of whoever ran kubectl.
    who = cluster.get("healingveto", "hold", f"--namespace={namespace}")["spec"]["requestedBy"]
    assert held["message"].startswith(f"{who} holds it until")
    assert actions(cluster, namespace) == []
    cluster.kubectl("delete", "healingveto", "hold", f"--namespace={namespace}")
    wait_for("its action", lambda: actions(cluster, namespace))


async def _vetoed(choice: ClusterChoice, namespace: str, user: str) -> str:
    """Veto the deployment web as this user, and give what the API server says or the name of what it made."""
    api = await Api.connect(choice)
    try:
        target = Target(kind="Deployment", namespace=namespace, name="web")
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        command = Command(id="c", name="vetoHealing", target=target, parameters={"until": until})
        made, _ = await vetoes.start(command, user, api.impersonating(user, []))
    except NotPermitted as problem:
        return str(problem)
    else:
        return made.name
    finally:
        await api.close()


def test_who_may_create_vetoes_may_veto_and_nobody_else(
    cluster: Cluster, namespace: str, choice: ClusterChoice, operator: Operator, healer: str
) -> None:
    pod = deployed(cluster, namespace)
    rights = ("create", "role", "looker", f"--namespace={namespace}", "--verb=get", "--resource=deployments.apps")
    cluster.kubectl(*rights)
    cluster.kubectl("create", "rolebinding", "looker", "--role=looker", "--user=bob", "--user=ann", f"-n={namespace}")
    cluster.kubectl(
        "create", "role", "vetoer", "--verb=create", "--resource=healingvetoes.kubedom.dev", f"--namespace={namespace}"
    )
    cluster.kubectl("create", "rolebinding", "vetoer", "--role=vetoer", "--user=ann", f"--namespace={namespace}")
    said = asyncio.run(_vetoed(choice, namespace, "bob"))
    assert 'User "bob" cannot create resource "healingvetoes"' in said
    made = asyncio.run(_vetoed(choice, namespace, "ann"))
    assert cluster.get("healingveto", made, f"--namespace={namespace}")["spec"]["requestedBy"] == "ann"
    cluster.apply(policy(), namespace=namespace)
    crash(cluster, namespace, pod)
    assert decided(cluster, namespace, "Vetoed")["message"].startswith("ann holds it until")
    assert actions(cluster, namespace) == []


def test_a_veto_goes_when_its_time_is_over(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(veto("Deployment", "web", 2), namespace=namespace)
    wait_for("its end", lambda: not cluster.get("healingvetoes", f"--namespace={namespace}")["items"])


def test_a_policy_can_do_no_more_than_its_service_account(cluster: Cluster, namespace: str, operator: Operator) -> None:
    pod = deployed(cluster, namespace)
    cluster.apply(policy(serviceAccountName="default"), namespace=namespace)
    crash(cluster, namespace, pod)
    refused = decided(cluster, namespace, "Refused")
    assert f"system:serviceaccount:{namespace}:default" in refused["message"]
    assert actions(cluster, namespace) == []
    wait_for("the condition", lambda: condition(cluster, namespace, "Ready").get("reason") == "Refused")


def least_rights(cluster: Cluster, namespace: str, folder: Path) -> ClusterChoice:
    """An identity with what docs/policies.md says that the operator needs, and what an action of this test needs."""
    rbac, kubedom = "rbac.authorization.k8s.io", "kubedom.dev"
    rules = [
        ("", "pods", "list watch"),
        ("apps", "deployments", "get list watch patch"),
        (kubedom, "healingactions", "get list watch"),
        (kubedom, "healingactions/status", "patch"),
        (kubedom, "healingpolicies", "get list watch"),
        (kubedom, "healingpolicies/status", "patch"),
        (kubedom, "healingvetoes", "get list watch delete"),
        ("", "events", "create"),
        ("authentication.k8s.io", "serviceaccounts", "impersonate:serviceaccount"),
        (kubedom, "healingactions", "impersonate-on:serviceaccount:create"),
    ]
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": "operator"},
            "rules": [
                {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}
                for group, resource, verbs in rules
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "operator"},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "operator"},
            "subjects": [{"kind": "ServiceAccount", "name": "operator"}],
        },
        namespace=namespace,
    )
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    context = next(each["context"] for each in content["contexts"] if each["name"] == cluster.context)
    token = cluster.kubectl("create", "token", "operator", f"--namespace={namespace}").strip()
    content["users"] = [{"name": "operator", "user": {"token": token}}]
    context["user"] = "operator"
    path = folder / "operator.kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return ClusterChoice(str(path), cluster.context)


async def _delete_as_healer(choice: ClusterChoice, namespace: str, pod: str) -> str:
    """Try what the service account itself may do, and give what the API server says."""
    api = await Api.connect(choice)
    try:
        acting = api.impersonating(f"system:serviceaccount:{namespace}:healer", [])
        with pytest.raises(NotPermitted) as caught:
            await acting.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod}")
        return str(caught.value)
    finally:
        await api.close()


def test_the_operator_needs_no_more_than_it_says_and_may_impersonate_only_to_create_actions(
    cluster: Cluster, namespace: str, choice: ClusterChoice, healer: str, tmp_path: Path
) -> None:
    version = json.loads(cluster.kubectl("version", "--output=json"))["serverVersion"]
    if int(version["minor"].rstrip("+")) < 36:
        pytest.skip("constrained impersonation is on from Kubernetes 1.36")
    pod = deployed(cluster, namespace)
    least = least_rights(cluster, namespace, tmp_path)
    assert "impersonate" in asyncio.run(_delete_as_healer(least, namespace, pod))
    with Operator(least, namespace).running():
        cluster.apply(policy(), veto("Pod", "other", 1), namespace=namespace)
        crash(cluster, namespace, pod)
        wait_for(
            "the end of its action",
            lambda: [each.get("status", {}).get("phase") for each in actions(cluster, namespace)] == ["Succeeded"],
        )
        wait_for("the end of the veto", lambda: not cluster.get("healingvetoes", f"--namespace={namespace}")["items"])
        decided(cluster, namespace, "Acted")
    events = cluster.get("events", f"--namespace={namespace}", "--field-selector=involvedObject.kind=HealingPolicy")
    assert [each["reason"] for each in events["items"]] == ["Acted"]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"failures": ["ImagePull"]}, "A restart cannot mend ImagePull. A new pod pulls the same image"),
        (
            {"failures": ["NotReady", "Unschedulable"], "steps": [{"action": "rollback"}, {"action": "restartPod"}]},
            "A restart cannot mend Unschedulable.",
        ),
        ({"failures": ["Tiredness"]}, "Unsupported value"),
        ({"action": "drain"}, "Unsupported value"),
        ({"action": None}, "Name either one action or steps."),
        ({"action": "scale"}, "scale needs the parameter replicas."),
        ({"steps": [{"action": "setImage"}]}, "setImage needs the parameter image."),
        ({"serviceAccountName": None}, "A policy that acts needs a serviceAccountName"),
        ({"minHealthy": "many"}, "Write a number, or a percentage"),
    ],
)
def test_the_api_server_refuses_what_makes_no_sense(
    cluster: Cluster, choice: ClusterChoice, spec: dict[str, Any], complaint: str
) -> None:
    assert complaint in refusal(cluster, policy(**spec), "default")


@pytest.mark.parametrize(
    "spec",
    [
        {"failures": ["ImagePull"], "action": "rollback"},
        {"minHealthy": "50%"},
        {"minHealthy": 2, "backoff": {"factor": 2}},
        {"action": "scale", "parameters": {"replicas": 0}},
        {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}},
        {"dryRun": None, "serviceAccountName": None},
    ],
)
def test_the_api_server_takes_what_makes_sense(
    cluster: Cluster, namespace: str, choice: ClusterChoice, spec: dict[str, Any]
) -> None:
    cluster.apply(policy(**spec), namespace=namespace)
    kept = cluster.get("healingpolicy", "restart", f"--namespace={namespace}")["spec"]
    assert (kept["limit"], kept["storm"]["incidents"], kept["paused"]) == (
        {"count": 3, "windowSeconds": 3600},
        10,
        False,
    )
    assert kept["dryRun"] is (spec.get("dryRun", False) is None)
