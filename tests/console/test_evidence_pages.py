"""Evidence in the console: a pack is made, read and taken away by those who may; reviews are decided by forms."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from doorward.api.settings import DoorSettings
from doorward.console.app import create_app
from doorward.control.operators import LOCAL
from doorward.control.probing import PROBE
from doorward.evidence.shelf import Shelf
from tests.api.clients import TOKEN, Doors
from tests.console.test_places import csrf_of, signed_in
from tests.control.offices import Scene
from tests.evidence.histories import history

__all__ = ["history"]
pytestmark = pytest.mark.anyio
DAYS = {"since": "2026-07-01", "until": "2026-07-08"}


@pytest.fixture
async def doors(scene: Scene, history: Path, tmp_path: Path) -> AsyncIterator[Doors]:
    """The office's own people, and packs of the history's log."""
    shutil.copytree(history / "log", tmp_path / "data" / "log")
    shelf = Shelf(tmp_path / "data", tmp_path / "data" / "evidence")
    doors = Doors(scene)
    doors.app = create_app(scene.office, DoorSettings(TOKEN), shelf=shelf)
    yield doors
    await shelf.close()


async def test_pack_is_made_read_and_taken_away(doors: Doors) -> None:
    """In the background; it is on record that somebody asked for it."""
    client = await signed_in(doors, "operator")
    csrf = await csrf_of(client, "/evidence")
    assert (await client.post("/evidence/packs", data={"csrf": csrf, **DAYS})).status_code == 303
    async with asyncio.timeout(90):
        while "Report" not in (page := await client.get("/evidence")).text:
            assert "could not be made" not in page.text, page.text
            await asyncio.sleep(0.2)
    name = re.search(r"/evidence/packs/([^/]+)/report.html", page.text)
    assert name
    assert "Nobody answers their own request" in page.text
    assert any(b"evidence.asked" in raw for raw in doors.scene.log.raw)
    report = await client.get(f"/evidence/packs/{name[1]}/report.html")
    assert "The controls in full" in report.text
    assert "script-src" not in report.headers["content-security-policy"]
    whole = await client.get(f"/evidence/packs/{name[1]}.zip")
    names = zipfile.ZipFile(io.BytesIO(whole.content)).namelist()
    assert {f"{name[1]}/verify.py", f"{name[1]}/manifest.sig"} <= set(names)
    for path in ("../../log/log.key", "%2e%2e/%2e%2e/log/log.key", "nothing.csv"):
        assert (await client.get(f"/evidence/packs/{name[1]}/{path}")).status_code == 404


async def test_evidence_is_for_those_who_may_read_everything(doors: Doors) -> None:
    """And made by administrators alone."""
    alice, eve = await signed_in(doors, "alice"), await signed_in(doors, "eve")
    assert (await alice.get("/evidence")).status_code == 403
    page = await eve.get("/evidence")
    assert (page.status_code, "Make a pack" in page.text) == (200, False)
    made = await eve.post("/evidence/packs", data={"csrf": await csrf_of(eve), **DAYS})
    assert made.status_code == 403
    assert (await doors.client().get("/evidence")).status_code == 303


@pytest.mark.parametrize("days", [{"since": "soon"}, {"since": "2026-07-09"}, {"until": "../../x"}])
async def test_what_are_no_days_is_refused(doors: Doors, days: dict[str, str]) -> None:
    client = await signed_in(doors, "operator")
    csrf = await csrf_of(client, "/evidence")
    assert (await client.post("/evidence/packs", data={"csrf": csrf, **DAYS, **days})).status_code == 400


async def test_review_is_started_and_decided_by_forms(doors: Doors) -> None:
    """Who decides is somebody by name, and has no form for their own lines."""
    ada = await signed_in(doors, "ada")
    csrf = await csrf_of(ada, "/evidence")
    started = await ada.post("/evidence/reviews", data={"csrf": csrf, "title": "this week"})
    path = started.headers["location"]
    page = await ada.get(path)
    (review,) = doors.scene.office.reviews.all(LOCAL)
    lines = {(line.whom, line.access.value): line for line in review.lines}
    assert PROBE not in {whom for whom, _ in lines}
    own, other = lines["ada", "group"].number, lines["ben", "group"].number
    assert f'id="reason-{other}"' in page.text
    assert f'id="reason-{own}"' not in page.text
    form = {"csrf": csrf, "line": str(other), "decision": "revoke", "reason": "moved"}
    assert (await ada.post(f"{path}/decide", data=form)).status_code == 303
    assert doors.scene.principal("ben").groups == ()
    assert "revoked" in (await ada.get(path)).text
    assert (await ada.post(f"{path}/close", data={"csrf": csrf})).status_code == 409
    assert (await ada.post(f"{path}/decide", data=form | {"csrf": "x"})).status_code == 403
