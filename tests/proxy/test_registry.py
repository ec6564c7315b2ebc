"""Live sessions: who may cancel them, and whose are ended."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.proxy.registry import Registry

ALICE = Principal("prn_alice", PrincipalKind.HUMAN, "alice")
ETL = Principal("prn_etl", PrincipalKind.SERVICE, "etl")
BOT = Principal("prn_bot", PrincipalKind.AGENT, "bot", (), "alice")
SUB_BOT = Principal("prn_sub", PrincipalKind.AGENT, "sub-bot", (), "bot")


@dataclass(eq=False)
class Live:
    """A session that remembers what was done to it."""

    identity: Identity | None = None
    cancelled: int = 0
    ended: list[str] = field(default_factory=list)

    def cancel(self) -> None:
        self.cancelled += 1

    def end(self, reason: str) -> None:
        self.ended.append(reason)


def a_registry() -> Registry:
    """Keys count up from one."""
    counter = itertools.count(1)
    return Registry(lambda length: next(counter).to_bytes(length, "big"))


def test_the_right_key_cancels_what_the_session_runs() -> None:
    """And nobody else's."""
    registry, live, other = a_registry(), Live(), Live()
    process_id, key = registry.enter(live)
    assert len(key) == 4
    assert len(registry.enter(other, 32)[1]) == 32
    assert registry.cancel(process_id, key)
    assert (live.cancelled, other.cancelled) == (1, 0)


@pytest.mark.parametrize("wrong", [b"", b"\0", b"\0\0\0\3", b"\0\0\0\2\0", b"\0\0\0", b"\xff" * 4, b"\xff" * 256])
def test_a_wrong_key_cancels_nothing(wrong: bytes) -> None:
    """Shorter and longer ones neither: a prefix is not a key."""
    registry, live = a_registry(), Live()
    process_id, key = registry.enter(live)
    assert key != wrong
    assert not registry.cancel(process_id, wrong)
    assert live.cancelled == 0


def test_an_unknown_process_id_cancels_nothing() -> None:
    """With whichever key."""
    registry, live = a_registry(), Live()
    process_id, key = registry.enter(live)
    assert not registry.cancel(process_id + 1, key)
    assert live.cancelled == 0


def test_who_left_can_not_be_cancelled() -> None:
    """The key is good for as long as the session; leaving twice is no harm."""
    registry, live = a_registry(), Live()
    process_id, key = registry.enter(live)
    registry.leave(process_id)
    registry.leave(process_id)
    assert len(registry) == 0
    assert not registry.cancel(process_id, key)
    assert live.cancelled == 0


def test_no_two_sessions_share_a_process_id_and_none_has_zero() -> None:
    """Dice that fall on zero, on a taken id or on a negative one are rolled again or made positive."""
    rolls = iter([b"\0\0\0\0", b"\0\0\0\5", b"AAAA", b"\0\0\0\5", b"\x80\0\0\5", b"\x80\0\0\6", b"BBBB"])
    registry = Registry(lambda length: next(rolls))
    assert registry.enter(Live()) == (5, b"AAAA")
    assert registry.enter(Live()) == (6, b"BBBB")


PEOPLE = {
    "alice": Identity(ALICE, (), "scram", "cred_alice"),
    "bot": Identity(ALICE, (BOT,), "scram", "cred_bot"),
    "sub": Identity(ALICE, (BOT, SUB_BOT), "scram", "cred_sub"),
    "etl": Identity(ETL, (), "scram", "cred_etl"),
    "nobody yet": None,
}


@pytest.mark.parametrize(
    ("principal_id", "credential_id", "ended"),
    [
        ("prn_alice", "", {"alice", "bot", "sub"}),
        ("prn_bot", "", {"bot", "sub"}),
        ("prn_sub", "", {"sub"}),
        ("prn_etl", "", {"etl"}),
        ("", "cred_bot", {"bot"}),
        ("prn_etl", "cred_bot", {"bot", "etl"}),
        ("prn_bot", "cred_bot", {"bot", "sub"}),
        ("alice", "", set()),
        ("", "", set()),
        ("prn_unknown", "cred_unknown", set()),
    ],
)
def test_revoking_ends_every_session_in_whose_chain_it_is(principal_id: str, credential_id: str, ended: set[str]) -> None:
    """Anywhere in the chain, or by one credential; told why once, and counted."""
    registry = a_registry()
    sessions = {name: Live(identity) for name, identity in PEOPLE.items()}
    for live in sessions.values():
        registry.enter(live)
    assert registry.revoke(principal_id, credential_id, "gone") == len(ended)
    assert {name for name, live in sessions.items() if live.ended == ["gone"]} == ended
    assert all(live.ended in ([], ["gone"]) for live in sessions.values())


def test_a_credential_without_an_id_is_not_everybodys() -> None:
    """An empty id revokes nothing, though a session's own be empty."""
    registry, live = a_registry(), Live(Identity(ALICE, (), "trust", ""))
    registry.enter(live)
    assert registry.revoke("", "", "gone") == 0
    assert live.ended == []


def test_sessions_may_leave_while_they_are_revoked() -> None:
    """A session that ends takes itself out at once."""
    registry = a_registry()

    class Leaving(Live):
        process_id = 0

        def end(self, reason: str) -> None:
            super().end(reason)
            registry.leave(self.process_id)

    sessions = [Leaving(PEOPLE["alice"]) for _ in range(3)]
    for live in sessions:
        live.process_id, _key = registry.enter(live)
    assert registry.revoke("prn_alice", "", "gone") == 3
    assert len(registry) == 0
    assert [live.ended for live in sessions] == [["gone"]] * 3


def test_the_process_id_is_the_upstreams_unless_another_session_has_it() -> None:
    """Two servers may have processes of one number; no client may cancel by the other's."""
    registry, live, other = a_registry(), Live(), Live()
    process_id, key = registry.enter(live, process_id=4711)
    assert process_id == 4711
    another, its_key = registry.enter(other, process_id=4711)
    assert another not in (0, 4711)
    assert registry.cancel(another, its_key)
    assert not registry.cancel(4711, its_key)
    assert registry.cancel(4711, key)
    assert (live.cancelled, other.cancelled) == (1, 1)


@pytest.mark.parametrize("process_id", [0, -1, 1 << 31])
def test_a_process_id_that_can_not_be_one_is_made_up(process_id: int) -> None:
    """An upstream that sends no key has none."""
    registry = a_registry()
    assert registry.enter(Live(), process_id=process_id)[0] not in (0, process_id)


def test_a_key_that_fits_nothing_here_is_passed_on_once() -> None:
    """A client that cancels opens a connection of its own, which another gateway may get."""
    passed: list[tuple[int, bytes]] = []
    counter = itertools.count(1)
    registry = Registry(lambda length: next(counter).to_bytes(length, "big"), lambda *asked: passed.append(asked))
    live = Live()
    process_id, key = registry.enter(live)
    assert registry.cancel(process_id, key)
    assert passed == []
    assert not registry.cancel(process_id, b"othr")
    assert not registry.cancel(process_id + 1, key)
    assert passed == [(process_id, b"othr"), (process_id + 1, key)]
    assert not registry.cancel_here(process_id, b"othr")
    assert registry.cancel_here(process_id, key)
    assert len(passed) == 2, "what came from another gateway goes to no third"
    assert live.cancelled == 2
