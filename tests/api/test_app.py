"""The API as callers meet it: what they get, what they are refused, and how it is said."""

import asyncio
import base64
import json

import httpx
import pytest

from doorward.api.endpoints import ENDPOINTS
from doorward.api.guard import BODY_LIMIT_BYTES, HEADERS
from doorward.api.settings import DoorSettings
from doorward.api.stream import log_rows
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL
from doorward.model import link
from doorward.model.catalog import Label
from tests.api.clients import TOKEN, Doors
from tests.control.happenings import held, identity, intent, outcome, sessions, tell_morning
from tests.control.offices import Scene, until

pytestmark = pytest.mark.anyio
API = "/api/v1"


@pytest.fixture
def doors(scene: Scene) -> Doors:
    return Doors(scene)


def code(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert error["message"]
    return str(error["code"])


async def test_status_tells_the_state_and_who_asks(doors: Doors) -> None:
    """To the operator and to a person."""
    status = (await doors.operator().get(f"{API}/status")).json()
    assert (status["gateway_connected"], status["upstreams"], status["port"]) == (True, ["shop"], 6432)
    assert status["you"] == "operator"
    assert (await (await doors.person("alice")).get(f"{API}/status")).json()["you"] == "alice"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer wrong",
        "Bearer " + TOKEN[:-1],
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"alice:wrong").decode(),
        "Digest x",
    ],
)
async def test_whoever_proves_nothing_gets_nothing(doors: Doors, header: str) -> None:
    """On every endpoint, before anything is read."""
    async with doors.client(headers={"Authorization": header} if header else {}) as client:
        response = await client.get(f"{API}/status")
    assert response.status_code == 401
    assert "Basic" in response.headers["www-authenticate"]
    assert code(response) == "authentication-failed"


# What is sent to these is itself the proof.
OPEN = {"/workload-secrets", "/sign-ins", "/sign-ins/device", "/sign-ins/device-token"}


def test_what_needs_no_sign_in_is_listed_here() -> None:
    """An endpoint that is open is added to this file."""
    assert {endpoint.path for endpoint in ENDPOINTS if endpoint.is_open} == OPEN


CLOSED = [endpoint for endpoint in ENDPOINTS if not endpoint.is_open]


