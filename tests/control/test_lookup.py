"""What a gateway learns of whoever connects."""

import pytest

from doorward.control.operators import LOCAL
from doorward.model.link import Found, Lookup
from doorward.model.upstream import Upstream
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio


def found(scene: Scene, user: str, database: str = "shop") -> Found:
    return scene.office.lookup(Lookup(7, user, database))


async def test_person_is_a_chain_of_one(scene: Scene) -> None:
    """With the groups that policy reads."""
    answer = found(scene, "ben")
    assert answer.principal is not None
    assert (answer.id, answer.principal.name, answer.principal.groups, answer.actors) == (7, "ben", ("approvers",), ())
    assert (answer.upstream, answer.refusal) == ("shop", "")


async def test_agent_acts_for_its_owner_and_proves_itself_with_its_own_secret(scene: Scene) -> None:
    """The owner's secrets do not open the agent's door, nor the other way round."""
    await scene.office.secrets.mint(LOCAL, "alice")
    minted = await scene.office.secrets.mint(LOCAL, "report-bot")
    answer = found(scene, "report-bot")
    assert answer.principal is not None
    assert answer.principal.name == "alice"
    assert [(actor.name, actor.acting_for) for actor in answer.actors] == [("report-bot", "alice")]
    assert [verifier.credential_id for verifier in answer.verifiers] == [minted.credential_id]


async def test_only_live_verifiers_are_given_the_newest_first(scene: Scene) -> None:
    """Expired and revoked ones are not."""
    expiring = await scene.office.secrets.mint(LOCAL, "alice", hours=0.5)
    revoked = await scene.office.secrets.mint(LOCAL, "alice")
    scene.clock.now_us += 1
    older = await scene.office.secrets.mint(LOCAL, "alice")
    scene.clock.now_us = expiring.expires_us
    newer = await scene.office.secrets.mint(LOCAL, "alice")
    await scene.office.secrets.revoke(LOCAL, revoked.credential_id)
    given = [verifier.credential_id for verifier in found(scene, "alice").verifiers]
    assert given == [newer.credential_id, older.credential_id]


@pytest.mark.parametrize("user", ["", "nobody", "ALICE"])
async def test_unknown_user_is_refused(scene: Scene, user: str) -> None:
    """Nothing else is told."""
    assert found(scene, user) == Found(7, None, refusal="The user is not known.")


@pytest.mark.parametrize("user", ["alice", "report-bot"])
async def test_revoked_owner_closes_the_door_for_the_agent_too(scene: Scene, user: str) -> None:
    """Nobody is left to answer for it."""
    await scene.office.principals.revoke(LOCAL, "alice")
    answer = found(scene, user)
    assert answer.principal is None
    assert "revoked" in answer.refusal


async def test_revoked_agent_leaves_its_owner_alone(scene: Scene) -> None:
    """The kill switch of one agent."""
    await scene.office.principals.revoke(LOCAL, "report-bot")
    assert found(scene, "report-bot").principal is None
    assert found(scene, "alice").principal is not None


async def test_database_is_an_upstreams_name_or_the_one_it_holds(scene: Scene) -> None:
    """Names go first; what two upstreams hold is neither's."""
    assert found(scene, "ben", "shopdb").upstream == "shop"
    assert "database" in found(scene, "ben", "postgres").refusal
    scene.store.upstreams.put(Upstream("shop2", "postgresql", "h", 1, "shopdb", "u"))
    assert found(scene, "ben", "shopdb").principal is None
    assert found(scene, "ben", "shop2").upstream == "shop2"
