"""The log's keys as people and days turn them: permitted, recorded first, and told to the gateways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from doorward.assembly.turning_days import configuration_of
from doorward.config import DataDirectory, Settings
from doorward.control.log_keys import REASON_LIMIT
from doorward.control.operators import LOCAL
from doorward.control.views import decode_entry
from doorward.errors import AuditUnavailable, Conflict, DoorwardError, InvalidRequest, NotFound, NotPermitted
from doorward.model.entry import Administered
from doorward.model.upstream import Upstream
from tests.control.offices import Scene, close_scene, log_keys_in, open_scene

pytestmark = pytest.mark.anyio

DAY_US = 86_400_000_000


def acts(scene: Scene) -> list[tuple[str, str, str]]:
    """What was done to keys, by whom."""
    found = [entry for entry in map(decode_entry, scene.log.raw) if isinstance(entry, Administered)]
    return [(entry.act, entry.subject, entry.by) for entry in found if entry.act.startswith("log.")]


async def test_a_day_begins_with_a_key_of_its_own(tmp_path: Path) -> None:
    """Made once, and put in the log by whoever made it."""
    now_us = 1_801_396_800_000_000
    scene = await open_scene(tmp_path, lambda: now_us)
    keys = scene.office.log_keys
    assert keys.sealing is None
    scene.office.begin()
    assert keys.sealing is not None
    assert acts(scene) == []
    await scene.office.turn_day()
    await scene.office.turn_day()
    first = keys.sealing.id
    assert acts(scene) == [("log.key.made", first, "doorward")]
    now_us += DAY_US
    await scene.office.turn_day()
    assert keys.sealing.id != first
    assert acts(scene)[1:] == [("log.key.made", keys.sealing.id, "doorward")]
    assert [(row.id, row.is_current) for row in keys.all(LOCAL)] == [(first, False), (keys.sealing.id, True)]
    await close_scene(scene)


async def test_a_key_is_destroyed_for_a_reason_and_the_log_says_so(scene: Scene) -> None:
    """By an administrator, and not the one in use."""
    keys = scene.office.log_keys
    old = log_keys_in(scene.socket.parent).current(200 * DAY_US)
    scene.office.begin()
    assert keys.sealing is not None
    with pytest.raises(NotPermitted):
        await keys.erase(scene.operator("eve"), old.id, "too old")
    with pytest.raises(NotPermitted):
        keys.all(scene.operator("eve"))
    for key_id, reason, error in (
        (old.id, " ", InvalidRequest),
        (old.id, "x" * (REASON_LIMIT + 1), InvalidRequest),
        ("1999-01-01", "too old", NotFound),
        (keys.sealing.id, "too old", Conflict),
    ):
        with pytest.raises(error):
            await keys.erase(LOCAL, key_id, reason)
    assert acts(scene) == []
    await keys.erase(scene.operator("ada"), old.id, "too old")
    assert acts(scene) == [("log.key.erased", old.id, "ada")]
    assert [(row.id, row.erased_by, row.erased_us > 0) for row in keys.all(LOCAL)] == [
        (keys.sealing.id, "", False),
        (old.id, "ada", True),
    ]
    with pytest.raises(Conflict, match="already"):
        await keys.erase(LOCAL, old.id, "again")


async def test_what_can_not_be_recorded_is_not_done(scene: Scene) -> None:
    """No key goes without the log saying so."""
    old = log_keys_in(scene.socket.parent).current(200 * DAY_US)
    scene.office.begin()
    scene.gateway.append_error = "the disk is full"
    for attempt in (
        scene.office.log_keys.erase(LOCAL, old.id, "too old"),
        scene.office.log_keys.rotate(LOCAL),
        scene.office.turn_day(),
    ):
        with pytest.raises(AuditUnavailable):
            await attempt
    assert log_keys_in(scene.socket.parent).key(old.id) is not None


async def test_keys_are_wrapped_anew(scene: Scene) -> None:
    """Under a fresh key, recorded first; an administrator's to do."""
    scene.office.begin()
    before = scene.office.log_keys.all(LOCAL)[0].wrapped_by
    with pytest.raises(NotPermitted):
        await scene.office.log_keys.rotate(scene.operator("ben"))
    assert await scene.office.log_keys.rotate(LOCAL) == 1
    assert scene.office.log_keys.all(LOCAL)[0].wrapped_by != before
    assert acts(scene) == [("log.keys.rotated", "all", "operator")]


