"""The queue: a program that asks in a circle is one line, hides nobody, and is answered at once, each request by itself."""

import pytest

from doorward.control.operators import LOCAL
from doorward.errors import InvalidRequest, NotFound
from doorward.model import link
from doorward.model.approval import RequestState
from doorward.model.identity import PrincipalKind
from tests.control.happenings import held
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio


async def ask(scene: Scene, request_id: str, **changes: object) -> None:
    """A request comes in."""
    await scene.gateway.say(link.Asked(held(scene, request_id, **({"form": "f"} | changes))))
    await until(lambda: scene.store.requests.by_id(request_id) is not None)


def state(scene: Scene, request_id: str) -> RequestState:
    """Where it stands."""
    record = scene.store.requests.by_id(request_id)
    assert record is not None
    return record.state


async def test_hundreds_of_a_program_do_not_hide_one_of_a_person(scene: Scene) -> None:
    """It is first in the queue though it is the oldest, and they are one group."""
    await ask(scene, "req_alices", actor_ids=(), statement="delete from orders")
    for number in range(210):
        scene.store.requests.add(held(scene, f"req_{number}", form="f", asked_us=scene.clock.now_us + 1 + number))
    groups = scene.office.queue.waiting(scene.operator("ben"))
    assert [len(group) for group in groups] == [1, 210]
    assert groups[0][0].record.request.id == "req_alices"
    assert groups[1][0].record.request.id == "req_209"


async def test_a_service_that_asks_by_itself_is_no_person(scene: Scene) -> None:
    """Nobody steers it."""
    service = await scene.office.principals.add(LOCAL, PrincipalKind.SERVICE, "nightly")
    await ask(scene, "req_alices", actor_ids=())
    scene.clock.now_us += 1
    await ask(scene, "req_nightly", principal_id=service.id, actor_ids=(), form="g")
    groups = scene.office.queue.waiting(scene.operator("ben"))
    assert [group[0].record.request.id for group in groups] == ["req_alices", "req_nightly"]


async def test_like_ones_are_answered_at_once_each_by_itself(scene: Scene) -> None:
    """One that has ended meanwhile says so and keeps no other from its answer; one that came later is not touched."""
    for number in range(4):
        await ask(scene, f"req_{number}")
    await scene.gateway.say(link.Settled("req_1", "withdrawn"))
    await until(lambda: state(scene, "req_1") is RequestState.WITHDRAWN)
    ids = ("req_0", "req_1", "req_2", "req_0")
    words = await scene.office.queue.answer(ids, scene.operator("ben"), True, "looked at them")
    assert [(word.request_id, word.state, bool(word.error)) for word in words] == [
        ("req_0", "approved", False),
        ("req_1", "withdrawn", True),
        ("req_2", "approved", False),
    ]
    assert state(scene, "req_3") is RequestState.PENDING
    await until(lambda: sum(isinstance(message, link.Answered) for message in scene.gateway.heard) == 2)


async def test_different_kinds_are_not_answered_at_once(scene: Scene) -> None:
    """Nor what one may not see, nor without a reason: then none is answered."""
    await ask(scene, "req_1")
    await ask(scene, "req_2", form="g")
    by = scene.operator("ben")
    for ids, reason, wrong in (
        (("req_1", "req_2"), "looked", InvalidRequest),
        (("req_1", "req_none"), "looked", NotFound),
        (("req_1",), " ", InvalidRequest),
        ((), "looked", InvalidRequest),
    ):
        with pytest.raises(wrong):
            await scene.office.queue.answer(ids, by, True, reason)
    assert state(scene, "req_1") is RequestState.PENDING


async def test_who_asks_does_not_answer_a_group_either(scene: Scene) -> None:
    """Each is checked as if it were alone."""
    await scene.office.principals.regroup(LOCAL, "alice", ("approvers",))
    await ask(scene, "req_1")
    await ask(scene, "req_2")
    words = await scene.office.queue.answer(("req_1", "req_2"), scene.operator("alice"), True, "mine")
    assert [word.state for word in words] == ["pending", "pending"]
    assert all("your agent" in word.error for word in words)


async def test_what_was_settled_alike_is_one_line(scene: Scene) -> None:
    """Neighbours of one kind and one end; another end between them is another line."""
    for number, word in enumerate(("withdrawn", "withdrawn", "expired", "withdrawn")):
        await ask(scene, f"req_{number}", asked_us=scene.clock.now_us + number)
        scene.office.desk.settled(f"req_{number}", word)
    groups = scene.office.queue.settled(scene.operator("ben"), 30)
    assert [[question.record.request.id for question in group] for group in groups] == [
        ["req_3"],
        ["req_2"],
        ["req_1", "req_0"],
    ]
    settled = scene.office.desk.question(scene.operator("ben"), "req_3")
    assert scene.office.queue.alike(scene.operator("ben"), settled) == ()
