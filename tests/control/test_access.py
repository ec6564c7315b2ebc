"""Access for a time: asked, approved, heeded, ended; and broken glass, which somebody else looks at."""

import msgspec
import pytest

from doorward.control.operators import LOCAL
from doorward.control.views import Sequel, decode_entry, view
from doorward.errors import Conflict, DoorwardError, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.access import AccessWish
from doorward.model.approval import RequestState
from doorward.model.entry import AccessBegun, AccessEnded, ActorStamp, GlassReviewed, HoldAnswered
from doorward.model.identity import PrincipalKind
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio

WISH = AccessWish(("email",), (), ("public.customers",), 7200, ticket="4711")
HOUR_US = 3_600_000_000


async def with_people(scene: Scene) -> None:
    add = scene.office.principals.add
    await add(LOCAL, PrincipalKind.HUMAN, "sue", ("security",))
    await add(LOCAL, PrincipalKind.HUMAN, "oli", ("emergency", "security"))


def told(scene: Scene) -> list[str]:
    """The kinds of entries about access, in order."""
    kinds = (AccessBegun, AccessEnded, GlassReviewed, HoldAnswered)
    return [entry.kind for entry in map(decode_entry, scene.log.raw) if isinstance(entry, kinds)]


async def granted(scene: Scene, name: str = "alice", by: str = "alice", wish: AccessWish = WISH) -> str:
    """Access that sue approved."""
    request = await scene.office.accesses.ask(scene.operator(by), "shop", wish, "dunning letters", name)
    await scene.office.desk.answer(request.id, scene.operator("sue"), True, "ticket is fine")
    return scene.office.accesses.in_force()[-1].id


async def test_what_was_approved_counts_until_its_end(scene: Scene) -> None:
    """The gateway hears of it, and the log has its beginning and its end."""
    await with_people(scene)
    request = await scene.office.accesses.ask(scene.operator("alice"), "shop", WISH, "dunning letters")
    assert "see email as they are in shop (public.customers) for 2 h, for 4711" in request.statement
    assert scene.office.accesses.in_force() == ()
    assert scene.office.desk.question(scene.operator("sue"), request.id).may_answer
    await scene.office.desk.answer(request.id, scene.operator("sue"), True, "ticket is fine")
    (access,) = scene.office.accesses.in_force()
    assert (access.speaker, access.labels, access.tables, access.request_id) == (
        "alice", ("email",), ("public.customers",), request.id,
    )  # fmt: skip
    assert access.until_us - access.from_us == 2 * HOUR_US
    await scene.gateway.hears(link.AccessGranted, lambda message: message.accesses == (access,))
    scene.clock.now_us = access.until_us
    assert scene.office.accesses.in_force() == ()
    await scene.office.accesses.tick()
    await scene.office.accesses.tick()
    await scene.gateway.hears(link.AccessGranted, lambda message: message.accesses == ())
    assert told(scene) == ["hold.answered", "access.begun", "access.ended"]


async def test_a_wish_that_is_rejected_or_forgotten_gives_nothing(scene: Scene) -> None:
    """Both ends are in the log, and no later word changes them."""
    await with_people(scene)
    desk, ask = scene.office.desk, scene.office.accesses.ask
    no = await ask(scene.operator("alice"), "shop", WISH, "dunning letters")
    await desk.answer(no.id, scene.operator("sue"), False, "use the export")
    late = await ask(scene.operator("alice"), "shop", WISH, "dunning letters")
    scene.clock.now_us = late.expires_us
    with pytest.raises(Conflict):
        await desk.answer(late.id, scene.operator("sue"), True, "too late")
    await desk.tick()
    states = [desk.question(scene.operator("sue"), request.id).record.state for request in (no, late)]
    assert states == [RequestState.REJECTED, RequestState.EXPIRED]
    assert scene.office.accesses.in_force() == ()
    assert told(scene) == ["hold.answered", "hold.answered"]


async def test_wishes_outlive_a_restart_and_a_gateway(scene: Scene) -> None:
    """Nobody waits on a connection for them."""
    await with_people(scene)
    request = await scene.office.accesses.ask(scene.operator("alice"), "shop", WISH, "dunning letters")
    scene.office.desk.withdraw_left_over()
    scene.office.desk.gateway_lost(1)
    assert scene.office.desk.question(scene.operator("sue"), request.id).may_answer


