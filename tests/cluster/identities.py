"""Identities of a test: service accounts with just the rights that are asked for, and what gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.conftest import Cluster

from kubedom_bridge.action_catalogue import Right

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def role(name: str, rights: list[Right], names: list[str] | None = None) -> dict[str, Any]:
    rules = [
        {
            "apiGroups": [right.group],
            "resources": [f"{right.resource}/{right.subresource}" if right.subresource else right.resource],
            "verbs": [right.verb],
        }
        | ({"resourceNames": names} if names and not right.any_name else {})
        for right in rights
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def binding(name: str, subject: dict[str, str], role: str, namespace: str = "") -> dict[str, Any]:
    made = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
    }
    who = subject if subject["kind"] == "ServiceAccount" else {"apiGroup": "rbac.authorization.k8s.io"} | subject
    return made | {"subjects": [who]}


def rules(manifests: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    (found,) = [each for each in manifests if each["metadata"]["name"] == name]
    return list(found["rules"])


def make_account(cluster: Cluster, namespace: str, name: str, rules: list[dict[str, Any]]) -> None:
    """Make a service account that has these rights in its namespace."""
    rbac = "rbac.authorization.k8s.io"
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name}],
        },
        namespace=namespace,
    )


@dataclass
class Somebody:
    """A service account with the operator's or fewer rights, by its own token."""

    cluster: Cluster
    name: str
    namespace: str

    def kubeconfig(self, folder: Path) -> Path:
        content = yaml.safe_load(self.cluster.kubeconfig.read_text())
        token = self.cluster.kubectl("create", "token", self.name, f"--namespace={self.namespace}").strip()
        (context,) = [each for each in content["contexts"] if each["name"] == self.cluster.context]
        content["users"] = [{"name": "somebody", "user": {"token": token}}]
        content["contexts"] = [{"name": "kwok-somebody", "context": context["context"] | {"user": "somebody"}}]
        content["current-context"] = "kwok-somebody"
        file = folder / self.name
        file.write_text(yaml.safe_dump(content))
        return file


Make = Callable[..., Somebody]


@contextmanager
def somebodies(cluster: Cluster, namespace: str) -> Iterator[Make]:
    """Makes service accounts of this namespace, each with the rights of some rules in the whole cluster."""
    made: list[str] = []

    def make(name: str, *rules: dict[str, Any]) -> Somebody:
        cluster.kubectl("create", "serviceaccount", name, f"--namespace={namespace}")
        full = f"{namespace}-{name}"
        account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        cluster.apply(role(full, []) | {"rules": list(rules)}, binding(full, account, full))
        made.append(full)
        return Somebody(cluster, name, namespace)

    try:
        yield make
    finally:
        for full in made:
            cluster.kubectl("delete", "clusterrole,clusterrolebinding", full)
