"""Where a client stands in a bridge's journal.

In come the messages of one connection after the other, out go items in which nothing is told twice, and the position
from which the next connection goes on. A position is only there when everything up to it was received: a snapshot that
broke off leaves none. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kubedom_bridge.protocol import Position

from .items import Entry, Event, Gap, Item, Listed, Over, read


class Message(msgspec.Struct, rename="camel", gc=False):
    """What is read of any message of the bridge."""

    type: str
    epoch: str = ""
    sequence: int = 0
    head: int = 0
    heartbeat: float = 0.0
    token_expires: str = ""
    entries: list[msgspec.Raw] = []
    incidents: list[msgspec.Raw] = []
    reason: str = ""
    message: str = ""


_decoder = msgspec.json.Decoder(Message)


def read_message(text: str | bytes) -> Message:
    """Read one message.

    Raises:
        msgspec.DecodeError: where it is none.

    """
    return _decoder.decode(text)


class Follower:
    """Follows one journal over any number of connections."""

    def __init__(self) -> None:
        self._taken: Position | None = None
        self._beat = 0
        # The failures that were told and are open: their ids, and what kind each was last.
        self._open: dict[str, str] = {}
        self._listing: set[str] | None = None

    @property
    def position(self) -> Position | None:
        """What was received completely; None where the next connection has to begin with a snapshot."""
        return self._taken

    def opened(self) -> None:
        """Begin a new connection: what the former one left half told is told anew."""
        self._listing = None
        self._beat = 0

    def take(self, message: Message) -> Iterator[Item]:
        """Take in a message, and give what it tells.

        Raises:
            msgspec.DecodeError: where an entry cannot be read.

        """
        if message.type == "changes":
            for encoded in message.entries:
                yield from self._change(encoded)
        elif message.type == "snapshot":
            yield from self._snapshot(message)
        elif message.type == "snapshotEnd":
            yield from self._listed(message)
        elif message.type == "resync":
            self._taken = None
            self._listing = None
            yield Gap(message.reason)
        elif message.type == "heartbeat":
            self._heartbeat(message.head)

    def _change(self, encoded: msgspec.Raw) -> Iterator[Item]:
        entry = read(encoded)
        if self._taken is not None:
            if entry.sequence <= self._taken.sequence:
                return
            self._taken = Position(epoch=self._taken.epoch, sequence=entry.sequence)
        if entry.op == "event":
            self._note(entry)
            yield Event(entry, bytes(encoded))

    def _snapshot(self, message: Message) -> Iterator[Item]:
        self._taken = None
        if self._listing is None:
            self._listing = set()
        for encoded in message.incidents:
            entry = read(encoded)
            if entry.incident is None:
                continue
            self._listing.add(entry.incident.id)
            told = self._open.get(entry.incident.id) == entry.incident.kind
            self._open[entry.incident.id] = entry.incident.kind
            if not told:
                yield Event(entry, bytes(encoded), opening=True)

    def _listed(self, message: Message) -> Iterator[Item]:
        self._taken = Position(epoch=message.epoch, sequence=message.sequence)
        gone = self._open.keys() - (self._listing or set())
        self._listing = None
        for name in gone:
            del self._open[name]
        if gone:
            yield Over(len(gone))
        yield Listed()

    def _heartbeat(self, head: int) -> None:
        """Go on from a later place, though nothing that was asked for came: the journal does not keep entries for ever.

        A heartbeat can overtake what was published in the last moment before it, but not what was there at the one
        before.
        """
        if self._taken is not None and self._beat > self._taken.sequence:
            self._taken = Position(epoch=self._taken.epoch, sequence=self._beat)
        self._beat = head

    def _note(self, entry: Entry) -> None:
        if entry.incident is None:
            return
        if entry.incident.phase == "end":
            self._open.pop(entry.incident.id, None)
        else:
            self._open[entry.incident.id] = entry.incident.kind
