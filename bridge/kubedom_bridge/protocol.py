"""The messages of `kubedom.v1`: what a page may send, what it is sent, and how both are read and written.

In comes one text message of a page, out goes a typed `Subscribe`, `Command`, `Can` or `Seen`, or a `BadMessage` that
names the field. The other way, `StateEntry`, `DeleteEntry` and `EventEntry` are what the journal stores; they are
encoded once and joined into frames as bytes. Nothing here does I/O.

These structs are the one source of the protocol: its JSON Schema, with these docstrings and descriptions, is made from
them, and from that the TypeScript types and the AsyncAPI document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from .errors import KubedomError

SUBPROTOCOL = "kubedom.v1"
#: Of the schema: the first number is the subprotocol's, the second grows with what is added, the third with its words.
SCHEMA_VERSION = "1.2.0"
SOCKET_PATH = "/api/socket"
HEARTBEAT_SECONDS = 15.0
MAX_MESSAGE_BYTES = 65_536
COMMANDS_PER_SECOND = 20.0
COMMAND_BURST = 40
QUESTIONS_A_MESSAGE = 100
TRACES_A_MESSAGE = 100
#: Messages of any type, of all connections of a user together.
MESSAGES_PER_SECOND = 100.0
MESSAGE_BURST = 300


class CloseCode(IntEnum):
    """Why the bridge closes a socket; a page decides by it whether to come back.

    `why` is for people, `come_back` says when it makes sense, and with `retry` a page does so by itself.
    """

    retry: bool
    come_back: str
    why: str

    def __new__(cls, code: int, retry: bool, come_back: str, why: str) -> Self:
        """Give the number what is said of it."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.retry, member.come_back, member.why = retry, come_back, why
        return member

    RESTARTING = (
        1012,
        True,
        "yes",
        "the bridge ends or starts again, or the connection is old; the reason may end in `retry after N s`",
    )
    BUSY = 1013, True, "yes", "rights cannot be checked at present"
    BAD_MESSAGE = 4400, False, "no", "what was sent is no message, or none came"
    SIGN_IN = 4401, False, "after sign-in", "not signed in, or the session is over"
    FORBIDDEN = 4403, False, "no", "not allowed"
    VERSION = 4406, False, "after a reload", "another protocol version is needed"
    SLOW = 4408, True, "yes, with `since`", "the page reads too slowly"
    TOO_MANY = 4409, True, "later", "too many connections"
    BACK_OFF = 4429, True, "later", "too many messages"


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


_Time = Annotated[str, Meta(description="RFC 3339 in UTC.", extra_json_schema={"format": "date-time"})]
_Sequence = Annotated[int, Meta(description="The place in the journal: of two entries the later one has the greater.")]
_ResourceVersion = Annotated[str, Meta(description="The API server's; it can be compared for equality only.")]
#: In the version that W3C Trace Context has; the length keeps out a line end, which `$` lets pass.
_Traceparent = Annotated[str, Meta(pattern="^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", max_length=55)]
_Subscription = Annotated[str, Meta(description="The `id` of the subscription, where it has one.")]


class Filter(_FrozenWire, frozen=True):
    """What a page wants to hear of; an empty list or text means everything."""

    namespaces: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    types: Annotated[frozenset[str], Meta(description="Filters events only.")] = frozenset()
    label_selector: Annotated[
        str, Meta(description="Written as for `kubectl --selector`; an event counts by its object's labels.")
    ] = ""
    open_incidents: Annotated[bool, Meta(description="Only the events of failures are told, and no states.")] = False
    events_only: Annotated[bool, Meta(description="Events are told, and no states.")] = False


class Position(_FrozenWire, frozen=True):
    """A place in one journal: sequences of different epochs cannot be compared."""

    epoch: str
    sequence: int


