"""The door for tools, and the exchange of tokens beside it, to somebody who guesses."""

import httpx
import pytest

from doorward.api.settings import DoorSettings
from doorward.api.token_endpoint import GRANT, SECRET
from doorward.console.app import create_app
from doorward.control.operators import LOCAL
from doorward.mcp_server.door import McpDoor
from tests.control.offices import Scene, anyio_backend, scene

__all__ = ["anyio_backend", "scene"]
pytestmark = pytest.mark.anyio
URL = "http://localhost:8400"


def client_from(scene: Scene, door: McpDoor, address: str) -> httpx.AsyncClient:
    app = create_app(scene.office, DoorSettings("dwo_for-tests"), door.routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=(address, 1)), base_url=URL)


async def test_guessing_at_the_tools_is_slow_and_locks_nobody_out(scene: Scene) -> None:
    """After ten failures the source waits for that name; the agent comes in from its own address all the while."""
    door = McpDoor(scene.office, lambda: URL, tls=False)
    good = await scene.office.secrets.mint(LOCAL, "report-bot")
    guesser, agent = (client_from(scene, door, address) for address in ("198.51.100.1", "192.0.2.1"))
    path = "/mcp/knowledge/catalog"
    statuses = [(await guesser.get(path, auth=("report-bot", "dwd_wrong"))).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert (await guesser.get(path, auth=("report-bot", good.secret))).status_code == 429
    assert (await agent.get(path, auth=("report-bot", good.secret))).status_code not in (401, 429)
    scene.clock.now_us += 60_000_000
    assert (await guesser.get(path, auth=("report-bot", good.secret))).status_code not in (401, 429)


async def test_guessing_at_the_exchange_of_tokens_is_slow(scene: Scene) -> None:
    """By source: nobody is named before what is shown is read."""
    door = McpDoor(scene.office, lambda: URL, tls=False)
    form = {
        "grant_type": GRANT,
        "subject_token": "alice:dwd_wrong",
        "subject_token_type": SECRET,
        "actor_token": "report-bot:dwd_wrong",
        "actor_token_type": SECRET,
        "audience": "shop",
    }
    guesser, other = (client_from(scene, door, address) for address in ("198.51.100.1", "192.0.2.1"))
    answers = [await guesser.post("/oauth/token", data=form) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [400] * 10 + [429] * 2
    assert answers[-1].json()["error"] == "slow_down"
    assert (await other.post("/oauth/token", data=form)).status_code == 400
