"""From a source's items to lines, until what is waited for has come.

In come items and where lines go, out comes whether what was waited for came. Pure but for the order in which it asks
and writes.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable

from .asked import Until
from .items import Event, Item, Listed, Over
from .lines import Lines


async def show(
    items: AsyncGenerator[Item],
    lines: Lines,
    *,
    follow: bool,
    until: Until | None,
    write: Callable[[str], None],
    note: Callable[[str], None],
) -> bool:
    """Write what is told.

    Args:
        items: What a source tells.
        lines: How it is written.
        follow: Whether to go on after what is open.
        until: The event to end with; None to end with none.
        write: Takes a line.
        note: Takes a sentence for whoever watches.

    Returns:
        Whether it came.

    """
    opening: list[Event] = []
    first = True
    async with contextlib.aclosing(items) as told:
        async for item in told:
            if isinstance(item, Event) and item.opening:
                opening.append(item)
            elif isinstance(item, Event):
                if (line := lines.one(item)) is not None:
                    write(line)
                if until is not None and until.met_by(item.entry):
                    return True
            elif isinstance(item, Over):
                note(f"Of the failures above, {item.failures} {'is' if item.failures == 1 else 'are'} over by now.")
            elif isinstance(item, Listed):
                for line in lines.all_of(opening):
                    write(line)
                if until is not None and any(until.met_by(event.entry) for event in opening):
                    return True
                if not follow:
                    if not opening:
                        note("No failure is open.")
                    return False
                if first and not opening:
                    note("No failure is open; what happens is written here.")
                opening, first = [], False
    return False