@pytest.mark.parametrize("by", ["alice", "report-bot"])
async def test_access_of_an_agent_is_asked_in_its_owners_name(scene: Scene, by: str) -> None:
    """It counts where the agent speaks; neither it nor its owner can approve it."""
    await with_people(scene)
    await scene.office.principals.regroup(LOCAL, "alice", ("security",))
    request = await scene.office.accesses.ask(scene.operator(by), "shop", WISH, "weekly report", "report-bot")
    assert request.chain == "report-bot for alice"
    with pytest.raises(NotPermitted):
        await scene.office.desk.answer(request.id, scene.operator("alice"), True, "it is mine")
    await scene.office.desk.answer(request.id, scene.operator("sue"), True, "fine")
    assert scene.office.accesses.in_force()[0].speaker_id == scene.principal("report-bot").id


async def test_who_asked_for_somebody_else_can_not_approve_it_either(scene: Scene) -> None:
    """An administrator in the group of approvers asks for a friend, and does not answer."""
    await with_people(scene)
    await scene.office.principals.regroup(LOCAL, "ada", ("admins", "security"))
    request = await scene.office.accesses.ask(scene.operator("ada"), "shop", WISH, "for alice", "alice")
    for name in ("ada", "alice"):
        with pytest.raises(DoorwardError):
            await scene.office.desk.answer(request.id, scene.operator(name), True, "fine")
    await scene.office.desk.answer(request.id, scene.operator("sue"), True, "fine")
    assert scene.office.accesses.in_force()[0].speaker == "alice"


async def test_access_is_ended_early(scene: Scene) -> None:
    """By an approver or by whoever has it, once; the request says so, and the gateway hears it."""
    await with_people(scene)
    for by in ("sue", "alice", "ada"):
        access_id = await granted(scene)
        with pytest.raises(NotFound):
            await scene.office.accesses.revoke(scene.operator("ben"), access_id, "not mine")
        await scene.office.accesses.revoke(scene.operator(by), access_id, "done")
        assert scene.office.accesses.in_force() == ()
        with pytest.raises(Conflict):
            await scene.office.accesses.revoke(scene.operator(by), access_id, "again")
    states = {question.record.state for question in scene.office.desk.questions(LOCAL)}
    assert states == {RequestState.REVOKED}


@pytest.mark.parametrize(
    ("upstream", "wish", "refusal"),
    [
        ("other", WISH, NotFound),
        ("shop", AccessWish((), (), (), 600), InvalidRequest),
        ("shop", AccessWish(("secret",), (), (), 600), InvalidRequest),
        ("shop", AccessWish(("none",), (), (), 600), InvalidRequest),
        ("shop", AccessWish((), ("destroy",), (), 600), InvalidRequest),
        ("shop", AccessWish(("email",), (), ("customers",), 600), InvalidRequest),
        ("shop", AccessWish(("email",), (), ("*.*",), 600), InvalidRequest),
        ("shop", AccessWish(("email",), (), ("a.b",) * 51, 600), InvalidRequest),
        ("shop", AccessWish(("email",), (), (), 59), InvalidRequest),
        ("shop", AccessWish(("email",), (), (), 24 * 3600 + 1), InvalidRequest),
        ("shop", AccessWish(("email",), (), (), 600, -1), InvalidRequest),
        ("shop", AccessWish(("email",), (), (), 600, 0, "a\nb"), InvalidRequest),
    ],
)
async def test_not_everything_can_be_asked(scene: Scene, upstream: str, wish: AccessWish, refusal: type[Exception]) -> None:
    """What is no label, no table, no time, or shown to nobody."""
    with pytest.raises(refusal):
        await scene.office.accesses.ask(scene.operator("alice"), upstream, wish, "why")


