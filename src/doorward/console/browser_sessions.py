"""Who is signed in with a browser. In memory: a restart signs everyone out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from doorward.control.operators import Operator
from doorward.errors import AuthenticationFailed

COOKIE = "doorward_session"
LIFETIME_US = 12 * 3_600_000_000
# A bound on memory; the oldest is signed out.
SESSIONS = 1000


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A signed-in browser. *csrf* is in every form of it."""

    by: Operator
    csrf: str
    ends_us: int

    def owns(self, csrf: str) -> bool:
        """Whether a form with *csrf* is one of this session's."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


class BrowserSessions:
    """Sessions by the digest of their cookie: what is in memory opens nothing."""

    def __init__(self, proven_still: Callable[[Operator], Operator], now: Callable[[], int]) -> None:
        self._proven_still = proven_still
        self._now = now
        self._by_digest: dict[bytes, BrowserSession] = {}

    def start(self, by: Operator) -> str:
        """Start a session and return its cookie."""
        if len(self._by_digest) >= SESSIONS:
            self._by_digest.pop(next(iter(self._by_digest)))
        cookie = secrets.token_urlsafe(32)
        self._by_digest[_digest(cookie)] = BrowserSession(by, secrets.token_urlsafe(24), self._now() + LIFETIME_US)
        return cookie

    def of(self, cookie: str) -> BrowserSession | None:
        """The session of *cookie*, with the rights of now; None once it or the secret behind it has ended."""
        session = self._by_digest.get(_digest(cookie))
        if session is None:
            return None
        try:
            by = self._proven_still(session.by)
        except AuthenticationFailed:
            by = None
        if by is None or self._now() >= session.ends_us:
            self.end(cookie)
            return None
        return BrowserSession(by, session.csrf, session.ends_us)

    def end(self, cookie: str) -> None:
        """Sign out."""
        self._by_digest.pop(_digest(cookie), None)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