@pytest.mark.parametrize("endpoint", CLOSED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
async def test_every_endpoint_asks_who_calls(doors: Doors, endpoint) -> None:
    """The table is walked, so none can be forgotten."""
    path = endpoint.path.replace("{index:int}", "0").replace("{name}", "alice").replace("{id}", "x")
    response = await doors.client().request(endpoint.method, API + path, json={})
    assert response.status_code == 401


async def test_empty_operator_token_opens_nothing(scene: Scene) -> None:
    """A missing file must not become a password of no characters."""
    client = Doors(scene, DoorSettings("")).client(headers={"Authorization": "Bearer "})
    assert (await client.get(f"{API}/status")).status_code == 401


async def test_agents_and_services_do_not_use_the_door(doors: Doors) -> None:
    """Even with a good secret."""
    assert (await (await doors.person("report-bot")).get(f"{API}/status")).status_code == 401


async def test_failed_attempts_are_slowed_by_address(doors: Doors) -> None:
    """And a good secret from there has to wait as well; after a minute it works."""
    good = await doors.person("alice")
    async with doors.client(auth=("alice", "wrong")) as client:
        statuses = [(await client.get(f"{API}/status")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    response = await good.get(f"{API}/status")
    assert (response.status_code, code(response)) == (429, "too-many-attempts")
    doors.scene.clock.now_us += 60_000_000
    assert (await good.get(f"{API}/status")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "localhost.evil.example:8400"}, 400),
        ({"Host": "127.0.0.1:1"}, 200),
        ({"Host": "[::1]:8400"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8400"}, 200),
    ],
)
async def test_host_and_origin_must_be_our_own(doors: Doors, headers: dict[str, str], status: int) -> None:
    """Neither another site's page nor a name that was made to resolve here."""
    async with doors.operator() as client:
        response = await client.get(f"{API}/status", headers=headers)
    assert response.status_code == status
    assert "access-control-allow-origin" not in response.headers


async def test_configured_host_is_our_own(scene: Scene) -> None:
    """Beside the loopback names."""
    doors = Doors(scene, DoorSettings(TOKEN, frozenset({"door.example.org"}), is_https=True))
    response = await doors.operator().get(f"{API}/status", headers={"Host": "door.example.org"})
    assert response.status_code == 200
    assert "strict-transport-security" in response.headers


async def test_cross_site_post_without_origin_is_refused(doors: Doors) -> None:
    """By what the browser says of itself."""
    response = await doors.operator().post(f"{API}/secrets", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize("path", [f"{API}/status", f"{API}/nowhere", "/login", "/static/console.css", "/nowhere"])
async def test_security_headers_are_on_everything(doors: Doors, path: str) -> None:
    """Errors and files included."""
    response = await doors.operator().get(path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in response.headers["content-security-policy"]


async def test_oversize_body_is_refused(doors: Doors) -> None:
    """Whatever its length header says."""
    response = await doors.operator().post(
        f"{API}/secrets", content=b" " * (BODY_LIMIT_BYTES + 1), headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, code(response)) == (413, "too-large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"principal":7}',
        b'{"principal":"alice","surprise":1}',
        b'{"principal":"alice","hours":"x"}',
    ],
)
async def test_garbage_is_an_error_with_words(doors: Doors, body: bytes) -> None:
    """And never a crash."""
    response = await doors.operator().post(f"{API}/secrets", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, code(response)) == (400, "invalid-request")


async def test_form_of_another_site_can_not_pass_for_json(doors: Doors) -> None:
    """The content type must say JSON."""
    response = await doors.operator().post(f"{API}/secrets", content=b'{"principal":"alice"}')
    assert (response.status_code, code(response)) == (400, "invalid-request")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PATCH", "/status", 405), ("GET", "/log/x", 404)]
)
async def test_router_refuses_in_the_same_shape(doors: Doors, method: str, path: str, status: int) -> None:
    """One shape for every error."""
    response = await doors.operator().request(method, API + path)
    assert response.status_code == status
    code(response)


async def test_principal_is_added_listed_regrouped_and_revoked(doors: Doors) -> None:
    """The round that a command line takes."""
    operator = doors.operator()
    added = await operator.post(f"{API}/principals", json={"kind": "agent", "name": "etl-bot", "acting_for": "ben"})
    assert added.status_code == 201
    assert (added.json()["kind"], added.json()["acting_for"]) == ("agent", "ben")
    again = await operator.post(f"{API}/principals", json={"kind": "agent", "name": "etl-bot", "acting_for": "ben"})
    assert (again.status_code, code(again)) == (409, "conflict")
    regrouped = await operator.put(f"{API}/principals/etl-bot/groups", json={"groups": ["robots"]})
    assert regrouped.json()["groups"] == ["robots"]
    assert (await operator.delete(f"{API}/principals/etl-bot?reason=done")).status_code == 204
    (listed,) = [p for p in (await operator.get(f"{API}/principals")).json() if p["name"] == "etl-bot"]
    assert listed["revoked_us"] is not None
    assert (await operator.delete(f"{API}/principals/nobody")).status_code == 404


async def test_people_without_the_right_administer_nothing(doors: Doors) -> None:
    """Only admins and the operator's token."""
    for name, status in (("ben", 403), ("eve", 403), ("ada", 201)):
        client = await doors.person(name)
        body = {"kind": "human", "name": f"x-{name}"}
        assert (await client.post(f"{API}/principals", json=body)).status_code == status


async def test_secret_is_minted_with_the_way_to_use_it_and_revoked(doors: Doors) -> None:
    """It opens this door until it is revoked."""
    operator = doors.operator()
    minted = (await operator.post(f"{API}/secrets", json={"principal": "alice", "hours": 2, "purpose": "laptop"})).json()
    assert (minted["host"], minted["port"], minted["database"]) == ("127.0.0.1", 6432, "shop")
    assert minted["expires_us"] == doors.scene.clock.now_us + 7_200_000_000
    alice = doors.client(auth=("alice", minted["secret"]))
    assert (await alice.get(f"{API}/secrets")).json()[0]["purpose"] == "laptop"
    assert minted["secret"] not in (await operator.get(f"{API}/secrets?principal=alice")).text
    assert (await operator.delete(f"{API}/secrets/{minted['credential_id']}")).status_code == 204
    assert (await alice.get(f"{API}/status")).status_code == 401


async def test_change_that_the_log_cannot_take_is_unavailable(doors: Doors) -> None:
    """With the reason and what to do."""
    doors.scene.gateway.append_error = "disk full"
    response = await doors.operator().post(f"{API}/secrets", json={"principal": "alice"})
    assert (response.status_code, code(response)) == (503, "audit-unavailable")
    assert response.json()["error"]["remedy"]


async def test_request_is_listed_and_answered_by_a_person(doors: Doors) -> None:
    """Not by the operator, not by the owner of the agent, once."""
    await doors.scene.gateway.say(link.Asked(held(doors.scene)))
    await until(lambda: doors.scene.store.requests.by_id("req_1") is not None)
    alice, ben = await doors.person("alice"), await doors.person("ben")
    yes = {"approved": True, "reason": "fine"}
    for client in (doors.operator(), alice):
        assert (await client.post(f"{API}/requests/req_1/answer", json=yes)).status_code == 403
    (waiting,) = (await ben.get(f"{API}/requests?state=pending")).json()
    assert (waiting["may_answer"], waiting["request"]["chain"]) == (True, "report-bot for alice")
    answered = await ben.post(f"{API}/requests/req_1/answer", json=yes)
    assert (answered.json()["state"], answered.json()["answer"]["by_name"]) == ("approved", "ben")
    assert (await ben.post(f"{API}/requests/req_1/answer", json=yes)).status_code == 409
    assert (await ben.get(f"{API}/requests/req_1")).json()["state"] == "approved"
    assert (await ben.get(f"{API}/requests?state=pending")).json() == []
    assert (await ben.get(f"{API}/requests?state=odd")).status_code == 400
    assert (await ben.get(f"{API}/requests/req_9")).status_code == 404


async def test_log_is_searched_and_one_entry_read(doors: Doors) -> None:
    """The entry comes as it is hashed."""
    tell_morning(doors.scene)
    operator = doors.operator()
    found = (await operator.get(f"{API}/log", params={"verdict": "deny", "table": "customers", "limit": "5"})).json()
    (row,) = found["entries"]
    assert (row["chain"], row["text"]) == ("report-bot for alice", "drop table customers")
    entry = (await operator.get(f"{API}/log/{row['index']}")).json()
    assert json.loads(entry["canonical"]) == entry["entry"]
    assert entry["canonical"].encode() == doors.scene.log.raw[row["index"]]
    assert (await operator.get(f"{API}/log/99999")).status_code == 404


@pytest.mark.parametrize("query", ["since=yesterday", "limit=many", "before=x", "after=1e3"])
async def test_filter_that_makes_no_sense_is_an_error(doors: Doors, query: str) -> None:
    """Rather than a filter that is not applied."""
    assert (await doors.operator().get(f"{API}/log?{query}")).status_code == 400


@pytest.mark.parametrize("since", ["1970-01-01", "1970-01-01T00:00", "1970-01-01T00:00:00+00:00"])
async def test_since_is_an_iso_time(doors: Doors, since: str) -> None:
    """A date, a time, a time with its zone."""
    response = await doors.operator().get(f"{API}/log", params={"since": since})
    assert len(response.json()["entries"]) == doors.scene.log.size()


async def test_log_stream_gives_a_row_again_when_its_outcome_arrives(doors: Doors) -> None:
    """And nothing of before it was opened."""
    tell_morning(doors.scene)
    rows = log_rows(doors.scene.office, LOCAL, Filters())
    assert await anext(rows) is None
    stamp = identity(doors.scene.principal("ben"))
    index = doors.scene.log.size()
    doors.scene.log.add(intent(stamp, "select 1", 9, "n1"))
    seen = [await _next_row(rows)]
    doors.scene.log.add(outcome("n1", 10, 1))
    seen.append(await _next_row(rows))
    assert [(row.index, row.status) for row in seen] == [(index, "open"), (index, "done")]
    await rows.aclose()


async def _next_row(rows):
    async with asyncio.timeout(5):
        while (row := await anext(rows)) is None:
            pass
        return row


async def test_sessions_and_catalog_are_listed(doors: Doors) -> None:
    """As the gateway and the snapshot tell them."""
    for note in sessions(doors.scene):
        await doors.scene.gateway.say(note)
    await until(lambda: len(doors.scene.office.sessions.live(LOCAL)) == 3)
    listed = (await doors.operator().get(f"{API}/sessions")).json()
    assert [session["chain"] for session in listed] == ["report-bot for alice", "eve", "ben"]
    columns = (await doors.operator().get(f"{API}/catalog?table=customers&unreviewed=1")).json()
    assert [(column["column"], column["label"]) for column in columns] == [
        ("id", "none"),
        ("email", "email"),
        ("notes", "unclassified"),
    ]


async def test_verdict_on_a_column_is_given(doors: Doors) -> None:
    """By an administrator, with a label that exists."""
    body = {"upstream": "shop", "table_oid": 100, "attribute_number": 3, "label": "free_text", "reason": "notes"}
    assert (await (await doors.person("ben")).post(f"{API}/catalog/verdict", json=body)).status_code == 403
    assert (await doors.operator().post(f"{API}/catalog/verdict", json=body)).status_code == 204
    assert doors.scene.office.catalog.snapshots["shop"].labels[100, 3] is Label.FREE_TEXT
    odd = await doors.operator().post(f"{API}/catalog/verdict", json=body | {"label": "odd"})
    assert (odd.status_code, code(odd)) == (400, "invalid-request")


async def test_description_names_every_endpoint_and_resolves(doors: Doors) -> None:
    """OpenAPI 3.1, open to all: it says nothing of this installation."""
    description = (await doors.client().get(f"{API}/openapi.json")).json()
    described = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert described == {(e.method, e.path.replace(":int", "")) for e in ENDPOINTS}
    schemas = description["components"]["schemas"]
    text = json.dumps(description)
    wanted = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert wanted <= set(schemas)


async def test_unexpected_error_says_nothing_of_itself(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets a stable shape, the operator's log the traceback."""

    def fail(_: object) -> None:
        raise RuntimeError("inner words")

    monkeypatch.setattr(doors.scene.office.sessions, "live", fail)
    response = await doors.operator().get(f"{API}/sessions")
    assert (response.status_code, code(response)) == (500, "internal")
    assert "inner words" not in response.text
