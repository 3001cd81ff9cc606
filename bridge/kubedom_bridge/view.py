"""What one subscription is told: what its user may see, of that what the page asked for.

Pure. A `View` can be compared and is a key: subscriptions of equal views share every frame. It judges the journal's
records one by one, so it is as good for a snapshot as for a replay and for what is live.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from .protocol import DeleteEntry, Filter, encode
from .records import Record, as_replayed
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


def epoch_of(journal_epoch: str, rights: Rights) -> str:
    """Name a run of the journal as somebody with these rights is told of it.

    A page that resumes under other rights than it was last told by would keep what it may not see any more, and lack
    what it may see now. With the rights in the epoch that is another epoch, and the page starts with a snapshot.
    """
    if rights == ALL_RIGHTS:
        return journal_epoch
    told = repr((sorted(rights.everywhere or ()), sorted(rights.within)))
    return f"{journal_epoch}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


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
        """Whether with this state the object has left the selector; it is gone for this view, as a watch would say.

        Of one whose labels before are not known that is said too: a page that never had it loses nothing.
        """
        return (
            bool(self.selector)
            and record.op == "upsert"
            and self._concerns(record)
            and (record.labels_before is None or selects(self.selector, record.labels_before))
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

    def missed(
        self, records: Iterable[Record], superseded: Callable[[Record], bool], *, replayed_to: int = 0
    ) -> list[bytes]:
        """What is told of these records after a gap, in sequence order.

        A state that is superseded is left out, since the page would overwrite it unseen: the newer one is told when its
        turn comes. That an object has left the selector is told all the same, for what follows need not show it.
        Events are all kept.

        Args:
            records: What was missed, or the next part of it.
            superseded: Says whether a newer state, or the end, of this object is known (`Journal.superseded`).
            replayed_to: Up to this sequence events are marked as replayed.

        """
        entries = []
        for record in records:
            if self.loses(record):
                entries.append(as_deleted(record))
            elif self.admits(record) and not (record.op == "upsert" and superseded(record)):
                late = record.op == "event" and record.sequence <= replayed_to
                entries.append(as_replayed(record.encoded) if late else record.encoded)
        return entries

    def _concerns(self, record: Record) -> bool:
        wanted = self.filter
        if (wanted.open_incidents and not record.incident) or (wanted.events_only and record.op != "event"):
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
