"""What is left of entries where only JSON is, as in a log that another process reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kubedom_bridge import protocol
from kubedom_bridge.protocol import DeleteEntry, Entry, StateEntry
from kubedom_operator.resuming import RECENT_SECONDS, Told
from kubedom_operator.telling import rfc3339

Json = dict[str, Any]


class Log:
    """The last states, the open incidents, and the events."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.states: dict[str, Json] = {}
        self.incidents: dict[str, Json] = {}
        self.events: list[Json] = []
        for entry in entries:
            self.take(entry)

    def take(self, entry: Entry) -> None:
        body = json.loads(protocol.encode(entry))
        if isinstance(entry, StateEntry):
            self.states[entry.uid] = body
        elif isinstance(entry, DeleteEntry):
            self.states.pop(entry.uid, None)
        else:
            self.events.append(body)
            if entry.incident is not None and entry.incident.phase == "end":
                self.incidents.pop(entry.incident.id)
            elif entry.incident is not None:
                self.incidents[entry.incident.id] = body | {"replayed": True}

    def told(self, now: float) -> Told:
        """What a process that begins at this moment is handed."""
        oldest = rfc3339(now - RECENT_SECONDS)
        events = [event for event in self.events if event["time"] >= oldest]
        return Told(self.states.values(), self.incidents.values(), events)
