"""Tokens that may be used once: which of them were. In memory, bounded, and forgetting nothing that could come again."""

from __future__ import annotations

import heapq

from doorward.authentication.tokens import MOST_LEEWAY_SECONDS, Flaw, TokenRefused, VerifiedToken

MOST_REMEMBERED = 100_000


class Replays:
    """Tokens used since *since_s*. One that was issued before that may have been used already, and is refused.

    Only tokens whose signature holds are counted, so that nobody but a trusted issuer can fill the memory; once it is full,
    new ones are refused and no old one is forgotten.
    """

    def __init__(self, since_s: float, most: int = MOST_REMEMBERED) -> None:
        self._since_s = since_s
        self._most = most
        self._used: set[tuple[str, str]] = set()
        self._by_end: list[tuple[float, tuple[str, str]]] = []

    def use(self, token: VerifiedToken, now_s: float) -> None:
        """Count *token* as used. Raises TokenRefused when it was before, or when nobody can tell."""
        while self._by_end and self._by_end[0][0] <= now_s:
            self._used.discard(heapq.heappop(self._by_end)[1])
        if token.issued_s < int(self._since_s):
            raise TokenRefused(Flaw.REPLAYED, "it was issued before Doorward started")
        # The issuer's own name for it where there is one: a token can be signed twice over.
        name = (token.issuer, token.token_id or token.digest)
        if name in self._used:
            raise TokenRefused(Flaw.REPLAYED)
        if len(self._used) >= self._most:
            raise TokenRefused(Flaw.REPLAYED, "more single-use tokens than can be remembered")
        self._used.add(name)
        heapq.heappush(self._by_end, (token.expires_s + MOST_LEEWAY_SECONDS, name))