async def test_nobody_asks_for_strangers_nor_without_end(scene: Scene) -> None:
    """For oneself and one's agents; and so many at once."""
    with pytest.raises(NotPermitted):
        await scene.office.accesses.ask(scene.operator("ben"), "shop", WISH, "why", "alice")
    with pytest.raises(InvalidRequest):
        await scene.office.accesses.ask(scene.operator("alice"), "shop", WISH, " ")
    for _ in range(20):
        await scene.office.accesses.ask(scene.operator("alice"), "shop", WISH, "why")
    with pytest.raises(Conflict):
        await scene.office.accesses.ask(scene.operator("alice"), "shop", WISH, "why")


async def test_glass_is_broken_at_once_and_looked_at_by_somebody_else(scene: Scene) -> None:
    """By a person for emergencies; everybody is told, and it stays to be reviewed after it is over."""
    await with_people(scene)
    for name in ("alice", "report-bot", "sue"):
        with pytest.raises(NotPermitted):
            await scene.office.accesses.break_glass(scene.operator(name), "shop", 30, "shop is down")
    with pytest.raises(NotPermitted):
        await scene.office.accesses.break_glass(LOCAL, "shop", 30, "shop is down")
    with pytest.raises(InvalidRequest):
        await scene.office.accesses.break_glass(scene.operator("oli"), "shop", 61, "shop is down")
    record = await scene.office.accesses.break_glass(scene.operator("oli"), "shop", 30, "shop is down", "INC-12")
    assert scene.office.status(LOCAL).broken_glass == 1
    await scene.gateway.hears(link.AccessGranted, lambda message: message.accesses == (record.access,))
    scene.clock.now_us = record.access.until_us
    await scene.office.accesses.tick()
    status = scene.office.status(LOCAL)
    assert (status.broken_glass, status.unreviewed_glass) == (0, 1)
    for name in ("oli", "ben", "report-bot"):
        with pytest.raises(DoorwardError):
            await scene.office.accesses.review(scene.operator(name), record.access.id, "it was fine")
    with pytest.raises(InvalidRequest):
        await scene.office.accesses.review(scene.operator("sue"), record.access.id, "")
    await scene.office.accesses.review(scene.operator("sue"), record.access.id, "restored orders, nothing else")
    with pytest.raises(Conflict):
        await scene.office.accesses.review(scene.operator("eve"), record.access.id, "me too")
    assert scene.office.status(LOCAL).unreviewed_glass == 0
    assert told(scene) == ["access.begun", "access.ended", "glass.reviewed"]


async def test_who_lost_the_group_breaks_no_glass(scene: Scene) -> None:
    """Whatever the door still believes."""
    await with_people(scene)
    oli = scene.operator("oli")
    await scene.office.principals.regroup(LOCAL, "oli", ("security",))
    with pytest.raises(NotPermitted):
        await scene.office.accesses.break_glass(oli, "shop", 30, "shop is down")


async def test_nothing_counts_that_the_log_can_not_take(scene: Scene) -> None:
    """First the record, then the access."""
    await with_people(scene)
    scene.gateway.append_error = "disk full"
    with pytest.raises(DoorwardError):
        await scene.office.accesses.break_glass(scene.operator("oli"), "shop", 30, "shop is down")
    assert scene.office.accesses.in_force() == ()


def test_the_record_tells_of_access_in_words() -> None:
    """Beginning, end and review each make a row."""
    alice = ActorStamp("prn_1", "human", "alice")
    begun = AccessBegun(
        "agr_1",
        "granted",
        ("write",),
        1,
        "sue",
        "prn_2",
        ("email",),
        "why",
        "req_1",
        0,
        alice,
        ("public.t",),
        "4711",
        9,
        "shop",
    )
    entries = (
        begun,
        msgspec.structs.replace(begun, access_kind="break-glass", tables=(), ticket=""),
        AccessEnded("agr_1", 1, "", "", "", "expired"),
        GlassReviewed("agr_1", 1, "sue", "prn_2", "fine"),
    )
    rows = [view(0, entry, Sequel()) for entry in entries]
    assert [row.text for row in rows if row] == [
        "was granted: see email, write on public.t until 1970-01-01 00:00 UTC: why (4711)",
        "broke the glass until 1970-01-01 00:00 UTC: why",
        "access agr_1 expired",
        "looked at broken glass agr_1: fine",
    ]
