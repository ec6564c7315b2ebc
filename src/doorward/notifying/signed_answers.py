"""Answers that a trusted system brings in signed calls: believed only if its own, new, and of somebody it may speak for.

What was taken once is not taken again, not even after a restart: nothing is believed that may have been signed before
Doorward started.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Mapping

import msgspec

from doorward.errors import AuthenticationFailed, InvalidRequest, NotPermitted
from doorward.notifying.receivers import EXAMPLES, Answerer
from doorward.notifying.signing import is_signed, key_of

# How old a call may be, and how far the other clock may be ahead.
OLDEST_SECONDS = 300
AHEAD_SECONDS = 5
MOST_REMEMBERED = 10_000
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class BroughtAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call says: *person* answers *request*, and why."""

    request: str
    person: str
    approve: bool
    reason: str


class SignedAnswers:
    """Judges calls of *answerers*. Remembers which it took; while there is no room for more, it takes none."""

    def __init__(self, answerers: tuple[Answerer, ...], now_us: Callable[[], int], most: int = MOST_REMEMBERED) -> None:
        self._answerers = {each.name: each for each in answerers}
        self._now_us = now_us
        self._since_s = now_us() / 1_000_000
        self._most = most
        self._used: set[tuple[str, str]] = set()
        self._by_end: list[tuple[float, tuple[str, str]]] = []

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> BroughtAnswer:
        """The answer that a call brings under *name*; the same call is refused from then on. *headers* have small names.

        Raises AuthenticationFailed for what is not proven to be the answerer's and new, without saying what is wrong;
        InvalidRequest for a body that makes no sense; NotPermitted for a person that it may not speak for.
        """
        answerer = self._answerers.get(name)
        message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if answerer is None or not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(at):
            raise _unproven("there is no such answerer, or no good webhook-id and webhook-timestamp")
        if not is_signed(key_of(name, answerer.secret()), message_id, int(at), headers, body):
            raise _unproven("the signature is wrong")
        self._use(name, message_id, int(at))
        try:
            answer = msgspec.json.decode(body, type=BroughtAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"The answer can't be read: {error}.", EXAMPLES) from None
        if answer.person not in answerer.people:
            raise NotPermitted(f"{name} may not speak for {answer.person[:63]!r}.", "notify.toml names whom it may.")
        return answer

    def _use(self, name: str, message_id: str, at_s: int) -> None:
        now_s = self._now_us() / 1_000_000
        if not now_s - OLDEST_SECONDS <= at_s <= now_s + AHEAD_SECONDS:
            raise _unproven("it is too old, or from the future")
        if at_s <= self._since_s + AHEAD_SECONDS:
            raise _unproven("it may have been brought before Doorward started")
        while self._by_end and self._by_end[0][0] < now_s:
            self._used.discard(heapq.heappop(self._by_end)[1])
        key = (name, message_id)
        if key in self._used:
            raise _unproven("it was brought before")
        if len(self._used) >= self._most:
            raise _unproven("there are more calls than can be remembered")
        self._used.add(key)
        heapq.heappush(self._by_end, (at_s + OLDEST_SECONDS, key))


def _unproven(reason: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "This call is not proven.", "Sign it anew, with the time of now and an id of its own.", reason=reason
    )
