"""The audit trail: one JSON line for each sign-in, refusal, command and finished action, on the logger `kubedom.audit`.

A line has the user, where the request came from, the target and the outcome. Tokens are never in it; and `Redaction`
takes them out of every other log line, whoever writes it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence

log = logging.getLogger("kubedom.audit")
#: The attribute of a log record that has the line's fields.
FIELDS = "audit_fields"

#: `Bearer` and what follows, the token subprotocol, and a JWT wherever it stands.
_SECRETS = re.compile(
    r"(?i)(bearer\s+)[^\s'\",]+|(base64url\.bearer\.authorization\.k8s\.io\.)[\w=-]+"
    r"|()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
)


def record(
    event: str,
    *,
    user: str = "",
    source: str = "",
    target: str = "",
    outcome: str,
    reason: str = "",
    rights_of: str = "",
    approved_by: str = "",
    changes: Sequence[str] = (),
) -> None:
    """Write one line.

    Args:
        event: `signIn`, `signOut`, `connect`, `command`, `refusal` or `healing`.
        user: Who; empty where that is not known.
        source: The address that it came from; of an action the object that asked for it.
        target: On what, as `restartPod Pod shop/cart`.
        outcome: What came of it, in one word.
        reason: Why.
        rights_of: Of an action: on whose rights it ran.
        approved_by: Of an action: who approved or denied it.
        changes: Of an action: sentences on what it changed.

    """
    line: dict[str, str | list[str]] = {
        "event": event,
        "user": user,
        "source": source,
        "target": target,
        "outcome": outcome,
        "reason": reason,
        "rightsOf": rights_of,
        "approvedBy": approved_by,
        "changes": list(changes),
    }
    fields = {key: _clean(value) for key, value in line.items() if value}
    # The fields also as they are, for a log that is made of fields.
    log.info("%s", json.dumps(fields), extra={FIELDS: fields})


def _clean(value: str | list[str]) -> str | list[str]:
    return redacted(value) if isinstance(value, str) else [redacted(each) for each in value]


def redacted(text: str) -> str:
    """The text without tokens."""
    return _SECRETS.sub(lambda found: (found[1] or found[2] or "") + "[redacted]", text)


class Redaction(logging.Filter):
    """Takes tokens out of what a handler writes; for handlers, as loggers do not filter their children's."""

    def filter(self, entry: logging.LogRecord) -> bool:
        """Let the line pass without its tokens."""
        text = entry.getMessage()
        clean = redacted(text)
        if clean != text:
            entry.msg, entry.args = clean, ()
        if entry.exc_info:
            entry.exc_text = redacted(logging.Formatter().formatException(entry.exc_info))
            entry.exc_info = None
        return True
