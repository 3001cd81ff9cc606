"""Messages as a bridge sends them, made of the entries of its own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.unit.bridge.entries import event, state

from kubedom_bridge import frames, protocol
from kubedom_bridge.protocol import Entry, EventEntry
from kubedom_operator.events.items import Event, Item, read
from kubedom_operator.events.position import Follower, Message, read_message


def numbered(entry: Entry, sequence: int) -> bytes:
    entry.sequence = sequence
    return protocol.encode(entry)


def changes(*sequences: int, **more: Any) -> Message:
    return read_message(frames.changes([numbered(event(f"u{number}", **more), number) for number in sequences]))


def snapshot(*incidents: EventEntry) -> Message:
    return read_message(frames.snapshot_chunk([numbered(state(), 1)], [protocol.encode(one) for one in incidents]))


def snapshot_end(epoch: str, sequence: int) -> Message:
    return read_message(frames.snapshot_end(epoch, sequence))


def heartbeat(head: int) -> Message:
    return read_message(frames.heartbeat(head))


def resync() -> Message:
    return read_message(frames.resync("kubedom was restarted"))


def taken(follower: Follower, *messages: Message) -> list[Item]:
    return [item for message in messages for item in follower.take(message)]


def sequences(items: list[Item]) -> list[int]:
    return [item.entry.sequence for item in items if isinstance(item, Event)]


def told(entry: EventEntry, *, opening: bool = False) -> Event:
    encoded = protocol.encode(entry)
    return Event(read(encoded), encoded, opening)


def written(entries: Iterator[EventEntry] | list[EventEntry]) -> list[Event]:
    return [told(entry) for entry in entries]
