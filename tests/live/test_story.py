"""One story, told whole: who is behind each statement is the same at every door, in every record, and ends everywhere at once.

Alice signs in with her company's identity provider, her agent asks the database on her behalf over the wire and by tools, a
pipeline runs beside it; then her company's directory says that she has left.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import sync_playwright

from doorward.api.token_endpoint import ACCESS_TOKEN, GRANT, SECRET
from doorward.authentication.delegation import TYPE
from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.authentication.issuing import Issuer, encoded, served
from tests.console.browser import ARGUMENTS, CHROMIUM
from tests.identity_provider.running import identity_provider
from tests.live.conftest import SCHEMA
from tests.live.running import Running, running_doorward
from tests.live.servers import DEBIAN_15, Database, fresh_database, running_server
from tests.live.signing_in import SETTINGS, SigningIn

pytestmark = [pytest.mark.live, pytest.mark.browser]

MOST_SECONDS = 2
CHAIN = "report-bot for alice"
DIRECTORY_TOKEN = "t" * 32
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# The database's own log names the application, which begins with the chain, and has every statement.
LOGGING = {"log_line_prefix": "[%a] ", "log_statement": "all", "log_connections": "on"}
PLATFORM = """
[issuers.github]
kind = "github"
issuer = "{issuer}"
audience = "doorward"

[[workloads]]
service = "loader"
issuer = "github"
claims = {{ repository = "acme/shop", ref = "refs/heads/main" }}

[scim]
token_file = "{folder}/scim-token"
strip_domain = "example.com"
"""
RUN = {
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "ref": "refs/heads/main",
    "run_id": "4711",
    "workflow": "nightly",
}
DBT = '/* {"app": "dbt", "node_id": "model.shop.daily_sales"} */ '


@dataclass
class Stage:
    """Everybody's places."""

    database: Database
    doorward: Running
    people: SigningIn
    platform: Issuer
    directory: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {DIRECTORY_TOKEN}", "Content-Type": "application/scim+json"}
        self.directory = httpx.Client(base_url=f"{self.people.url}/scim/v2", headers=headers, timeout=30)

    def connect(self, name: str, password: str, application: str = "story") -> psycopg.Connection[Any]:
        return psycopg.connect(
            self.doorward.dsn(name, password=password, sslmode="require", application_name=application), autocommit=True
        )

    def refuses(self, name: str, password: str) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            self.connect(name, password)

    def exchange(self, subject: str, actor: str, audience: str) -> httpx.Response:
        form = {
            "grant_type": GRANT,
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "actor_token": actor,
            "actor_token_type": SECRET,
            "audience": audience,
        }
        return httpx.post(f"{self.people.url}/oauth/token", data=form, timeout=30)

    def query_by_tools(self, bearer: str, sql: str) -> dict[str, Any]:
        """What an agent's client of MCP is told; in a thread of its own, since the browser has the loop of this one."""

        async def talk() -> dict[str, Any]:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=60)
            async with http, Client(streamable_http_client(f"{self.people.url}/mcp", http_client=http)) as client:
                result = await client.call_tool("query", {"sql": sql})
                return {"is_error": result.is_error, **(result.structured_content or {})}

        return aside(lambda: asyncio.run(talk()))()

    def tools_refuse(self, bearer: str) -> bool:
        headers = {"Authorization": f"Bearer {bearer}"}
        return httpx.post(f"{self.people.url}/mcp", headers=headers, json={}, timeout=30).status_code == 401

    def workload(self, **changed: Any) -> str:
        return self.platform.token(self.platform.claims(time.time(), **{**RUN, **changed}))

    def intents(self, words: str) -> list[dict[str, Any]]:
        return [entry for entry in self.doorward.entries("statement.intent") if words in entry["statement"]]

    def databases_log(self, words: str) -> list[str]:
        lines = (self.database.server.directory / "log").read_text(errors="replace").splitlines()
        return [line for line in lines if words in line]


