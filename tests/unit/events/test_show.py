"""What is open comes first, then what happens; and it is known when it is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from tests.unit.bridge.entries import event

from kubedom_operator.events.asked import read_until
from kubedom_operator.events.items import Event, Gap, Item, Listed, Over
from kubedom_operator.events.lines import Lines
from kubedom_operator.events.show import show

from .told import told


def opening(name: str) -> Event:
    return told(event(name, phase="begin"), opening=True)


@dataclass
class Shown:
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    closed: bool = False

    async def source(self, items: list[Item]) -> AsyncGenerator[Item]:
        try:
            for item in items:
                yield item
        finally:
            self.closed = True

    async def of(self, *items: Item, follow: bool = True, until: str = "") -> bool:
        return await show(
            self.source(list(items)),
            Lines("name"),
            follow=follow,
            until=read_until(until, ()) if until else None,
            write=self.lines.append,
            note=self.notes.append,
        )


async def test_a_list_ends_with_what_is_open() -> None:
    shown = Shown()
    assert not await shown.of(opening("a"), opening("b"), Listed(), told(event("c")), follow=False)
    assert (shown.lines, shown.notes, shown.closed) == (["pod/a", "pod/b"], [], True)


async def test_that_nothing_is_open_is_said_and_not_written() -> None:
    shown = Shown()
    await shown.of(Listed(), follow=False)
    assert (shown.lines, shown.notes) == ([], ["No failure is open."])


async def test_following_goes_on_and_says_what_was_missed() -> None:
    shown = Shown()
    await shown.of(opening("a"), Listed(), told(event("b")), Gap("it was away"), opening("c"), Over(1), Listed())
    assert shown.lines == ["pod/a", "pod/b", "pod/c"]
    assert shown.notes == ["Of the failures above, 1 is over by now."]


async def test_it_ends_when_what_is_waited_for_has_come() -> None:
    for items in (
        [Listed(), told(event("x")), told(event("web-1", "podRecovered")), told(event("y"))],
        [told(event("x", "podRecovered", phase="begin"), opening=True), Listed(), told(event("y"))],
    ):
        shown = Shown()
        assert await shown.of(*items, until="podRecovered")
        assert shown.closed
        assert "pod/y" not in shown.lines
    assert not await Shown().of(Listed(), told(event("x")), until="podRecovered")
