"""A token that may be used once is refused the second time."""

from __future__ import annotations

import pytest

from doorward.authentication.replays import Replays
from doorward.authentication.tokens import Flaw, TokenRefused, VerifiedToken

NOW = 1_800_000_000.0


def token(token_id: str = "one", issued: float = NOW, lives: int = 300, digest: str = "d1") -> VerifiedToken:
    return VerifiedToken("https://issuer.example", "sub", token_id, int(issued), int(issued) + lives, {}, digest)


def is_used(replays: Replays, shown: VerifiedToken, now: float = NOW) -> bool:
    try:
        replays.use(shown, now)
    except TokenRefused as refused:
        return refused.flaw is Flaw.REPLAYED
    return False


def test_the_second_use_is_refused() -> None:
    """By the id that the issuer gave it, or by its digest where it has none."""
    replays = Replays(NOW - 10)
    assert not is_used(replays, token())
    assert is_used(replays, token(digest="signed anew"))
    assert not is_used(replays, token("two"))
    assert not is_used(replays, token("", digest="d2"))
    assert is_used(replays, token("", digest="d2"))
    assert not is_used(replays, token("", digest="d3"))


def test_what_was_issued_before_the_start_is_refused() -> None:
    """It may have been used with the process of before, which remembers nothing."""
    assert is_used(Replays(NOW), token(issued=NOW - 1))


def test_a_full_memory_forgets_nothing_that_could_come_again() -> None:
    """New ones are refused until old ones have expired, with every skew that could be allowed."""
    replays = Replays(NOW, most=2)
    assert not is_used(replays, token("one"))
    assert not is_used(replays, token("two"))
    assert is_used(replays, token("three"))
    assert is_used(replays, token("one"), NOW + 599)
    assert not is_used(replays, token("three", issued=NOW + 601), NOW + 601)


def test_issuers_do_not_share_ids() -> None:
    """One can't use up another's."""
    replays = Replays(NOW)
    replays.use(token(), NOW)
    replays.use(VerifiedToken("https://other.example", "sub", "one", int(NOW), int(NOW) + 300, {}, "d"), NOW)
    with pytest.raises(TokenRefused):
        replays.use(token(), NOW)
