"""What identities were granted, and what the API server's audit log says that they used.

Pure: roles and lines of the log in, sets of rights out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

#: What every authenticated user may do by Kubernetes' own roles.
_EVERYBODY = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}
_PEOPLE, _ACCOUNT = "user-info", "serviceaccount"


class Right(NamedTuple):
    """A verb on a resource, with its subresource; of a URL that is none, the path in place of a resource."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


def granted(roles: Iterable[Mapping[str, Any]]) -> set[Right]:
    """Every right of these roles; names of single objects are left out."""
    found = set()
    for role in roles:
        for rule in role["rules"]:
            for verb in rule["verbs"]:
                for group in rule.get("apiGroups", ("",)):
                    for resource in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ())):
                        found.add(Right(verb, group, resource))
    return found


def used(lines: Iterable[str], user: str) -> tuple[set[Right], list[str]]:
    """What a user was let do, also as somebody else; and what they were refused, in the API server's words."""
    rights: set[Right] = set()
    refusals: list[str] = []
    for line in lines:
        event = json.loads(line)
        if event["stage"] != "ResponseComplete" or event["user"]["username"] != user:
            continue
        status = event.get("responseStatus") or {}
        asked = set(_of(event))
        if status.get("code") == 403 and status.get("reason") == "Forbidden" and not _by_admission(status):
            refusals += [f"{', '.join(map(str, sorted(asked)))}: {status.get('message', '')}"]
        else:
            rights |= asked
    return rights, refusals


def _by_admission(status: Mapping[str, Any]) -> bool:
    return "ValidatingAdmissionPolicy" in status.get("message", "")


def _of(event: Mapping[str, Any]) -> Iterator[Right]:
    reference, acting = event.get("objectRef"), event.get("impersonatedUser")
    if acting is not None:
        mode = _ACCOUNT if acting["username"].startswith("system:serviceaccount:") else _PEOPLE
        who = "serviceaccounts" if mode == _ACCOUNT else "users"
        yield Right(f"impersonate:{mode}", "authentication.k8s.io", who)
        # Kubernetes adds this one by itself.
        if mode == _PEOPLE and set(acting.get("groups", ())) - {"system:authenticated"}:
            yield Right(f"impersonate:{mode}", "authentication.k8s.io", "groups")
    prefix = f"impersonate-on:{mode}:" if acting is not None else ""
    if reference is None or "resource" not in reference:
        path = event["requestURI"].partition("?")[0]
        if acting is not None:
            yield Right(prefix + event["verb"], "", f"/{path.split('/')[1]}/*")
        return
    if reference["resource"] in _EVERYBODY:
        return
    resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
    yield Right(prefix + event["verb"], reference.get("apiGroup", ""), resource)
    # To apply what is not there yet takes the right to create it as well.
    if event["verb"] == "patch" and (event.get("responseStatus") or {}).get("code") == 201 and acting is None:
        yield Right("create", reference.get("apiGroup", ""), resource)
