"""Minted secrets: SCRAM verifiers that an independent implementation accepts, lifetimes, sign-in to the doors."""

import base64

import pytest
import scramp

from doorward.control.operators import LOCAL
from doorward.control.verifiers import keys_of
from doorward.errors import AuditUnavailable, AuthenticationFailed, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio
HOUR_US = 3_600_000_000


async def test_minted_secret_is_long_random_prefixed_and_kept_nowhere(scene: Scene) -> None:
    """Neither in the file, nor in the log, nor in a repr."""
    minted = await scene.office.secrets.mint(LOCAL, "alice", purpose="laptop")
    assert minted.secret.startswith("dwd_")
    assert len(base64.urlsafe_b64decode(minted.secret[4:] + "=")) == 32
    assert minted.secret not in repr(minted)
    assert not any(minted.secret.encode() in raw for raw in scene.log.raw)
    kept = b"".join(path.read_bytes() for path in scene.socket.parent.iterdir() if path.is_file())
    assert minted.credential_id.encode() in kept
    assert minted.secret.encode() not in kept
    assert (await scene.office.secrets.mint(LOCAL, "alice")).secret != minted.secret


async def test_verifier_is_what_scramp_computes(scene: Scene) -> None:
    """RFC 5802's StoredKey and ServerKey."""
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    credential = scene.store.credentials.by_id(minted.credential_id)
    assert credential is not None
    mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
    salt, stored_key, server_key, iterations = mechanism.make_auth_info(
        minted.secret, iteration_count=credential.iterations, salt=credential.salt
    )
    assert (credential.salt, credential.stored_key, credential.server_key) == (salt, stored_key, server_key)
    assert iterations == 4096


async def test_all_secrets_of_a_principal_share_a_salt(scene: Scene) -> None:
    """A SCRAM server names one salt before it learns which secret the client holds."""
    for _ in range(2):
        await scene.office.secrets.mint(LOCAL, "alice")
    alice, ben = scene.principal("alice"), scene.store.principals.named("ben")
    salts = {credential.salt for credential in scene.store.credentials.of(alice.id)}
    assert len(salts) == 1
    assert ben is not None
    assert ben.salt not in salts


async def test_secret_proves_its_principal_until_it_expires(scene: Scene) -> None:
    """One hour unless said otherwise; use is noted."""
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    assert minted.expires_us == scene.clock.now_us + HOUR_US
    scene.clock.now_us = minted.expires_us - 1
    assert scene.office.secrets.prove("alice", minted.secret).principal == scene.principal("alice")
    credential = scene.store.credentials.by_id(minted.credential_id)
    assert credential is not None
    assert credential.last_used_us == scene.clock.now_us
    scene.clock.now_us = minted.expires_us
    with pytest.raises(AuthenticationFailed):
        scene.office.secrets.prove("alice", minted.secret)


async def test_wrong_secret_wrong_name_and_revoked_all_fail_alike(scene: Scene) -> None:
    """The message never says which part was wrong."""
    alices = await scene.office.secrets.mint(LOCAL, "alice")
    revoked = await scene.office.secrets.mint(LOCAL, "ben")
    await scene.office.secrets.revoke(LOCAL, revoked.credential_id)
    messages = set()
    attempts = [("alice", "dwd_wrong"), ("ben", alices.secret), ("nobody", alices.secret), ("ben", revoked.secret), ("", "")]
    for name, secret in [*attempts, ("alice", "\udcff")]:
        with pytest.raises(AuthenticationFailed) as failure:
            scene.office.secrets.prove(name, secret)
        messages.add(str(failure.value))
    assert len(messages) == 1


async def test_unknown_name_costs_the_same_derivation(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names can't be told apart by time: the costly step is done whether or not the name exists."""
    derived = []
    monkeypatch.setattr(
        "doorward.control.secrets.keys_of", lambda *arguments: derived.append(arguments[1:]) or keys_of(*arguments)
    )
    for name in ("alice", "nobody"):
        with pytest.raises(AuthenticationFailed):
            scene.office.secrets.prove(name, "dwd_x")
    assert [(len(salt), iterations) for salt, iterations in derived] == [(16, 4096), (16, 4096)]


@pytest.mark.parametrize("hours", [0, -1, 24 * 366 + 1, float("nan"), float("inf")])
async def test_lifetime_has_bounds(scene: Scene, hours: float) -> None:
    """No secret for ever."""
    with pytest.raises(InvalidRequest):
        await scene.office.secrets.mint(LOCAL, "alice", hours)


async def test_purpose_has_a_bound(scene: Scene) -> None:
    """It goes into the log."""
    with pytest.raises(InvalidRequest):
        await scene.office.secrets.mint(LOCAL, "alice", purpose="x" * 201)


async def test_minting_takes_an_administrator_and_a_good_chain(scene: Scene) -> None:
    """Nobody mints for the unknown or revoked, nor for a revoked owner's agent."""
    with pytest.raises(NotPermitted):
        await scene.office.secrets.mint(scene.operator("alice"), "alice")
    with pytest.raises(NotFound):
        await scene.office.secrets.mint(LOCAL, "nobody")
    await scene.office.principals.revoke(LOCAL, "alice")
    for name in ("alice", "report-bot"):
        with pytest.raises(Conflict):
            await scene.office.secrets.mint(LOCAL, name)


async def test_nothing_is_minted_or_revoked_without_the_log(scene: Scene) -> None:
    """The secret is not even returned."""
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    scene.gateway.append_error = "disk full"
    with pytest.raises(AuditUnavailable):
        await scene.office.secrets.mint(LOCAL, "alice")
    with pytest.raises(AuditUnavailable):
        await scene.office.secrets.revoke(LOCAL, minted.credential_id)
    assert scene.office.secrets.prove("alice", minted.secret).name == "alice"
    assert len(scene.office.secrets.of(LOCAL, "alice")) == 1


async def test_revoking_ends_the_secrets_sessions_once(scene: Scene) -> None:
    """The gateway is told which credential; a second time is a conflict, an unknown one not found."""
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    with pytest.raises(NotPermitted):
        await scene.office.secrets.revoke(scene.operator("alice"), minted.credential_id)
    await scene.office.secrets.revoke(LOCAL, minted.credential_id)
    assert (await scene.gateway.hears(link.Revoked)).credential_id == minted.credential_id
    with pytest.raises(Conflict):
        await scene.office.secrets.revoke(LOCAL, minted.credential_id)
    with pytest.raises(NotFound):
        await scene.office.secrets.revoke(LOCAL, "crd_none")


async def test_people_list_their_own_secrets_alone(scene: Scene) -> None:
    """Others' are as if unknown."""
    await scene.office.secrets.mint(LOCAL, "alice")
    assert len(scene.office.secrets.of(scene.operator("alice"), "alice")) == 1
    assert len(scene.office.secrets.of(scene.operator("eve"), "alice")) == 1
    for name in ("alice", "nobody"):
        with pytest.raises(NotFound):
            scene.office.secrets.of(scene.operator("ben"), name)
    with pytest.raises(NotFound):
        scene.office.secrets.of(LOCAL, "nobody")
