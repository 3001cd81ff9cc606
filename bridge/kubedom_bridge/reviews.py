"""What the API server says of tokens and rights: TokenReview and SubjectAccessReview, asked rarely and never guessed.

Only decisions are kept, and not for long; the same question that is asked many times at once is asked once. What cannot
be asked is not allowed: the callers hear an error, never an old decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Any, Generic, TypeVar

from .identity import Identity, SignInRefused, User, expiry_of, fingerprint
from .kube import Api
from .outlook import Resource, review_rules
from .view import Rights

#: A review of a token is at most a minute old, also where the next one takes its time.
TOKEN_SECONDS = 50.0
REFUSED_TOKEN_SECONDS = 5.0
#: A right that is withdrawn is noticed within 30 s; what is left of these is for asking and for telling.
ACCESS_SECONDS = 18.0
KEPT = 10_000
AT_ONCE = 16

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Decisions(Generic[K, V]):
    """Answers that are kept for a while; each question is under way at most once.

    Args:
        clock: Monotonic seconds.
        seconds: For how long an answer is kept.
        count: Told of each question whether the answer was known.

    """

    def __init__(
        self, clock: Callable[[], float], seconds: Callable[[V], float], count: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[K, tuple[V, float]] = {}
        self._asked: dict[K, asyncio.Task[V]] = {}
        self._count = count

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Give the kept answer, or ask; an error is not kept."""
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[1]:
            self._count(True)
            return kept[0]
        task = self._asked.get(key)
        if task is None:
            self._count(False)
            task = asyncio.ensure_future(self._ask(key, ask))
            self._asked[key] = task
            task.add_done_callback(lambda asked: self._answered(key, asked))
        # One that gives up waiting must not take the answer from the others.
        return await asyncio.shield(task)

    def __len__(self) -> int:
        return len(self._kept)

    def _answered(self, key: K, asked: asyncio.Task[V]) -> None:
        self._asked.pop(key, None)
        # Where everybody has given up waiting, as when the bridge ends, nobody else would look at an error.
        if not asked.cancelled():
            asked.exception()

    async def _ask(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        # The age counts from the question: what changed since then is not in the answer.
        asked = self._clock()
        answer = await ask()
        self._kept.pop(key, None)
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (answer, asked + self._seconds(answer))
        return answer


class TokenReviews:
    """Says whose a bearer token is.

    Args:
        api: With the right to create tokenreviews.
        clock: Monotonic seconds.
        audiences: For whom a token must be meant; empty for the API server's own audience.
        count: Told of each question whether the answer was known.

    """

    def __init__(
        self,
        api: Api,
        *,
        clock: Callable[[], float],
        audiences: tuple[str, ...] = (),
        count: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._audiences = audiences
        self.decisions: Decisions[str, User | None] = Decisions(
            clock, lambda user: TOKEN_SECONDS if user is not None else REFUSED_TOKEN_SECONDS, count
        )

    async def identify(self, token: str) -> Identity:
        """Say whose token it is.

        Raises:
            SignInRefused: where the API server does not accept it.
            KubedomError: where the API server cannot be asked.

        """
        user = await self.decisions.get(fingerprint(token), lambda: self._review(token))
        if user is None:
            raise SignInRefused(
                "The API server does not accept this token.",
                remedy="Use one that has not expired and is meant for this cluster, as of `kubectl create token`.",
                field="token",
            )
        return Identity(user, token=token, expires=expiry_of(token))

    async def _review(self, token: str) -> User | None:
        spec: dict[str, Any] = {"token": token}
        if self._audiences:
            spec["audiences"] = list(self._audiences)
        review = await self._api.call(
            "POST",
            "/apis/authentication.k8s.io/v1/tokenreviews",
            body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec},
        )
        status = review.get("status") or {}
        if not status.get("authenticated"):
            return None
        # An authenticator that knows nothing of audiences leaves them out, and its yes is none to them.
        if self._audiences and not set(self._audiences) & set(status.get("audiences") or ()):
            return None
        found = status.get("user") or {}
        return User(
            name=found.get("username", ""),
            uid=found.get("uid", ""),
            groups=tuple(found.get("groups") or ()),
            extra=tuple(sorted((key, tuple(values)) for key, values in (found.get("extra") or {}).items())),
        )


class AccessReviews:
    """Says what a user may list and watch.

    Args:
        api: With the right to create subjectaccessreviews.
        resources: The kinds that are asked for.
        namespaces: Gives the namespaces that hold anything.
        clock: Monotonic seconds.
        count: Told of each question whether the answer was known.

    """

    def __init__(
        self,
        api: Api,
        resources: Mapping[str, Resource],
        namespaces: Callable[[], Collection[str]],
        *,
        clock: Callable[[], float],
        count: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._resources = resources
        self._namespaces = namespaces
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self.decisions: Decisions[tuple[User, str, str], bool] = Decisions(clock, lambda _: ACCESS_SECONDS, count)
        self.outlooks: Decisions[tuple[User, str], frozenset[str] | None] = Decisions(
            clock, lambda _: ACCESS_SECONDS, count
        )

    async def rights(self, user: User, own: Api | None = None) -> Rights:
        """Ask for every kind in the whole cluster, and where that is refused in each namespace.

        Args:
            user: Who.
            own: The API server, asked as this user, where the bridge can. By their own review of their rules a
                namespace costs one question, and not some for each kind.

        Raises:
            KubedomError: where the API server cannot be asked; nothing is allowed then.

        """
        kinds = tuple(self._resources)
        everywhere = await asyncio.gather(*(self._may(user, kind, "") for kind in kinds))
        allowed = frozenset(kind for kind, may in zip(kinds, everywhere, strict=True) if may)
        # A Namespace belongs to itself, as for `kubectl get namespace NAME`; other cluster-wide kinds to no namespace.
        left = [
            kind for kind in kinds if kind not in allowed and (self._resources[kind].namespaced or kind == "Namespace")
        ]
        places = [namespace for namespace in self._namespaces() if namespace] if left else []
        outlooks = await asyncio.gather(*(self._outlook(user, own, namespace) for namespace in places))
        asked = [
            (kind, namespace)
            for namespace, possible in zip(places, outlooks, strict=True)
            for kind in left
            if possible is None or kind in possible
        ]
        within = await asyncio.gather(*(self._may(user, kind, namespace) for kind, namespace in asked))
        return Rights(allowed, frozenset(place for place, may in zip(asked, within, strict=True) if may))

    async def _outlook(self, user: User, own: Api | None, namespace: str) -> frozenset[str] | None:
        if own is None:
            return None

        async def ask() -> frozenset[str] | None:
            async with self._at_once:
                return await review_rules(own, self._resources, namespace)

        return await self.outlooks.get((user, namespace), ask)

    async def _may(self, user: User, kind: str, namespace: str) -> bool:
        return await self.decisions.get((user, kind, namespace), lambda: self._ask(user, kind, namespace))

    async def _ask(self, user: User, kind: str, namespace: str) -> bool:
        resource = self._resources[kind]
        for verb in ("list", "watch"):
            attributes = {"verb": verb, "group": resource.group, "resource": resource.plural, "namespace": namespace}
            async with self._at_once:
                allowed = await review_access(self._api, user, attributes)
            if not allowed:
                return False
        return True


async def review_access(api: Api, user: User, attributes: Mapping[str, str]) -> bool:
    """Ask whether a user may do this.

    Args:
        api: With the right to create subjectaccessreviews.
        user: Who would do it.
        attributes: What, as a SubjectAccessReview's resourceAttributes.

    Raises:
        KubedomError: where the API server cannot be asked.

    """
    spec = {
        "resourceAttributes": dict(attributes),
        "user": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra},
    }
    review = await api.call(
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        body={"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec},
    )
    return (review.get("status") or {}).get("allowed") is True


async def review_own_access(api: Api, attributes: Mapping[str, str]) -> bool:
    """Ask whether this identity may do this; every user may ask for themself.

    Args:
        api: The API server, asked as whoever is meant.
        attributes: What, as a SelfSubjectAccessReview's resourceAttributes.

    Raises:
        KubedomError: where the API server cannot be asked.

    """
    review = await api.call(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": dict(attributes)},
        },
    )
    return (review.get("status") or {}).get("allowed") is True
