"""Limits on connections: what is counted, for how long, and who is told what."""

from __future__ import annotations

import pytest

from doorward.errors import NoRoom
from doorward.proxy.admission import FILES_APART, Admission, Limits

LIMITS = Limits(sessions=3, sessions_of_one=2, signing_in=4, signing_in_from_one=2)


def test_sessions_are_counted_from_the_proof_on() -> None:
    """Then a place among those who sign in is free again."""
    admission = Admission(LIMITS)
    for round_trip in range(20):
        admission.knock(round_trip, "10.0.0.1")
        admission.enter(round_trip, "alice")
        assert (admission.knocking, admission.inside) == (0, 1)
        admission.leave(round_trip)
        admission.leave(round_trip)
    assert (admission.knocking, admission.inside) == (0, 0)


def test_one_principal_can_not_take_all() -> None:
    """The third is told so; another principal gets in; then there is no room for anybody."""
    admission = Admission(LIMITS)
    for who, principal in enumerate(["alice", "alice", "bob"]):
        admission.knock(who, "10.0.0.1")
        admission.enter(who, principal)
    admission.leave(0)
    admission.knock(5, "10.0.0.1")
    admission.enter(5, "alice")
    admission.knock(6, "10.0.0.1")
    with pytest.raises(NoRoom, match="There are 3 sessions") as raised:
        admission.enter(6, "carol")
    assert raised.value.sqlstate == "53300"
    assert raised.value.remedy
    admission.leave(2)
    with pytest.raises(NoRoom, match="You have 2 sessions"):
        admission.enter(6, "alice")
    admission.enter(6, "carol")


def test_one_address_can_not_take_all() -> None:
    """Nor can strangers together take more than what is theirs; sessions don't count among them."""
    admission = Admission(LIMITS)
    for who in range(LIMITS.sessions - 1):
        admission.knock(f"session {who}", "10.0.0.1")
        admission.enter(f"session {who}", f"{who}")
    for who, address in enumerate(["10.0.0.1", "10.0.0.1", "10.0.0.2"]):
        admission.knock(who, address)
    with pytest.raises(NoRoom, match="this address"):
        admission.knock(9, "10.0.0.1")
    admission.knock(3, "10.0.0.3")
    with pytest.raises(NoRoom, match="are signing in"):
        admission.knock(9, "10.0.0.4")
    admission.leave(9)
    admission.leave(0)
    admission.knock(9, "10.0.0.1")


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("local", "local", True),
    ],
)
def test_what_counts_as_one_address(first: str, second: str, is_one: bool) -> None:
    """A /64 of IPv6 is one household; IPv4 in IPv6's clothes is IPv4."""
    admission = Admission(Limits(signing_in_from_one=1))
    admission.knock(1, first)
    if is_one:
        with pytest.raises(NoRoom):
            admission.knock(2, second)
    else:
        admission.knock(2, second)


@pytest.mark.parametrize(("open_files", "sessions"), [(1 << 20, 2_000), (1_024, (1_024 - 500 - FILES_APART) // 2), (64, 1)])
def test_there_are_never_more_sessions_than_files(open_files: int, sessions: int) -> None:
    """Each takes two."""
    assert Limits().within(open_files).sessions == sessions
