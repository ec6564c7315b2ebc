"""The exchange of tokens with real doors: on the wire, for the tools, and for a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import psycopg
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from psycopg import errors

from doorward.api.token_endpoint import ACCESS_TOKEN, GRANT, JWT, SECRET
from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.live.conftest import SCHEMA
from tests.live.running import Running, running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def running(postgres15: Server) -> Iterator[Running]:
    with fresh_database(postgres15) as made:
        made.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream) as running:
            for name in ("alice", "bob", "report-bot", "nightly-etl"):
                running.secret(name)
            add = running.control.office.principals.add
            for name, owner in (("token-bot", "alice"), ("bobs-bot", "bob"), ("going-bot", "alice")):
                running.do(add(LOCAL, PrincipalKind.AGENT, name, (), owner))
                running.secret(name)
            running.do(running.control.office.agents.register(LOCAL, "token-bot", takes_tokens=True))
            yield running


def shown(running: Running, name: str) -> str:
    return f"{name}:{running.secrets[name]}"


def ask(running: Running, **changes: str) -> httpx.Response:
    form = {
        "grant_type": GRANT,
        "subject_token": shown(running, "alice"),
        "subject_token_type": SECRET,
        "actor_token": shown(running, "token-bot"),
        "actor_token_type": SECRET,
        "audience": "shop",
        **changes,
    }
    return httpx.post(f"{running.control.console_url}/oauth/token", data=form)


def token(running: Running, **changes: str) -> str:
    answer = ask(running, **changes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def connect(running: Running, name: str, password: str, **options: str) -> psycopg.Connection[Any]:
    given = {"sslmode": "require", **options}
    words = " ".join(f"{key}={value}" for key, value in given.items())
    return psycopg.connect(
        f"host=127.0.0.1 port={running.control.port} user={name} dbname={running.database} {words}",
        password=password,
        autocommit=True,
    )


def test_a_token_opens_the_wire_for_the_agent_it_names(running: Running) -> None:
    answer = ask(running).json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert 0 < answer["expires_in"] <= 900
    assert answer["scope"] == "read"
    with connect(running, "token-bot", answer["access_token"]) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3000,)
        assert connection.execute("SHOW application_name").fetchone() is not None
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("UPDATE orders SET status = status WHERE id = 1")
    identity = running.entries("session.opened")[-1]["identity"]
    assert identity["chain"] == "token-bot for alice"
    assert identity["proven_by"] == "delegation"
    assert identity["proof"]["delegated_scope"] == "read"
    issued = [e for e in running.entries("administered") if e["act"] == "delegation.issued"][-1]
    assert issued["details"]["token"] == identity["proof"]["delegation"]
    assert (issued["by"], issued["subject"]) == ("alice", "token-bot")


def test_a_token_is_never_shown_in_clear_and_opens_nothing_else(running: Running) -> None:
    good = token(running)
    for name, password, options in (
        ("token-bot", good, {"sslmode": "disable"}),
        ("report-bot", good, {}),
        ("token-bot", good[:-4] + "AAAA", {}),
        ("token-bot", token(running, audience=f"{running.control.console_url}/mcp"), {}),
        ("token-bot", token(running, actor_token=shown(running, "report-bot")), {}),
    ):
        with pytest.raises(psycopg.OperationalError):
            connect(running, name, password, **options)


def test_an_agent_that_takes_tokens_may_still_show_a_secret(running: Running) -> None:
    with connect(running, "token-bot", running.secrets["token-bot"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_token_is_exchanged_for_a_secret_of_any_client(running: Running) -> None:
    answer = ask(running, actor_token=shown(running, "report-bot"), requested_token_type=SECRET, expires_in="60").json()
    with connect(running, "report-bot", answer["access_token"], channel_binding="require") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    identity = running.entries("session.opened")[-1]["identity"]
    assert identity["proof"]["delegated_scope"] == "read"


def test_a_token_opens_the_tools(running: Running) -> None:
    bearer = token(running, audience=f"{running.control.console_url}/mcp", actor_token=shown(running, "report-bot"))

    async def talk() -> dict[str, Any]:
        http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=60)
        async with http, Client(streamable_http_client(f"{running.control.console_url}/mcp", http_client=http)) as client:
            await client.call_tool("query", {"sql": "SELECT 1"})
            result = await client.call_tool("query", {"sql": "SELECT count(*) FROM orders"})
            content: dict[str, Any] = result.structured_content
            return content

    told = asyncio.run(talk())
    assert told["rows"] == [["3000"]]
    identity = running.entries("session.opened")[-1]["identity"]
    assert identity["chain"] == "report-bot for alice"
    assert "delegation" in identity["proof"]
    metadata = httpx.get(f"{running.control.console_url}/.well-known/oauth-protected-resource/mcp").json()
    server = httpx.get(metadata["authorization_servers"][0] + "/.well-known/oauth-authorization-server").json()
    assert GRANT in server["grant_types_supported"]
    assert httpx.get(server["jwks_uri"]).json()["keys"][0]["alg"] == "ES256"


def test_a_token_for_a_database_does_not_open_the_tools(running: Running) -> None:
    for bearer in (token(running), token(running)[:-4] + "AAAA"):
        answer = httpx.post(f"{running.control.console_url}/mcp", headers={"Authorization": f"Bearer {bearer}"}, json={})
        assert answer.status_code == 401
        assert "resource_metadata" in answer.headers["www-authenticate"]


def test_a_token_may_be_narrowed_and_not_widened(running: Running) -> None:
    wide = token(running, scope="read write", expires_in="300")
    assert ask(running, subject_token=wide, subject_token_type=JWT, scope="read").json()["scope"] == "read"
    narrow = token(running, scope="read")
    assert ask(running, subject_token=narrow, subject_token_type=JWT, scope="read write").json()["error"] == "invalid_grant"
    assert ask(running, subject_token=wide, subject_token_type=JWT).json()["expires_in"] <= 300


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"subject_token_type": "urn:x"}, "invalid_request"),
        ({"audience": "elsewhere"}, "invalid_request"),
        ({"scope": "unmask"}, "invalid_request"),
        ({"expires_in": "3600"}, "invalid_request"),
        ({"expires_in": "soon"}, "invalid_request"),
        ({"subject_token": "bob"}, "invalid_grant"),  # not whom the agent acts for
        ({"actor_token": "bobs-bot"}, "invalid_grant"),
        ({"actor_token": "alice"}, "invalid_grant"),  # a person is no agent
        ({"subject_token": "token-bot"}, "invalid_grant"),  # nor acts anybody for themselves
    ],
    ids=str,
)
def test_what_must_not_be_exchanged_is_not(running: Running, changes: dict[str, str], error: str) -> None:
    changes = {
        key: shown(running, value) if key in ("subject_token", "actor_token") else value for key, value in changes.items()
    }
    answer = ask(running, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_another_agent_can_not_make_a_chain_longer(running: Running) -> None:
    of_token_bot = token(running)
    answer = ask(running, subject_token=of_token_bot, subject_token_type=JWT, actor_token=shown(running, "report-bot"))
    assert answer.json()["error"] == "invalid_grant"
    assert "agent" in answer.json()["error_description"]


def test_a_stopped_or_revoked_agent_has_no_use_of_its_token(running: Running) -> None:
    agents = running.control.office.agents
    good = token(running)
    running.do(agents.stop(LOCAL, "agent", "token-bot"))
    with pytest.raises(psycopg.OperationalError):
        connect(running, "token-bot", good)
    assert ask(running).json()["error"] == "invalid_grant"
    running.do(agents.resume(LOCAL, "agent", "token-bot"))
    connect(running, "token-bot", good).close()
    going = token(running, actor_token=shown(running, "going-bot"), audience=f"{running.control.console_url}/mcp")
    running.do(running.control.office.principals.revoke(LOCAL, "going-bot"))
    answer = httpx.post(f"{running.control.console_url}/mcp", headers={"Authorization": f"Bearer {going}"}, json={})
    assert answer.status_code == 401
