"""The roles hold what the tables say, and the bridge's none of the operator's."""

from __future__ import annotations

from typing import Any

from kubedom_bridge.action_catalogue import ACTION_KINDS
from kubedom_operator import rbac_manifests


def granted(roles: list[dict[str, Any]], name: str) -> set[tuple[str, str, str]]:
    (role,) = [each for each in roles if each["metadata"]["name"] == name]
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", ())
        for resource in rule["resources"]
    }


def test_the_operator_may_do_whatever_an_action_does() -> None:
    has = granted(rbac_manifests.operator(), "kubedom-operator")
    for action in ACTION_KINDS.values():
        for target in action.targets:
            for force in (False, True):
                for right in action.rights(target, force=force):
                    resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
                    assert (right.verb, right.group, resource) in has


def test_the_operator_cannot_ask_for_an_action_and_the_bridge_not_carry_one_out() -> None:
    operator = granted(rbac_manifests.operator(), "kubedom-operator")
    assert ("create", "kubedom.dev", "healingactions") not in operator
    assert granted(rbac_manifests.bridge(), "kubedom-bridge") == {
        ("create", "authentication.k8s.io", "tokenreviews"),
        ("create", "authorization.k8s.io", "subjectaccessreviews"),
    }
    constrained = granted(rbac_manifests.bridge(), "kubedom-bridge-impersonate")
    assert all(verb.startswith(("impersonate:", "impersonate-on:")) for verb, _, _ in constrained)
    assert {
        place for verb, *place in map(list, constrained) if verb.endswith(":create") for place in [tuple(place)]
    } == {
        ("kubedom.dev", "healingactions"),
        ("kubedom.dev", "clusterhealingactions"),
        ("kubedom.dev", "healingvetoes"),
    }


def test_what_a_proxys_users_may_apply_is_a_role_of_its_own_and_no_user_is_shown_a_secret() -> None:
    roles = {each["metadata"]["name"]: each for each in rbac_manifests.bridge()}
    role = roles["kubedom-bridge-impersonate-apply"]
    (asked,) = [rule for rule in role["rules"] if "nonResourceURLs" in rule]
    assert asked == {"nonResourceURLs": ["/api/*", "/apis/*"], "verbs": ["impersonate-on:user-info:get"]}
    patched = {
        resource
        for rule in role["rules"]
        for resource in rule.get("resources", ())
        if "impersonate-on:user-info:patch" in rule["verbs"]
    }
    assert patched >= {"configmaps", "secrets", "deployments"}
    assert not patched & {"clusterroles", "clusterrolebindings", "roles", "rolebindings"}
    for each in roles.values():
        for rule in each["rules"]:
            if "secrets" in rule.get("resources", ()):
                assert rule["verbs"] == ["impersonate-on:user-info:patch"]


def test_an_editor_asks_for_actions_and_only_an_admin_decides_over_them() -> None:
    roles = {each["metadata"]["name"]: each for each in rbac_manifests.users()}
    assert ("approve", "kubedom.dev", "healingactions") not in granted(rbac_manifests.users(), "kubedom-edit")
    given = {name: {label.rpartition("-")[2] for label in role["metadata"]["labels"]} for name, role in roles.items()}
    assert given == {
        "kubedom-view": {"view", "edit", "admin"},
        "kubedom-edit": {"edit", "admin"},
        "kubedom-admin": {"admin"},
    }
    # Who may write a status could say that an action is done, or undo its end.
    assert not any("status" in resource for name in roles for _, _, resource in granted(list(roles.values()), name))
