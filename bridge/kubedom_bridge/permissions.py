"""Whether a user may start an action, for pages that grey out the others; it is judged anew when it is started.

In comes a question, out goes a verdict: whether the API server allows this user to create the action, and what the
action would do to its target. The right over every object of a kind is asked for before the one over the target alone,
so that most rows of a table need no review of their own. Answers are kept for a while, and a user whose questions take
too many reviews waits for the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from . import approvals, vetoes
from .action_catalogue import ACTION_KINDS, TARGETS, Right
from .actions import GROUP, NAME, action_namespace, collection_path
from .errors import CommandRefused
from .identity import User
from .kube import Api
from .limits import Buckets
from .protocol import Question, Target
from .reviews import ACCESS_SECONDS, AT_ONCE, Decisions, review_access, review_own_access
from .stating import Asked, rights_of

#: Reviews for the questions of one user.
REVIEWS_PER_SECOND = 20.0
REVIEW_BURST = 200.0
#: How long a question waits for its reviews.
LONGEST_WAIT_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.05


def rights_for(question: Question) -> list[Asked]:
    """Say which rights an action takes; none where no cluster could carry it out."""
    target = question.target
    namespace = target.namespace
    if question.name in approvals.DECISIONS:
        return _rights_to_decide(target)
    place = TARGETS.get(target.kind)
    if place is None or not NAME.fullmatch(target.name) or (place.namespaced and not NAME.fullmatch(namespace)):
        return []
    if question.name == vetoes.COMMAND:
        return [Asked(Right("create", GROUP, vetoes.PLURAL), namespace, "")] if place.namespaced else []
    action = ACTION_KINDS.get(question.name)
    if action is None or target.kind not in action.targets:
        return []
    spec = {"action": question.name, "target": {"kind": target.kind, "name": target.name}}
    return rights_of("POST", collection_path(action_namespace(target)), {"spec": spec}) or []


def _rights_to_decide(target: Target) -> list[Asked]:
    namespaced = approvals.KINDS.get(target.kind)
    if namespaced is None or not NAME.fullmatch(target.name) or (namespaced and not NAME.fullmatch(target.namespace)):
        return []
    return rights_of("PATCH", approvals.path_of(target), {"spec": {"approval": {}}}) or []


class Permissions:
    """Answers the questions of all pages.

    Args:
        api: With the right to create subjectaccessreviews, or with the credentials of the one local user.
        own: Whether every question is about the user that these credentials are of.
        not_healing: Says why actions are not carried out; an empty string when they are.
        clock: Monotonic seconds.
        count: Told of each review whether its answer was known.

    """

    def __init__(
        self,
        api: Api,
        *,
        own: bool,
        not_healing: Callable[[], str],
        clock: Callable[[], float],
        count: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._own = own
        self._not_healing = not_healing
        self._clock = clock
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._reviews = Buckets(REVIEWS_PER_SECOND, REVIEW_BURST)
        self.decisions: Decisions[tuple[User, Asked], bool] = Decisions(clock, lambda _: ACCESS_SECONDS, count)

    async def verdicts(self, user: User, questions: Sequence[Question]) -> list[bool]:
        """Say of each whether they may.

        Raises:
            CommandRefused: where they ask for more than is reviewed in time.
            KubedomError: where the API server cannot be asked.

        """
        return list(await asyncio.gather(*(self._verdict(user, question) for question in questions)))

    async def _verdict(self, user: User, question: Question) -> bool:
        rights = rights_for(question)
        heals = question.name in ACTION_KINDS
        if not rights or (heals and self._not_healing()):
            return False
        for right in rights:
            if not await self._may(user, right):
                return False
        return True

    async def _may(self, user: User, right: Asked) -> bool:
        if right.name and await self._decide(user, right._replace(name="")):
            return True
        return await self._decide(user, right)

    async def _decide(self, user: User, right: Asked) -> bool:
        return await self.decisions.get((user, right), lambda: self._ask(user, right))

    async def _ask(self, user: User, right: Asked) -> bool:
        begun = self._clock()
        while not self._reviews.take(user, self._clock()):
            if self._clock() - begun > LONGEST_WAIT_SECONDS:
                raise CommandRefused(
                    "tooMany",
                    "Too many rights were asked for at once.",
                    remedy="Ask for what is shown, and for the rest later.",
                    field="questions",
                )
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        async with self._at_once:
            if self._own:
                return await review_own_access(self._api, right.attributes)
            return await review_access(self._api, user, right.attributes)
