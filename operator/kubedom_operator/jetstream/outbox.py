"""What is on its way to the log: messages with the sequences that they will have there.

In come entries, out go messages in order, each of them until the log has said that it has it. One operator writes the
log, so it knows each next sequence beforehand, and the log refuses what comes from anybody else in between. No I/O.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kubedom_bridge import protocol
from kubedom_bridge.jetstream.naming import KEPT_SECONDS, Names
from kubedom_bridge.protocol import DeleteEntry, Entry, EventEntry

#: NATS takes 1 MiB with the headers, if it is not told otherwise.
LARGEST_BYTES = 1_000_000

log = logging.getLogger(__name__)


class Sent(NamedTuple):
    """A message of the log."""

    sequence: int
    subject: str
    content: bytes
    headers: dict[str, str]
    #: The event that it tells, which another log has to be told again if this one is lost.
    event: EventEntry | None = None


class Outbox:
    """Makes the messages of one epoch.

    Args:
        names: How they are named.
        epoch: The log's.
        head: The log's last sequence.
        written: Told of each event that the log has.

    """

    def __init__(
        self, names: Names, epoch: str, head: int, written: Callable[[list[Entry]], None] | None = None
    ) -> None:
        self._names = names
        self.epoch = epoch
        #: The sequence of the last message that was made.
        self.head = head
        self._waiting: deque[Sent] = deque()
        self._written = written

    def __len__(self) -> int:
        """How many messages the log may not have yet."""
        return len(self._waiting)

    @property
    def first(self) -> int:
        """The sequence of the first message that the log may not have yet, or of the next one."""
        return self._waiting[0].sequence if self._waiting else self.head + 1

    def __iter__(self) -> Iterator[Sent]:
        """The messages that the log may not have yet."""
        return iter(self._waiting)

    def tell(self, entry: Entry) -> list[Sent]:
        """Make the messages of an entry; none of one that is larger than any message may be."""
        entry.sequence = sequence = self.head + 1
        if isinstance(entry, EventEntry):
            entry.id = f"{self.epoch}-{sequence}"
        content = protocol.encode(entry)
        if len(content) > LARGEST_BYTES:
            log.error("%s %s is not told: it has %d bytes.", entry.kind, entry.uid, len(content))
            return []
        if not isinstance(entry, EventEntry):
            subject = self._names.state(entry.kind, entry.uid)
            return [self._make(subject, content, passing=isinstance(entry, DeleteEntry))]
        made = [self._make(self._names.event(sequence), content, passing=True, event=entry)]
        if entry.incident is not None:
            over = entry.incident.phase == "end"
            made.append(self._make(self._names.incident(entry.incident.id), content, passing=over))
        return made

    def stand(self, incident: EventEntry) -> Sent:
        """Make the message of an incident that began in another log; its event is no news."""
        assert incident.incident is not None
        incident.sequence = self.head + 1
        incident.id = f"{self.epoch}-{incident.sequence}"
        return self._make(self._names.incident(incident.incident.id), protocol.encode(incident))

    def say(self, subject: str, content: bytes) -> Sent:
        """Make a message that is for other writers and readers, not for pages."""
        return self._make(subject, content)

    def arrived(self, sequence: int) -> None:
        """Forget what the log has."""
        while self._waiting and self._waiting[0].sequence <= sequence:
            sent = self._waiting.popleft()
            if self._written is not None and sent.event is not None:
                self._written([sent.event])

    def events(self) -> list[EventEntry]:
        """The events that the log may not have yet."""
        return [sent.event for sent in self._waiting if sent.event is not None]

    def _make(self, subject: str, content: bytes, *, passing: bool = False, event: EventEntry | None = None) -> Sent:
        self.head += 1
        headers = {
            "Nats-Expected-Last-Sequence": str(self.head - 1),
            "Nats-Msg-Id": f"{self.epoch}-{self.head}",
        }
        if passing:
            headers["Nats-TTL"] = f"{KEPT_SECONDS}s"
        sent = Sent(self.head, subject, content, headers, event)
        self._waiting.append(sent)
        return sent