class Subscribe(_Wire, tag="subscribe", tag_field="type"):
    """Ask for a snapshot and what follows it, or with `since` for what was missed.

    One socket can have several subscriptions, told apart by `id`; a second of the same id takes the first's place.
    """

    id: Annotated[str, Meta(max_length=64)] = ""
    filter: Filter = Filter()
    since: Annotated[Position | None, Meta(description="What was received completely.")] = None


class Unsubscribe(_Wire, tag="unsubscribe", tag_field="type"):
    """End one subscription; the socket stays open for the others."""

    id: str = ""


class Token(_Wire, tag="token", tag_field="type"):
    """Renew the bearer token of this connection in place; it must be the same user's."""

    token: str


class Target(_FrozenWire, frozen=True):
    """The object that a command acts on."""

    kind: str
    name: str
    namespace: str = "default"
    uid: Annotated[str, Meta(description="Makes it this object and no later one of the same name.")] = ""


class Command(_Wire, tag="command", tag_field="type"):
    """Start an action."""

    id: Annotated[str, Meta(description="Chosen by the page; the answers name it.")]
    name: Annotated[str, Meta(description="What to do, as `restartPod`.")]
    target: Target
    idempotency_key: Annotated[str, Meta(description="A second command with the same key is the same action.")] = ""
    reason: Annotated[str, Meta(description="Why, for those who read the action later.")] = ""
    parameters: Annotated[dict[str, Any], Meta(description="What it needs beside its target, by name.")] = {}
    dry_run: Annotated[bool, Meta(description="Only say what would be changed.")] = False


class Question(_FrozenWire, frozen=True):
    """Whether an action may be started on a target."""

    name: Annotated[str, Meta(description="What to do, as in a command.")]
    target: Target


class Can(_Wire, tag="can", tag_field="type"):
    """Ask what the user may do, for greying out; whether it is done is decided when it is asked for."""

    id: Annotated[str, Meta(description="Chosen by the page; the answer names it.")]
    questions: Annotated[list[Question], Meta(max_length=QUESTIONS_A_MESSAGE)]


class Seen(_Wire, tag="seen", tag_field="type"):
    """Say that the listeners have been told of events which have a `traceparent`; there is no answer."""

    traceparents: Annotated[list[_Traceparent], Meta(max_length=TRACES_A_MESSAGE)]


ClientMessage = Subscribe | Unsubscribe | Token | Command | Can | Seen
_CLIENT_MESSAGES = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "token": Token,
    "command": Command,
    "can": Can,
    "seen": Seen,
}
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class StateEntry(_Wire, kw_only=True, tag="upsert", tag_field="op"):
    """An object as it is now."""

    kind: str
    uid: str
    namespace: str = ""
    resource_version: _ResourceVersion = ""
    time: _Time
    sequence: _Sequence = 0
    object: Annotated[Any, Meta(description="The allow-listed projection in Kubernetes' own shape.")]
    display: Annotated[Any, Meta(description="Of a pod: the columns that kubectl prints.")] = None
    workload: Annotated[Any, Meta(description="Of a pod: what it belongs to.")] = None


class DeleteEntry(_Wire, kw_only=True, tag="delete", tag_field="op"):
    """An object is gone."""

    kind: str
    uid: str
    namespace: str = ""
    name: str
    resource_version: _ResourceVersion = ""
    time: _Time
    sequence: _Sequence = 0


class Incident(_FrozenWire, frozen=True):
    """The failure that an event begins, changes or ends."""

    id: str
    kind: Annotated[str, Meta(description="Which failure: a row of the failure catalogue, as `ContainerCrashLoop`.")]
    phase: Literal["begin", "update", "end"]
    since: _Time
    container: str = ""
    group: Annotated[
        str, Meta(description="The id of the workload's incident that a pod's failure is part of, open or not.")
    ] = ""


