"""Snapshots as frames that many sockets share.

In comes a view, out go the frames of its snapshot, made after it was asked for: an older one with what happened since
would show a page the end and the return of what was there all the time. When a thousand pages come back at once, those
that ask for one view while its next snapshot is due are given the same one.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from .frames import snapshot_chunk, snapshot_end, text_frame
from .records import Ledger
from .view import View, epoch_of

#: The making of snapshots takes at most this part of the time.
SHARE = 0.25
KEPT_SECONDS = 2.0
STATES_A_MESSAGE = 250


class SnapshotFrames(NamedTuple):
    """The frames of a snapshot, which speak up to `sequence` of an epoch."""

    epoch: str
    sequence: int
    frames: tuple[bytes, ...]


#: A view, a subscription's name, and whether the frames are compressed.
_Key = tuple[View, str, bool]


class Snapshots:
    """The snapshots of one journal; belongs to its event loop."""

    def __init__(self, journal: Ledger) -> None:
        self._journal = journal
        self._kept: dict[_Key, SnapshotFrames] = {}
        self._due: dict[_Key, asyncio.Future[SnapshotFrames]] = {}
        self._next = float("-inf")

    async def of(self, view: View, name: str = "", *, compressed: bool = False) -> SnapshotFrames:
        """Give the snapshot of a view, not older than the question."""
        key = (view, name, compressed)
        kept = self._kept.get(key)
        if kept is not None and (kept.epoch, kept.sequence) == (self._journal.epoch, self._journal.head):
            return kept
        due = self._due.get(key)
        if due is None:
            loop = asyncio.get_running_loop()
            due = self._due[key] = loop.create_future()
            loop.call_at(max(loop.time(), self._next), self._answer, key)
        # One that gives up waiting must not take the snapshot from the others.
        return await asyncio.shield(due)

    def _answer(self, key: _Key) -> None:
        loop = asyncio.get_running_loop()
        if self._next > loop.time():
            # The snapshot of another view was made meanwhile.
            loop.call_at(self._next, self._answer, key)
            return
        started = loop.time()
        made = self._make(*key)
        self._next = loop.time() + (loop.time() - started) / SHARE
        if self._kept.get(key) is None:
            loop.call_later(KEPT_SECONDS, self._kept.pop, key, None)
        self._kept[key] = made
        self._due.pop(key).set_result(made)

    def _make(self, view: View, name: str, compressed: bool) -> SnapshotFrames:
        snapshot = self._journal.snapshot()
        states = [record.encoded for record in snapshot.states if view.admits(record)]
        incidents = [record.encoded for record in snapshot.incidents if view.admits(record)]
        messages = [
            snapshot_chunk(states[start : start + STATES_A_MESSAGE], (), name)
            for start in range(0, len(states), STATES_A_MESSAGE)
        ]
        messages.append(snapshot_chunk((), incidents, name))
        messages.append(snapshot_end(epoch_of(snapshot.epoch, view.rights), snapshot.sequence, name))
        return SnapshotFrames(
            snapshot.epoch,
            snapshot.sequence,
            tuple(text_frame(message, compressed=compressed) for message in messages),
        )
