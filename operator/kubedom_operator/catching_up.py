"""What is still to be compared with the cluster after what was told before the start was taken up.

A verdict rests on more than one kind: without the core Events, which no log has, an incident that they explain would
end and begin again. So until a kind and what its verdicts rest on are listed, its objects are only noted here, and then
given back a few at a time; a workload's roll-up waits for all of its pods. States are told at once, but for those that
were told just so.

Pure: the clock's value is passed in, and nothing is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

import msgspec

from kubedom_bridge.protocol import StateEntry

from .projection import seconds
from .resuming import State
from .rollups import Workload

#: Beside the core Events, which say more of any object.
RESTS_ON = {"CronJob": "Job", "ReplicaSet": "Deployment"}
#: A kind that cannot be listed holds the verdicts of others up for so long and no longer.
PATIENCE_SECONDS = 60.0
#: How many verdicts are made in one go.
AT_ONCE = 100
#: An object that is older than the end of what was told by this much, and is not in it, was not watched then.
OVERLOOKED_SECONDS = 60.0

Edge = tuple[str, str, bytes]


class CatchingUp:
    """What was told and is not seen yet, and what was seen and is not judged yet.

    Args:
        states: What was told of each object.
        edges: What was told lately and is over.
        until: When what was told ended, in seconds since the epoch.

    """

    def __init__(self, states: Collection[State], edges: set[Edge], until: float) -> None:
        self._told = {state.obj.metadata.uid: state for state in states}
        self._edges = edges
        self._until = until
        self._watched: frozenset[str] | None = None
        self._synced: dict[str, float] = {}
        self._settled: set[str] = set()
        self._noted: dict[str, dict[str, None]] = {}
        self._due: deque[tuple[str, str]] = deque()
        self._workloads: dict[Workload, None] = {}
        self._in_turn = False
        self._late: set[str] = set()

    def was_told(self, entry: StateEntry) -> bool:
        """Whether an object is seen for the first time, and just so was told of it before."""
        told = self._told.pop(entry.uid, None)
        if told is None or told.beside != (msgspec.to_builtins(entry.display), msgspec.to_builtins(entry.workload)):
            return False
        if type(told.obj) is type(entry.object):
            return bool(told.obj == entry.object)
        return bool(msgspec.to_builtins(told.obj) == msgspec.to_builtins(entry.object))

    def forget(self, uid: str) -> bool:
        """Forget an object that is gone; whether its state was told before and it was not seen since."""
        return self._told.pop(uid, None) is not None

    def was_over(self, edge: Edge) -> bool:
        """Whether an edge was told before; each counts once."""
        if edge in self._edges:
            self._edges.discard(edge)
            return True
        return False

    def meet(self, kind: str, obj: Any) -> None:
        """Take in an object of which nothing was told before."""
        created = seconds(obj.metadata.creation_timestamp)
        if kind not in self._synced and created is not None and created < self._until - OVERLOOKED_SECONDS:
            self._late.add(obj.metadata.uid)

    def is_late(self, uid: str) -> bool:
        """Whether what an object shows is no news: it could have been told before, had it been watched."""
        return uid in self._late

    def holds_back(self, kind: str, uid: str) -> bool:
        """Note an object whose verdict has to wait, and say so."""
        if self._is_settled(kind):
            return False
        self._noted.setdefault(kind, {})[uid] = None
        return True

    def holds_together(self, workload: Workload) -> bool:
        """Note a workload whose pods are not all judged yet, and say so."""
        if not self._due and not self._in_turn and self._is_counted(workload):
            return False
        self._workloads[workload] = None
        return True

    def watch(self, kinds: Collection[str], now: float) -> None:
        """Learn which kinds are watched."""
        self._watched = frozenset(kinds)
        self._settle(now)

    def synced(self, kind: str, now: float) -> None:
        """Learn that a kind is listed."""
        self._synced[kind] = now
        self._settle(now)

    def next_due(self) -> float | None:
        """When to `take` next, in seconds since the epoch; 0 for at once."""
        if self._due or any(map(self._is_counted, self._workloads)):
            return 0.0
        waiting = [moment for kind, moment in self._synced.items() if kind not in self._settled]
        return min(waiting) + PATIENCE_SECONDS if waiting else None

    def take(self, now: float) -> list[tuple[str, str]]:
        """Begin a turn: give some objects, by kind and uid, that are to be judged now."""
        self._settle(now)
        self._in_turn = True
        return [self._due.popleft() for _ in range(min(AT_ONCE, len(self._due)))]

    def end_turn(self) -> list[Workload]:
        """End a turn: give the workloads of which all pods are judged."""
        self._in_turn = False
        if self._due:
            return []
        counted = [workload for workload in self._workloads if self._is_counted(workload)]
        for workload in counted:
            del self._workloads[workload]
        return counted

    def end_late(self) -> None:
        """What follows is news of every object, as soon as none is left that has no verdict yet."""
        if not (self._due or self._noted or self._workloads):
            self._late.clear()

    @property
    def done(self) -> bool:
        """Whether nothing is left to be compared."""
        return self._watched is not None and self._watched <= self._settled and self.next_due() is None

    def why_not(self) -> str:
        """Say what is not compared yet; an empty string where it is."""
        if self._due or self._workloads or self._synced.keys() - self._settled:
            return "still comparing what there is with what was told before the start"
        return ""

    def _settle(self, now: float) -> None:
        for kind, moment in self._synced.items():
            if kind in self._settled:
                continue
            needed = {"Event", RESTS_ON.get(kind, kind)}
            if self._watched is not None:
                needed &= self._watched
            if needed <= self._synced.keys() or now >= moment + PATIENCE_SECONDS:
                self._settled.add(kind)
                self._due.extend((kind, uid) for uid in self._noted.pop(kind, ()))

    def _is_settled(self, kind: str) -> bool:
        return kind in self._settled or (self._watched is not None and kind not in self._watched)

    def _is_counted(self, workload: Workload) -> bool:
        return self._is_settled("Pod") and self._is_settled(workload.kind)
