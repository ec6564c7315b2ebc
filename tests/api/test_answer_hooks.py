"""Answers that another system brings: the desk holds the person that it names to all that holds elsewhere."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from doorward.api.answer_hooks import answer_hooks
from doorward.api.settings import DoorSettings
from doorward.console.app import create_app
from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.approval import RequestState
from doorward.notifying.receivers import Answerer
from doorward.notifying.signing import key_of, signed_headers
from tests.api.clients import ORIGIN, TOKEN
from tests.control.happenings import held
from tests.control.offices import Scene, until
from tests.notifying.notices import SECRET, secret_file

pytestmark = pytest.mark.anyio
PEOPLE = ("ben", "alice", "ada", "report-bot", "nobody")
_numbers = itertools.count()


async def app_over(scene: Scene, tmp_path: Path) -> Starlette:
    hooks = answer_hooks(scene.office, (Answerer("itsm", PEOPLE, secret_file=secret_file(tmp_path)),))
    scene.clock.now_us += 60_000_000
    await scene.gateway.say(link.Asked(held(scene)))
    await until(lambda: scene.store.requests.by_id("req_1") is not None)
    return create_app(scene.office, DoorSettings(TOKEN), hooks)


async def bring(app: Starlette, scene: Scene, person: str = "ben", approve: bool = True, **changes: str) -> httpx.Response:
    body = json.dumps({"request": "req_1", "person": person, "approve": approve, "reason": "OPS-311"}).encode()
    headers = signed_headers(key_of("itsm", SECRET), f"msg_{next(_numbers)}", scene.clock.now_us // 1_000_000, body) | changes
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        return await client.post("/hooks/itsm/answers", content=body, headers=headers)


def acts(scene: Scene) -> list[str]:
    return [act for raw in scene.log.raw if (act := json.loads(raw).get("act", "")).startswith("answer.")]


@pytest.mark.parametrize(("approve", "state"), [(True, RequestState.APPROVED), (False, RequestState.REJECTED)])
async def test_an_approvers_answer_counts(scene: Scene, tmp_path: Path, approve: bool, state: RequestState) -> None:
    """Under their own name, with what brought it in the log; and not a second time."""
    app = await app_over(scene, tmp_path)
    answer = await bring(app, scene, approve=approve)
    assert (answer.status_code, answer.json()) == (200, {"request": "req_1", "state": state.value})
    heard = (await scene.gateway.hears(link.Answered)).answer
    assert (heard.approved, heard.by_name, heard.reason) == (approve, "ben", "OPS-311")
    assert acts(scene) == ["answer.brought"]
    assert (await bring(app, scene)).status_code == 409
    assert acts(scene) == ["answer.brought", "answer.brought", "answer.refused"]


@pytest.mark.parametrize(
    ("person", "status"), [("alice", 403), ("ada", 403), ("report-bot", 403), ("nobody", 404), ("eve", 403)]
)
async def test_whoever_may_not_answer_elsewhere_may_not_here(scene: Scene, tmp_path: Path, person: str, status: int) -> None:
    """Who asks, who is not asked, an agent, nobody known, and one whom the system may not speak for."""
    app = await app_over(scene, tmp_path)
    assert (await bring(app, scene, person)).status_code == status
    record = scene.store.requests.by_id("req_1")
    assert record is not None
    assert record.state is RequestState.PENDING
    assert acts(scene)[-1] == "answer.refused"


async def test_an_approver_who_lost_the_group_does_not_count(scene: Scene, tmp_path: Path) -> None:
    """Groups are those of now."""
    app = await app_over(scene, tmp_path)
    await scene.office.principals.regroup(LOCAL, "ben", ("readers",))
    assert (await bring(app, scene)).status_code in (403, 404)


async def test_an_unproven_call_changes_nothing_and_few_are_looked_at(scene: Scene, tmp_path: Path) -> None:
    """It is in the log; after ten of them the address has to wait, and the log does not grow any more."""
    app = await app_over(scene, tmp_path)
    codes = [(await bring(app, scene, **{"webhook-signature": "v1,AAAA"})).status_code for _ in range(13)]
    assert codes == [401] * 10 + [429] * 3
    assert acts(scene) == ["answer.refused"] * 10
    assert (await bring(app, scene)).status_code == 429


async def test_without_an_answerer_there_is_no_door(scene: Scene) -> None:
    """It is opt-in."""
    assert answer_hooks(scene.office, ()) == []
