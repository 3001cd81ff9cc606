"""A policy that restarts what crash-loops, the service account that it acts as, and deployments that crash-loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cluster.identities import make_account
from tests.conftest import Cluster
from tests.kubelet import by_hand

CRASHES = "demo.kubedom.dev/behaviour=crash-loop"


def with_healer(cluster: Cluster, namespace: str) -> str:
    """Make a service account that may do in its namespace what the policies of these tests do."""
    rules = [
        {"apiGroups": ["kubedom.dev"], "resources": ["healingactions"], "verbs": ["create"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    ]
    make_account(cluster, namespace, "healer", rules)
    return "healer"


def policy(name: str = "restart", **spec: Any) -> dict[str, Any]:
    """A policy that restarts crash-looping deployments, on the second."""
    wanted = {
        "failures": ["ContainerCrashLoop"],
        "action": "restartDeployment",
        "dryRun": False,
        "holdSeconds": 0,
        "serviceAccountName": "healer",
        **spec,
    }
    if "steps" in spec:
        del wanted["action"]
    return {
        "apiVersion": "kubedom.dev/v1alpha1",
        "kind": "HealingPolicy",
        "metadata": {"name": name},
        "spec": {key: value for key, value in wanted.items() if value is not None},
    }


def deployed(cluster: Cluster, namespace: str, name: str = "web") -> str:
    """Roll out a deployment whose pods become ready by themselves, and give the pod's name."""
    wanted = by_hand(name)
    del wanted["spec"]["template"]["metadata"]["labels"]["demo.kubedom.dev/behaviour"]
    cluster.apply(wanted, namespace=namespace)
    cluster.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=60s")
    (pod,) = cluster.get("pods", f"--namespace={namespace}", f"--selector=app={name}")["items"]
    return str(pod["metadata"]["name"])


def crash(cluster: Cluster, namespace: str, pod: str) -> None:
    """Let this very pod crash from now on; what replaces it is sound."""
    cluster.kubectl("label", "pod", pod, CRASHES, f"--namespace={namespace}")


def veto(kind: str, name: str, seconds: float) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "kubedom.dev/v1alpha1",
        "kind": "HealingVeto",
        "metadata": {"name": "hold"},
        "spec": {"target": {"kind": kind, "name": name}, "until": until, "reason": "I look.", "requestedBy": "ann"},
    }
