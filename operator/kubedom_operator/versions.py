"""What depends on the API server's version: what is switched on from when, and what holds where it is not.

In comes the version as the API server says it; out come sentences for the log. Pure. The table is also that of
docs/operations.md, which a test holds to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, NamedTuple

OLDEST, NEWEST = (1, 30), (1, 36)
#: Only what an API server has by its version; a feature gate may switch some on earlier, which is asked for.
VALIDATION, STAMP, CONSTRAINED = "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy", "constrained impersonation"

Part = Literal["operator", "proxy"]
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


class Feature(NamedTuple):
    """Something that Kubernetes has from a version on.

    Args:
        name: Its name.
        since: The minor version from which on it is there without further ado.
        part: Who uses it: the operator, or a bridge whose users a proxy signs in.
        with_it: What kubedom does by it.
        without: What it does instead.

    """

    name: str
    since: tuple[int, int]
    part: Part
    with_it: str
    without: str


FEATURES = (
    Feature(VALIDATION, (1, 30), "operator", "the API server judges who asks for an action", "nothing is healed"),
    Feature(
        STAMP,
        (1, 36),
        "operator",
        "who asked for an action is stamped on it",
        "who asks for an action writes their own name into it and is held to that",
    ),
    Feature(
        CONSTRAINED,
        (1, 36),
        "operator",
        "the canary and HealingPolicies act as others with rights to nothing else",
        "the canary takes the role kubedom-operator-unconstrained, and HealingPolicies take "
        "kubedom-operator-policies-unconstrained",
    ),
    Feature(
        CONSTRAINED,
        (1, 36),
        "proxy",
        "the bridge acts as a proxy's users with rights to nothing else",
        "for a proxy's users the bridge takes the role kubedom-bridge-request-for",
    ),
)


def minor_version(version: str) -> tuple[int, int] | None:
    """The two numbers that count of a version as `v1.33.2-gke.100`; None where it has none."""
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2])) if found is not None else None


def switched_off(version: str, part: Part, *, present: Collection[str] = ()) -> list[str]:
    """Say, in a sentence each, what is switched off because this API server is too old for it.

    Args:
        version: What the API server calls its version.
        part: For whom.
        present: Features that it was found to have in spite of that.

    """
    numbers = minor_version(version)
    if numbers is None:
        return []
    return [
        f"Kubernetes {version} is older than {feature.since[0]}.{feature.since[1]} and has no {feature.name}: "
        f"{feature.without}."
        for feature in FEATURES
        if feature.part == part and numbers < feature.since and feature.name not in present
    ]