async def test_without_a_wrapping_key_nothing_begins(scene: Scene) -> None:
    """And the error names the file."""
    (scene.socket.parent / "wrapping.key").unlink()
    with pytest.raises(DoorwardError, match=r"wrapping\.key"):
        scene.office.begin()


async def test_a_clock_that_was_set_is_in_the_log(tmp_path: Path) -> None:
    """Once, with the way it went; entries keep their order whatever their times say."""
    now_us = 1_801_396_800_000_000
    scene = await open_scene(tmp_path, lambda: now_us)
    await scene.office.turn_day()
    now_us -= 7_200_000_000
    await scene.office.turn_day()
    await scene.office.turn_day()
    (told,) = [e for e in map(decode_entry, scene.log.raw) if isinstance(e, Administered) and e.act == "clock.jumped"]
    assert -7_201_000 < int(told.details["by_ms"]) < -7_199_000
    assert (told.by, told.at_us) == ("doorward", now_us)
    await close_scene(scene)


async def test_what_doorward_runs_with_is_in_the_log(scene: Scene) -> None:
    """Without secrets: by it the configuration of one start is compared with the next."""
    upstream = Upstream("shop", "postgresql", "db", 5432, "shopdb", "doorward", "hush")
    settings = Settings(DataDirectory(scene.socket.parent), upstream)
    await scene.office.taken_up(**configuration_of(settings, "p7", {"a.toml": "x"}))
    told = decode_entry(scene.log.raw[-1])
    assert isinstance(told, Administered)
    assert (told.act, told.by) == ("configuration.taken_up", "doorward")
    assert told.details["upstream"] == "shop postgresql://doorward@db:5432/shopdb"
    assert (told.details["policy"], told.details["mode"], len(told.details["detectors"])) == ("p7", "protected", 16)
    assert "hush" not in scene.log.raw[-1].decode()
    observed = configuration_of(replace(settings, upstream=structs.replace(upstream, observe=True)), "p7", {})
    assert (observed["mode"], observed["detectors"]) == ("observed", "")


async def test_a_held_key_is_not_destroyed(scene: Scene) -> None:
    """Until it is released; both are an administrator's to do, with a reason, and in the log."""
    keys = scene.office.log_keys
    old = log_keys_in(scene.socket.parent).current(200 * DAY_US)
    scene.office.begin()
    for attempt in (keys.hold(scene.operator("eve"), old.id, "case 1"), keys.release(scene.operator("eve"), old.id, "over")):
        with pytest.raises(NotPermitted):
            await attempt
    with pytest.raises(InvalidRequest):
        await keys.hold(LOCAL, old.id, "")
    for attempt in (keys.hold(LOCAL, "1999-01-01", "case 1"), keys.release(LOCAL, old.id, "over")):
        with pytest.raises(NotFound):
            await attempt
    await keys.hold(LOCAL, old.id, "case 1")
    assert {row.id: row.held for row in keys.all(LOCAL)}[old.id] == "case 1"
    with pytest.raises(Conflict, match="is held: case 1"):
        await keys.erase(LOCAL, old.id, "too old")
    with pytest.raises(Conflict, match="is held: case 1"):
        log_keys_in(scene.socket.parent).erase(old.id, 1, "somebody past the office")
    (scene.socket.parent / "days" / f"{old.id}.held").write_text("{")
    with pytest.raises(Conflict, match="can't be read"):
        await keys.erase(LOCAL, old.id, "too old")
    await keys.release(LOCAL, old.id, "closed")
    await keys.erase(LOCAL, old.id, "too old")
    assert [act for act, _subject, _by in acts(scene)] == ["log.key.held", "log.key.released", "log.key.erased"]
