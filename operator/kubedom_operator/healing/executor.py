"""The executor: from an action that exists to its effect, its status, and the events that pages hear.

In comes every version of every HealingAction and ClusterHealingAction. Each is carried in a task of its own from the
first sight to its deletion, whatever the reason that it is seen: new, or found by an operator that was started again
in the middle. It is pinned to its target, waits for its approval where it needs one, is carried out within its
deadline, and removed when its time is over. Phases go into the status first and are told from what the watch brings
back, so that what a page hears is what the API server has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api, ApiError
from kubedom_bridge.protocol import Entry
from kubedom_operator.heard import Heard
from kubedom_operator.projection import seconds

from . import announce, failpoints
from .effects import EFFECTS, Work
from .model import Action, ActionFailed, read
from .record import RETRY_SECONDS, ActionGone, Record, ServerClock, outlast, passes, written_at

log = logging.getLogger(__name__)


class Executor:
    """Carries out the actions of one cluster.

    Args:
        api: With the operator's rights.
        cluster: The cluster's name.
        publish: Takes journal entries, on the executor's loop.
        clock: Seconds since the epoch.
        refusal: Says why an action that was created at a time must not begin; an empty string where it may.
        heard: What was told of actions before; without it, phases that are found at the start are told as late.

    """

    def __init__(
        self,
        api: Api,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        *,
        clock: Callable[[], float],
        refusal: Callable[[str], Awaitable[str]],
        heard: Heard | None = None,
    ) -> None:
        self._api = api
        self._refusal = refusal
        self._cluster = cluster
        self._publish = publish
        self._clock = ServerClock(clock)
        self._heard = heard
        self._courses: dict[str, _Course] = {}
        self._targets: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._told: dict[str, tuple[str, str]] = {}
        self._closed = False

    def observe(self, change: str | None, body: Mapping[str, Any]) -> None:
        """Take in a version of an action; called on the watch's loop."""
        if self._closed:
            # On its way out Kopf still hands over what it had received.
            return
        action = read(body)
        course = self._courses.get(action.uid)
        if change == "DELETED":
            self._told.pop(action.uid, None)
            if course is not None:
                # What was asked of the API server stands; nothing more is asked.
                course.task.cancel()
            return
        self._tell(action, written_at(body), found=change is None and action.uid not in self._told)
        if course is not None:
            course.decide(action)
            return
        course = self._courses[action.uid] = _Course(action)
        name = f"action {action.full_name}"
        course.task = asyncio.create_task(self._carry(course), name=name)
        course.task.add_done_callback(lambda _: self._courses.pop(action.uid, None))

    async def close(self) -> None:
        """End all work where it stands; whoever watches next takes it up again."""
        self._closed = True
        tasks = [course.task for course in self._courses.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, action: Action, moment: float | None, *, found: bool) -> None:
        """Tell the phase of an action, written at a moment, where it is new; `found` is one that was there before."""
        said = (action.phase, action.message)
        if self._told.get(action.uid) == said:
            return
        replayed = found
        if self._heard is not None and action.uid not in self._told:
            if self._heard.action(action.uid, said, moment):
                self._told[action.uid] = said
                return
            # It happened while nobody looked; it is news unless it is old.
            replayed = found and not self._heard.remembers(moment)
        entry = announce.entry(action, cluster=self._cluster, now=self._clock.ours(), replayed=replayed)
        if entry is not None:
            self._told[action.uid] = said
            self._publish([entry])

    async def _carry(self, course: _Course) -> None:
        """Go with an action to its end, and remove it when its time is over."""
        try:
            # The watch may be behind; what is not the last version has perhaps been carried out already.
            action = await outlast(lambda: self._now(course.action))
            if not action.finished:
                record = Record(self._api, action, self._clock)
                phase, message = await self._run(course, record)
                await self._end(record, phase, message)
                action = record.action
            await self._expire(action)
        except ActionGone:
            return
        except KubedomError as problem:
            log.warning("%s %s cannot be carried any further: %s", course.action.resource, course.action.name, problem)

    async def _now(self, action: Action) -> Action:
        try:
            found = read(await self._api.call("GET", action.path))
        except ApiError as error:
            if error.status == 404:
                raise ActionGone from None
            raise
        if found.uid != action.uid:
            raise ActionGone
        return found

    async def _run(self, course: _Course, record: Record) -> tuple[str, str]:
        """Carry an action out, and give how it ended."""
        try:
            if record.action.phase != "Running":
                refusal = await self._unjudged(record.action)
                if refusal is None and record.action.approval_required:
                    # The decision is judged as well, at any time until now.
                    refusal = await self._approval(course, record) or await self._unjudged(record.action)
                if refusal is not None:
                    return refusal
            return await self._in_time(record)
        except (ActionFailed, KubedomError) as problem:
            return "Failed", str(problem)
        except ActionGone:
            raise
        except Exception:
            log.exception("%s %s failed.", record.action.resource, record.action.full_name)
            return "Failed", "The operator failed while it carried this out; its log says why."

    async def _unjudged(self, action: Action) -> tuple[str, str] | None:
        """Give the end of an action that the API server has not judged."""
        why = await outlast(lambda: self._refusal(action.created_at))
        return ("Denied", why) if why else None

    async def _approval(self, course: _Course, record: Record) -> tuple[str, str] | None:
        """Wait for somebody's approval; give the end where it is not given."""
        if record.action.undecided and record.action.phase != "AwaitingApproval":
            uid, _ = await outlast(lambda: self._pin(record.action))
            message = f"{record.action.verb} of {record.action.target_name} waits for an approval."
            await outlast(lambda: record.enter("AwaitingApproval", message, pinned_uid=uid))
        if record.action.undecided:
            asked = seconds(record.action.created_at) or self._clock.now()
            try:
                async with asyncio.timeout(max(0.0, asked + record.action.deadline_seconds - self._clock.now())):
                    await course.decided.wait()
            except TimeoutError:
                # The watch may be behind.
                course.decide(await outlast(lambda: self._now(record.action)))
            if course.action.undecided:
                return "Expired", f"Nobody approved it within {record.action.deadline_seconds} seconds."
            record.approved(course.action)
        approval = record.action.approval
        if approval is not None and approval.decision != "Approve":
            return "Denied", str(approval)
        return None

    async def _in_time(self, record: Record) -> tuple[str, str]:
        """Begin, or go on, and reach the effect within the deadline, through every outage of the API server."""
        begun = seconds(record.action.started_at) or self._clock.now()
        deadline = record.action.deadline_seconds
        resumed = record.action.phase == "Running"
        try:
            async with asyncio.timeout(max(1.0, begun + deadline - self._clock.now())):
                if not resumed:
                    await self._begin(record)
                await announce.event(
                    self._api, record.action, "Running", f"{record.action.verb} begins.", self._clock.stamp()
                )
                return "Succeeded", await self._reach(record, resumed=resumed)
        except TimeoutError:
            missing = f" Still missing: {record.said}" if record.said else ""
            return "Failed", f"Its deadline of {deadline} seconds has passed.{missing}"

    async def _begin(self, record: Record) -> None:
        """Fix which object is meant and say that work begins, before anything is changed."""
        uid, generation = await outlast(lambda: self._pin(record.action))
        failpoints.reach("before-pin")
        message = f"{record.action.verb} of {record.action.target_name} begins."
        await outlast(lambda: record.begin(message, pinned_uid=uid, pinned_generation=generation))
        failpoints.reach("after-pin")

    async def _pin(self, action: Action) -> tuple[str, int]:
        """Give the uid and the generation of the target.

        Raises:
            ActionFailed: where it is gone, or another object than was meant has its name.

        """
        name = f"{action.kind} {action.namespace}/{action.target}" if action.namespace else action.target_name
        try:
            metadata = (await self._api.call("GET", action.target_path))["metadata"]
        except ApiError as error:
            if error.status == 404:
                raise ActionFailed(f"{name} is gone.") from None
            raise
        if action.pinned_uid and metadata["uid"] != action.pinned_uid:
            raise ActionFailed(
                f"{name} is gone; another one has its name now (uid {metadata['uid']})."
                " Start a new action if that one is meant."
            )
        return metadata["uid"], metadata.get("generation") or 0

    async def _reach(self, record: Record, *, resumed: bool) -> str:
        alone = self._targets.setdefault(record.action.pinned_uid, asyncio.Lock())
        work, effect = Work(self._api, record, alone, resumed=resumed), EFFECTS[record.action.verb]
        await outlast(lambda: effect.apply(work))
        unchanged = "" if record.action.changes else " It was so already, nothing had to be changed."
        if record.action.dry_run:
            return f"Dry run: nothing was changed.{unchanged}"
        return await outlast(lambda: effect.reached(work)) + unchanged

    async def _end(self, record: Record, phase: str, message: str) -> None:
        """Tell how it ended; that must not get lost in the outage that may have ended it."""
        await announce.event(self._api, record.action, phase, message, self._clock.stamp())
        announce.audited(record.action, phase, message)
        failpoints.reach("before-final-status")
        while True:
            try:
                await record.enter(phase, message)
            except KubedomError as problem:
                if isinstance(problem, ApiError) and not passes(problem):
                    raise
                log.warning("The end of %s cannot be written yet: %s", record.action.full_name, problem)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        failpoints.reach("after-final-status")

    async def _expire(self, action: Action) -> None:
        """Delete a finished action when its time is over."""
        finished = seconds(action.finished_at) or self._clock.now()
        await asyncio.sleep(max(0.0, finished + action.ttl_seconds - self._clock.now()))
        await outlast(lambda: self._delete(action))

    async def _delete(self, action: Action) -> None:
        try:
            await self._api.call("DELETE", action.path, body={"preconditions": {"uid": action.uid}})
        except ApiError as error:
            # Gone already, or another one has its name.
            if error.status not in {404, 409}:
                raise


class _Course:
    """An action that is carried: its last version, and whether somebody has decided about it."""

    task: asyncio.Task[None]

    def __init__(self, action: Action) -> None:
        self.action = action
        self.decided = asyncio.Event()
        self.decide(action)

    def decide(self, action: Action) -> None:
        """Take in a version that the watch has brought."""
        self.action = action
        if action.approval is not None:
            self.decided.set()
