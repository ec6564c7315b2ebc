"""Revoking reaches those too who are not yet in: what a sign-in was told may have been overtaken."""

from __future__ import annotations

import secrets

import pytest

from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.proxy import registry as registry_module
from doorward.proxy.registry import Registry

ALICE = Principal("prn_alice", PrincipalKind.HUMAN, "alice")
BOT = Principal("prn_bot", PrincipalKind.AGENT, "bot", (), "alice")
BOT_FOR_ALICE = Identity(ALICE, (BOT,), "scram", "cred_bot")


@pytest.mark.parametrize(
    ("principal_id", "credential_id", "is_revoked"),
    [("prn_alice", "", True), ("prn_bot", "", True), ("", "cred_bot", True), ("prn_eve", "cred_eve", False), ("", "", False)],
)
def test_what_was_revoked_while_signing_in_is_known(principal_id: str, credential_id: str, is_revoked: bool) -> None:
    """Anyone in the chain, or the credential; what was revoked before the sign-in is what the control process knew."""
    registry = Registry(secrets.token_bytes)
    registry.revoke("prn_bot", "", "long ago")
    since = registry.revocations
    assert registry.why_revoked(BOT_FOR_ALICE, since) is None
    registry.revoke(principal_id, credential_id, "gone")
    assert registry.why_revoked(BOT_FOR_ALICE, since) == ("gone" if is_revoked else None)


def test_revocations_that_are_forgotten_count_as_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can't be told whether they were revoked signs in again."""
    monkeypatch.setattr(registry_module, "MOST_REMEMBERED", 2)
    registry = Registry(secrets.token_bytes)
    for number in range(3):
        registry.revoke(f"prn_{number}", "", "gone")
    assert registry.why_revoked(BOT_FOR_ALICE, 1) is None
    assert registry.why_revoked(BOT_FOR_ALICE, 0) is not None


def test_a_session_that_can_not_be_ended_does_not_save_the_others() -> None:
    """Each is ended by itself."""

    class Live:
        identity: Identity | None = BOT_FOR_ALICE
        ended = False

        def cancel(self) -> None:
            """Not asked here."""

        def end(self, reason: str) -> None:
            self.ended = True
            raise RuntimeError(reason)

    registry = Registry(secrets.token_bytes)
    sessions = [Live(), Live()]
    for live in sessions:
        registry.enter(live)
    assert registry.revoke("prn_alice", "", "gone") == 2
    assert all(live.ended for live in sessions)
