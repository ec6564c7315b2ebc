"""The approvals desk: who may answer, that the first answer stands, and that nobody's silence is a yes."""

import pytest

from doorward.control.desk import Desk
from doorward.control.operators import LOCAL
from doorward.control.views import decode_entry
from doorward.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model import link
from doorward.model.approval import ApprovalRequest, RequestState
from doorward.model.entry import HoldMoved
from doorward.model.identity import PrincipalKind
from tests.control.happenings import held
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio


async def ask(scene: Scene, request_id: str = "req_1", **changes: object) -> ApprovalRequest:
    request = held(scene, request_id, **changes)
    await scene.gateway.say(link.Asked(request))
    await until(lambda: scene.store.requests.by_id(request_id) is not None)
    return request


def state(scene: Scene, request_id: str = "req_1") -> RequestState:
    record = scene.store.requests.by_id(request_id)
    assert record is not None
    return record.state


@pytest.mark.parametrize(("approved", "expected"), [(True, RequestState.APPROVED), (False, RequestState.REJECTED)])
async def test_answer_is_kept_and_reaches_the_gateway(scene: Scene, approved: bool, expected: RequestState) -> None:
    """With the approver's name and reason."""
    await ask(scene)
    record = await scene.office.desk.answer("req_1", scene.operator("ben"), approved, "OPS-311")
    assert record.state is state(scene) is expected
    answer = (await scene.gateway.hears(link.Answered)).answer
    assert (answer.approved, answer.by_name, answer.reason) == (approved, "ben", "OPS-311")
    assert answer.by_id == scene.principal("ben").id


@pytest.mark.parametrize("name", ["alice", "report-bot", "ada", "eve"])
async def test_parties_and_those_not_asked_cannot_answer(scene: Scene, name: str) -> None:
    """The owner of the agent, the agent, an administrator, an auditor: none is of the group that is asked."""
    await ask(scene)
    with pytest.raises(NotPermitted):
        await scene.office.desk.answer("req_1", scene.operator(name), True, "looked at it")
    assert state(scene) is RequestState.PENDING


async def test_owner_cannot_answer_even_as_an_approver(scene: Scene) -> None:
    """Membership does not undo a conflict of interest."""
    await scene.office.principals.regroup(LOCAL, "alice", ("approvers",))
    await ask(scene)
    assert "your agent" in scene.office.desk.question(scene.operator("alice"), "req_1").why_not
    with pytest.raises(NotPermitted):
        await scene.office.desk.answer("req_1", scene.operator("alice"), True, "looked at it")


async def test_local_operator_never_answers(scene: Scene) -> None:
    """An approval is a named person's."""
    await ask(scene)
    with pytest.raises(NotPermitted):
        await scene.office.desk.answer("req_1", LOCAL, True, "looked at it")


async def test_second_answer_is_a_conflict(scene: Scene) -> None:
    """The first stands, and the gateway hears no other."""
    await ask(scene)
    await scene.office.desk.answer("req_1", scene.operator("ben"), False, "looked at it")
    with pytest.raises(Conflict):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    assert state(scene) is RequestState.REJECTED
    await scene.gateway.hears(link.Answered)
    assert sum(isinstance(message, link.Answered) for message in scene.gateway.heard) == 1


@pytest.mark.parametrize(("word", "ended"), [("withdrawn", RequestState.WITHDRAWN), ("expired", RequestState.EXPIRED)])
async def test_answer_after_the_gateway_settled_it_is_a_conflict(scene: Scene, word: str, ended: RequestState) -> None:
    """Nobody waits for it any more."""
    await ask(scene)
    await scene.gateway.say(link.Settled("req_1", word))
    await until(lambda: state(scene) is ended)
    with pytest.raises(Conflict):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "looked at it")


async def test_gateways_echo_of_an_answer_changes_nothing(scene: Scene) -> None:
    """And a word that is no state is not heeded."""
    await ask(scene)
    await scene.office.desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    for word in ("approved", "nonsense"):
        scene.office.desk.settled("req_1", word)
    assert state(scene) is RequestState.APPROVED


