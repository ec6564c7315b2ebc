"""Live sessions, the feed, and the state of things."""

import asyncio

import pytest

from doorward.control.feed import Feed, Topic
from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.entry import ServiceStopped
from tests.control.happenings import held, sessions
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio


async def tell_sessions(scene: Scene) -> None:
    for note in sessions(scene):
        await scene.gateway.say(note)
    await until(lambda: len(scene.office.sessions.live(LOCAL)) == 3)


async def test_sessions_are_live_until_closed_the_newest_first(scene: Scene) -> None:
    """As the gateway tells it."""
    await tell_sessions(scene)
    assert [note.session for note in scene.office.sessions.live(LOCAL)] == ["ses_1", "ses_4", "ses_3"]
    note = link.SessionNote("ses_1", "report-bot for alice", "agent", "", "shop", "", 0, "", 7, closed=True)
    await scene.gateway.say(note)
    await until(lambda: len(scene.office.sessions.live(LOCAL)) == 2)


async def test_people_see_sessions_by_or_for_them(scene: Scene) -> None:
    """Others' are not theirs to see."""
    await tell_sessions(scene)
    assert [note.session for note in scene.office.sessions.live(scene.operator("alice"))] == ["ses_1"]
    assert [note.session for note in scene.office.sessions.live(scene.operator("ben"))] == ["ses_3"]


async def test_lost_gateway_takes_its_sessions(scene: Scene) -> None:
    """Nobody is connected through a process that is gone."""
    await tell_sessions(scene)
    await scene.gateway.close()
    await until(lambda: scene.office.sessions.live(LOCAL) == ())
    assert not scene.office.status(LOCAL).gateway_connected


async def test_status_counts(scene: Scene) -> None:
    """What waits, who is there, how long the log is."""
    await tell_sessions(scene)
    await scene.gateway.say(link.Asked(held(scene)))
    await until(lambda: scene.office.status(LOCAL).pending == 1)
    status = scene.office.status(LOCAL)
    assert (status.gateway_connected, status.sessions, status.log_entries) == (True, 3, scene.log.size())
    assert (status.upstreams, status.address.port) == (("shop",), 6432)


async def test_touched_catalog_is_passed_on(scene: Scene) -> None:
    """Whoever reads catalogs is told which."""
    touched: list[str] = []
    scene.office._on_catalog_touched = touched.append
    await scene.gateway.say(link.CatalogTouched("shop"))
    await until(lambda: touched == ["shop"])


async def test_feed_tells_what_changed_and_that_the_log_grew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what changed between two steps; and empty sets as a sign of life."""
    monkeypatch.setattr(Feed, "POLL_SECONDS", 0.02)
    feed = scene.office.feed.follow()
    assert await anext(feed) == frozenset()
    scene.office.feed.publish(Topic.REQUESTS)
    scene.office.feed.publish(Topic.CATALOG)
    assert await asyncio.wait_for(anext(feed), 1) >= {Topic.REQUESTS, Topic.CATALOG}
    await asyncio.sleep(0.03)
    scene.log.add(ServiceStopped(1))
    seen: set[Topic] = set()
    while Topic.LOG not in seen:
        seen |= await asyncio.wait_for(anext(feed), 1)
    await feed.aclose()  # type: ignore[attr-defined]
    assert not scene.office.feed._watchers
