"""The rights of kubedom's own identities and of its users, made from the tables of kinds and actions.

Out come ClusterRoles as plain dictionaries. The bridge may review and act as its users, and nothing by itself; the
operator may do what actions do, and has no right to ask for one. `manifest_files` writes them into deploy/rbac.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubedom_bridge.action_catalogue import ACTION_KINDS, TARGETS, TargetKind
from kubedom_bridge.actions import GROUP
from kubedom_bridge.known_kinds import APPLIED, SHOWN
from kubedom_bridge.rest.config import RESTARTS
from kubedom_operator.projection import KINDS
from kubedom_operator.watch.choice import KOPF_KINDS, STREAM_KINDS

from .admission_manifests import (
    ACTIONS,
    APPROVE,
    CANARY,
    CLUSTER_ACTIONS,
    NAMES,
    POLICIES,
    REQUEST_FOR,
    VETOES,
    Manifest,
)

BOTH = [ACTIONS, CLUSTER_ACTIONS]
_READ = ["get", "list", "watch"]
_FOLLOW = ["list", "watch"]
#: The modes of constrained impersonation.
_PEOPLE, _ACCOUNTS = "user-info", "serviceaccount"


def bridge() -> list[Manifest]:
    """The bridge's roles: `kubedom-bridge` always, and others where a proxy signs users in.

    `-impersonate` is for Kubernetes 1.36 and later: as its users, the bridge can look at what is shown, and create
    actions and vetoes; with `-impersonate-apply` it can apply what they deploy as well. Before, it is `-request-for`,
    with which it shows them what they may see and asks for actions in the name of whom it has reviewed, or
    `-impersonate-unconstrained`, with which it can do whatever any user may. A proxy vouches for a name and groups, so
    there is no right to a uid or to extra fields.
    """
    reviews = [
        _rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ]
    people = [_rule("authentication.k8s.io", ["users", "groups"], [f"impersonate:{_PEOPLE}"])]
    looks = _by_group(SHOWN.values(), ["get"])
    reads = [
        _rule("", ["pods/log"], ["get"]),
        _rule("", ["events"], ["list"]),
        _rule(GROUP, BOTH, ["list", "create", "patch"]),
    ]
    vetoes = _rule(GROUP, [VETOES], ["create"])
    # Which kinds there are is asked for those that are not known, and what uses a configuration before it is restarted.
    applies = [
        *_by_group(APPLIED.values(), ["patch"]),
        *_by_group([TARGETS[kind] for kind in RESTARTS], ["list"]),
        {"nonResourceURLs": ["/api/*", "/apis/*"], "verbs": ["get"]},
    ]
    return [
        _role("kubedom-bridge", reviews),
        _role("kubedom-bridge-impersonate", [*people, *_as_people([*looks, *reads, vetoes])]),
        _role("kubedom-bridge-impersonate-apply", _as_people(applies)),
        _role("kubedom-bridge-impersonate-unconstrained", [_rule("", ["users", "groups"], ["impersonate"])]),
        _role("kubedom-bridge-request-for", [*looks, *reads, vetoes, _rule(GROUP, [*BOTH, VETOES], [REQUEST_FOR])]),
    ]


def operator() -> list[Manifest]:
    """The operator's roles: `kubedom-operator`; `-policies` where it follows HealingPolicies; `kubedom-install`.

    A policy's actions are created as its service account, so that admission judges that account's rights; as such an
    account the operator can create actions only. Before Kubernetes 1.36 that takes `-policies-unconstrained`, and
    whoever has it can do whatever any service account may; and the canary takes `-unconstrained`. With
    `kubedom-install` it installs what it needs by itself.
    """
    acting: dict[tuple[str, str], set[str]] = {}
    for action in ACTION_KINDS.values():
        for target in action.targets:
            for right in (*action.rights(target), *((action.forced,) if action.forced else ())):
                resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
                acting.setdefault((right.group, resource), set()).add(right.verb)
    shown: dict[str, set[str]] = {}
    for info in map(KINDS.__getitem__, (*KOPF_KINDS, *STREAM_KINDS)):
        shown.setdefault(info.group, set()).add(info.plural)
    admission = [
        f"{sort}admissionpolic{ending}" for sort in ("mutating", "validating") for ending in ("ies", "ybindings")
    ]
    carries_out = [
        *(_rule(group, sorted(plurals), _FOLLOW) for group, plurals in sorted(shown.items())),
        *_by_group(TARGETS.values(), ["get"]),
        *(_rule(group, [resource], sorted(verbs)) for (group, resource), verbs in sorted(acting.items())),
        # A job that an action makes is held until the action's status tells of it.
        _rule("batch", ["jobs"], ["patch"]),
        # Which revisions a stateful set or a daemon set can go back to.
        _rule("apps", ["controllerrevisions"], ["list"]),
        _rule("", ["events"], ["create"]),
        _rule(GROUP, BOTH, [*_READ, "delete"]),
        _rule(GROUP, [f"{plural}/status" for plural in BOTH], ["patch"]),
        # Whether the policies are as they were when the canary tried them, and what the canary needs.
        _rule("admissionregistration.k8s.io", admission, ["get"], list(NAMES)),
        _rule("authentication.k8s.io", ["users"], [f"impersonate:{_PEOPLE}"], [CANARY]),
        _rule(GROUP, [ACTIONS], [f"impersonate-on:{_PEOPLE}:create"]),
    ]
    follows = [
        _rule(GROUP, [POLICIES], _READ),
        # What has had its time is removed.
        _rule(GROUP, [VETOES], [*_FOLLOW, "delete"]),
        _rule(GROUP, ["healingpolicies/status"], ["patch"]),
    ]
    as_accounts = [
        _rule("authentication.k8s.io", ["serviceaccounts"], [f"impersonate:{_ACCOUNTS}"]),
        _rule(GROUP, [ACTIONS], [f"impersonate-on:{_ACCOUNTS}:create"]),
    ]
    installs = [
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["create", "patch"]),
        _rule("admissionregistration.k8s.io", admission, ["create", "patch"]),
        _rule("rbac.authorization.k8s.io", ["roles", "rolebindings"], ["create", "patch"]),
        # Nobody may give a right that they do not have, and this is the canary's.
        _rule(GROUP, [ACTIONS], ["create"]),
    ]
    return [
        _role("kubedom-operator", carries_out),
        _role("kubedom-operator-unconstrained", [_rule("", ["users"], ["impersonate"], [CANARY])]),
        _role("kubedom-operator-policies", [*follows, *as_accounts]),
        _role("kubedom-operator-policies-unconstrained", [*follows, _rule("", ["serviceaccounts"], ["impersonate"])]),
        _role("kubedom-install", installs),
    ]


def users() -> list[Manifest]:
    """What view, edit and admin of a namespace get beside their own rights.

    An editor may ask for actions, of which admission refuses those that they may not do by hand, and hold the policies
    off. An admin may decide over what others ask for, and write policies, which act as accounts that they may
    impersonate.
    """
    return [
        _role("kubedom-view", [_rule(GROUP, [*BOTH, POLICIES, VETOES], _READ)], ["view", "edit", "admin"]),
        _role("kubedom-edit", [_rule(GROUP, [*BOTH, VETOES], ["create", "delete"])], ["edit", "admin"]),
        _role(
            "kubedom-admin",
            [
                _rule(GROUP, BOTH, ["patch", APPROVE]),
                _rule(GROUP, [POLICIES], ["create", "update", "patch", "delete"]),
            ],
            ["admin"],
        ),
    ]


def _by_group(kinds: Iterable[TargetKind], verbs: list[str]) -> list[Manifest]:
    plurals: dict[str, list[str]] = {}
    for kind in kinds:
        plurals.setdefault(kind.group, []).append(kind.plural)
    return [_rule(group, sorted(names), verbs) for group, names in sorted(plurals.items())]


def _as_people(rules: list[Manifest]) -> list[Manifest]:
    return [rule | {"verbs": [f"impersonate-on:{_PEOPLE}:{verb}" for verb in rule["verbs"]]} for rule in rules]


def _rule(group: str, resources: list[str], verbs: list[str], names: list[str] | None = None) -> Manifest:
    named = {"resourceNames": names} if names else {}
    return {"apiGroups": [group], "resources": resources, **named, "verbs": verbs}


def _role(name: str, rules: list[Manifest], given_to: Iterable[str] = ()) -> Manifest:
    metadata: dict[str, Any] = {"name": name}
    if labels := {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in given_to}:
        metadata["labels"] = labels
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
