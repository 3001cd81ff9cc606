"""How the log's stream, subjects and messages are named. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from kubedom_bridge.records import RING_SECONDS

#: Of the stream's metadata: the epoch, and the cluster that is told of.
EPOCH = "kubedom-epoch"
CLUSTER = "kubedom-cluster"
VERSION = "kubedom-version"
#: For how long events and deletions stay in the log: longer than anybody replays them, so that none is missing then.
KEPT_SECONDS = int(RING_SECONDS) + 120
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Names(NamedTuple):
    """The names under one prefix; two installations on one NATS have different ones."""

    prefix: str

    @property
    def stream(self) -> str:
        """The stream."""
        return self.prefix

    @property
    def subjects(self) -> list[str]:
        """What the stream takes in."""
        return [f"{self.prefix}.{part}.>" for part in ("s", "e", "i")] + [self.complete, self.writer]

    @property
    def complete(self) -> str:
        """Where it is said that the log has told all that there is."""
        return f"{self.prefix}.k"

    @property
    def writer(self) -> str:
        """Where an operator says that it is the one who writes from now on."""
        return f"{self.prefix}.w"

    @property
    def beat(self) -> str:
        """Where the operator says how it is; not a part of the stream."""
        return f"{self.prefix}.beat"

    def state(self, kind: str, uid: str) -> str:
        """The last state of an object, or that it is gone."""
        return f"{self.prefix}.s.{_token(kind)}.{_token(uid)}"

    def event(self, sequence: int) -> str:
        """One event."""
        return f"{self.prefix}.e.{sequence}"

    def incident(self, incident: str) -> str:
        """The last event of an incident, again: as long as it is open that one stays."""
        return f"{self.prefix}.i.{_token(incident)}"


def _token(text: str) -> str:
    """What may stand between two dots, whatever the API server calls an object."""
    return text if _TOKEN.fullmatch(text) else f"h-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
