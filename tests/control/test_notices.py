"""What is told outside of requests and broken glass, and in which order."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.identity import PrincipalKind
from doorward.model.notice import Notice, Occasion
from tests.control.happenings import held
from tests.control.offices import Scene, close_scene, open_scene, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[tuple[Scene, list[Notice]]]:
    notices: list[Notice] = []
    scene = await open_scene(tmp_path, notify=notices.append)
    yield scene, notices
    await close_scene(scene)


async def ask(scene: Scene, request_id: str, **changes: object) -> None:
    await scene.gateway.say(link.Asked(held(scene, request_id, **changes)))
    await until(lambda: scene.store.requests.by_id(request_id) is not None)


async def test_every_step_of_requests_is_told(heard: tuple[Scene, list[Notice]]) -> None:
    """Asked, seconded, taken back, escalated, and each end."""
    scene, notices = heard
    desk = scene.office.desk
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "cleo", ("approvers",))
    now = scene.clock.now_us
    await ask(scene, "req_1", quorum=2, escalates_to="managers", escalates_us=now + 1_000)
    await desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    await desk.take_back("req_1", scene.operator("ben"), "wrong table")
    scene.clock.now_us += 2_000
    await desk.tick()
    await desk.answer("req_1", scene.operator("ben"), True, "looked at it")
    await desk.answer("req_1", scene.operator("cleo"), True, "looked at it")
    assert [notice.occasion.partition(".")[2] for notice in notices] == [
        "asked", "seconded", "taken_back", "escalated", "seconded", "approved",
    ]  # fmt: skip
    assert (notices[-1].by, notices[-1].word, notices[-1].escalated_to) == ("cleo", "looked at it", "managers")
    notices.clear()
    await ask(scene, "req_2")
    await desk.answer("req_2", scene.operator("ben"), False, "no")
    await ask(scene, "req_3")
    desk.settled("req_3", "withdrawn")
    await ask(scene, "req_4", expires_us=scene.clock.now_us + 10)
    scene.clock.now_us += 20
    await desk.tick()
    assert [(notice.subject, notice.occasion) for notice in notices] == [
        ("req_2", "request.asked"),
        ("req_2", "request.rejected"),
        ("req_3", "request.asked"),
        ("req_3", "request.withdrawn"),
        ("req_4", "request.asked"),
        ("req_4", "request.expired"),
    ]


async def test_the_shape_has_no_values(heard: tuple[Scene, list[Notice]]) -> None:
    """And no parameters are in a notice at all."""
    scene, notices = heard
    await ask(scene, "req_1", statement="delete from t where a = 'secret' -- hush", parameters=("'17'",))
    (notice,) = notices
    assert notice.shape.strip() == "delete from t where a = '?'"
    assert "17" not in str(notice.shape) + notice.why


async def test_broken_glass_is_told_until_it_was_looked_at(heard: tuple[Scene, list[Notice]]) -> None:
    """Broken, to be reviewed once it is over, reviewed."""
    scene, notices = heard
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "oli", ("emergency",))
    await scene.office.principals.add(LOCAL, PrincipalKind.HUMAN, "sue", ("security",))
    record = await scene.office.accesses.break_glass(scene.operator("oli"), "shop", 1, "orders are stuck")
    scene.clock.now_us += 61_000_000
    await scene.office.accesses.tick()
    await scene.office.accesses.review(scene.operator("sue"), record.access.id, "nothing else")
    assert [notice.occasion for notice in notices] == [
        Occasion.GLASS_BROKEN.value,
        Occasion.GLASS_TO_REVIEW.value,
        Occasion.GLASS_REVIEWED.value,
    ]
    assert {(notice.subject, notice.chain, notice.shape, notice.text) for notice in notices} == {
        (record.access.id, "oli", "", "")
    }