async def test_request_expires_by_the_clock(scene: Scene) -> None:
    """Also if the gateway says nothing."""
    request = await ask(scene)
    scene.clock.now_us = request.expires_us - 1
    assert scene.office.desk.question(scene.operator("ben"), "req_1").may_answer
    scene.clock.now_us = request.expires_us
    with pytest.raises(Conflict):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    assert state(scene) is RequestState.EXPIRED


async def test_lost_gateway_withdraws_what_it_asked(scene: Scene) -> None:
    """Its clients are gone."""
    await ask(scene)
    await scene.gateway.close()
    await until(lambda: state(scene) is RequestState.WITHDRAWN)


async def test_what_an_earlier_run_left_pending_is_withdrawn(scene: Scene) -> None:
    """Nobody can be waiting for it."""
    scene.store.requests.add(held(scene, "req_old"))
    scene.office.desk.withdraw_left_over()
    assert state(scene, "req_old") is RequestState.WITHDRAWN


async def test_answer_without_a_gateway_is_refused(scene: Scene) -> None:
    """It could be neither logged nor heeded."""
    scene.store.requests.add(held(scene))
    await scene.gateway.close()
    await until(lambda: not scene.link.is_connected)
    with pytest.raises(AuditUnavailable):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    assert state(scene) is RequestState.PENDING


async def test_policy_may_forbid_an_approver_that_the_rules_would_let(scene: Scene) -> None:
    """The injected callable has a say beside the invariants."""
    desk = Desk(scene.store, scene.office.desk._changes, scene.link, lambda *_: "Not today.", scene.clock, lambda: None)
    await ask(scene)
    assert desk.question(LOCAL, "req_1").why_not
    with pytest.raises(NotPermitted, match="Not today"):
        await desk.answer("req_1", scene.operator("ben"), True, "looked at it")


async def test_requests_are_seen_by_parties_approvers_and_readers(scene: Scene) -> None:
    """To others they do not exist."""
    await ask(scene)
    await scene.office.principals.add(LOCAL, kind=scene.principal("ben").kind, name="stranger")
    for name in ("alice", "report-bot", "ben", "ada", "eve"):
        assert len(scene.office.desk.questions(scene.operator(name), RequestState.PENDING)) == 1
    assert scene.office.desk.questions(scene.operator("stranger")) == ()
    with pytest.raises(NotFound):
        scene.office.desk.question(scene.operator("stranger"), "req_1")
    with pytest.raises(NotFound):
        scene.office.desk.question(LOCAL, "req_9")


async def test_reason_has_a_bound(scene: Scene) -> None:
    """It goes into the log."""
    await ask(scene)
    with pytest.raises(InvalidRequest):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "x" * 1001)


async def add_cat(scene: Scene) -> None:
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "cat", ("approvers",))


def moved(scene: Scene) -> list[tuple[str, str]]:
    """What the log tells of requests that go on waiting."""
    entries = [decode_entry(raw) for raw in scene.log.raw]
    return [(entry.event, entry.by) for entry in entries if isinstance(entry, HoldMoved)]


async def test_an_answer_needs_a_reason(scene: Scene) -> None:
    """A yes and a no alike: whoever asked is told, and whoever reads the log."""
    await ask(scene)
    for approved in (True, False):
        with pytest.raises(InvalidRequest):
            await scene.office.desk.answer("req_1", scene.operator("ben"), approved, "  ")
    assert state(scene) is RequestState.PENDING


async def test_two_people_must_agree_where_a_rule_says_so(scene: Scene) -> None:
    """The first yes is logged and kept; the gateway hears of both with the second."""
    await add_cat(scene)
    await ask(scene, quorum=2)
    record = await scene.office.desk.answer("req_1", scene.operator("ben"), True, "fine by me")
    assert record.state is state(scene) is RequestState.PENDING
    assert moved(scene) == [("second", "ben")]
    assert not any(isinstance(message, link.Answered) for message in scene.gateway.heard)
    with pytest.raises(Conflict, match="already"):
        await scene.office.desk.answer("req_1", scene.operator("ben"), True, "and again")
    assert scene.office.desk.question(scene.operator("cat"), "req_1").missing == 1
    await scene.office.desk.answer("req_1", scene.operator("cat"), True, "fine by me, too")
    answer = (await scene.gateway.hears(link.Answered)).answer
    assert (answer.by_name, [voice.by_name for voice in answer.others]) == ("cat", ["ben"])
    assert state(scene) is RequestState.APPROVED


