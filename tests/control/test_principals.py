"""Adding, grouping and revoking principals: permitted, in the log first, and refused if the log can't take it."""

import msgspec
import pytest

from doorward.control.operators import LOCAL, Operator
from doorward.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.entry import Administered
from doorward.model.identity import PrincipalKind
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio


def last_entry(scene: Scene) -> Administered:
    return msgspec.json.decode(scene.log.raw[-1], type=Administered)


async def test_added_principal_is_known_and_logged(scene: Scene) -> None:
    """By whom, what, and with which groups."""
    added = await scene.office.principals.add(scene.operator("ada"), PrincipalKind.SERVICE, "etl", ("readers", "readers"))
    assert scene.principal("etl") == added
    assert added.groups == ("readers",)
    entry = last_entry(scene)
    assert (entry.act, entry.by, entry.subject, entry.details["id"]) == ("principal.added", "ada", "etl", added.id)


@pytest.mark.parametrize("caller", ["alice", "ben", "eve", "report-bot"])
async def test_only_administrators_change_principals(scene: Scene, caller: str) -> None:
    """Neither readers, approvers, auditors nor agents; and nothing is logged or changed."""
    by, size = scene.operator(caller), scene.log.size()
    with pytest.raises(NotPermitted):
        await scene.office.principals.add(by, PrincipalKind.HUMAN, "mallory", ("admins",))
    with pytest.raises(NotPermitted):
        await scene.office.principals.regroup(by, caller, ("admins",))
    with pytest.raises(NotPermitted):
        await scene.office.principals.revoke(by, "ada")
    assert scene.log.size() == size
    assert scene.store.principals.named("mallory") is None


async def test_service_in_the_admins_group_does_not_administer(scene: Scene) -> None:
    """Only people do."""
    await scene.office.principals.add(LOCAL, PrincipalKind.SERVICE, "robot", ("admins",))
    assert not scene.operator("robot").may_administer


async def test_change_is_refused_when_the_log_cannot_take_it(scene: Scene) -> None:
    """Nothing happens that isn't recorded."""
    scene.gateway.append_error = "disk full"
    with pytest.raises(AuditUnavailable):
        await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "carl")
    with pytest.raises(AuditUnavailable):
        await scene.office.principals.revoke(LOCAL, "alice")
    with pytest.raises(AuditUnavailable):
        await scene.office.principals.regroup(LOCAL, "alice", ("admins",))
    assert scene.store.principals.named("carl") is None
    assert scene.principal("alice").groups == ("readers",)


@pytest.mark.parametrize(
    ("kind", "acting_for"),
    [
        (PrincipalKind.AGENT, None),
        (PrincipalKind.HUMAN, "alice"),
        (PrincipalKind.SERVICE, "alice"),
        (PrincipalKind.AGENT, "report-bot"),
    ],
)
async def test_agents_and_only_agents_act_for_a_person_or_service(
    scene: Scene, kind: PrincipalKind, acting_for: str | None
) -> None:
    """Every chain ends at somebody who answers for it."""
    with pytest.raises(InvalidRequest):
        await scene.office.principals.add(LOCAL, kind, "thing", acting_for=acting_for)


async def test_agent_of_nobody_or_of_a_revoked_principal_is_refused(scene: Scene) -> None:
    """Whom it acts for must exist now."""
    with pytest.raises(NotFound):
        await scene.office.principals.add(LOCAL, PrincipalKind.AGENT, "thing", acting_for="nobody")
    await scene.office.principals.revoke(LOCAL, "ben")
    with pytest.raises(Conflict):
        await scene.office.principals.add(LOCAL, PrincipalKind.AGENT, "thing", acting_for="ben")


@pytest.mark.parametrize("name", ["", "Alice", "a b", "x for y", "-x", "a" * 64, "operator", "a\n", "ä"])
async def test_name_that_could_be_misread_is_refused(scene: Scene, name: str) -> None:
    """Names appear in chains, startup packets and logs."""
    with pytest.raises(InvalidRequest):
        await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, name)


async def test_group_that_could_be_misread_is_refused(scene: Scene) -> None:
    """The same rules as for names."""
    with pytest.raises(InvalidRequest):
        await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "carl", ("Ad mins",))
    with pytest.raises(InvalidRequest):
        await scene.office.principals.regroup(LOCAL, "alice", ("Ad mins",))


async def test_name_is_never_given_twice(scene: Scene) -> None:
    """Not even after a revocation."""
    await scene.office.principals.revoke(LOCAL, "alice")
    with pytest.raises(Conflict):
        await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "alice")


async def test_revoking_takes_secrets_and_sessions(scene: Scene) -> None:
    """The gateway is told to end sessions anywhere in the chain."""
    alice = scene.principal("alice")
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    await scene.office.principals.revoke(LOCAL, "alice", "left the company")
    assert (await scene.gateway.hears(link.Revoked)).principal_id == alice.id
    credential = scene.store.credentials.by_id(minted.credential_id)
    assert credential is not None
    assert credential.revoked_us == scene.clock.now_us
    assert last_entry(scene).details["reason"] == "left the company"
    with pytest.raises(Conflict):
        await scene.office.principals.revoke(LOCAL, "alice")


async def test_regrouping_ends_sessions_that_were_let_in_with_the_old_groups(scene: Scene) -> None:
    """A right that was taken is gone now, not at the next sign-in."""
    await scene.office.principals.regroup(LOCAL, "ben", ())
    assert scene.principal("ben").groups == ()
    assert (await scene.gateway.hears(link.Revoked)).principal_id == scene.principal("ben").id
    assert last_entry(scene).details == {"before": "approvers", "groups": ""}


async def test_people_see_themselves_and_their_agents(scene: Scene) -> None:
    """Readers of everything see everyone."""
    names = lambda by: [record.principal.name for record in scene.office.principals.all(by)]  # noqa: E731
    assert names(scene.operator("alice")) == ["alice", "report-bot"]
    assert names(scene.operator("ben")) == ["ben"]
    assert names(scene.operator("eve")) == names(LOCAL) == ["ada", "alice", "ben", "eve", "report-bot"]


def test_operator_has_the_rights_of_the_local_owner() -> None:
    """Administers, reads, has no person behind it."""
    assert Operator(None).may_administer
    assert LOCAL.may_read_all
    assert LOCAL.name == "operator"
