"""The pages without a browser: signing in, forms, rights, errors. Everything here works without JavaScript."""

import json
import re

import httpx
import pytest

from doorward.api.settings import DoorSettings
from doorward.console.browser_sessions import COOKIE, SESSIONS, BrowserSessions
from doorward.console.live import Live
from doorward.console.places import _own_path
from doorward.console.rendering import Pages
from doorward.control.feed import Feed
from doorward.control.operators import LOCAL
from doorward.control.views import decode_entry
from doorward.model import link
from doorward.model.approval import RequestState
from doorward.model.catalog import Label
from doorward.model.entry import Administered, SigninRefused
from tests.api.clients import ORIGIN, TOKEN, Doors
from tests.control.happenings import held, sessions, tell_morning
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio
PLACES = ("/", "/approvals", "/record", "/catalog")


@pytest.fixture
def doors(scene: Scene) -> Doors:
    tell_morning(scene)
    return Doors(scene)


async def signed_in(doors: Doors, name: str) -> httpx.AsyncClient:
    client = doors.client(headers={"Origin": ORIGIN})
    secret = TOKEN if name == "operator" else (await doors.scene.office.secrets.mint(LOCAL, name)).secret
    response = await client.post("/login", data={"name": name, "secret": secret})
    assert response.status_code == 303
    return client


async def ask(doors: Doors, **changes: object) -> None:
    await doors.scene.gateway.say(link.Asked(held(doors.scene, **changes)))
    await until(lambda: doors.scene.store.requests.by_id("req_1") is not None)


async def csrf_of(client: httpx.AsyncClient, path: str = "/") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await client.get(path)).text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", [*PLACES, "/approvals/req_1", "/record/0"])
async def test_page_asks_to_sign_in_and_comes_back(doors: Doors, path: str) -> None:
    """To where the reader wanted to go."""
    client = doors.client()
    response = await client.get(path)
    assert response.status_code == 303
    login = await client.get(response.headers["location"])
    assert f'name="next" value="{path}"' in login.text


