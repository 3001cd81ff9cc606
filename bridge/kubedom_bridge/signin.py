"""Sign-in of the one user on this machine, as Jupyter does it: a random link that works once, then a cookie.

The link is printed to the terminal of whoever started kubedom, so having it proves being that user. Opening it gives
the browser a session; the cookie is HttpOnly and SameSite=Strict and dies with the process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

CODE_SECONDS = 3600.0
SESSION_SECONDS = 24 * 3600.0
MAX_SESSIONS = 100


class LocalSignIn:
    """One-time codes and the sessions that they were exchanged for.

    Args:
        clock: Monotonic seconds.

    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, float] = {}

    def new_code(self) -> str:
        """Make a code for one sign-in within the hour."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = self._clock() + CODE_SECONDS
        return code

    def exchange(self, code: str) -> str | None:
        """Give a session for a code, once; None where the code is unknown, used or too old."""
        expires = self._codes.pop(code, None)
        if expires is None or expires < self._clock():
            return None
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(32)
        self._sessions[session] = self._clock() + SESSION_SECONDS
        return session

    def is_signed_in(self, session: str | None) -> bool:
        """Whether a cookie's value is a session that still lives."""
        return session is not None and self._sessions.get(session, float("-inf")) > self._clock()

    def end(self, session: str | None) -> None:
        """Sign this session out."""
        if session is not None:
            self._sessions.pop(session, None)
