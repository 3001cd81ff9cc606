"""What pages have heard of healing before this process began, so that they do not hear it again.

In comes what was told before; actions and policies ask whether what they are about to tell was told. Events that are
too old to be in a log any more count as told if the log goes on after the moment that they tell of: what tells a phase
is the watch, a moment after it was written.

Pure: the clock's value is passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubedom_bridge.protocol import Entry, EventEntry

from .resuming import RECENT_SECONDS, Before

#: The log and what it is compared with forget by different clocks.
LEEWAY_SECONDS = 60.0

Decision = tuple[Any, ...]


class Heard:
    """What was told of actions and of policies' decisions.

    Args:
        before: What was told.
        now: When this process began, in seconds since the epoch.

    """

    def __init__(self, before: Before, now: float) -> None:
        self._until = before.until
        self._complete_from = now - RECENT_SECONDS + LEEWAY_SECONDS
        self._actions: dict[str, tuple[str, str]] = {}
        self._decisions: set[Decision] = set()
        self._open = {entry.incident.id for entry in before.incidents if entry.incident is not None}
        for entry in before.events:
            detail = entry.detail
            if "actionUid" in detail:
                self._actions[str(detail["actionUid"])] = (str(detail.get("phase")), str(detail.get("message")))
            elif "policy" in detail:
                self._decisions.add(_decision(entry))

    def action(self, uid: str, said: tuple[str, str], moment: float | None) -> bool:
        """Whether the phase and message of an action were told.

        Args:
            uid: The action's.
            said: Its phase and message.
            moment: When they were written, in seconds since the epoch.

        """
        latest = self._actions.get(uid)
        if latest is not None:
            return latest == said
        return moment is not None and not self.remembers(moment) and moment <= self._until

    def remembers(self, moment: float | None) -> bool:
        """Whether all that was told at a moment is known, so that what is not among it was not told."""
        return moment is not None and moment > self._complete_from

    def decision(self, entry: EventEntry, since: float, *, noted: bool) -> bool:
        """Whether a policy's decision was told.

        Args:
            entry: As it would be told.
            since: When the incident began, in seconds since the epoch.
            noted: Whether the policy's status tells of it.

        """
        if entry.detail.get("incident") not in self._open:
            return False
        return _decision(entry) in self._decisions or (noted and not self.remembers(since))

    def take(self, entries: Iterable[Entry]) -> None:
        """Learn what is over: should it begin again, that is another failure under the same id."""
        for entry in entries:
            if isinstance(entry, EventEntry) and entry.incident is not None and entry.incident.phase == "end":
                self._open.discard(entry.incident.id)


def _decision(entry: EventEntry) -> Decision:
    return entry.uid, *(entry.detail.get(name) for name in ("policy", "incident", "decision", "reason", "actionName"))
