"""Of each role, what is in a namespace goes to a Role, and what it needs outside to a small ClusterRole."""

from __future__ import annotations

from typing import Any

from kubedom_operator import rbac_manifests
from kubedom_operator.manifest_files import NAMESPACED_BRIDGE, NAMESPACED_OPERATOR
from kubedom_operator.rbac_namespaced import namespaced

ROLES = [*rbac_manifests.operator(), *rbac_manifests.bridge()]


def rights(roles: list[dict[str, Any]], kind: str) -> set[tuple[str, str, str]]:
    return {
        (verb, group, resource)
        for role in roles
        if role["kind"] == kind
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", ("",))
        for resource in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
    }


def test_nothing_is_granted_that_the_whole_clusters_roles_do_not_grant() -> None:
    names = (*NAMESPACED_OPERATOR, *NAMESPACED_BRIDGE)
    split = namespaced(ROLES, names)
    whole = rights([role for role in ROLES if role["metadata"]["name"] in names], "ClusterRole")
    within, beyond = rights(split, "Role"), rights(split, "ClusterRole")
    assert not within & beyond
    assert within | beyond < whole
    left_out = {resource for _, _, resource in whole - within - beyond}
    assert left_out == {
        "namespaces",
        "nodes",
        "persistentvolumes",
        "storageclasses",
        "clusterroles",
        "clusterrolebindings",
        "clusterhealingactions",
        "clusterhealingactions/status",
    }


def test_outside_its_namespace_kubedom_asks_who_users_are_and_whether_admission_is_in_force() -> None:
    newest = [name for name in NAMESPACED_OPERATOR if not name.endswith("-unconstrained")]
    groups = {group for _, group, _ in rights(namespaced(ROLES, newest), "ClusterRole")}
    assert groups == {"admissionregistration.k8s.io", "authentication.k8s.io"}
    older = namespaced(ROLES, set(NAMESPACED_OPERATOR).difference(newest))
    assert rights(older, "ClusterRole") == {("impersonate", "", "users")}
    assert rights(namespaced(ROLES, ["kubedom-bridge"]), "ClusterRole") == {
        ("create", "authentication.k8s.io", "tokenreviews"),
        ("create", "authorization.k8s.io", "subjectaccessreviews"),
    }


def test_names_of_single_objects_are_kept() -> None:
    (beyond,) = [role for role in namespaced(ROLES, ["kubedom-operator"]) if role["kind"] == "ClusterRole"]
    assert beyond["metadata"]["name"] == "kubedom-operator-namespaced"
    assert all(rule["resourceNames"] for rule in beyond["rules"])
