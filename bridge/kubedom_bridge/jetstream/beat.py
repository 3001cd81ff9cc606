"""What the operator says of itself every few seconds, beside the log."""

from __future__ import annotations

import msgspec

#: How often it says so, and after how long a silence it counts as away.
BEAT_SECONDS = 2.0
SILENT_SECONDS = 10.0


class Beat(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """How the operator is.

    Args:
        epoch: The epoch that it writes.
        not_ready: Why it cannot be relied on; empty where it can.
        not_healing: Why actions are not carried out; empty where they are.
        watch_age: How many seconds ago the API server was heard of the kind of which that is longest.
        lag: How many seconds what it has written is behind the cluster.

    """

    epoch: str
    not_ready: str = ""
    not_healing: str = ""
    watch_age: float = 0.0
    lag: float = 0.0


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Beat).decode
