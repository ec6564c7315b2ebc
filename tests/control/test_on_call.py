"""Who is on call: named by those who may, for a time, in the log; and they answer."""

import pytest

from doorward.control.operators import LOCAL
from doorward.errors import Conflict, DoorwardError, InvalidRequest, NotFound, NotPermitted
from doorward.model.approval import RequestState
from doorward.model.identity import PrincipalKind
from tests.control.offices import Scene
from tests.control.test_desk import ask, state

pytestmark = pytest.mark.anyio

HOUR_US = 3_600_000_000


async def test_a_stand_in_answers_for_the_group_in_its_time(scene: Scene) -> None:
    """From its beginning to its end, and not a moment longer; the record says who named them."""
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "sam")
    shift = await scene.office.on_call.put(scene.operator("ben"), "approvers", "sam", 2, "on holiday", begins_in_hours=1)
    request = await ask(scene, expires_us=scene.clock.now_us + 9 * HOUR_US)
    assert not scene.office.desk.questions(scene.operator("sam"))
    assert (shift.holds_now, shift.duty.named_by) == (False, "ben")
    scene.clock.now_us = shift.duty.from_us
    assert scene.office.on_call.names_for(request) == ("sam",)
    assert scene.office.desk.question(scene.operator("sam"), "req_1").may_answer
    scene.clock.now_us = shift.duty.until_us
    assert not scene.office.desk.questions(scene.operator("sam"))
    assert scene.office.on_call.shifts() == ()


async def test_nobody_answers_for_who_named_them(scene: Scene) -> None:
    """Alice is of the group, asks by her agent, and names a friend: the friend's yes would be hers."""
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "sam")
    await scene.office.principals.regroup(LOCAL, "alice", ("approvers",))
    await scene.office.on_call.put(scene.operator("alice"), "approvers", "sam", 2)
    await ask(scene)
    with pytest.raises(DoorwardError):
        await scene.office.desk.answer("req_1", scene.operator("sam"), True, "for alice")
    await scene.office.on_call.put(scene.operator("ben"), "approvers", "sam", 2)
    await scene.office.desk.answer("req_1", scene.operator("sam"), True, "for ben")
    assert state(scene) is RequestState.APPROVED


async def test_a_duty_is_ended_early_by_who_has_a_say(scene: Scene) -> None:
    """Once; what is over can't be ended, nor what never was."""
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "sam")
    shift = await scene.office.on_call.put(LOCAL, "approvers", "sam", 2)
    with pytest.raises(NotPermitted):
        await scene.office.on_call.end(scene.operator("alice"), shift.duty.id)
    await scene.office.on_call.end(scene.operator("sam"), shift.duty.id)
    assert scene.office.on_call.stand_ins() == ()
    with pytest.raises(Conflict):
        await scene.office.on_call.end(LOCAL, shift.duty.id)
    with pytest.raises(NotFound):
        await scene.office.on_call.end(LOCAL, "dty_none")


@pytest.mark.parametrize(
    ("by", "name", "hours", "refusal"),
    [
        ("alice", "ben", 1, NotPermitted),
        ("report-bot", "ben", 1, NotPermitted),
        ("ben", "report-bot", 1, InvalidRequest),
        ("ben", "nobody", 1, NotFound),
        ("ben", "ben", 0, InvalidRequest),
        ("ben", "ben", float("nan"), InvalidRequest),
        ("ben", "ben", 24 * 32, InvalidRequest),
    ],
)
async def test_not_everybody_names_anybody(scene: Scene, by: str, name: str, hours: float, refusal: type[Exception]) -> None:
    """Members of the group and administrators name people, for a month at most."""
    with pytest.raises(refusal):
        await scene.office.on_call.put(scene.operator(by), "approvers", name, hours)
    assert scene.office.on_call.shifts() == ()
