"""The page of agents: who acts for whom, and the switch that stops them."""

from __future__ import annotations

import httpx
import pytest

from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.identity import PrincipalKind
from tests.api.clients import Doors
from tests.console.test_places import csrf_of, signed_in
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
async def doors(scene: Scene) -> Doors:
    await scene.office.principals.add(LOCAL, PrincipalKind.AGENT, "night-bot", (), "alice")
    await scene.office.agents.register(LOCAL, "night-bot", purpose="weekly <report>", limits={"rows_per_hour": 10_000})
    return Doors(scene)


async def send(client: httpx.AsyncClient, action: str, **fields: str) -> httpx.Response:
    form = {"csrf": await csrf_of(client, "/agents"), "scope": "agent", "name": "night-bot", **fields}
    return await client.post(f"/agents/{action}", data=form)


async def test_agents_are_shown_with_what_is_settled(doors: Doors) -> None:
    page = (await (await signed_in(doors, "operator")).get("/agents")).text
    for shown in ("night-bot", "weekly &lt;report&gt;", "000 rows an hour", "good"):
        assert shown in page


async def test_an_agent_is_stopped_and_let_go_on(doors: Doors) -> None:
    client = await signed_in(doors, "operator")
    assert (await send(client, "stop", reason="reads too much")).status_code == 303
    revoked = await doors.scene.gateway.hears(link.Revoked)
    assert revoked.principal_id == doors.scene.office.principals.good("night-bot").principal.id
    page = (await client.get("/agents")).text
    assert "reads too much" in page
    assert "Let it go on" in page
    assert (await send(client, "resume")).status_code == 303
    assert "Let it go on" not in (await client.get("/agents")).text


async def test_all_are_stopped_by_one_button(doors: Doors) -> None:
    client = await signed_in(doors, "operator")
    await send(client, "stop", scope="all", name="")
    page = (await client.get("/agents")).text
    assert "All agents, by operator" in page
    assert "Stop all agents now" not in page


async def test_who_an_agent_acts_for_may_stop_it_and_no_one_else(doors: Doors) -> None:
    alice = await signed_in(doors, "alice")
    assert (await send(alice, "stop")).status_code == 303
    assert (await send(alice, "resume")).status_code == 403
    ben = await signed_in(doors, "ben")
    assert "night-bot" not in (await ben.get("/agents")).text
    assert (await send(ben, "stop")).status_code == 403


async def test_a_form_of_another_site_stops_nobody(doors: Doors) -> None:
    client = await signed_in(doors, "operator")
    assert (await client.post("/agents/stop", data={"scope": "all", "name": "", "csrf": "x"})).status_code == 403
    assert doors.scene.office.agents.stops(LOCAL) == ()
