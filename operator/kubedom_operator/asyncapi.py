"""The AsyncAPI 3 document of the protocol: where the socket is, who may open it, and which messages go which way.

In go the protocol's structs and close codes, out comes the document; the messages' payloads refer to the JSON Schema
that lies beside it, and the examples are written by the protocol's own encoder.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import msgspec

from kubedom_bridge import protocol
from kubedom_bridge.settings import DEFAULT_PORT

from .telling import Display, Workload

_TIME = "2026-01-31T09:30:00.000Z"
_UID = "6f1c1b3e-5c0a-4a55-9d0e-0c6a7a1f2b11"
_STATE = protocol.StateEntry(
    kind="Pod",
    uid=_UID,
    namespace="shop",
    resource_version="4711",
    time=_TIME,
    sequence=1041,
    object={"metadata": {"name": "cart-7d9c", "namespace": "shop", "uid": _UID}, "status": {"phase": "Running"}},
    display=Display("CrashLoopBackOff", 0, 1, 5),
    workload=Workload("Deployment", "cart"),
)
_EVENT = protocol.EventEntry(
    type="podCrashLooping",
    kind="Pod",
    uid=_UID,
    namespace="shop",
    resource_version="4711",
    time=_TIME,
    sequence=1042,
    id="k3x9-1042",
    source="/clusters/production",
    subject="shop/pods/cart-7d9c",
    severity="error",
    incident=protocol.Incident(
        id="i-6f1c", kind="ContainerCrashLoop", phase="begin", since=_TIME, container="cart", group=""
    ),
    detail={"podName": "cart-7d9c", "namespace": "shop", "container": "cart", "reason": "CrashLoopBackOff"},
)
_DELETION = protocol.DeleteEntry(kind="Pod", uid=_UID, namespace="shop", name="cart-7d9c", time=_TIME, sequence=1043)
_TARGET = protocol.Target(kind="Pod", namespace="shop", name="cart-7d9c", uid=_UID)

#: One message of each type at least, in the order of a conversation.
EXAMPLES: tuple[msgspec.Struct, ...] = (
    protocol.Subscribe(),
    protocol.Subscribe(
        id="shop",
        filter=protocol.Filter(namespaces=frozenset({"shop"}), kinds=frozenset({"Pod"})),
        since=protocol.Position(epoch="k3x9", sequence=1040),
    ),
    protocol.Unsubscribe(id="shop"),
    protocol.Token(token="a newer bearer token"),  # noqa: S106 - a placeholder
    protocol.Command(id="c1", name="restartPod", target=_TARGET, idempotency_key="9b2f", reason="It hangs."),
    protocol.Can(id="q1", questions=[protocol.Question(name="restartPod", target=_TARGET)]),
    protocol.Seen(traceparents=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]),
    protocol.Hello(
        protocol=protocol.SUBPROTOCOL,
        epoch="k3x9",
        head=1040,
        heartbeat=protocol.HEARTBEAT_SECONDS,
        cluster=protocol.ClusterInfo(name="production", version="v1.36.3"),
        user=protocol.UserInfo(name="alice"),
        limits=protocol.Limits(
            max_message_bytes=protocol.MAX_MESSAGE_BYTES, commands_per_second=protocol.COMMANDS_PER_SECOND
        ),
        token_expires="2026-01-31T10:30:00Z",  # noqa: S106 - a time
    ),
    protocol.Snapshot(entries=[_STATE], incidents=[_EVENT]),
    protocol.SnapshotEnd(epoch="k3x9", sequence=1040),
    protocol.Changes(entries=[_STATE, _EVENT, _DELETION]),
    protocol.Heartbeat(head=1043),
    protocol.Resync(subscription="shop", reason="too old"),
    protocol.Ack(id="c1", action=protocol.ActionInfo(namespace="shop", name="restart-9b2f", uid=_UID, created=True)),
    protocol.Result(id="c1", phase="Succeeded", message="The pod was evicted."),
    protocol.Verdicts(id="q1", allowed=[True]),
    protocol.ErrorMessage(id="c1", code="forbidden", message="You may not evict this pod.", field="target"),
)
_ANSWERS = {
    "token": ("hello", "error"),
    "command": ("ack", "result", "error"),
    "can": ("verdicts", "error"),
    "subscribe": ("snapshot", "changes", "resync", "error"),
}
_CORRELATED = ("command", "can", "ack", "result", "verdicts", "error")


def document(schema_file: str, generated: str) -> dict[str, Any]:
    """The document.

    Args:
        schema_file: Where the JSON Schema is, seen from the document.
        generated: How the document is made.

    """
    asked, told = _tags(protocol.ClientMessage), _tags(protocol.ServerMessage)
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:kubedom:{protocol.SUBPROTOCOL}:asyncapi",
        "info": {
            "title": protocol.SUBPROTOCOL,
            "version": protocol.SCHEMA_VERSION,
            "description": "The bridge's socket, as docs/protocol.md describes it; the bridge is the application here.",
            "license": {"name": "Apache-2.0"},
            "x-generated": generated,
        },
        "defaultContentType": "application/json",
        "servers": {
            "cluster": {
                "host": "{host}",
                "protocol": "wss",
                "description": "A bridge of many users, behind what ends TLS.",
                "variables": {"host": {"default": "kubedom.example.org"}},
                "security": [_component("securitySchemes", "bearer"), _component("securitySchemes", "session")],
            },
            "local": {
                "host": "127.0.0.1:{port}",
                "protocol": "ws",
                "description": "`kubedom run` for one user.",
                "variables": {"port": {"default": str(DEFAULT_PORT)}},
                "security": [_component("securitySchemes", "session")],
            },
        },
        "channels": {"socket": _channel([*asked, *told])},
        "operations": {
            **{f"receive{_upper(tag)}": _operation("receive", tag) for tag in asked},
            **{f"send{_upper(tag)}": _operation("send", tag) for tag in told},
        },
        "components": {
            "messages": {tag: _message(tag, struct, schema_file) for tag, struct in (asked | told).items()},
            "correlationIds": {
                "command": {"description": "The command's `id`.", "location": "$message.payload#/id"},
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that the API server accepts, in `Authorization`; or, from a browser, as a"
                    " second subprotocol `base64url.bearer.authorization.k8s.io.<token in base64url>`.",
                },
                "session": {
                    "type": "httpApiKey",
                    "in": "cookie",
                    "name": f"kubedom_session_{DEFAULT_PORT}",
                    "description": "The session cookie of the sign-in; the number is the bridge's port.",
                },
            },
        },
    }


def _tags(union: Any) -> dict[str, type[msgspec.Struct]]:
    return {str(struct.__struct_config__.tag): struct for struct in get_args(union)}


def _channel(tags: list[str]) -> dict[str, Any]:
    return {
        "address": protocol.SOCKET_PATH,
        "title": "The socket",
        "description": "One WebSocket a page, JSON text messages both ways, with one or more subscriptions.",
        "servers": [{"$ref": "#/servers/cluster"}, {"$ref": "#/servers/local"}],
        "messages": {tag: _component("messages", tag) for tag in tags},
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "description": f"Offers `{protocol.SUBPROTOCOL}`, which the bridge chooses.",
                            "pattern": rf"(^|[\s,]){re.escape(protocol.SUBPROTOCOL)}($|[\s,])",
                        },
                        "Origin": {"type": "string", "description": "The bridge's own, where a browser sends it."},
                    },
                    "required": ["Sec-WebSocket-Protocol"],
                },
                "bindingVersion": "0.1.0",
            }
        },
        "x-closeCodes": {
            str(code.value): {"description": code.why, "comeBack": code.come_back, "retry": code.retry}
            for code in protocol.CloseCode
        },
    }


def _operation(action: str, tag: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": "#/channels/socket"},
        "messages": [_on_socket(tag)],
    }
    if tag in _ANSWERS:
        operation["reply"] = {
            "channel": {"$ref": "#/channels/socket"},
            "messages": [_on_socket(answer) for answer in _ANSWERS[tag]],
        }
    return operation


def _message(tag: str, struct: type[msgspec.Struct], schema_file: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": tag,
        "title": struct.__name__,
        "summary": inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "payload": {"$ref": f"{schema_file}#/$defs/{struct.__name__}"},
        "examples": [
            {"payload": msgspec.json.decode(protocol.encode(one))} for one in EXAMPLES if isinstance(one, struct)
        ],
    }
    if tag in _CORRELATED:
        message["correlationId"] = _component("correlationIds", "command")
    return message


def _component(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _on_socket(tag: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{tag}"}


def _upper(tag: str) -> str:
    return tag[:1].upper() + tag[1:]
