"""List and watch of one kind, for ever.

A list is consistent: it is asked for without a resourceVersion, so that its pages are one state that is at least as new
as anything told before. `resourceVersion=0` would be answered from whatever a replica's cache holds, which may be older
than what was told already, and without pages. The API server serves consistent lists and their pages from its cache
since 1.34, so that the difference costs it one small question to etcd.

After the list comes the watch from the list's resourceVersion. Wherever a watch ends or breaks, the next one begins
where it stood; only an answer that says "too old" leads to a new list, and that list replaces what was known. Bookmarks
keep that place young, but for core Events, of which the API server has no watch cache and sends none by default: there
a quiet minute ends the connection, and after a longer quiet the list is made again, which is then short.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec

from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api
from kubedom_operator.projection import KindInfo, UnreadableObject, WatchError, decoder, minimal

from .backoff import Backoff
from .lines import LineSplitter
from .refusal import Expired, Refused, explain, refusal_of
from .seam import Sink

logger = logging.getLogger(__name__)

# About 2 ms of decoding pods; then other kinds, and whoever else uses the loop, have their turn.
_OBJECTS_A_TURN = 50
# A watch that stood this long worked, though nothing happened in it.
_STOOD = 20.0
_WATCH_SECONDS = (290, 590)
_LARGEST_PAGE = 1_000_000


class Counts(msgspec.Struct):
    """What was done for one kind: complete lists, watches begun, lines read, unreadable fields met (once an object)."""

    lists: int = 0
    watches: int = 0
    lines: int = 0
    unreadable: int = 0


class _Garbled(Exception):
    """A line is no JSON, so what comes after it cannot be trusted either."""


class _Listing:
    """A list under way; it survives a broken connection and goes on with its next page."""

    def __init__(self) -> None:
        self.listed: set[str] = set()
        self.version = ""
        self.token = ""


class KindReader:
    """Reads one kind and tells the sink; `run` may be cancelled and run again."""

    def __init__(
        self,
        api: Api,
        info: KindInfo,
        sink: Sink,
        *,
        namespace: str | None,
        page_size: int,
        inactivity: float,
        clock: Callable[[], float],
        rng: random.Random,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.counts = Counts()
        #: When the API server was last heard, by the clock.
        self.heard = clock()
        self._api = api
        self._info = info
        self._kind = info.kind
        self._sink = sink
        self._path = _path(info, namespace)
        self._page_size = self._ordinary_page_size = page_size
        self._inactivity = inactivity
        self._clock = clock
        self._rng = rng
        self._sleep = sleep
        self._decoder = decoder(info.kind)
        self._backoff = Backoff(rng)
        # uid -> resourceVersion of what was told. Strings only: the garbage collector does not walk such a dict.
        self._told: dict[str, str] = {}
        self._unreadable: dict[str, set[str]] = {}
        self._listing: _Listing | None = None
        # Where the watch stands; empty as long as a list is needed.
        self._version = ""
        self._synced = False
        self._failures = 0
        self._useless = 0
        self._trouble = ""

    async def run(self) -> None:
        """List and watch until it is cancelled."""
        self._version = ""
        self._listing = None
        self._synced = False
        while True:
            wait = await self._step()
            if wait > 0:
                await self._sleep(wait)

    async def _step(self) -> float:
        """List or watch once, and give how long to wait before the next attempt."""
        begun, lines, ended = self._clock(), self.counts.lines, False
        try:
            if not self._version:
                await self._list()
                self._failures = 0
                return 0.0
            await self._watch()
            ended = True
        except Expired as expired:
            logger.info("%s: list again: %s", self._kind, expired)
            if self._listing is not None:
                # The list took longer than the server remembers its state, so the next one has fewer pages.
                self._page_size = min(self._page_size * 10, _LARGEST_PAGE)
            self._version = ""
            self._listing = None
        except Refused as refused:
            self._useless = self._useless + 1 if refused.useless else 0
            if self._useless > 1:
                self._useless = 0
                self._version = ""
                self._listing = None
            self._failed(refused.sentence, at_once=refused.wait > 0)
            # On top of what the server asked for, or all its clients come back in the same moment.
            return refused.wait + self._backoff.delay()
        except (TimeoutError, aiohttp.ClientError, OSError, KubedomError) as error:
            self._failed(self._broken(error))
        except _Garbled as error:
            self._failed(
                f"What the API server of {self._api.name} sends for {self._kind} cannot be read: {error}.", at_once=True
            )
        except Exception as error:
            # A defect here must not silence the kind: say so, and begin from a list.
            logger.exception("%s: reading failed", self._kind)
            self._version = ""
            self._listing = None
            self._failed(f"Reading {self._kind} failed: {type(error).__name__}.", at_once=True)
            return self._backoff.delay()
        if self.counts.lines > lines or self._clock() - begun > _STOOD:
            self._backoff.reset()
            self._useless = self._failures = 0
            if ended:
                # Its time was over; that time is random already.
                return 0.0
        return self._backoff.delay()

    async def _list(self) -> None:
        listing = self._listing
        if listing is None:
            listing = self._listing = _Listing()
        while True:
            query = {"limit": str(self._page_size)}
            if listing.token:
                query["continue"] = listing.token
            async with self._api.stream(self._path, query, inactivity=self._inactivity) as response:
                if response.status != 200:
                    raise await refusal_of(response, self._info, self._api.name)
                text = await response.read()
            self.heard = self._clock()
            self._works()
            try:
                page = self._decoder.page(text)
            except UnreadableObject as problem:
                raise _Garbled(str(problem)) from None
            del text
            for unreadable, small in page.unreadable:
                uid, version = small.metadata.uid, small.metadata.resource_version
                listing.listed.add(uid)
                if self._told.get(uid) != version:
                    self._tell_unreadable(unreadable, small)
            items = page.items or ()
            for start in range(0, len(items), _OBJECTS_A_TURN):
                self._take_items(listing, items[start : start + _OBJECTS_A_TURN])
                await asyncio.sleep(0)
            listing.version = listing.version or page.metadata.resource_version
            listing.token = page.metadata.continue_ or ""
            if not listing.token:
                break
        self._complete(listing)

    def _take_items(self, listing: _Listing, items: tuple[Any, ...]) -> None:
        told, listed = self._told, listing.listed
        for obj in items:
            metadata = obj.metadata
            uid = metadata.uid
            listed.add(uid)
            if told.get(uid) != metadata.resource_version:
                told[uid] = metadata.resource_version
                self._sink.changed(self._kind, obj)

    def _complete(self, listing: _Listing) -> None:
        """Replace what was known by what was listed."""
        # The sink may know objects of an earlier source, and need not keep all that it was told.
        for uid in (self._told.keys() | set(self._sink.known(self._kind))) - listing.listed:
            self._told.pop(uid, None)
            self._unreadable.pop(uid, None)
            self._sink.gone(self._kind, uid)
        self._listing = None
        self._page_size = self._ordinary_page_size
        self._version = listing.version
        self.counts.lists += 1
        if not self._synced:
            self._synced = True
            self._sink.synced(self._kind)

    async def _watch(self) -> None:
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            # At random, so that the watches of all kinds and clients do not end together.
            "timeoutSeconds": str(self._rng.randint(*_WATCH_SECONDS)),
        }
        async with self._api.stream(self._path, query, inactivity=self._inactivity) as response:
            if response.status != 200:
                raise await refusal_of(response, self._info, self._api.name)
            # A quiet kind of which no bookmarks come is heard of by this alone.
            self.heard = self._clock()
            self._works()
            self.counts.watches += 1
            feed, read = LineSplitter().feed, response.content.readany
            while chunk := await read():
                self.heard = self._clock()
                lines = feed(chunk)
                for start in range(0, len(lines), _OBJECTS_A_TURN):
                    self._take(lines[start : start + _OBJECTS_A_TURN])
                    # `readany` does not wait while there are bytes, and then nobody else would run.
                    await asyncio.sleep(0)

    def _take(self, lines: list[bytes]) -> None:
        """Tell of some lines; the hot loop of the whole source."""
        decode, told, changed, kind = self._decoder.line, self._told, self._sink.changed, self._kind
        for text in lines:
            try:
                line = decode(text)
            except UnreadableObject as problem:
                self._take_unreadable(problem, text)
                continue
            except WatchError as error:
                raise explain(error.status, self._info, self._api.name) from None
            obj, what = line.object, line.type
            metadata = obj.metadata
            uid, version = metadata.uid, metadata.resource_version
            if what == "DELETED":
                self._gone(uid, version)
            elif what != "BOOKMARK" and told.get(uid) != version:
                # Before the call: were the sink to fail, one object must not hold up the kind for ever.
                told[uid] = version
                changed(kind, obj)
            self._version = version
        self.counts.lines += len(lines)

    def _take_unreadable(self, problem: UnreadableObject, text: bytes) -> None:
        try:
            line: Any = msgspec.json.decode(text)
            what, body = line["type"], line["object"]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise _Garbled(str(problem)) from None
        small = minimal(self._kind, body)
        uid, version = small.metadata.uid, small.metadata.resource_version
        if what == "DELETED":
            self._gone(uid, version)
        elif what != "BOOKMARK" and self._told.get(uid) != version:
            self._tell_unreadable(problem, small)
        if version:
            self._version = version

    def _tell_unreadable(self, problem: UnreadableObject, small: Any) -> None:
        uid = small.metadata.uid
        fields = self._unreadable.setdefault(uid, set())
        if problem.field not in fields:
            fields.add(problem.field)
            self.counts.unreadable += 1
        self._told[uid] = small.metadata.resource_version
        self._sink.unreadable(problem, small)

    def _gone(self, uid: str, version: str) -> None:
        if self._told.pop(uid, None) is not None:
            self._unreadable.pop(uid, None)
            self._sink.gone(self._kind, uid, version)

    def _works(self) -> None:
        if self._trouble:
            self._trouble = ""
            self._sink.trouble(self._kind, "")

    def _failed(self, sentence: str, *, at_once: bool = False) -> None:
        """Say what is wrong, but of a failure that the next attempt may mend only if that fails too."""
        self._failures += 1
        if (at_once or self._failures > 1) and sentence != self._trouble:
            self._trouble = sentence
            self._sink.trouble(self._kind, sentence)

    def _broken(self, error: Exception) -> str:
        if isinstance(error, KubedomError):
            return error.message
        if isinstance(error, TimeoutError):
            return f"The API server of {self._api.name} was silent for {self._inactivity:g} s."
        return f"The connection to the API server of {self._api.name} broke: {str(error) or type(error).__name__}."


def _path(info: KindInfo, namespace: str | None) -> str:
    if namespace is None or not info.namespaced:
        return info.path
    return f"{info.path.removesuffix(info.plural)}namespaces/{namespace}/{info.plural}"
