"""The messages of `kubedom.v1`: what a page may send, what it is sent, and how both are read and written.

In comes one text message of a page, out goes a typed `Subscribe` or `Command`, or a `BadMessage` that names the field.
The other way, `StateEntry`, `DeleteEntry` and `EventEntry` are what the journal stores; they are encoded once and
joined into frames as bytes. Nothing here does I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from .errors import KubedomError

SUBPROTOCOL = "kubedom.v1"
SOCKET_PATH = "/api/socket"
HEARTBEAT_SECONDS = 15.0
MAX_MESSAGE_BYTES = 65_536
COMMANDS_PER_SECOND = 20.0
COMMAND_BURST = 40
#: Messages of any type, of all connections of a user together.
MESSAGES_PER_SECOND = 100.0
MESSAGE_BURST = 300


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
    BUSY = 1013


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
    """What a page wants to hear of; an empty set or text means everything.

    `types` filters events only. `label_selector` is written as for `kubectl --selector`; an event counts by its
    object's labels. With `open_incidents` only the events of failures are told, and no states.
    """

    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    label_selector: str = ""
    open_incidents: bool = False


class Position(_FrozenWire, frozen=True):
    """A place in one journal: sequences of different epochs cannot be compared."""

    epoch: str
    sequence: int


class Subscribe(_Wire, tag="subscribe", tag_field="type"):
    """Ask for a snapshot and what follows it, or with `since` for what was missed.

    One socket can have several subscriptions, told apart by `id`; a second of the same id takes the first's place.
    """

    id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    filter: Filter = Filter()
    since: Position | None = None


class Unsubscribe(_Wire, tag="unsubscribe", tag_field="type"):
    """End one subscription; the socket stays open for the others."""

    id: str = ""


class Token(_Wire, tag="token", tag_field="type"):
    """Renew the bearer token of this connection in place; it must be the same user's."""

    token: str


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
    parameters: dict[str, Any] = {}


ClientMessage = Subscribe | Unsubscribe | Token | Command
_CLIENT_MESSAGES = {"subscribe": Subscribe, "unsubscribe": Unsubscribe, "token": Token, "command": Command}
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
    #: The other kinds that it speaks of; who may not list these is not told of it.
    speaks_of: tuple[str, ...] = ()
    replayed: bool = False


Entry = StateEntry | DeleteEntry | EventEntry


class ClusterInfo(_Wire):
    """Which cluster is shown."""

    name: str
    version: str


class UserInfo(_Wire):
    """Who the bridge takes the page for."""

    name: str


class Limits(_Wire):
    """What a page has to keep to."""

    max_message_bytes: int
    commands_per_second: float


class Hello(_Wire, kw_only=True, tag="hello", tag_field="type"):
    """The first message; `heartbeat` in seconds, `token_expires` as RFC 3339, None where the sign-in has no end."""

    protocol: str
    epoch: str
    head: int
    heartbeat: float
    cluster: ClusterInfo
    user: UserInfo
    limits: Limits
    token_expires: str | None = None


class Snapshot(_Wire, kw_only=True, tag="snapshot", tag_field="type"):
    """A part of all that is known; what a page shows and no part has is gone."""

    subscription: str = ""
    entries: list[StateEntry] = []
    incidents: list[EventEntry] = []


class SnapshotEnd(_Wire, kw_only=True, tag="snapshotEnd", tag_field="type"):
    """The snapshot is complete and speaks up to this sequence."""

    subscription: str = ""
    epoch: str
    sequence: int


class Changes(_Wire, kw_only=True, tag="changes", tag_field="type"):
    """What happened, in sequence order."""

    subscription: str = ""
    entries: list[Entry] = []


class Heartbeat(_Wire, kw_only=True, tag="heartbeat", tag_field="type"):
    """The connection lives; `lag` is how many seconds kubedom is behind the cluster, told from one second on."""

    head: int
    lag: float = 0.0


class Resync(_Wire, kw_only=True, tag="resync", tag_field="type"):
    """What was missed cannot be replayed, or what may be seen has changed; a snapshot follows."""

    subscription: str = ""
    reason: str


class ActionInfo(_Wire, kw_only=True):
    """The HealingAction of a command; `created` is false where the same command had made it before."""

    namespace: str
    name: str
    uid: str
    created: bool = False


class Ack(_Wire, kw_only=True, tag="ack", tag_field="type"):
    """The HealingAction of a command exists."""

    id: str
    action: ActionInfo


class Result(_Wire, kw_only=True, tag="result", tag_field="type"):
    """The HealingAction of a command is finished."""

    id: str
    phase: Literal["Succeeded", "Failed"]
    message: str = ""


class ErrorMessage(_Wire, kw_only=True, tag="error", tag_field="type"):
    """A message could not be carried out; without `id` it could not be read."""

    id: str = ""
    code: str
    message: str
    field: str = ""


ServerMessage = Hello | Snapshot | SnapshotEnd | Changes | Heartbeat | Resync | Ack | Result | ErrorMessage

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