async def test_one_no_is_enough(scene: Scene) -> None:
    """Also after a yes, and also by who said it."""
    await ask(scene, quorum=2)
    await scene.office.desk.answer("req_1", scene.operator("ben"), True, "fine by me")
    await scene.office.desk.answer("req_1", scene.operator("ben"), False, "wait, no")
    answer = (await scene.gateway.hears(link.Answered)).answer
    assert (answer.approved, answer.others) == (False, ())
    assert state(scene) is RequestState.REJECTED


@pytest.mark.parametrize("loses", ["group", "everything"])
async def test_an_approver_who_lost_their_group_does_not_count(scene: Scene, loses: str) -> None:
    """What counts is who they are when the last yes is said."""
    await add_cat(scene)
    await ask(scene, quorum=2)
    await scene.office.desk.answer("req_1", scene.operator("ben"), True, "fine by me")
    if loses == "group":
        await scene.office.principals.regroup(LOCAL, "ben", ("readers",))
    else:
        await scene.office.principals.revoke(LOCAL, "ben")
    await scene.office.desk.answer("req_1", scene.operator("cat"), True, "fine by me, too")
    assert state(scene) is RequestState.PENDING
    question = scene.office.desk.question(scene.operator("cat"), "req_1")
    assert ([voice.by_name for voice in question.voices], question.missing) == (["cat"], 1)


async def test_who_signed_in_with_a_group_and_lost_it_can_not_answer(scene: Scene) -> None:
    """Whatever the door still believes: it does not even exist for them any more."""
    await ask(scene)
    ben = scene.operator("ben")
    await scene.office.principals.regroup(LOCAL, "ben", ("readers",))
    with pytest.raises(NotFound):
        await scene.office.desk.answer("req_1", ben, True, "fine by me")


async def test_a_yes_can_be_taken_back_while_others_are_missing(scene: Scene) -> None:
    """By who said it, with a reason; not once all have spoken."""
    await add_cat(scene)
    await ask(scene, quorum=2)
    with pytest.raises(Conflict):
        await scene.office.desk.take_back("req_1", scene.operator("ben"), "never said it")
    await scene.office.desk.answer("req_1", scene.operator("ben"), True, "fine by me")
    with pytest.raises(Conflict):
        await scene.office.desk.take_back("req_1", scene.operator("cat"), "not mine")
    await scene.office.desk.take_back("req_1", scene.operator("ben"), "wrong table")
    assert moved(scene) == [("second", "ben"), ("take back", "ben")]
    assert scene.office.desk.question(scene.operator("cat"), "req_1").missing == 2
    for name in ("cat", "ben"):
        await scene.office.desk.answer("req_1", scene.operator(name), True, "fine by me")
    with pytest.raises(Conflict):
        await scene.office.desk.take_back("req_1", scene.operator("cat"), "too late")


async def test_another_group_is_asked_after_a_time(scene: Scene) -> None:
    """And it is in the log that it was."""
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "mia", ("managers",))
    request = await ask(scene, escalates_to="managers", escalates_us=scene.clock.now_us + 60_000_000)
    with pytest.raises(NotFound):
        scene.office.desk.question(scene.operator("mia"), "req_1")
    await scene.office.desk.tick()
    assert moved(scene) == []
    scene.clock.now_us = request.escalates_us
    await scene.office.desk.tick()
    await scene.office.desk.tick()
    assert moved(scene) == [("escalate", "")]
    assert scene.office.desk.question(scene.operator("ben"), "req_1").may_answer
    await scene.office.desk.answer("req_1", scene.operator("mia"), True, "nobody else is there")
    assert state(scene) is RequestState.APPROVED


@pytest.mark.parametrize("word", ["lapsed", "withdrawn", "expired"])
async def test_an_approval_that_came_to_nothing_says_so(scene: Scene, word: str) -> None:
    """The gateway knows whether anybody still waited for it, and whether it still fits."""
    await ask(scene)
    await scene.office.desk.answer("req_1", scene.operator("ben"), True, "fine by me")
    await scene.gateway.say(link.Settled("req_1", word))
    await until(lambda: state(scene) is RequestState.LAPSED)
    record = scene.store.requests.by_id("req_1")
    assert record is not None
    assert record.answer is not None
