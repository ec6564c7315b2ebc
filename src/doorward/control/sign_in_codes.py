"""Codes by which a sign-in passes from a browser to the command line beside it, and questions that wait at the provider's.

In memory, each good once and for a short time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from doorward.control.operators import Operator
from doorward.errors import AuthenticationFailed

T = TypeVar("T")
# A bound on memory: strangers may begin signing in as often as they like.
MOST_WAITING = 1_000
CODE_SECONDS = 60
QUESTION_SECONDS = 600
_SECOND_US = 1_000_000


class Waiting(Generic[T]):
    """Values by a name that nobody can guess, for *seconds*. The oldest makes room for the newest."""

    def __init__(self, now: Callable[[], int], seconds: int) -> None:
        self._now = now
        self._seconds = seconds
        self._kept: dict[str, tuple[int, T]] = {}

    def put(self, value: T, name: str = "") -> str:
        """Keep *value*; the name to ask for it by."""
        if len(self._kept) >= MOST_WAITING:
            self._kept.pop(next(iter(self._kept)))
        name = name or secrets.token_urlsafe(32)
        self._kept[name] = (self._now() + self._seconds * _SECOND_US, value)
        return name

    def take(self, name: str) -> T | None:
        """The value, once."""
        ends_us, value = self._kept.pop(name, (0, None))
        return value if self._now() < ends_us else None

    def look(self, name: str) -> T | None:
        """The value, which stays."""
        ends_us, value = self._kept.get(name, (0, None))
        return value if self._now() < ends_us else None


@dataclass(frozen=True, slots=True)
class _Code:
    by: Operator
    challenge: str


class Codes:
    """Codes for command lines, bound to the one that asked (PKCE, RFC 7636: it alone has the verifier)."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._waiting: Waiting[_Code] = Waiting(now, CODE_SECONDS)

    def give(self, by: Operator, challenge: str) -> str:
        """A code for whoever has the verifier of *challenge*."""
        return self._waiting.put(_Code(by, challenge))

    def take(self, code: str, verifier: str) -> Operator:
        """Who gave *code*. Raises AuthenticationFailed; a code that was tried is used up."""
        found = self._waiting.take(code)
        shown = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode(errors="surrogatepass")).digest()).rstrip(b"=")
        if found is None or not hmac.compare_digest(shown, found.challenge.encode()):
            raise AuthenticationFailed("The code is not good, or not any more.", "Begin again: doorward login")
        return found.by
