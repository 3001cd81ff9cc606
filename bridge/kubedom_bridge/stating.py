"""Acting for users without being able to be them, where a bridge may not impersonate: before Kubernetes 1.36.

In comes a request that a user makes; the API server is asked for each right that it takes (SubjectAccessReview, with
all that is known of the user), and then the bridge makes the request itself, with the user's name in it. Its role has
the verb `requestfor`, without which admission refuses a name that is not the requester's own. Only what is shown and
what healing takes is passed on: one object, a pod's log, actions and Events; an action, and a decision over it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from . import vetoes
from .action_catalogue import ACTION_KINDS, TARGETS, Right
from .actions import CLUSTER_PLURAL, GROUP, PLURAL
from .errors import NotPermitted
from .identity import User
from .kube import Api
from .reviews import review_access, review_own_access

ACTIONS = (PLURAL, CLUSTER_PLURAL)
# Nothing that a client or server on the way could take for another path than the one that was judged.
_STEP = r"[A-Za-z0-9][-A-Za-z0-9._:]*"
_PATH = re.compile(
    rf"/(?:api|apis/(?P<group>{_STEP}))/{_STEP}"
    rf"(?:/namespaces/(?P<namespace>{_STEP})(?=/))?/(?P<plural>{_STEP})(?:/(?P<name>{_STEP}))?(?P<log>/log)?"
)
_LOG = Right("get", "", "pods", "log")
_LISTED = frozenset({("", "events"), *((GROUP, plural) for plural in (*ACTIONS, vetoes.PLURAL, "healingpolicies"))})


class Asked(NamedTuple):
    """A right, where and for which object; an empty namespace is the whole cluster, an empty name any object."""

    right: Right
    namespace: str
    name: str

    @property
    def attributes(self) -> dict[str, str]:
        """As a SubjectAccessReview's resourceAttributes."""
        right = self.right
        return {
            "verb": right.verb,
            "group": right.group,
            "resource": right.resource,
            "subresource": right.subresource,
            "namespace": self.namespace,
            "name": self.name,
        }

    def __str__(self) -> str:
        right = self.right
        resource = f"{right.resource}{f'.{right.group}' if right.group else ''}"
        resource += f"/{right.subresource}" if right.subresource else ""
        name = f' "{self.name}"' if self.name else ""
        return f"{right.verb} {resource}{name}{f' in namespace {self.namespace}' if self.namespace else ''}"


def rights_of(method: str, path: str, body: Any) -> list[Asked] | None:
    """Say what a request takes; None where it is none that is made for somebody else.

    Args:
        method: The HTTP method.
        path: From the server's root, without a query.
        body: What is sent.

    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    group, namespace, plural, name = (found[each] or "" for each in ("group", "namespace", "plural", "name"))
    if found["log"]:
        return [Asked(_LOG, namespace, name)] if (method, group, plural) == ("GET", "", "pods") and name else None
    if method == "GET":
        if not name and (group, plural) not in _LISTED:
            return None
        return [Asked(Right("get" if name else "list", group, plural), namespace, name)]
    if group != GROUP or plural not in {*ACTIONS, vetoes.PLURAL} or not isinstance(body, dict):
        return None
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return None
    if method == "POST" and not name:
        does = _rights_of_action(spec, namespace) if plural in ACTIONS else []
        return [Asked(Right("create", group, plural), namespace, ""), *does]
    if method == "PATCH" and name and plural in ACTIONS and set(body) == {"spec"} and set(spec) == {"approval"}:
        return [Asked(Right(verb, group, plural), namespace, name) for verb in ("patch", "approve")]
    return None


def _rights_of_action(spec: Mapping[str, Any], namespace: str) -> list[Asked]:
    """What the action would do; nothing where the catalogue does not have it, for admission refuses that."""
    target, parameters = spec.get("target") or {}, spec.get("parameters") or {}
    kind = ACTION_KINDS.get(spec.get("action", ""))
    if kind is None or target.get("kind") not in kind.targets:
        return []
    place = TARGETS[target["kind"]]
    return [
        Asked(right, namespace if place.namespaced else "", "" if right.any_name else target.get("name", ""))
        for right in kind.rights(target["kind"], force=bool(parameters.get("force")))
    ]


class StatedApi(Api):
    """The API server, asked by the bridge for one user, after it was asked whether they may.

    Args:
        api: With the bridge's own credentials.
        user: For whom.

    """

    def __init__(self, api: Api, user: User) -> None:
        self.__dict__.update(api.__dict__)
        self._own = api
        self._user = user

    async def call(self, method: str, path: str, *, body: object = None, **more: Any) -> dict[str, Any]:
        """Make one request for the user, if they may; arguments and errors as for `Api.call`."""
        await self._judge(method, path, body)
        return await self._own.call(method, path, body=_named(method, body, self._user.name), **more)

    @asynccontextmanager
    async def stream(
        self, path: str, query: dict[str, str], *, inactivity: float, accept: str = "application/json"
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Read for the user what comes, if they may; arguments and errors as for `Api.stream`."""
        await self._judge("GET", path, None)
        async with self._own.stream(path, query, inactivity=inactivity, accept=accept) as answer:
            yield answer

    async def _judge(self, method: str, path: str, body: object) -> None:
        asked = rights_of(method, path, body)
        if asked is None:
            raise self._refused()
        for each in asked:
            if not await review_access(self._own, self._user, each.attributes):
                raise NotPermitted(f"{self._user.name} may not {each}.", remedy="Ask for this right.")

    def _refused(self) -> NotPermitted:
        return NotPermitted(
            "The bridge cannot do this for you, for it may not impersonate.",
            remedy="Sign in with a token, or give the bridge a role that impersonates (deploy/rbac/bridge.yaml).",
        )


def _named(method: str, body: Any, user: str) -> Any:
    """Write the user into the request, whatever it said."""
    if method == "POST":
        return body | {"spec": body["spec"] | {"requestedBy": user}}
    if method == "PATCH":
        return {"spec": {"approval": body["spec"]["approval"] | {"by": user}}}
    return body


async def must_state(api: Api) -> bool:
    """Whether this identity may ask for others and may not impersonate them.

    Raises:
        KubedomError: where the API server cannot be asked.

    """

    async def may(verb: str, group: str, resource: str) -> bool:
        return await review_own_access(api, {"verb": verb, "group": group, "resource": resource})

    if await may("impersonate", "", "users") or await may("impersonate:user-info", "authentication.k8s.io", "users"):
        return False
    return await may("requestfor", GROUP, ACTIONS[0])
