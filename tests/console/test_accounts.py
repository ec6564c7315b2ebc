"""Local accounts in the browser: set up by a link, signed in with, and passed on to the command line."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import httpx
import pyotp
import pytest

from doorward.console.browser_sessions import COOKIE
from doorward.control.operators import LOCAL
from tests.api.clients import ORIGIN, Doors
from tests.control.offices import Scene

pytestmark = pytest.mark.anyio
PASSWORD = "three words suffice"
HALF_MINUTE_US = 30_000_000


@pytest.fixture
def doors(scene: Scene) -> Doors:
    return Doors(scene)


def browser(doors: Doors) -> httpx.AsyncClient:
    return doors.client(headers={"Origin": ORIGIN})


def code_of(doors: Doors, key: str) -> str:
    """The app's next code."""
    doors.scene.clock.now_us += HALF_MINUTE_US
    return pyotp.TOTP(key).at(doors.scene.clock.now_us // 1_000_000)


def csrf_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def set_up(doors: Doors, name: str = "ada") -> tuple[str, list[str]]:
    """By a link that the operator made: the app's key, and the recovery codes."""
    made = (await doors.operator().post(f"/api/v1/accounts/{name}/link")).json()
    client = browser(doors)
    page = await client.get(made["path"])
    shown = re.search(r"<code>([A-Z2-7 ]{39})</code>", page.text)
    assert shown
    key = shown[1].replace(" ", "")
    form = {"link": made["path"].partition("=")[2], "password": PASSWORD, "again": PASSWORD, "code": code_of(doors, key)}
    wrong = await client.post("/account/set-up", data={**form, "again": "another"})
    assert (wrong.status_code, "not the same" in wrong.text) == (400, True)
    told = await client.post("/account/set-up", data=form)
    assert told.status_code == 200, told.text
    assert (await client.post("/account/set-up", data=form)).status_code == 401
    return key, re.findall(r"<li><code>([a-z2-7-]{19})</code>", told.text)


async def test_somebody_sets_up_an_account_signs_in_and_passes_it_on(doors: Doors) -> None:
    """All the way to the command line, which acts as them; nobody else's browser is in."""
    key, codes = await set_up(doors)
    assert len(codes) == 10
    client = browser(doors)
    signed_in = await client.post("/login", data={"name": "ada", "secret": PASSWORD, "code": code_of(doors, key)})
    assert (signed_in.status_code, COOKIE in signed_in.headers["set-cookie"]) == (303, True)
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {"port": "5000", "challenge": challenge, "state": "s" * 24}
    asked = await client.get("/sign-in/command", params=query)
    let_in = await client.post("/sign-in/command", data={**query, "csrf": csrf_in(asked)})
    code = re.search(r"code=([A-Za-z0-9_-]+)", let_in.text)
    assert code
    given = (await client.post("/api/v1/sign-ins", json={"code": code[1], "verifier": verifier})).json()
    command = doors.client(headers={"Authorization": f"Bearer {given['token']}"})
    assert (await command.get("/api/v1/status")).json()["you"] == "ada"
    await client.post("/logout", data={"csrf": csrf_in(await client.get("/account"))})
    assert (await command.get("/api/v1/status")).status_code == 401


async def test_a_changed_password_leaves_this_browser_in_alone(doors: Doors) -> None:
    """And a form of another session changes nothing."""
    key, codes = await set_up(doors)
    here, there = browser(doors), browser(doors)
    for client in (here, there):
        await client.post("/login", data={"name": "ada", "secret": PASSWORD, "code": code_of(doors, key)})
    page = await here.get("/account")
    assert "10 of 10 recovery codes" in page.text
    form = {"password": PASSWORD, "fresh": "quite another phrase", "again": "quite another phrase", "csrf": csrf_in(page)}
    assert (await there.post("/account/password", data={**form, "code": codes[0]})).status_code == 403
    wrong = await here.post("/account/password", data={**form, "code": "000000"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)
    changed = await here.post("/account/password", data={**form, "code": code_of(doors, key)})
    assert (changed.status_code, changed.headers["location"]) == (303, "/account")
    assert (await here.get("/account")).status_code == 200
    assert (await there.get("/account")).status_code == 303
    fresh = {"csrf": csrf_in(await here.get("/account")), "password": "quite another phrase", "code": codes[1]}
    renewed = await here.post("/account/recovery-codes", data=fresh)
    assert len(re.findall(r"<li><code>", renewed.text)) == 10


async def test_who_signed_in_otherwise_has_nothing_to_change(doors: Doors) -> None:
    """A secret is no account."""
    client = browser(doors)

    minted = await doors.scene.office.secrets.mint(LOCAL, "ben")
    await client.post("/login", data={"name": "ben", "secret": minted.secret})
    page = await client.get("/account")
    assert (page.status_code, "no local account" in page.text) == (200, True)
    form = {"csrf": csrf_in(page), "password": "x", "fresh": "three other words", "again": "three other words", "code": "1"}
    assert (await client.post("/account/password", data=form)).status_code == 401


async def test_many_guesses_at_once_do_not_slip_through(doors: Doors) -> None:
    """A password takes long to judge: each guess counts before it is."""

    await set_up(doors)
    client = browser(doors)
    form = {"name": "ada", "secret": "a wrong guess", "code": "000000"}
    statuses = [r.status_code for r in await asyncio.gather(*(client.post("/login", data=form) for _ in range(20)))]
    assert (statuses.count(401), statuses.count(429)) == (10, 10)


@pytest.mark.parametrize("link", ["", "x", "'; --", "%00", "\u20ac"])
async def test_a_link_that_is_none_shows_nothing(doors: Doors, link: str) -> None:
    """And is told so."""
    page = await browser(doors).get("/account/set-up", params={"link": link})
    assert (page.status_code, "not good" in page.text) == (401, True)


async def test_accounts_are_listed_and_removed(doors: Doors) -> None:
    """For administrators."""
    await set_up(doors)
    async with doors.operator() as client:
        listed = (await client.get("/api/v1/accounts")).json()
        assert [(one["principal"], one["recovery_codes"], one["is_allowed"]) for one in listed] == [("ada", 10, True)]
        assert (await client.delete("/api/v1/accounts/ada")).status_code == 204
        assert (await client.get("/api/v1/accounts")).json() == []
    alice = await doors.person("alice")
    assert (await alice.post("/api/v1/accounts/alice/link")).status_code == 403
