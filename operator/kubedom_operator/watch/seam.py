"""The seam between what watches a cluster and what is done with it.

A source reads the API server and calls a `Sink`, always from the source's own event loop. It promises, whatever happens
to the connection or the API server:

- of one object the versions come in the order in which the API server made them, none twice in a row with the same
  resourceVersion; intermediate versions may be missing after a relist;
- an object that was told is told as gone exactly once, also where its deletion was missed;
- `synced` is called once a kind, after its first complete list, and the sink then equals that list;
- an object that cannot be read is told with `unreadable` in place of `changed`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from kubedom_operator.projection import Minimal, UnreadableObject

#: A source is stale when it has not heard of a kind for so many times as long as that may ordinarily take.
STALE_TIMES = 3


class Sink(Protocol):
    """What a source tells of a cluster; every call returns at once and never raises."""

    def changed(self, kind: str, obj: Any) -> None:
        """An object is new or has a new version; `obj` is the kind's projection."""

    def gone(self, kind: str, uid: str, resource_version: str = "") -> None:
        """An object was deleted; `resource_version` is empty where the deletion itself was missed."""

    def unreadable(self, problem: UnreadableObject, minimal: Minimal) -> None:
        """An object has fields that cannot be read; `minimal` is what can be shown."""

    def synced(self, kind: str) -> None:
        """The first list of the kind is complete."""

    def known(self, kind: str) -> Collection[str]:
        """The uids of a kind that were told and are not gone, also by a source of an earlier process."""

    def trouble(self, kind: str, sentence: str) -> None:
        """The kind cannot be watched at present, and why; an empty sentence when it can again."""
