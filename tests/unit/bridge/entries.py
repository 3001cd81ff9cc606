"""Small entries as the operator publishes them, and a page that believes what it is told."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from kubedom_bridge.protocol import DeleteEntry, Entry, EventEntry, Incident, StateEntry

TIME = "2026-11-24T12:00:00.000Z"


def state(uid: str = "a", version: int = 1, *, kind: str = "Pod", namespace: str = "default") -> StateEntry:
    metadata = {"name": uid, "namespace": namespace, "uid": uid}
    return StateEntry(
        kind=kind,
        uid=uid,
        namespace=namespace,
        resource_version=str(version),
        time=TIME,
        object={"metadata": metadata},
    )


def deletion(uid: str = "a", *, kind: str = "Pod", namespace: str = "default") -> DeleteEntry:
    return DeleteEntry(kind=kind, uid=uid, namespace=namespace, name=uid, time=TIME)


def event(
    uid: str = "a",
    event_type: str = "podFailed",
    *,
    phase: Any = None,
    incident: str = "",
    kind: str = "Pod",
    namespace: str = "default",
    detail: dict[str, Any] | None = None,
    replayed: bool = False,
) -> EventEntry:
    return EventEntry(
        type=event_type,
        kind=kind,
        uid=uid,
        namespace=namespace,
        time=TIME,
        source="/clusters/test",
        subject=f"{namespace}/pods/{uid}",
        incident=Incident(id=incident or f"i-{uid}", kind="PodFailed", phase=phase, since=TIME) if phase else None,
        detail=detail or {},
        replayed=replayed,
    )


def decoded(entries: list[bytes]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one) for one in entries]


class Page:
    """The state and the events that a page has after what it was told, refusing what is out of order."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.events: list[int] = []
        self.sequence = 0

    def take(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            assert entry["sequence"] > self.sequence, "out of order"
            self.sequence = entry["sequence"]
            if entry["op"] == "upsert":
                self.states[entry["uid"]] = entry["resourceVersion"]
            elif entry["op"] == "delete":
                self.states.pop(entry["uid"], None)
            else:
                self.events.append(entry["sequence"])


_uids = st.sampled_from("abcd")
_kinds = st.sampled_from(["Pod", "Node"])
_namespaces = st.sampled_from(["default", "shop"])


@st.composite
def histories(draw: st.DrawFn, most: int = 40) -> list[Entry]:
    """What may happen to a few objects; each keeps its kind and namespace, as in a cluster."""
    homes = {uid: (draw(_kinds), draw(_namespaces)) for uid in "abcd"}
    history: list[Entry] = []
    for version, (uid, what) in enumerate(
        draw(st.lists(st.tuples(_uids, st.sampled_from(["state", "state", "delete", "event"])), max_size=most))
    ):
        kind, namespace = homes[uid]
        if what == "state":
            history.append(state(uid, version, kind=kind, namespace=namespace))
        elif what == "delete":
            history.append(deletion(uid, kind=kind, namespace=namespace))
        else:
            phase = ("begin", "update", "end", None)[version % 4]
            history.append(event(uid, phase=phase, kind=kind, namespace=namespace))
    return history
