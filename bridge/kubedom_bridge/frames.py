"""The frames that a page is sent, as bytes: entries are encoded once and joined here, for any number of sockets.

In come encoded entries, out go whole messages of `kubedom.v1`. A subscription with an id is named in each message that
belongs to it; the one without is not. A compressed frame is shared like any other: each begins with an empty window
(`server_no_context_takeover`), so that it means the same to every socket.
"""

from __future__ import annotations

from collections.abc import Iterable

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from .errors import KubedomError
from .protocol import ErrorMessage, Heartbeat, Resync, SnapshotEnd, encode

#: Less than this is the ordinary way of a change.
LAG_TOLD_SECONDS = 1.0
#: Shorter messages are not worth it.
COMPRESSED_FROM_BYTES = 512
COMPRESSION_LEVEL = 3
WINDOW_BITS = 15
_DEFLATE = PerMessageDeflate(
    remote_no_context_takeover=True,
    local_no_context_takeover=True,
    remote_max_window_bits=WINDOW_BITS,
    local_max_window_bits=WINDOW_BITS,
    compress_settings={"level": COMPRESSION_LEVEL},
)


def text_frame(message: bytes, *, compressed: bool = False) -> bytes:
    """One unmasked WebSocket text frame, ready for any number of sockets.

    Args:
        message: The JSON text.
        compressed: Whether these sockets agreed on permessage-deflate; a short message is left as it is.

    """
    extensions = (_DEFLATE,) if compressed and len(message) >= COMPRESSED_FROM_BYTES else ()
    return Frame(Opcode.TEXT, message).serialize(mask=False, extensions=extensions)


def changes(entries: Iterable[bytes], subscription: str = "") -> bytes:
    """Join encoded entries into one `changes` message."""
    return b'{"type":"changes",' + _named(subscription) + b'"entries":[' + b",".join(entries) + b"]}"


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
