"""The record of one action under way: its status in the cluster, which is also what a later operator goes on from.

In come phases, sentences and what was changed; out go writes of the status, each with the action's uid as
precondition. What `Record.action` says has been accepted by the API server. Times are by the API server's clock, as
far as it is known.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from kubedom_bridge.errors import ClusterUnreachable
from kubedom_bridge.kube import JSON_PATCH, Api, ApiError
from kubedom_operator import telling
from kubedom_operator.projection import seconds

from .model import Action, Owner, in_phase, status, with_changes

RETRY_SECONDS = 2.0
#: A difference up to this is one of rounding and of the way to the API server.
CLOCKS_DIFFER_SECONDS = 2.0

T = TypeVar("T")
log = logging.getLogger(__name__)


class ActionGone(Exception):
    """The action was deleted, so that nothing more is to be asked for it."""


def passes(error: ApiError) -> bool:
    """Whether a refusal is one of the moment, so that the same request may be granted later."""
    return error.status >= 500 or error.status in {409, 429}


async def outlast(step: Callable[[], Awaitable[T]]) -> T:
    """Take a step that can be repeated, through every outage of the API server."""
    while True:
        try:
            return await step()
        except ApiError as error:
            if not passes(error):
                raise
        except ClusterUnreachable:
            pass
        await asyncio.sleep(RETRY_SECONDS)


class ServerClock:
    """The API server's clock, as far as its answers tell.

    Args:
        clock: Ours, in seconds since the epoch.

    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.ours = clock
        self.ahead = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.ours() + self.ahead

    def stamp(self) -> str:
        """Now, as Kubernetes writes it."""
        return telling.rfc3339(self.now())[:19] + "Z"

    def learn(self, written: Mapping[str, Any], moment: float) -> None:
        """Compare with the time that the API server noted for a status that was written at `moment`."""
        latest = written_at(written)
        if latest is not None:
            # The API server notes whole seconds, and repeats the time of a write that changed nothing.
            ahead = latest - math.floor(moment)
            self.ahead = 0.0 if abs(ahead) <= CLOCKS_DIFFER_SECONDS else float(ahead)


def written_at(body: Mapping[str, Any]) -> float | None:
    """When the status of an action was written, by the API server's clock in whole seconds; None if it never was."""
    noted = [
        seconds(field.get("time"))
        for field in body["metadata"].get("managedFields") or ()
        if field.get("subresource") == "status"
    ]
    return max((each for each in noted if each is not None), default=None)


class Record:
    """One action's status.

    Args:
        api: With the operator's rights.
        action: As it was read last.
        clock: For the times in it.

    """

    def __init__(self, api: Api, action: Action, clock: ServerClock) -> None:
        self._api = api
        self._clock = clock
        self.action = action
        #: The last sentence on what is still missing.
        self.said = action.message if action.phase == "Running" else ""

    async def enter(self, phase: str, message: str, **known: Any) -> None:
        """Write a phase, and what else is known with it by the names of `Action`.

        Raises:
            ActionGone: where the action is no more.
            KubedomError: where it cannot be written.

        """
        moment = self._clock.ours()
        action = in_phase(self.action._replace(**known), phase, message, self._clock.stamp())
        # Of a custom resource's status a merge patch would ignore the uid.
        body = [
            {"op": "test", "path": "/metadata/uid", "value": action.uid},
            {"op": "add", "path": "/status", "value": status(action)},
        ]
        try:
            written = await self._api.call("PATCH", f"{action.path}/status", body=body, content_type=JSON_PATCH)
        except ApiError as error:
            # Of a test that failed the API server does not say which, or that it was one.
            if error.status == 404 or (error.status == 422 and await self._gone()):
                raise ActionGone from None
            raise
        self.action = action
        self._clock.learn(written, moment)
        log.info("%s %s: %s, %s", action.resource, action.full_name, phase, message)

    async def _gone(self) -> bool:
        """Whether another action has the name by now, or none."""
        try:
            found = await self._api.call("GET", self.action.path)
        except ApiError as error:
            if error.status != 404:
                raise
            return True
        return bool(found["metadata"]["uid"] != self.action.uid)

    async def begin(self, message: str, **known: Any) -> None:
        """Write that work begins, with the moment by the API server's clock."""
        before = self._clock.ahead
        await self.enter("Running", message, **known)
        if self._clock.ahead != before:
            # The start is compared with times that the API server writes, so it has to be by the same clock.
            await self.enter("Running", message, started_at=self._clock.stamp())

    async def say(self, sentence: str) -> None:
        """Write what is still missing, each sentence once."""
        if sentence != self.said:
            self.said = sentence
            await outlast(lambda: self.enter("Running", sentence))

    async def changed(self, *sentences: str) -> None:
        """Write what was changed; from then on it counts as done."""
        action = with_changes(self.action, sentences)
        if action.changes != self.action.changes:
            await outlast(lambda: self.enter("Running", self.action.message, changes=action.changes))

    async def will_be_replaced_by(self, owner: Owner) -> None:
        """Write who makes the pod anew."""
        if self.action.owner != owner:
            await outlast(lambda: self.enter("Running", self.action.message, owner=owner))

    def approved(self, seen: Action) -> None:
        """Take over what somebody decided."""
        self.action = self.action._replace(approval=seen.approval, generation=seen.generation)
