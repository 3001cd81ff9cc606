"""The frames that a page is sent, as bytes: entries are encoded once and joined here, for any number of sockets.

In come encoded entries, out go whole messages of `kubedom.v1`. A subscription with an id is named in each message that
belongs to it; the one without is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from websockets.frames import Frame, Opcode

from .errors import KubedomError
from .protocol import ErrorMessage, Heartbeat, Resync, SnapshotEnd, encode

ENTRIES_A_MESSAGE = 500
#: Less than this is the ordinary way of a change.
LAG_TOLD_SECONDS = 1.0


def text_frame(message: bytes) -> bytes:
    """One unmasked WebSocket text frame, ready for any number of sockets."""
    return Frame(Opcode.TEXT, message).serialize(mask=False)


def changes(entries: Iterable[bytes], subscription: str = "") -> bytes:
    """Join encoded entries into one `changes` message."""
    return b'{"type":"changes",' + _named(subscription) + b'"entries":[' + b",".join(entries) + b"]}"


def changes_in_parts(entries: list[bytes], subscription: str = "") -> Iterator[bytes]:
    """Join what was missed, which can be much, into `changes` messages that a page applies without a halt."""
    for start in range(0, len(entries), ENTRIES_A_MESSAGE):
        yield changes(entries[start : start + ENTRIES_A_MESSAGE], subscription)


def snapshot_chunk(entries: Iterable[bytes], incidents: Iterable[bytes], subscription: str = "") -> bytes:
    """Join encoded states and open incidents into one `snapshot` message."""
    head = b'{"type":"snapshot",' + _named(subscription) + b'"entries":['
    return head + b",".join(entries) + b'],"incidents":[' + b",".join(incidents) + b"]}"


def snapshot_end(epoch: str, sequence: int, subscription: str = "") -> bytes:
    """Tell that the snapshot is complete and up to which sequence it speaks."""
    return encode(SnapshotEnd(subscription=subscription, epoch=epoch, sequence=sequence))


def heartbeat(head: int, lag: float = 0.0) -> bytes:
    """Tell that the connection lives, how far the journal is and how many seconds it is behind the cluster."""
    return encode(Heartbeat(head=head, lag=round(lag, 1)) if lag >= LAG_TOLD_SECONDS else Heartbeat(head=head))


def resync(reason: str, subscription: str = "") -> bytes:
    """Tell that what was missed cannot be replayed; a snapshot follows, and what it lacks is gone."""
    return encode(Resync(subscription=subscription, reason=reason))


def error(problem: KubedomError, message_id: str = "") -> bytes:
    """Answer a message that could not be carried out."""
    return encode(ErrorMessage(id=message_id, code=problem.code, message=str(problem), field=problem.field))


def _named(subscription: str) -> bytes:
    return b'"subscription":' + encode(subscription) + b"," if subscription else b""
