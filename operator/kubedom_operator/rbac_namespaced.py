"""The rights of kubedom's own identities where it watches one namespace only.

In: the roles for a whole cluster. Out: of each, a Role with what it grants within a namespace, and a ClusterRole, whose
name ends in `-namespaced`, with what has no namespace and is needed all the same: to ask who a user is and whether
admission is in force. What is shown of the cluster as a whole, such as nodes, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubedom_bridge.known_kinds import SHOWN

from .admission_manifests import Manifest

_ENDING = "-namespaced"
_SHOWN_OF_THE_CLUSTER = {(kind.group, kind.plural) for kind in SHOWN.values() if not kind.namespaced}
#: A service account may be impersonated within its namespace; users and groups have none.
_OF_THE_CLUSTER = {
    ("authentication.k8s.io", "tokenreviews"),
    ("authentication.k8s.io", "users"),
    ("authentication.k8s.io", "groups"),
    ("", "users"),
    ("", "groups"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    *(
        ("admissionregistration.k8s.io", f"{sort}admissionpolic{ending}")
        for sort in ("mutating", "validating")
        for ending in ("ies", "ybindings")
    ),
}


def namespaced(roles: Iterable[Manifest], names: Iterable[str]) -> list[Manifest]:
    """Split the roles of these names.

    Args:
        roles: ClusterRoles, as `rbac_manifests` makes them.
        names: Those that are wanted.

    """
    wanted = set(names)
    return [part for role in roles if role["metadata"]["name"] in wanted for part in _split(role)]


def _split(role: Manifest) -> list[Manifest]:
    within = [kept for rule in role["rules"] if (kept := _only(rule, of_the_cluster=False))]
    beyond = [kept for rule in role["rules"] if (kept := _only(rule, of_the_cluster=True))]
    name = role["metadata"]["name"]
    made: list[Manifest] = []
    if within:
        made.append(role | {"kind": "Role", "rules": within})
    if beyond:
        made.append(role | {"metadata": {"name": f"{name}{_ENDING}"}, "rules": beyond})
    return made


def _only(rule: Manifest, *, of_the_cluster: bool) -> Manifest | None:
    if "nonResourceURLs" in rule:
        return rule if of_the_cluster else None
    (group,) = rule["apiGroups"]
    resources = [each for each in rule["resources"] if (group, each.partition("/")[0]) not in _SHOWN_OF_THE_CLUSTER]
    kept = [each for each in resources if ((group, each) in _OF_THE_CLUSTER) == of_the_cluster]
    return rule | {"resources": kept} if kept else None
