"""When a bridge ends, everybody is told to come back, not all at once, and it ends in time."""

from __future__ import annotations

import asyncio
import re

from kubedom_bridge.drain import GOODBYE_SECONDS, PER_SECOND, drain


class Guest:
    """A session; a `rude` one never answers the close frame."""

    def __init__(self, *, rude: bool = False) -> None:
        self.rude = rude
        self.code = 0
        self.hint = 0.0
        self.at = 0.0
        self.aborted = False

    async def close(self, code: int, reason: str) -> None:
        found = re.search(r"retry after ([\d.]+) s", reason)
        assert found is not None
        self.code, self.hint, self.at = code, float(found[1]), asyncio.get_running_loop().time()
        if self.rude:
            await asyncio.get_running_loop().create_future()

    def abort(self) -> None:
        self.aborted = True


async def test_all_are_told_in_turn_and_each_when_to_come_back() -> None:
    guests = [Guest() for _ in range(PER_SECOND)]
    await drain(guests, 0.2)
    assert {guest.code for guest in guests} == {1012}
    assert [guest.at for guest in guests] == sorted(guest.at for guest in guests)
    assert guests[-1].at - guests[0].at > 0.1
    assert all(0.5 <= guest.hint <= 1.2 for guest in guests)
    assert len({guest.hint for guest in guests}) > 1
    assert not any(guest.aborted for guest in guests)


async def test_who_does_not_go_is_cut_off() -> None:
    rude, polite = Guest(rude=True), Guest()
    async with asyncio.timeout(GOODBYE_SECONDS + 10):
        await drain([rude, polite], 0.0)
    assert rude.aborted
    assert not polite.aborted


async def test_an_empty_house_ends_at_once() -> None:
    async with asyncio.timeout(5):
        await drain([], 60.0)