def aside(work: Callable[[], Any]) -> Callable[[], Any]:
    """Begin *work* in a thread; call what is returned for its result, or what it raised."""
    told: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            told.append((True, work()))
        except Exception as error:
            told.append((False, error))

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> Any:
        thread.join(60)
        assert told, "it did not end in time"
        is_good, value = told[0]
        if not is_good:
            raise value
        return value

    return result


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that logs, a provider, a platform, a directory, a browser, and a Doorward that knows them."""
    platform = Issuer()
    with (
        running_server(DEBIAN_15, 15, LOGGING) as server,
        fresh_database(server) as made,
        identity_provider() as provider,
        served(platform),
        tempfile.TemporaryDirectory(prefix="doorward-story-") as folder,
        sync_playwright() as playwright,
    ):
        role = made.new_role()
        made.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with made.connect(role) as owner:
            owner.execute(SCHEMA)
        data, home = Path(folder, "data"), Path(folder, "home")
        data.mkdir()
        home.mkdir()
        Path(folder, "oidc-secret").write_text("of-the-tests\n")
        Path(folder, "scim-token").write_text(DIRECTORY_TOKEN)
        settings = SETTINGS.format(issuer=provider.issuer, folder=folder)
        (data / "identity.toml").write_text(settings + PLATFORM.format(issuer=platform.address, folder=folder))
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, role.name, role.password, "disable")
        with running_doorward(upstream, data) as running:
            office = running.control.office
            running.do(office.principals.add(LOCAL, PrincipalKind.SERVICE, "loader", ("pipelines", "owned-by-bob")))
            running.do(office.agents.register(LOCAL, "report-bot", takes_tokens=True))
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            told = Stage(made, running, SigningIn(running, provider, browser, home), platform)
            yield told
            told.directory.close()
            browser.close()


def test_the_chain_is_the_same_at_every_door_and_ends_at_all_of_them(stage: Stage) -> None:
    doorward, people = stage.doorward, stage.people
    # The directory knows Alice; she signs in with the provider, in a browser, and her command line is signed in by that.
    pushed = stage.directory.post("/Users", json={"schemas": [USER], "userName": "alice@example.com", "active": True})
    assert pushed.status_code == 201, pushed.text
    assert people.login("ann")["name"] == "alice"
    sign_in = json.loads((people.home / "doorward" / "sign-in.json").read_text())["token"]
    opened = next(e for e in doorward.entries("administered") if e["act"] == "sign-in.opened")
    assert opened["details"]["issuer"] == people.provider.issuer
    own = json.loads(people.command("connect", "shop", "--json").stdout)
    of_agent = json.loads(people.command("connect", "report-bot", "--json").stdout)

    # Her agent exchanges her sign-in and its own secret for tokens: one for the database, one for the tools.
    actor = f"report-bot:{of_agent['secret']}"
    answers = [stage.exchange(sign_in, actor, audience) for audience in ("shop", f"{people.url}/mcp")]
    for_wire, for_tools = [str(answer.json()["access_token"]) for answer in answers]
    issued = [e for e in doorward.entries("administered") if e["act"] == "delegation.issued"]
    assert [(e["by"], e["subject"], e["details"]["sign_in"]) for e in issued] == [
        ("alice", "report-bot", opened["details"]["id"])
    ] * 2

    # It asks over the wire and by the tools, and every record tells the same chain.
    wire = stage.connect("report-bot", for_wire)
    assert wire.execute("SELECT count(*) AS on_the_wire FROM orders").fetchone() == (3000,)
    assert stage.query_by_tools(for_tools, "SELECT count(*) AS by_tools FROM orders")["rows"] == [["3000"]]
    sessions = {e["session"]: e for e in doorward.entries("session.opened")}
    for words, token in (("on_the_wire", for_wire), ("by_tools", for_tools)):
        intent = stage.intents(words)[-1]
        assert intent["identity"]["chain"] == CHAIN
        proof = intent["identity"]["proof"]
        assert (proof["delegation"], proof["delegated_scope"]) == (_claims(token)["jti"], "read")
        assert proof["delegation"] in [e["details"]["token"] for e in issued]
        assert doorward.outcomes_of(intent)
        assert sessions[intent["session"]]["identity"]["chain"] == CHAIN
        assert any(line.startswith(f"[{CHAIN}") for line in stage.databases_log(words)), stage.databases_log(words)
    in_database = stage.database.execute("SELECT pid, application_name FROM pg_stat_activity WHERE usename LIKE 'role_%'")
    on_wire = sessions[stage.intents("on_the_wire")[-1]["session"]]
    assert (on_wire["upstream_pid"], f"{CHAIN}: story") in in_database
    shown = people.command("log", "--json", "--who", "report-bot", "--statements", "--data-dir", str(doorward.data.path))
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {row["chain"] for row in rows} == {CHAIN}, shown.stderr
    for words in ("on_the_wire", "by_tools"):
        assert any(words in row["text"] for row in rows)

    # A pipeline does a dbt-like job with the token that its platform gave it.
    _run_dbt(stage)

    # Nobody gets in by anything forged.
    for forged in _forged(stage, for_wire):
        stage.refuses("report-bot", forged)
    stage.refuses("report-bot", for_tools)
    for forged in _forged(stage, for_tools)[:4]:
        assert stage.tools_refuse(forged)
    assert stage.tools_refuse(for_wire)
    assert stage.exchange(sign_in[:-4] + "AAAA", actor, "shop").json()["error"] == "invalid_grant"
    stranger = Issuer(stage.platform.address)
    now = int(time.time())
    for forged in (
        stranger.token(stranger.claims(now, **RUN)),
        stage.workload(exp=now - 100),
        stage.workload(aud="other"),
        stage.workload(repository="mallory/shop"),
        for_wire,
    ):
        stage.refuses("loader", forged)

    # The directory says that Alice has left. Whatever runs for her, by whatever door, stops in the middle.
    mine = stage.connect("alice", own["secret"])
    ended: dict[str, float] = {}

    def until_it_ends(name: str, work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> None:
            try:
                assert work()["is_error"]
            except psycopg.OperationalError:
                pass
            ended[name] = time.monotonic()

        return aside(run)

    sleep = "SELECT pg_sleep(60)"
    sleepers = [
        until_it_ends("wire", lambda: wire.execute(sleep)),
        until_it_ends("person", lambda: mine.execute(sleep)),
        until_it_ends("tools", lambda: stage.query_by_tools(for_tools, sleep)),
    ]
    live = doorward.control.office.sessions.live
    doorward.wait_for(lambda: sum("pg_sleep" in note.doing for note in live(LOCAL)) == len(sleepers), 20)
    began = time.monotonic()
    leave = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    assert stage.directory.patch(f"/Users/{pushed.json()['id']}", json=leave).status_code == 200
    for sleeper in sleepers:
        sleeper()
    assert {name: at - began for name, at in ended.items() if at - began > MOST_SECONDS} == {}

    # And nothing of hers begins again, at any door; the record says who ended it.
    gone = [e for e in doorward.entries("administered") if e["act"] == "principal.suspended"][-1]
    assert (gone["by"], gone["subject"]) == ("directory", "alice")
    for name, shown_secret in (("alice", own["secret"]), ("report-bot", for_wire), ("report-bot", of_agent["secret"])):
        stage.refuses(name, shown_secret)
    assert stage.tools_refuse(for_tools)
    assert stage.exchange(sign_in, actor, "shop").json()["error"] == "invalid_grant"
    assert people.command("whoami").returncode == 1
    doorward.wait_for(lambda: not [note for note in live(LOCAL) if "alice" in note.chain])
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%alice%'"
    doorward.wait_for(lambda: stage.database.execute(left) == [(0,)])
    for connection in (wire, mine):
        connection.close()
    # The pipeline, which somebody else answers for, goes on.
    _run_dbt(stage)


def _run_dbt(stage: Stage) -> None:
    with stage.connect("loader", stage.workload(), "dbt") as connection:
        with connection.transaction():
            connection.execute(DBT + "CREATE TABLE IF NOT EXISTS daily_sales (status text, n bigint)")
            connection.execute(DBT + "DELETE FROM daily_sales WHERE status IN ('open', 'paid')")
            connection.execute(DBT + "INSERT INTO daily_sales SELECT status, count(*) FROM orders GROUP BY status")
        # Its columns are masked until the catalog was read again.
        rows = "SELECT sum(n) AS of_the_job FROM daily_sales"
        stage.doorward.wait_for(lambda: connection.execute(DBT + rows).fetchone() == (3000,))
    intent = stage.intents("of_the_job")[-1]
    assert (intent["identity"]["chain"], intent["identity"]["proof"]["run_id"]) == ("loader", "4711")
    assert intent["claimed"]["node_id"] == "model.shop.daily_sales"
    assert any(line.startswith("[loader: dbt]") for line in stage.databases_log("of_the_job"))


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def _forged(stage: Stage, token: str) -> list[str]:
    """*token* of ours, made by others, for others, with more, or by another algorithm."""
    header, _body, signature = token.split(".")
    claims = _claims(token)
    own = httpx.get(f"{stage.people.url}/oauth/jwks", timeout=30).json()["keys"][0]
    another = ECKey.generate_key("P-256")
    made = {"typ": TYPE, "kid": own["kid"]}
    public = ECKey.import_key(own).as_pem(private=False)
    symmetric = f"{encoded({'alg': 'HS256', **made})}.{encoded(claims)}"
    return [
        token[:-4] + "AAAA",
        f"{encoded({'alg': 'none', **made})}.{encoded(claims)}.",
        jwt.encode({"alg": "ES256", **made}, claims, another, algorithms=["ES256"]),
        f"{symmetric}.{encoded(hmac.digest(public, symmetric.encode(), 'sha256'))}",
        f"{header}.{encoded({**claims, 'sub': 'bob'})}.{signature}",
        f"{header}.{encoded({**claims, 'act': {'sub': 'admin-bot'}})}.{signature}",
        f"{header}.{encoded({**claims, 'scope': 'read write'})}.{signature}",
    ]
