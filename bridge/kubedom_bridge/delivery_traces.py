"""The bridge's part of the traces: `deliver`, from the journal to the sockets, and `seen`, until listeners ran.

In come the records of each flush and what pages acknowledge; out go spans. Which record is traced is read from the end
of what was encoded, so that it is the same whether the journal is this process's own or came from afar. A page can
acknowledge only what was delivered here in the last minute, and once; the rest is passed over, for it says nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from weakref import WeakSet

from .records import Record
from .traces import Span, Traces
from .view import View

#: How many deliveries are remembered, and for how many seconds.
REMEMBERED = 1000
REMEMBERED_SECONDS = 60.0
#: How many pages of a trace are told of one by one.
PAGES_A_TRACE = 100
# The last field of an event that is not told late.
_TRACED = re.compile(rb',"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"\}\Z')
_LONGEST = 80


class TracedDelivery:
    """An event that is being written to sockets."""

    __slots__ = ("_pages", "_record", "_span", "traceparent")

    def __init__(self, record: Record, traceparent: str, span: Span) -> None:
        self._record = record
        self._span = span
        self._pages = 0
        self.traceparent = traceparent

    def count(self, view: View, written: int) -> None:
        """Count the sockets that a frame of this view was written to."""
        if written and view.admits(self._record):
            self._pages += written

    def end(self, moment: float) -> str:
        """Tell it, and give its `traceparent`."""
        self._span.end(moment, {"kubedom.pages": self._pages})
        return self._span.traceparent


class _Delivered:
    """An event that was written, and who has acknowledged it; whoever is gone need not be remembered."""

    __slots__ = ("moment", "pages", "span", "told")

    def __init__(self, moment: float, span: str) -> None:
        self.moment = moment
        self.span = span
        self.pages: WeakSet[object] = WeakSet()
        self.told = 0


class DeliveryTraces:
    """Tells what happens to traced events from the journal on.

    Args:
        traces: Where spans go.
        journal_clock: The journal's: what its records' `published` is by.
        clock: Seconds since the epoch.

    """

    def __init__(
        self, traces: Traces, *, journal_clock: Callable[[], float], clock: Callable[[], float] = time.time
    ) -> None:
        self._traces = traces
        self._journal_clock = journal_clock
        self._clock = clock
        # In the order of delivery.
        self._delivered: dict[str, _Delivered] = {}

    def begin(self, records: Iterable[Record]) -> list[TracedDelivery]:
        """Begin a `deliver` for each traced event of a flush."""
        begun = []
        for record in records:
            found = _TRACED.search(record.encoded[-_LONGEST:]) if record.op == "event" else None
            if found is not None:
                traceparent = found[1].decode()
                published = self._clock() - (self._journal_clock() - record.published)
                span = self._traces.begin("deliver", published, parent=traceparent)
                begun.append(TracedDelivery(record, traceparent, span))
        return begun

    def end(self, deliveries: Iterable[TracedDelivery]) -> None:
        """End them: all was written that could be."""
        now = self._clock()
        for each in deliveries:
            if span := each.end(now):
                self._delivered[each.traceparent] = _Delivered(now, span)
        delivered = self._delivered
        for oldest in tuple(delivered):
            if len(delivered) <= REMEMBERED and now - delivered[oldest].moment <= REMEMBERED_SECONDS:
                break
            del delivered[oldest]

    def seen(self, traceparents: Iterable[str], page: object) -> None:
        """Tell that a page's listeners have been told of these events."""
        now = self._clock()
        for each in traceparents:
            delivered = self._delivered.get(each)
            if (
                delivered is None
                or page in delivered.pages
                or delivered.told >= PAGES_A_TRACE
                or now - delivered.moment > REMEMBERED_SECONDS
            ):
                continue
            delivered.pages.add(page)
            delivered.told += 1
            self._traces.begin("seen", delivered.moment, parent=delivered.span).end(now)
