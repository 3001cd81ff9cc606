"""A sink that holds every promise of the seam against the source, and keeps what it was told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from kubedom_operator.projection import Minimal, UnreadableObject


class MirrorSink:
    """Keeps the versions of every object, and counts what was told of each."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, str]] = {}
        self.names: dict[str, str] = {}
        self.objects: dict[str, Any] = {}
        self.told: list[tuple[str, str, str]] = []
        self.deletions: Counter[str] = Counter()
        self.unreadables: list[tuple[str, str]] = []
        self.syncs: Counter[str] = Counter()
        self.troubles: list[str] = []
        self.broken_promises: list[str] = []

    def changed(self, kind: str, obj: Any) -> None:
        self._version(kind, obj.metadata)
        self.objects[obj.metadata.uid] = obj

    def unreadable(self, problem: UnreadableObject, minimal: Minimal) -> None:
        self.unreadables.append((minimal.metadata.uid, problem.field))
        self._version(problem.kind, minimal.metadata)

    def gone(self, kind: str, uid: str, resource_version: str = "") -> None:
        if self.versions.get(kind, {}).pop(uid, None) is None:
            self.broken_promises.append(f"gone, but not known: {self.names.get(uid, uid)}")
        self.objects.pop(uid, None)
        self.deletions[uid] += 1
        self.told.append(("gone", self.names.get(uid, uid), resource_version))

    def synced(self, kind: str) -> None:
        self.syncs[kind] += 1
        self.told.append(("synced", kind, ""))

    def known(self, kind: str) -> Collection[str]:
        return self.versions.setdefault(kind, {}).keys()

    def trouble(self, kind: str, sentence: str) -> None:
        self.troubles.append(sentence)

    def names_of(self, kind: str) -> set[str]:
        return {self.names[uid] for uid in self.known(kind)}

    def _version(self, kind: str, metadata: Any) -> None:
        versions = self.versions.setdefault(kind, {})
        before, now = versions.get(metadata.uid), metadata.resource_version
        if metadata.uid in self.deletions:
            self.broken_promises.append(f"told after it was gone: {metadata.name}")
        if before == now:
            self.broken_promises.append(f"told twice: {metadata.name} at {now}")
        if before is not None and int(before) > int(now):
            self.broken_promises.append(f"back in time: {metadata.name} from {before} to {now}")
        versions[metadata.uid] = now
        self.names[metadata.uid] = metadata.name
        self.told.append(("changed", metadata.name, now))


async def eventually(condition: Callable[[], bool], why: str = "", *, seconds: float = 30.0) -> None:
    """Wait until it holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, why or "it did not happen"
        await asyncio.sleep(0.01)
