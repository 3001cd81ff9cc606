"""What one subscription is told: what its user may see, of that what the page asked for.

Pure. A `View` can be compared and is a key: subscriptions of equal views share every frame. It judges the journal's
records one by one, so it is as good for a snapshot as for a replay and for what is live.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from .journal import Record, as_replayed
from .protocol import DeleteEntry, Filter, encode
from .selector import Selector, parse, selects


@dataclass(frozen=True)
class Rights:
    """Which objects a user may list and watch.

    Args:
        everywhere: The kinds that they may list in the whole cluster; None for every kind.
        within: Further (kind, namespace) that they may list.

    """

    everywhere: frozenset[str] | None = frozenset()
    within: frozenset[tuple[str, str]] = frozenset()

    def allow(self, kind: str, namespace: str) -> bool:
        """Whether objects of a kind in a namespace (for a Namespace its own name) may be told of."""
        return self.everywhere is None or kind in self.everywhere or (kind, namespace) in self.within


#: For the one user whose own rights kubedom watches with: what they may not list is not there.
ALL_RIGHTS = Rights(everywhere=None)
NO_RIGHTS = Rights()


@dataclass(frozen=True)
class View:
    """(rights ∩ filter).

    Raises:
        BadSelector: where the filter's label selector cannot be read.

    """

    filter: Filter = field(default_factory=Filter)
    rights: Rights = ALL_RIGHTS
    selector: Selector = field(init=False, compare=False, repr=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "selector", parse(self.filter.label_selector))

    def admits(self, record: Record) -> bool:
        """Whether the record is told."""
        return self._concerns(record) and selects(self.selector, record.labels)

    def loses(self, record: Record) -> bool:
        """Whether with this state the object has left the selector; it is gone for this view, as a watch would say."""
        return (
            bool(self.selector)
            and record.op == "upsert"
            and self._concerns(record)
            and selects(self.selector, record.labels_before)
            and not selects(self.selector, record.labels)
        )

    def live(self, records: Iterable[Record]) -> list[bytes]:
        """What of these records is told, in their order."""
        entries = []
        for record in records:
            if self.admits(record):
                entries.append(record.encoded)
            elif self.loses(record):
                entries.append(as_deleted(record))
        return entries

    def missed(self, records: Iterable[Record], *, replayed: bool) -> list[bytes]:
        """What is told of these records after a gap, in sequence order.

        Of each object only the last state is kept, since the page would overwrite the others unseen. Events are all
        kept; with `replayed` they are marked.
        """
        records = [record for record in records if self._concerns(record)]
        last: dict[str, int] = {}
        known: set[str] = set()
        for record in records:
            if record.op != "event":
                last[record.uid] = record.sequence
                if self.selector and (
                    selects(self.selector, record.labels_before) or selects(self.selector, record.labels)
                ):
                    known.add(record.uid)
        entries = []
        for record in records:
            if record.op == "event":
                if selects(self.selector, record.labels):
                    entries.append(as_replayed(record.encoded) if replayed else record.encoded)
            elif last[record.uid] == record.sequence:
                if selects(self.selector, record.labels):
                    entries.append(record.encoded)
                elif record.uid in known:
                    entries.append(record.encoded if record.op == "delete" else as_deleted(record))
        return entries

    def _concerns(self, record: Record) -> bool:
        wanted = self.filter
        if wanted.open_incidents and not record.incident:
            return False
        return (
            (not wanted.namespaces or record.namespace in wanted.namespaces)
            and (not wanted.kinds or record.kind in wanted.kinds)
            and (not wanted.types or record.op != "event" or record.type in wanted.types)
            and self.rights.allow(record.kind, record.namespace)
            and all(self.rights.allow(kind, record.namespace) for kind in record.speaks_of)
        )


def as_deleted(record: Record) -> bytes:
    """Tell a state as a deletion, for those who do not see the object any more."""
    state = msgspec.json.decode(record.encoded)
    return encode(
        DeleteEntry(
            kind=record.kind,
            uid=record.uid,
            namespace=record.namespace,
            name=state["object"]["metadata"]["name"],
            resource_version=state.get("resourceVersion", ""),
            time=state["time"],
            sequence=record.sequence,
        )
    )
