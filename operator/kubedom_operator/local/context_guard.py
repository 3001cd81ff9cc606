"""Which clusters tests may use: only ones that are named as test clusters, unless somebody says otherwise."""

from __future__ import annotations

import re

from .errors import NotATestCluster

_PREFIXES = ("kind-", "kwok-", "k3d-", "minikube")
_TEST = re.compile(r"(?<![a-z0-9])tests?(?![a-z0-9])", re.IGNORECASE)


def is_test_context(context: str) -> bool:
    """Say whether a context's name says that its cluster is for tests."""
    return context.startswith(_PREFIXES) or _TEST.search(context) is not None


def check_test_context(context: str, *, allow_any: bool = False) -> None:
    """Refuse a context that is not named as a test cluster.

    Raises:
        NotATestCluster: It is not, and `allow_any` was not given.

    """
    if not allow_any and not is_test_context(context):
        raise NotATestCluster(context)
