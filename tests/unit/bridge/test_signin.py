"""A link works once and in time; a session lives for a day."""

from __future__ import annotations

import pytest

from kubedom_bridge.signin import CODE_SECONDS, MAX_SESSIONS, SESSION_SECONDS, LocalSignIn


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signin(clock: Clock) -> LocalSignIn:
    return LocalSignIn(clock=clock)


def test_a_code_is_exchanged_once(signin: LocalSignIn) -> None:
    code = signin.new_code()
    session = signin.exchange(code)
    assert session is not None
    assert signin.is_signed_in(session)
    assert signin.exchange(code) is None
    assert signin.is_signed_in(session)


def test_each_code_gives_a_session_of_its_own(signin: LocalSignIn) -> None:
    codes = [signin.new_code(), signin.new_code()]
    assert len({*codes, *(signin.exchange(code) for code in codes)}) == 4


@pytest.mark.parametrize("code", ["", "guess", "None"])
def test_an_unknown_code_gives_nothing(signin: LocalSignIn, code: str) -> None:
    assert signin.exchange(code) is None


@pytest.mark.parametrize("session", [None, "", "guess"])
def test_an_unknown_session_is_none(signin: LocalSignIn, session: str | None) -> None:
    signin.exchange(signin.new_code())
    assert not signin.is_signed_in(session)


def test_a_code_is_no_session(signin: LocalSignIn) -> None:
    assert not signin.is_signed_in(signin.new_code())


def test_a_code_is_too_old_after_an_hour(signin: LocalSignIn, clock: Clock) -> None:
    code = signin.new_code()
    clock.now = CODE_SECONDS + 1
    assert signin.exchange(code) is None
    clock.now = 0
    assert signin.exchange(code) is None


def test_a_session_ends_after_a_day(signin: LocalSignIn, clock: Clock) -> None:
    session = signin.exchange(signin.new_code())
    clock.now = SESSION_SECONDS - 1
    assert signin.is_signed_in(session)
    clock.now = SESSION_SECONDS
    assert not signin.is_signed_in(session)


def test_the_oldest_session_makes_room(signin: LocalSignIn) -> None:
    sessions = [signin.exchange(signin.new_code()) for _ in range(MAX_SESSIONS + 1)]
    assert [signin.is_signed_in(one) for one in sessions] == [False] + [True] * MAX_SESSIONS
