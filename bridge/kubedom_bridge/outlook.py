"""What a user may at most list and watch in a namespace, by one review of all their rules there.

A hint that spares questions: what it leaves out is not asked for, what it names is asked for all the same. So it can
never grant anything, also where authorizers beside RBAC tell only a part of their rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import NotPermitted
from .kube import Api


class Resource(NamedTuple):
    """Where a kind is in the API, as reviews name it."""

    group: str
    plural: str
    namespaced: bool


async def review_rules(own: Api, resources: Mapping[str, Resource], namespace: str) -> frozenset[str] | None:
    """Ask which kinds somebody may perhaps list and watch in a namespace; None where that is not known.

    Args:
        own: The API server, asked as whoever is meant.
        resources: The kinds.
        namespace: Its name.

    Raises:
        KubedomError: where the API server cannot be asked.

    """
    try:
        review = await own.call(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            body={
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectRulesReview",
                "spec": {"namespace": namespace},
            },
        )
    except NotPermitted:
        # The cluster has taken this right, which everybody has by default.
        return None
    return possible(review.get("status") or {}, resources)


def possible(status: Mapping[str, Any], resources: Mapping[str, Resource]) -> frozenset[str] | None:
    """Read a SelfSubjectRulesReview's status; None where it says that it does not name every rule."""
    if status.get("incomplete") or status.get("evaluationError"):
        return None
    rules = [rule for rule in status.get("resourceRules") or () if not rule.get("resourceNames")]
    return frozenset(
        kind
        for kind, resource in resources.items()
        if all(any(_matches(rule, verb, resource) for rule in rules) for verb in ("list", "watch"))
    )


def _matches(rule: Mapping[str, Any], verb: str, resource: Resource) -> bool:
    return all(
        value in (told := rule.get(key) or ()) or "*" in told
        for key, value in (("verbs", verb), ("apiGroups", resource.group), ("resources", resource.plural))
    )
