"""The executor: from a HealingAction that exists to its status, and to the events that pages hear.

In comes every version of every HealingAction. One that is not finished is carried out in a task of its own, whatever
the reason that it is seen: new, or found by an operator that was restarted in the middle. Its phases go into its status
first and are told from what the watch brings back, so that what a page hears is what the API server has.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from kubedom_bridge.errors import ClusterUnreachable, KubedomError
from kubedom_bridge.kube import MERGE_PATCH, Api, ApiError
from kubedom_bridge.protocol import Entry
from kubedom_operator import telling
from kubedom_operator.projection import Metadata, seconds

from .effects import ActionFailed, Effects
from .model import Action, read, status

DEADLINE_SECONDS = 600.0
RETRY_SECONDS = 2.0
#: A difference up to this is one of rounding and of the way to the API server.
CLOCKS_DIFFER_SECONDS = 2.0
_EVENTS = {"Running": "healingStarted", "Succeeded": "healingSucceeded", "Failed": "healingFailed"}

log = logging.getLogger(__name__)


class Executor:
    """Carries out the HealingActions of one cluster.

    Args:
        api: With the operator's rights.
        cluster: The cluster's name.
        publish: Takes journal entries, on the executor's loop.
        clock: Seconds since the epoch.
        deadline: How long an action may take, in seconds.

    """

    def __init__(
        self,
        api: Api,
        cluster: str,
        publish: Callable[[list[Entry]], None],
        *,
        clock: Callable[[], float],
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._publish = publish
        self._clock = clock
        self._deadline = deadline
        self._effects = Effects(api)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, Action] = {}
        self._told: dict[str, str] = {}
        self._ahead = 0.0

    def observe(self, change: str | None, body: Mapping[str, Any]) -> None:
        """Take in a version of a HealingAction; called on the watch's loop."""
        action = read(body)
        if change == "DELETED":
            self._told.pop(action.uid, None)
            if task := self._tasks.get(action.uid):
                # What was asked of the API server stands; nothing more is asked.
                task.cancel()
            return
        self._tell(action, replayed=change is None and action.uid not in self._told)
        if action.uid in self._tasks:
            # The last status can come while the task that wrote it is still there; then this one is for what follows.
            self._next[action.uid] = action
            return
        self._start(action)

    def _start(self, action: Action) -> None:
        work = self._expire(action) if action.finished else self._run(action)
        task = asyncio.create_task(work, name=f"action {action.namespace}/{action.name}")
        self._tasks[action.uid] = task
        task.add_done_callback(lambda done: self._done(action.uid, cancelled=done.cancelled()))

    async def close(self) -> None:
        """End all work where it stands; whoever watches next takes it up again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, uid: str, *, cancelled: bool) -> None:
        self._tasks.pop(uid, None)
        following = self._next.pop(uid, None)
        if following is not None and following.finished and not cancelled:
            self._start(following)

    def _tell(self, action: Action, *, replayed: bool) -> None:
        event_type = _EVENTS.get(action.phase)
        if event_type is None or self._told.get(action.uid) == action.phase + action.message:
            return
        self._told[action.uid] = action.phase + action.message
        metadata = Metadata(
            name=action.target,
            namespace=action.namespace,
            uid=action.pinned_uid,
            resource_version=action.resource_version,
        )
        detail = {
            "action": action.verb,
            "actionName": action.name,
            "target": {"kind": action.kind, "name": action.target, "uid": action.pinned_uid},
            "requestedBy": action.requested_by,
            "phase": action.phase,
            "message": action.message,
        }
        entry = telling.event(action.kind, metadata, event_type, detail, cluster=self._cluster, now=self._clock())
        entry.severity = "warning" if action.phase == "Failed" else "info"
        entry.replayed = replayed
        entry.speaks_of = ("HealingAction",)
        self._publish([entry])

    async def _run(self, action: Action) -> None:
        """Carry an action out, through every outage of the API server, within the deadline."""
        progress = _Progress(self, action)
        started = seconds(action.started_at) or self._now()
        try:
            async with asyncio.timeout(max(1.0, started + self._deadline - self._now())):
                phase, message = await self._reach(progress)
        except TimeoutError:
            phase, message = "Failed", f"It was not reached within {self._deadline:g} seconds. {progress.said}".strip()
        except (ActionFailed, KubedomError) as problem:
            phase, message = "Failed", str(problem)
        except Exception:
            log.exception("The action %s/%s failed.", action.namespace, action.name)
            phase, message = "Failed", "The operator failed while it carried this out; its log says why."
        # How it ended must not get lost in the outage that may have ended it.
        while True:
            try:
                await self._write(progress.action, phase, message)
            except KubedomError as problem:
                log.warning("The end of %s/%s cannot be written: %s", action.namespace, action.name, problem)
                if isinstance(problem, ApiError) and not _passes(problem):
                    return
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _reach(self, progress: _Progress) -> tuple[str, str]:
        while True:
            try:
                progress.action = await self._pinned(progress.action)
                return "Succeeded", await self._effects.carry_out(progress.action, progress)
            except ApiError as error:
                if not _passes(error):
                    raise
            except ClusterUnreachable:
                pass
            await asyncio.sleep(RETRY_SECONDS)

    async def _pinned(self, action: Action) -> Action:
        """Fix which object is meant and say that work begins, before anything is changed."""
        if action.phase == "Running" and action.pinned_uid:
            return action
        uid = await self._effects.pin(action)
        action = action._replace(pinned_uid=uid, started_at=self._stamp(), phase="Running")
        before, sentence = self._ahead, f"{action.verb} {action.target} begins."
        await self._write(action, "Running", sentence)
        if self._ahead != before:
            # The start is compared with times that the API server writes, so it has to be by the same clock.
            action = action._replace(started_at=self._stamp())
            await self._write(action, "Running", sentence)
        return action

    async def _write(self, action: Action, phase: str, message: str) -> None:
        moment = self._clock()
        try:
            written = await self._api.call(
                "PATCH",
                f"{action.path}/status",
                body={"status": status(action, phase, message[:1024], self._stamp())},
                content_type=MERGE_PATCH,
            )
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            self._compare_clocks(written, moment)
        log.info("%s/%s: %s, %s", action.namespace, action.name, phase, message)

    def _compare_clocks(self, written: Mapping[str, Any], moment: float) -> None:
        """Learn how far the API server's clock is ahead of ours, from the time that it noted for our write."""
        noted = [
            seconds(field.get("time"))
            for field in written["metadata"].get("managedFields") or ()
            if field.get("subresource") == "status"
        ]
        latest = max((each for each in noted if each is not None), default=None)
        if latest is not None:
            # The API server notes whole seconds, and repeats the time of a write that changed nothing.
            ahead = latest - math.floor(moment)
            self._ahead = 0.0 if abs(ahead) <= CLOCKS_DIFFER_SECONDS else float(ahead)

    def _now(self) -> float:
        """Seconds since the epoch by the API server's clock, as far as it is known."""
        return self._clock() + self._ahead

    def _stamp(self) -> str:
        return telling.rfc3339(self._now())[:19] + "Z"

    async def _expire(self, action: Action) -> None:
        """Delete a finished action when its time is over."""
        finished = seconds(action.finished_at) or self._now()
        await asyncio.sleep(max(0.0, finished + action.ttl_seconds - self._now()))
        try:
            await self._api.call("DELETE", action.path, body={"preconditions": {"uid": action.uid}})
        except KubedomError as problem:
            log.info("%s/%s was not cleaned up: %s", action.namespace, action.name, problem)


class _Progress:
    """Writes what is reached on the way into the status, each sentence once."""

    def __init__(self, executor: Executor, action: Action) -> None:
        self._executor = executor
        self.action = action
        self.said = ""

    async def __call__(self, sentence: str) -> None:
        if sentence != self.said:
            self.said = sentence
            await self._executor._write(self.action, "Running", sentence)


def _passes(error: ApiError) -> bool:
    """Whether a refusal is one of the moment, so that the same request may be granted later."""
    return error.status >= 500 or error.status == 429