class EventEntry(_Wire, kw_only=True, tag="event", tag_field="op"):
    """What happened, with CloudEvents' attributes: `specversion`, `id`, `source`, `type`, `subject`, `time`."""

    specversion: Literal["1.0"] = "1.0"
    type: str
    kind: str
    uid: str
    namespace: str = ""
    resource_version: _ResourceVersion = ""
    time: _Time
    sequence: _Sequence = 0
    id: str = ""
    source: str
    subject: str
    severity: Literal["critical", "error", "warning", "info"] = "info"
    incident: Incident | None = None
    detail: Annotated[Mapping[str, Any], Meta(description="More of it; docs/failures.md has the fields of each type.")]
    speaks_of: Annotated[
        tuple[str, ...], Meta(description="The other kinds that it tells of; who may not list these is not told of it.")
    ] = ()
    traceparent: Annotated[
        str, Meta(description="W3C Trace Context, where this event is traced; a page answers it with `seen`.")
    ] = ""
    replayed: Annotated[bool, Meta(description="It is told late: open no modal, start no action.")] = False


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
    """The first message, and the answer to a `token` message."""

    protocol: str
    epoch: Annotated[str, Meta(description="This run of the journal.")]
    head: Annotated[int, Meta(description="The journal's newest sequence.")]
    heartbeat: Annotated[
        float, Meta(description="Seconds; half as much again without a message means a dead connection.")
    ]
    cluster: ClusterInfo
    user: UserInfo
    limits: Limits
    token_expires: Annotated[_Time | None, Meta(description="Left out where the sign-in has no end.")] = None


class Snapshot(_Wire, kw_only=True, tag="snapshot", tag_field="type"):
    """A part of all that is known; what a page shows and no part has is gone."""

    subscription: _Subscription = ""
    entries: list[StateEntry] = []
    incidents: Annotated[list[EventEntry], Meta(description="Every failure that is open, `replayed`.")] = []


class SnapshotEnd(_Wire, kw_only=True, tag="snapshotEnd", tag_field="type"):
    """The snapshot is complete and speaks up to this sequence."""

    subscription: _Subscription = ""
    epoch: str
    sequence: int


class Changes(_Wire, kw_only=True, tag="changes", tag_field="type"):
    """What happened, in sequence order."""

    subscription: _Subscription = ""
    entries: list[Entry] = []


class Heartbeat(_Wire, kw_only=True, tag="heartbeat", tag_field="type"):
    """The connection lives."""

    head: Annotated[int, Meta(description="The journal's newest sequence.")]
    lag: Annotated[
        float, Meta(description="How many seconds kubedom is behind the cluster, told from one second on.")
    ] = 0.0


class Resync(_Wire, kw_only=True, tag="resync", tag_field="type"):
    """What was missed cannot be replayed, or what may be seen has changed; a snapshot follows."""

    subscription: _Subscription = ""
    reason: str


class ActionInfo(_Wire, kw_only=True):
    """The HealingAction of a command."""

    namespace: str
    name: str
    uid: str
    created: Annotated[bool, Meta(description="Not where the same command had made it before.")] = False


class Ack(_Wire, kw_only=True, tag="ack", tag_field="type"):
    """The HealingAction of a command exists."""

    id: str
    action: ActionInfo


class Result(_Wire, kw_only=True, tag="result", tag_field="type"):
    """The HealingAction of a command is finished."""

    id: str
    phase: Literal["Succeeded", "Failed", "Denied", "Expired"]
    message: str = ""


class Verdicts(_Wire, kw_only=True, tag="verdicts", tag_field="type"):
    """The answers to a `can` message, in the order of its questions."""

    id: str
    allowed: list[bool]


class ErrorMessage(_Wire, kw_only=True, tag="error", tag_field="type"):
    """A message could not be carried out."""

    id: Annotated[str, Meta(description="The command's; without it the message could not be read.")] = ""
    code: Annotated[str, Meta(description="One word for scripts.")]
    message: Annotated[str, Meta(description="Sentences for people.")]
    field: Annotated[str, Meta(description="The part of the message at fault.")] = ""


ServerMessage = Hello | Snapshot | SnapshotEnd | Changes | Heartbeat | Resync | Ack | Result | Verdicts | ErrorMessage

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
