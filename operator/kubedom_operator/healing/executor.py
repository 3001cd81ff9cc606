"""The executor: from a HealingAction that exists to its status, and to the events that pages hear.

In comes every version of every HealingAction. One that is not finished is carried out in a task of its own, whatever
the reason that it is seen: new, or found by an operator that was restarted in the middle. Its phases go into its status
first and are told from what the watch brings back, so that what a page hears is what the API server has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
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
        self._told: dict[str, str] = {}

    def observe(self, change: str | None, body: Mapping[str, Any]) -> None:
        """Take in a version of a HealingAction; called on the watch's loop."""
        action = read(body)
        if change == "DELETED":
            self._told.pop(action.uid, None)
            return
        self._tell(action, replayed=change is None and action.uid not in self._told)
        if action.uid in self._tasks:
            return
        work = self._expire(action) if action.finished else self._run(action)
        task = asyncio.create_task(work, name=f"action {action.namespace}/{action.name}")
        self._tasks[action.uid] = task
        task.add_done_callback(lambda _: self._done(action.uid))

    def _done(self, uid: str) -> None:
        self._tasks.pop(uid, None)

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
        self._publish([entry])

    async def _run(self, action: Action) -> None:
        """Carry an action out, through every outage of the API server, within the deadline."""
        started = seconds(action.started_at) or self._clock()
        try:
            async with asyncio.timeout(max(1.0, started + self._deadline - self._clock())):
                while True:
                    try:
                        action = await self._pinned(action)
                        await self._write(
                            action, "Succeeded", await self._effects.carry_out(action, self._progress(action))
                        )
                        return
                    except ApiError as error:
                        if error.status < 500 and error.status != 429:
                            raise
                    except ClusterUnreachable:
                        pass
                    await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            await self._write(action, "Failed", f"It was not reached within {self._deadline:g} seconds.")
        except (ActionFailed, KubedomError) as problem:
            await self._write(action, "Failed", str(problem))
        except Exception:
            log.exception("The action %s/%s failed.", action.namespace, action.name)
            await self._write(action, "Failed", "The operator failed while it carried this out; its log says why.")

    def _progress(self, action: Action) -> Callable[[str], Any]:
        async def progress(sentence: str) -> None:
            await self._write(action, "Running", sentence)

        return progress

    async def _pinned(self, action: Action) -> Action:
        """Fix which object is meant and say that work begins, before anything is changed."""
        if action.phase == "Running" and action.pinned_uid:
            return action
        target = await self._effects.look(action)
        if target is None:
            raise ActionFailed(f"{action.kind} {action.namespace}/{action.target} is gone.")
        started = telling.rfc3339(self._clock())[:19] + "Z"
        action = action._replace(pinned_uid=target["metadata"]["uid"], started_at=started, phase="Running")
        await self._write(action, "Running", f"{action.verb} {action.target} begins.")
        return action

    async def _write(self, action: Action, phase: str, message: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        try:
            await self._api.call(
                "PATCH",
                f"{action.path}/status",
                body={"status": status(action, phase, message[:1024], now)},
                content_type=MERGE_PATCH,
            )
        except ApiError as error:
            if error.status != 404:
                raise
        log.info("%s/%s: %s, %s", action.namespace, action.name, phase, message)

    async def _expire(self, action: Action) -> None:
        """Delete a finished action when its time is over."""
        finished = seconds(action.finished_at) or self._clock()
        await asyncio.sleep(max(0.0, finished + action.ttl_seconds - self._clock()))
        try:
            await self._api.call("DELETE", action.path, body={"preconditions": {"uid": action.uid}})
        except KubedomError as problem:
            log.info("%s/%s was not cleaned up: %s", action.namespace, action.name, problem)
