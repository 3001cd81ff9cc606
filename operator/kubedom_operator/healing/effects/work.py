"""One action's work on the cluster: its target, the requests that change something, and waiting for what comes of them.

Every request that changes something goes through `Work.change`: it is a dry run of the API server where the action is
one. What is patched carries the action's uid in the same request, so that whoever looks later sees that it was done
and does not do it again. Patches of one target are made one after the other, each until its action's status tells of
it: else the mark of one action could be covered by the next one's while it is still needed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from kubedom_bridge.kube import STRATEGIC_PATCH, Api, ApiError
from kubedom_operator.healing import failpoints
from kubedom_operator.healing.model import Action, ActionFailed
from kubedom_operator.healing.record import Record, outlast

POLL_SECONDS = 0.25
SLOWEST_POLL_SECONDS = 2.0
#: On what was changed: the last actions that did it, with the sentence on what each changed, as JSON.
HEALED = "kubedom.dev/healed"
#: So many are kept. The last one alone would not do: where an operator is killed before its action's status tells of
#: the change, the next operator may carry out another action first.
MARKS = 20

Object = dict[str, Any]


class Change(NamedTuple):
    """What is to be changed in a target: the sentence that tells it, and a strategic merge patch without metadata."""

    sentence: str
    patch: Object
    annotations: Object = {}  # noqa: RUF012 - a tuple's default, never written to


#: From a target as it is to what is to be changed in it; None where it is as it should be.
Plan = Callable[[Object], Awaitable[Change | None]]
#: Whether something was reached, and the sentence that tells it or what is missing.
Look = Callable[[], Awaitable[tuple[bool, str]]]


class Work:
    """What an effect has to work with.

    Args:
        api: With the operator's rights.
        record: The action's status.
        alone: Held by whoever changes the target.
        resumed: Whether an operator before this one may have begun it.

    """

    def __init__(self, api: Api, record: Record, alone: asyncio.Lock, *, resumed: bool) -> None:
        self.api = api
        self.record = record
        self.alone = alone
        self.resumed = resumed

    @property
    def action(self) -> Action:
        """The action as its status has it now."""
        return self.record.action

    @property
    def was(self) -> str:
        """The verb of a sentence on a change: in a dry run it would be made."""
        return "would be" if self.action.dry_run else "was"

    async def get(self, path: str) -> Object | None:
        """Get an object, None where it is gone."""
        try:
            return await self.api.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(self, path: str, **query: str) -> list[Object]:
        """Get the objects of a collection."""
        items: list[Object] = (await self.api.call("GET", path, query=query))["items"]
        return items

    async def find(self) -> Object | None:
        """Get the target, None where it is gone or another object has its name."""
        found = await self.get(self.action.target_path)
        return found if found is not None and found["metadata"]["uid"] == self.action.pinned_uid else None

    async def target(self) -> Object:
        """Get the target.

        Raises:
            ActionFailed: where it is gone.

        """
        found = await self.find()
        if found is None:
            raise ActionFailed(f"{self.action.target_name} was deleted meanwhile.")
        return found

    async def change(self, method: str, path: str, body: Object, *, content_type: str = "application/json") -> Object:
        """Make a request that changes something, or its dry run."""
        query = {}
        if self.action.dry_run:
            query = {"dryRun": "All"}
            if method == "DELETE":
                # Beside a body of options the API server does not look at those in the query.
                body = {**body, "dryRun": ["All"]}
        failpoints.reach("before-effect")
        answer = await self.api.call(method, path, body=body, query=query, content_type=content_type)
        failpoints.reach("after-effect")
        return answer

    async def patch(self, plan: Plan) -> None:
        """Patch the target once, however often this is called and by how many operators.

        Raises:
            ActionFailed: where it is gone, or the plan says that it cannot be.

        """
        async with self.alone:
            # What became of a request is not known after an outage, so the target is not let go before it is.
            await outlast(lambda: self._patch(plan))

    async def _patch(self, plan: Plan) -> None:
        found = await self.target()
        if self.action.changes:
            return
        done = marks(found)
        if self.action.uid in done:
            await self.record.changed(done[self.action.uid])
            return
        change = await plan(found)
        if change is None:
            return
        kept = dict([*done.items(), (self.action.uid, change.sentence)][-MARKS:])
        annotations = {**change.annotations, HEALED: json.dumps(kept)}
        metadata = {"uid": self.action.pinned_uid, "annotations": annotations}
        body = {"metadata": metadata, **change.patch}
        try:
            await self.change("PATCH", self.action.target_path, body, content_type=STRATEGIC_PATCH)
        except ApiError as error:
            # Another object has its name by now: then it is gone.
            if error.status == 422 and await self.find() is None:
                await self.target()
            raise
        await self.record.changed(change.sentence)

    async def until(self, look: Look) -> str:
        """Look until it is reached, tell what is missing meanwhile, and give the last sentence."""
        poll = POLL_SECONDS
        while True:
            reached, sentence = await look()
            if reached:
                return sentence
            await self.record.say(sentence)
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, SLOWEST_POLL_SECONDS)


def marks(obj: Object) -> dict[str, str]:
    """What an object says about the actions that changed it: their uids, oldest first, with a sentence each."""
    try:
        read = json.loads((obj["metadata"].get("annotations") or {}).get(HEALED) or "{}")
    except ValueError:
        # Somebody else has written to it.
        return {}
    return {str(uid): str(sentence) for uid, sentence in read.items()} if isinstance(read, dict) else {}


def controller_of(obj: Object) -> Object | None:
    """The owner reference of whoever controls an object."""
    owners: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)
