"""What one page is told: its subscriptions, the snapshot or the replay that each begins with, and its user's rights.

In come `subscribe` messages and rights, out go messages on the page's socket; what is live comes from `delivery.py`.
From the moment that rights change nothing more is told by the former ones, also of a snapshot that is under way.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from . import frames
from .arrivals import Arrivals
from .delivery import Channel, Delivery, Subscriber
from .errors import CommandRefused
from .metrics import Metrics
from .protocol import Filter, Position, Subscribe
from .records import Ledger
from .snapshots import Snapshots
from .view import NO_RIGHTS, Rights, View, epoch_of

MOST = 16
_REASONS = {
    "tooOld": "the missed events are no longer kept",
    "epoch": "kubedom was restarted",
    "rights": "what you may see has changed",
}


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What the subscriptions of all pages share."""

    journal: Ledger
    delivery: Delivery
    snapshots: Snapshots
    arrivals: Arrivals
    metrics: Metrics


class Page(Channel, Protocol):
    """What subscriptions need of a page's socket."""

    def send(self, message: bytes) -> None:
        """Write one message."""

    async def drain(self) -> None:
        """Wait until the socket takes more."""


class Subscriptions:
    """The subscriptions of one page, by their ids."""

    def __init__(self, page: Page, telling: Telling) -> None:
        self._page = page
        self._telling = telling
        self._rights: Rights = NO_RIGHTS
        self._subscribers: dict[str, Subscriber] = {}
        # What is to be told anew since rights have changed.
        self._untold: dict[str, Filter] = {}
        # One at a time, so that two of one id do not both go on.
        self._beginning = asyncio.Lock()

    @property
    def epoch(self) -> str:
        """The run of the journal as this page is told of it."""
        return epoch_of(self._telling.journal.epoch, self._rights)

    def check(self, message: Subscribe) -> None:
        """Refuse what cannot be subscribed to; what is told so far stays as it is.

        Raises:
            BadSelector: where the filter's label selector cannot be read.
            CommandRefused: where there are too many subscriptions.

        """
        View(message.filter)
        others = (self._subscribers.keys() | self._untold.keys()) - {message.id}
        if len(others) >= MOST:
            raise CommandRefused(
                "tooMany", f"A socket has at most {MOST} subscriptions.", remedy="End one.", field="id"
            )

    async def begin(self, message: Subscribe) -> None:
        """Begin one, in the place of the one that has its id."""
        telling = self._telling
        async with self._beginning:
            self._stop(message.id)
            await telling.arrivals.enter()
            if message.since is not None:
                if message.since.epoch == self.epoch:
                    await telling.journal.reached(message.since.sequence)
                refusal = self._refuse_resume(message.since)
                if refusal is None:
                    telling.metrics.resumes.inc()
                    view = View(message.filter, self._rights)
                    self._subscribers[message.id] = telling.delivery.resume(
                        self._page, view, message.since.sequence, message.id, replayed=True
                    )
                    return
                self._resync(refusal, message.id)
            await self._snapshot(message.id, message.filter)

    async def end(self, name: str) -> None:
        """End one."""
        async with self._beginning:
            self._stop(name)

    def apply(self, rights: Rights) -> bool:
        """Tell nothing more by the former rights from now on; whether there is something for `tell_anew`."""
        if rights == self._rights:
            return False
        self._rights = rights
        for name, subscriber in tuple(self._subscribers.items()):
            self._stop(name)
            self._untold[name] = subscriber.view.filter
        return bool(self._untold)

    async def tell_anew(self) -> None:
        """Begin again, by the present rights, what was told by former ones."""
        async with self._beginning:
            while self._untold:
                name, wanted = self._untold.popitem()
                self._resync("rights", name)
                await self._snapshot(name, wanted)

    def drained(self) -> None:
        """Tell what could not be told while the page did not read; called when its socket has drained."""
        for subscriber in tuple(self._subscribers.values()):
            self._telling.delivery.drained(subscriber)

    def close(self) -> None:
        """Tell nothing more."""
        for name in tuple(self._subscribers):
            self._stop(name)

    def _stop(self, name: str) -> None:
        self._untold.pop(name, None)
        subscriber = self._subscribers.pop(name, None)
        if subscriber is not None:
            self._telling.delivery.remove(subscriber)

    def _refuse_resume(self, since: Position) -> str | None:
        """Say why what was missed cannot be told, as a key of `_REASONS`; None where it can."""
        journal = self._telling.journal
        if since.epoch == self.epoch:
            return None if journal.replay(since.sequence) is not None else "tooOld"
        return "rights" if since.epoch.partition("-")[0] == journal.epoch else "epoch"

    def _resync(self, why: str, name: str) -> None:
        self._telling.metrics.resyncs.labels(why).inc()
        self._page.send(frames.resync(_REASONS[why], name))

    async def _snapshot(self, name: str, wanted: Filter) -> None:
        telling = self._telling
        while True:
            view = View(wanted, self._rights)
            snapshot = await telling.snapshots.of(view, name, compressed=self._page.compressed)
            telling.metrics.snapshots.inc()
            for frame in snapshot.frames:
                # A page can take minutes to read it, and may see less by then.
                if self._rights != view.rights:
                    break
                telling.metrics.bytes.inc(len(frame))
                self._page.write(frame)
                await self._page.drain()
            if self._rights == view.rights:
                break
            self._resync("rights", name)
        # Whatever was published while it drained is fetched from the journal, as for any page that is behind.
        self._subscribers[name] = telling.delivery.resume(self._page, view, snapshot.sequence, name)
