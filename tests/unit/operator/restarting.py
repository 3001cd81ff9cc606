"""The next pipeline and what it finds, while the page stays the same and knows what it was told."""

from __future__ import annotations

from typing import Any

from kubedom_bridge.protocol import EventEntry
from kubedom_operator.resuming import Told, read

from .listener import KINDS, Listener
from .log import Log


def resumed(
    before: Listener, now: float | None = None, told: Told | None = None, kinds: tuple[str, ...] = KINDS
) -> Listener:
    """The next pipeline, and the same page, which knows what it was told."""
    after = Listener(before.now if now is None else now, synced=False)
    after.states, after.open, after.objects = dict(before.states), dict(before.open), dict(before.objects)
    after.pipeline.resume(read(told or Log(before.entries).told(after.now)))
    after.pipeline.drop_unwatched(kinds)
    after.check()
    return after


def listed(listener: Listener, objects: dict[str, tuple[str, Any]], kinds: tuple[str, ...] = KINDS) -> None:
    """List these kinds, one after the other, as a source does: what there is, then what is gone."""
    for kind in kinds:
        for found, obj in objects.values():
            if found == kind:
                listener.changed(kind, obj)
        for uid in set(listener.pipeline.known(kind)) - objects.keys():
            listener.gone(kind, uid)
        listener.pipeline.synced(kind)
        listener.advance(listener.now)


def at_once(*objects: Any) -> dict[str, tuple[str, Any]]:
    return {obj.metadata.uid: (type(obj).__name__, obj) for obj in objects}


def events(listener: Listener) -> list[EventEntry]:
    return [entry for entry in listener.entries if isinstance(entry, EventEntry)]