async def test_link_from_elsewhere_is_followed_once_more_with_the_cookie(doors: Doors) -> None:
    """A strict cookie stays at home for a link from a chat."""
    response = await doors.client().get("/approvals/req_1", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200
    assert 'http-equiv="refresh"' in response.text


async def test_cookie_is_for_this_site_and_not_for_scripts(scene: Scene) -> None:
    """And for TLS alone when there is TLS."""
    minted = await scene.office.secrets.mint(LOCAL, "alice")
    for is_https in (False, True):
        doors = Doors(scene, DoorSettings(TOKEN, is_https=is_https))
        response = await doors.client().post("/login", data={"name": "alice", "secret": minted.secret})
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert ("secure" in cookie) is is_https


async def test_who_came_in_and_who_did_not_is_in_the_log(doors: Doors) -> None:
    """With the name that was claimed, and from where; when it can't be recorded, nobody gets in."""
    minted = await doors.scene.office.secrets.mint(LOCAL, "alice")
    await doors.client().post("/login", data={"name": "alice", "secret": "wrong"})
    await doors.client().post("/login", data={"name": "alice", "secret": minted.secret})
    told = [entry for entry in map(decode_entry, doors.scene.log.raw) if getattr(entry, "act", "").startswith("console.")]
    assert [(entry.act, entry.subject, entry.by) for entry in told if isinstance(entry, Administered)] == [
        ("console.signin_refused", "alice", "doorward"),
        ("console.signed_in", "alice", "alice"),
    ]
    doors.scene.gateway.append_error = "the disk is full"
    refused = await doors.client().post("/login", data={"name": "alice", "secret": minted.secret})
    assert refused.status_code >= 400
    assert "audit log" in refused.text


@pytest.mark.parametrize(
    ("name", "secret"), [("alice", "wrong"), ("nobody", "wrong"), ("operator", "wrong"), ("", ""), ("<b>", "\udc00")]
)
async def test_wrong_sign_in_says_so_and_sets_no_cookie(doors: Doors, name: str, secret: str) -> None:
    """Not which part was wrong; and nothing typed is echoed."""
    body = {"name": name, "secret": secret.encode(errors="surrogatepass")}
    response = await doors.client().post("/login", data=body)
    assert response.status_code == 401
    assert 'role="alert"' in response.text
    assert "set-cookie" not in response.headers
    assert "<b>" not in response.text.split("role=")[1].split("</p>")[0]


async def test_agents_secret_opens_no_page(doors: Doors) -> None:
    """Only people sign in here."""
    minted = await doors.scene.office.secrets.mint(LOCAL, "report-bot")
    response = await doors.client().post("/login", data={"name": "report-bot", "secret": minted.secret})
    assert response.status_code == 401


async def test_sign_in_is_slowed_after_failures(doors: Doors) -> None:
    """By address."""
    async with doors.client() as client:
        statuses = [(await client.post("/login", data={"name": "a", "secret": "b"})).status_code for _ in range(11)]
    assert statuses[-2:] == [401, 429]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/approvals/req_1", "/approvals/req_1"),
        ("/record?who=a", "/record?who=a"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(path: str, expected: str) -> None:
    """Only to paths of this site."""
    assert _own_path(path) == expected


async def test_session_ends_with_signing_out_with_the_secret_and_with_the_principal(doors: Doors) -> None:
    """A cookie never outlives what it was given for."""
    leaving = await signed_in(doors, "alice")
    cookie = leaving.cookies[COOKIE]
    assert (await leaving.post("/logout", data={"csrf": await csrf_of(leaving)})).status_code == 303
    leaving.cookies.set(COOKIE, cookie)
    assert (await leaving.get("/")).status_code == 303
    revoked = await signed_in(doors, "ben")
    await doors.scene.office.principals.revoke(LOCAL, "ben")
    assert (await revoked.get("/")).status_code == 303
    expiring = await signed_in(doors, "eve")
    assert (await expiring.get("/")).status_code == 200
    doors.scene.clock.now_us += 3_600_000_000
    assert (await expiring.get("/")).status_code == 303


async def test_rights_are_those_of_now(doors: Doors) -> None:
    """A group that was taken is gone at the next click."""
    client = await signed_in(doors, "ada")
    assert "mallory" in (await client.get("/record")).text
    await doors.scene.office.principals.regroup(LOCAL, "ada", ())
    assert "mallory" not in (await client.get("/record")).text


async def test_oldest_session_makes_room(scene: Scene) -> None:
    """Memory is bounded."""
    browser_sessions = BrowserSessions(scene.office.proven_still, scene.clock)
    cookies = [browser_sessions.start(LOCAL) for _ in range(SESSIONS + 1)]
    assert browser_sessions.of(cookies[0]) is None
    assert browser_sessions.of(cookies[-1]) is not None


@pytest.mark.parametrize("name", ["operator", "ada", "eve", "ben", "alice"])
async def test_every_page_draws_for_everyone(doors: Doors, name: str) -> None:
    """With sessions, requests, and a log of every kind."""
    for note in sessions(doors.scene):
        await doors.scene.gateway.say(note)
    await ask(doors, in_transaction=True)
    client = await signed_in(doors, name)
    for path in (*PLACES, "/approvals/req_1", "/record?verdict=deny&who=x", "/catalog?unreviewed=1&label=protected&table=cust"):
        response = await client.get(path)
        assert response.status_code == 200, path
        assert " style=" not in response.text
        assert not re.search(r"<script(?! src=)|\son\w+=", response.text)
    for index in range(doors.scene.log.size()):
        assert (await client.get(f"/record/{index}")).status_code in (200, 404)


async def test_form_without_its_token_does_nothing(doors: Doors) -> None:
    """Nor with another session's."""
    await ask(doors)
    ben, other = await signed_in(doors, "ben"), await signed_in(doors, "ben")
    for csrf in ("", "wrong", await csrf_of(other)):
        response = await ben.post("/approvals/req_1/answer", data={"csrf": csrf, "answer": "approve"})
        assert response.status_code == 403
    foreign = await ben.post(
        "/approvals/req_1/answer",
        data={"csrf": await csrf_of(ben), "answer": "approve"},
        headers={"Origin": "http://evil.example"},
    )
    assert foreign.status_code == 403
    record = doors.scene.store.requests.by_id("req_1")
    assert record is not None
    assert record.state is RequestState.PENDING


async def test_request_is_answered_by_its_form(doors: Doors) -> None:
    """And says so; a second answer is a conflict in words."""
    await ask(doors)
    ben = await signed_in(doors, "ben")
    form = {"csrf": await csrf_of(ben), "answer": "reject", "reason": "not in <b>office</b> hours"}
    assert (await ben.post("/approvals/req_1/answer", data=form | {"answer": "maybe"})).status_code == 400
    response = await ben.post("/approvals/req_1/answer", data=form, follow_redirects=True)
    assert "rejected" in response.text
    assert "not in &lt;b&gt;office&lt;/b&gt; hours" in response.text
    again = await ben.post("/approvals/req_1/answer", data=form)
    assert again.status_code == 409
    assert "rejected already" in again.text


async def test_request_shows_everything_to_decide_by(doors: Doors) -> None:
    """Who, what with its parameters, why, where, and the warning of a transaction."""
    await ask(doors, in_transaction=True)
    text = (await (await signed_in(doors, "ben")).get("/approvals/req_1")).text
    for wanted in ("report-bot", "alice", "&#39;{17,21,40}&#39;", "hold-agent-writes", "public.customers", "In a transaction"):
        assert wanted in text
    assert text.count("<mark") >= 3
    own = (await (await signed_in(doors, "alice")).get("/approvals/req_1")).text
    assert "It is asked in your name by your agent." in own
    assert 'value="approve"' not in own


async def test_claimed_name_never_looks_like_an_identity(doors: Doors) -> None:
    """Nor do parameters hide what they hold."""
    doors.scene.log.add(
        SigninRefused(doors.scene.clock.now_us, "10.0.0.1:1", "shop", "The user is not known.", "bot for alice")
    )
    operator = await signed_in(doors, "operator")
    row = next(row for row in (await operator.get("/record")).text.split("<tr") if "10.0.0.1:1" in row)
    assert ">bot for alice</code>" in row
    assert 'class="chain"' not in row
    await ask(doors, parameters=("'7\u202e'",))
    assert "U+202E" in (await operator.get("/approvals/req_1")).text


async def test_record_search_is_its_url(doors: Doors) -> None:
    """Filters stay in the form and in the links."""
    client = await signed_in(doors, "operator")
    response = await client.get("/record?who=report-bot&verdict=allow&limit=1")
    assert 'name="who" value="report-bot"' in response.text
    assert '<option value="allow" selected>' in response.text
    older = re.search(r'href="(/record\?[^"]+)">Older', response.text)
    assert older
    assert "who=report-bot" in older[1]
    assert (await client.get("/record?since=yesterday")).status_code == 400


async def test_label_is_reviewed_by_its_form(doors: Doors) -> None:
    """By those who may; others have no form, and are refused if they make one."""
    form = {
        "upstream": "shop",
        "table_oid": "100",
        "attribute_number": "3",
        "label": "free_text",
        "next": "/catalog?table=cust",
    }
    ben, operator = await signed_in(doors, "ben"), await signed_in(doors, "operator")
    assert "/catalog/verdict" not in (await ben.get("/catalog")).text
    assert (await ben.post("/catalog/verdict", data=form | {"csrf": await csrf_of(ben)})).status_code == 403
    form["csrf"] = await csrf_of(operator)
    assert (await operator.post("/catalog/verdict", data=form | {"table_oid": "x"})).status_code == 400
    assert (await operator.post("/catalog/verdict", data=form | {"label": ""})).status_code == 400
    response = await operator.post("/catalog/verdict", data=form)
    assert response.headers["location"] == "/catalog?table=cust"
    assert doors.scene.office.catalog.snapshots["shop"].labels[100, 3] is Label.FREE_TEXT


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/record/9999", 404), ("/approvals/x", 404), ("/live/x", 404)]
)
async def test_error_is_a_page_with_words(doors: Doors, path: str, status: int) -> None:
    """With the way back."""
    response = await (await signed_in(doors, "operator")).get(path)
    assert response.status_code == status
    assert "Back to what happens now" in response.text


async def test_oversize_form_is_refused(doors: Doors) -> None:
    """Before it is kept."""
    response = await doors.client().post("/login", data={"name": "a", "secret": "x" * 70_000})
    assert response.status_code == 413


async def test_unexpected_error_is_a_page_that_says_nothing_of_itself(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is the operator's."""

    def fail(*_: object) -> None:
        raise RuntimeError("inner words")

    client = await signed_in(doors, "operator")
    monkeypatch.setattr(doors.scene.office.catalog, "rows", fail)
    response = await client.get("/catalog")
    assert response.status_code == 500
    assert "inner words" not in response.text


async def test_stream_sends_what_changed_alone_and_ends_with_the_session(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that looks the same is not sent again."""
    monkeypatch.setattr(Feed, "POLL_SECONDS", 0.02)
    browser_sessions = BrowserSessions(doors.scene.office.proven_still, doors.scene.clock)
    live = Live(doors.scene.office, Pages(doors.scene.office), browser_sessions)
    cookie = browser_sessions.start(LOCAL)
    events = live.stream(cookie, "now", "")
    first = json.loads((await anext(events))["data"])
    assert set(first) == {"pending", "figures", "waiting", "sessions", "statements"}
    await ask(doors)
    second = json.loads((await anext(events))["data"])
    assert set(second) == {"pending", "figures", "waiting"}
    assert second["pending"]["html"] == "1"
    browser_sessions.end(cookie)
    assert (await anext(events))["event"] == "ended"


async def test_stream_without_a_session_is_refused_plainly(doors: Doors) -> None:
    """An EventSource can't follow a redirection to a form."""
    response = await doors.client().get("/live/now", headers={"Accept": "text/event-stream"})
    assert response.status_code == 401
