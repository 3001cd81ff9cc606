"""The messages of `kubedom.v1`: what a page may send, what it is sent, and how both are read and written.

In comes one text message of a page, out goes a typed `Subscribe` or `Command`, or a `BadMessage` that names the field.
The other way, `StateEntry`, `DeleteEntry` and `EventEntry` are what the journal stores; they are encoded once and
joined into frames as bytes. Nothing here does I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from .errors import KubedomError

SUBPROTOCOL = "kubedom.v1"
SOCKET_PATH = "/api/socket"
HEARTBEAT_SECONDS = 15.0
#: Less than this is the ordinary way of a change.
LAG_TOLD_SECONDS = 1.0
MAX_MESSAGE_BYTES = 65_536
ENTRIES_A_MESSAGE = 500
COMMANDS_PER_SECOND = 20.0
COMMAND_BURST = 40


class CloseCode:
    """Why the bridge closes a socket; a page decides by it whether to come back."""

    BAD_MESSAGE = 4400
    SIGN_IN = 4401
    FORBIDDEN = 4403
    VERSION = 4406
    SLOW = 4408
    TOO_MANY = 4409
    BACK_OFF = 4429
    RESTARTING = 1012


class BadMessage(KubedomError):
    """A page's message cannot be read. `fatal` ones end the connection with 4400."""

    code = "badMessage"

    def __init__(
        self, message: str, *, remedy: str = "", field: str = "", message_id: str = "", fatal: bool = False
    ) -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.message_id = message_id
        self.fatal = fatal


class _Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """Field names are camelCase on the wire, and a field at its default is left out."""


class _FrozenWire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False, frozen=True):
    """The same for values that are compared or used as keys."""


class Filter(_FrozenWire, frozen=True):
    """What a page wants to hear of; an empty set means everything."""

    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()


class Position(_FrozenWire, frozen=True):
    """A place in one journal: sequences of different epochs cannot be compared."""

    epoch: str
    sequence: int


class Subscribe(_Wire, tag="subscribe", tag_field="type"):
    """Ask for a snapshot and what follows it, or with `since` for what was missed."""

    filter: Filter = Filter()
    since: Position | None = None


class Target(_FrozenWire, frozen=True):
    """The object that a command acts on; `uid` makes it this one and no later one of the same name."""

    kind: str
    name: str
    namespace: str = "default"
    uid: str = ""


class Command(_Wire, tag="command", tag_field="type"):
    """Start an action. A second command with the same `idempotency_key` is the same action."""

    id: str
    name: str
    target: Target
    idempotency_key: str = ""
    reason: str = ""


ClientMessage = Subscribe | Command
_CLIENT_MESSAGES = {"subscribe": Subscribe, "command": Command}
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class StateEntry(_Wire, kw_only=True, tag="upsert", tag_field="op"):
    """An object as it is now: the allow-listed projection in Kubernetes' own shape."""

    kind: str
    uid: str
    namespace: str = ""
    resource_version: str = ""
    time: str
    sequence: int = 0
    object: Any
    display: Any = None
    workload: Any = None


class DeleteEntry(_Wire, kw_only=True, tag="delete", tag_field="op"):
    """An object is gone."""

    kind: str
    uid: str
    namespace: str = ""
    name: str
    resource_version: str = ""
    time: str
    sequence: int = 0


class Incident(_FrozenWire, frozen=True):
    """The failure that an event begins, changes or ends; `since` is RFC 3339 in UTC.

    `group` is the id of the workload's incident that a pod's failure belongs to, whether or not that is open.
    """

    id: str
    kind: str
    phase: Literal["begin", "update", "end"]
    since: str
    container: str = ""
    group: str = ""


class EventEntry(_Wire, kw_only=True, tag="event", tag_field="op"):
    """Something that happened; `id`, `source`, `type`, `subject` and `time` are the CloudEvents attributes."""

    type: str
    kind: str
    uid: str
    namespace: str = ""
    resource_version: str = ""
    time: str
    sequence: int = 0
    id: str = ""
    source: str
    subject: str
    severity: Literal["critical", "error", "warning", "info"] = "info"
    incident: Incident | None = None
    detail: Mapping[str, Any]
    replayed: bool = False


Entry = StateEntry | DeleteEntry | EventEntry

_encoder = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """One JSON text of an entry or a message."""
    return _encoder.encode(value)


def decode_client_message(text: str | bytes) -> ClientMessage:
    """Read what a page sent.

    Raises:
        BadMessage: with `fatal` set where the text is not a JSON object at all, so that nothing said can be answered.

    """
    if isinstance(text, bytes):
        raise BadMessage(
            "A binary message was received.", remedy="Send JSON as a text message.", field="type", fatal=True
        )
    try:
        return _client_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _explain(text, str(error)) from None


def _explain(text: str, reason: str) -> BadMessage:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        return BadMessage("The message is not a JSON object.", remedy='Send {"type": "subscribe"}.', fatal=True)
    message_id = message.get("id")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _CLIENT_MESSAGES:
        return BadMessage(
            f"The message type {json.dumps(kind)[:80]} is not known.",
            remedy=f"Use one of: {', '.join(_CLIENT_MESSAGES)}.",
            field="type",
            message_id=message_id if isinstance(message_id, str) else "",
        )
    found = re.search(r"`\$\.?([^`]*)`", reason)
    missing = re.search(r"required field `([^`]+)`", reason)
    field = ".".join(part for part in (found.group(1) if found else "", missing.group(1) if missing else "") if part)
    return BadMessage(
        f"The {kind} message cannot be read: {reason}.",
        remedy=f"Mend the field {field!r} and send it again." if field else "Compare it with docs/protocol.md.",
        field=field,
        message_id=message_id if isinstance(message_id, str) else "",
    )


def changes(entries: Iterable[bytes]) -> bytes:
    """Join encoded entries into one `changes` message."""
    return b'{"type":"changes","entries":[' + b",".join(entries) + b"]}"


def changes_in_parts(entries: list[bytes]) -> Iterator[bytes]:
    """Join what was missed, which can be much, into `changes` messages that a page applies without a halt."""
    for start in range(0, len(entries), ENTRIES_A_MESSAGE):
        yield changes(entries[start : start + ENTRIES_A_MESSAGE])


def snapshot_chunk(entries: Iterable[bytes], incidents: Iterable[bytes]) -> bytes:
    """Join encoded states and open incidents into one `snapshot` message."""
    return b'{"type":"snapshot","entries":[' + b",".join(entries) + b'],"incidents":[' + b",".join(incidents) + b"]}"


def snapshot_end(epoch: str, sequence: int) -> bytes:
    """Tell that the snapshot is complete and up to which sequence it speaks."""
    return encode({"type": "snapshotEnd", "epoch": epoch, "sequence": sequence})


def heartbeat(head: int, lag: float = 0.0) -> bytes:
    """Tell that the connection lives, how far the journal is and how many seconds it is behind the cluster."""
    message: dict[str, str | int | float] = {"type": "heartbeat", "head": head}
    if lag >= LAG_TOLD_SECONDS:
        message["lag"] = round(lag, 1)
    return encode(message)


def resync(reason: str) -> bytes:
    """Tell that what was missed cannot be replayed; a snapshot follows, and what it lacks is gone."""
    return encode({"type": "resync", "reason": reason})


def error(problem: KubedomError, message_id: str = "") -> bytes:
    """Answer a message that could not be carried out."""
    answer: dict[str, str] = {"type": "error", "code": problem.code, "message": str(problem)}
    if message_id:
        answer["id"] = message_id
    if problem.field:
        answer["field"] = problem.field
    return encode(answer)
