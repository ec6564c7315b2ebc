"""Rules that ask what for, from where and when, on real connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from doorward.model.upstream import Upstream
from doorward.policy.load import default_texts
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

RULES = """
@id("writes-need-a-ticket")
@description("Writing is for a ticket.")
@require("ticket")
permit (principal is Human in Group::"developers", action == Action::"write", resource);

@id("refunds-see-addresses")
@description("Whoever handles a refund sees e-mail addresses.")
permit (principal is Human, action == Action::"unmask", resource == Label::"email")
when { context.purpose == "refund" && context.tls like "TLS*" && context has client && context.client.isLoopback() };

@id("etl-until")
@description("The service reads until a moment.")
forbid (principal is Service, action == Action::"read", resource)
when { context.time.epoch >= MOMENT };
"""
SECONDS = 12


@pytest.fixture(scope="module")
def asking(postgres15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, int]]:
    """A shop with such rules, and the moment from which the service reads no more."""
    policy = tmp_path_factory.mktemp("asking") / "policy"
    policy.mkdir()
    moment = int(time.time()) + SECONDS
    texts = {**default_texts(), "zz-own.cedar": RULES.replace("MOMENT", str(moment))}
    texts["20-writes.cedar"] = texts["20-writes.cedar"].replace("developers", "nobody")
    for name, text in texts.items():
        (policy / name).write_text(text)
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, policy.parent) as doorward:
            yield Shop(database, doorward), moment


def test_a_decision_ends_at_its_moment_for_a_statement_that_is_run_again_and_again(asking: tuple[Shop, int]) -> None:
    """Prepared, remembered and repeated by its form: the moment passes, and it is refused."""
    shop, moment = asking
    with shop.doorward.connect("nightly-etl") as session:
        session.prepare_threshold = 1
        served: list[float] = []
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="etl-until"):
            _run_until(session, moment + 30, served)
        assert time.time() >= moment
    intents = _intents(shop, "id > $1", len(served) + 1)
    assert all((entry["verdict"] == "allow") == (entry["at_us"] < moment * 1_000_000) for entry in intents)


def test_a_write_needs_a_ticket_and_the_refusal_says_how(asking: tuple[Shop, int]) -> None:
    """SET is heeded at once, and so is taking it back; the record has the ticket beside the statement."""
    shop, _ = asking
    write = "UPDATE orders SET status = 'open' WHERE id = 1"
    with shop.doorward.connect("alice") as session:
        for _ in range(3):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"SET doorward\.ticket"):
                session.execute(write)
        session.execute("SET doorward.ticket = 'OPS-17'")
        for _ in range(3):
            assert session.execute(write).rowcount == 1
        session.execute("RESET doorward.ticket")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(write)
    intents = _intents(shop, "UPDATE orders", 7)
    assert [entry.get("claimed") for entry in intents] == [None] * 3 + [{"ticket": "OPS-17"}] * 3 + [None]
    assert [entry["rules"][0] for entry in intents] == ["ticket-required"] * 3 + ["writes-need-a-ticket"] * 3 + [
        "ticket-required"
    ]


def test_a_purpose_of_the_connection_shows_what_it_is_for(asking: tuple[Shop, int]) -> None:
    """Each connection by its own; over TLS and from this machine."""
    shop, _ = asking
    options = "-c doorward.purpose=refund"
    query = "SELECT email FROM customers WHERE id = 1"
    with psycopg.connect(shop.doorward.dsn("alice", options=options, sslmode="require"), autocommit=True) as session:
        assert session.execute(query).fetchone() == ("alice@example.com",)
        session.execute("SET doorward.purpose = 'curiosity'")
        assert session.execute(query).fetchone() != ("alice@example.com",)
        session.execute("RESET doorward.purpose")
        assert session.execute(query).fetchone() == ("alice@example.com",)
    with psycopg.connect(shop.doorward.dsn("alice", options=options, sslmode="disable"), autocommit=True) as session:
        assert session.execute(query).fetchone() != ("alice@example.com",)
    with shop.doorward.connect("alice") as session:
        assert session.execute(query).fetchone() != ("alice@example.com",)


def _run_until(session: psycopg.Connection[object], end: float, served: list[float]) -> None:
    while time.time() < end:
        session.execute("SELECT count(*) FROM orders WHERE id > %s", (1,))
        served.append(time.time())
        time.sleep(0.02)


def _intents(shop: Shop, words: str, count: int) -> list[dict[str, Any]]:
    """What was recorded of statements with *words* in them: waited for, since a refusal may be told before it is written."""
    shop.doorward.wait_for(lambda: len(_with(shop, words)) >= count)
    return _with(shop, words)


def _with(shop: Shop, words: str) -> list[dict[str, Any]]:
    return [entry for entry in shop.doorward.entries("statement.intent") if words in entry["statement"]]
