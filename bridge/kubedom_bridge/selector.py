"""Label selectors, as `kubectl --selector` takes them: `app=web,tier!=db,env in (a, b),!canary`.

Pure: a selector is parsed once and then asked with an object's labels.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from .errors import KubedomError

LONGEST = 2048
_KEY = r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")


class BadSelector(KubedomError):
    """A label selector cannot be read."""

    code = "badMessage"


class Requirement(NamedTuple):
    """One condition: the label is (`in`) or is not (`notin`) one of the values; or it exists or is absent."""

    key: str
    operator: Literal["in", "notin", "exists", "absent"]
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; as in Kubernetes, a label that is absent is not one of the values."""
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "absent":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.operator == "in")


Selector = tuple[Requirement, ...]


def parse(text: str) -> Selector:
    """Read a selector; an empty one has no requirement and selects everything.

    Raises:
        BadSelector: with the part that cannot be read.

    """
    if not text.strip():
        return ()
    if len(text) > LONGEST:
        raise BadSelector(f"The selector has {len(text)} characters.", remedy=f"Use at most {LONGEST}.", field=_FIELD)
    return tuple(_requirement(part.strip()) for part in re.split(r",(?![^()]*\))", text))


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether labels meet every requirement."""
    return all(requirement.holds(labels) for requirement in selector)


_FIELD = "filter.labelSelector"


def _requirement(part: str) -> Requirement:
    if found := _EQUALITY.fullmatch(part):
        return Requirement(found[1], "notin" if found[2] == "!=" else "in", frozenset({found[3]}))
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found[3].split(","))
        if all(re.fullmatch(_VALUE, value) for value in values):
            return Requirement(found[1], "in" if found[2] == "in" else "notin", values)
    elif found := _EXISTS.fullmatch(part):
        return Requirement(found[2], "absent" if found[1] else "exists")
    raise BadSelector(
        f"The label selector's part {part[:80]!r} cannot be read.",
        remedy="Write it as for kubectl: app=web, tier!=db, env in (a, b), canary, !canary.",
        field=_FIELD,
    )
