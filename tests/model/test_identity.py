"""Chains: who speaks, for whom, and who is in them."""

from __future__ import annotations

import pytest

from doorward.model.identity import Identity, Principal, PrincipalKind

ALICE = Principal("prn_1", PrincipalKind.HUMAN, "alice")
BOT = Principal("prn_2", PrincipalKind.AGENT, "report-bot", (), "alice")
SUB_BOT = Principal("prn_3", PrincipalKind.AGENT, "sql-bot", (), "report-bot")

CHAINS = [
    ((), "alice", ALICE),
    ((BOT,), "report-bot for alice", BOT),
    ((BOT, SUB_BOT), "sql-bot for report-bot for alice", SUB_BOT),
]


@pytest.mark.parametrize(("actors", "chain", "speaker"), CHAINS)
def test_a_chain_is_read_from_the_wire_to_the_principal(actors: tuple[Principal, ...], chain: str, speaker: Principal) -> None:
    """The last actor holds the connection; the principal is who it is for."""
    identity = Identity(ALICE, actors, "scram-sha-256", "cred_1")
    assert identity.chain == chain
    assert identity.speaker is speaker


@pytest.mark.parametrize(("actors", "chain", "speaker"), CHAINS)
def test_everyone_in_a_chain_is_involved_and_nobody_else(actors: tuple[Principal, ...], chain: str, speaker: Principal) -> None:
    """By id: a name is not one."""
    identity = Identity(ALICE, actors, "scram-sha-256", "cred_1")
    involved = {each.id for each in (ALICE, BOT, SUB_BOT) if identity.involves(each.id)}
    assert involved == {ALICE.id, *(actor.id for actor in actors)}
    assert not any(identity.involves(other) for other in ("", "alice", "prn_", "prn_11"))


def test_a_chain_can_not_be_changed() -> None:
    """What was proven stays so; the same proof is the same value."""
    identity = Identity(ALICE, (BOT,), "scram-sha-256", "cred_1")
    with pytest.raises(AttributeError):
        identity.principal = BOT  # type: ignore[misc]
    assert identity == Identity(ALICE, (BOT,), "scram-sha-256", "cred_1")
    assert hash(identity) == hash(Identity(ALICE, (BOT,), "scram-sha-256", "cred_1"))
