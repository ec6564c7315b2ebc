"""Settings that are for Doorward itself: bounds that a client puts on itself, what it claims, and reports."""

from __future__ import annotations

import json
import secrets

import psycopg
import pytest

from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def connect(shop: Shop, name: str = "alice", **wishes: str) -> psycopg.Connection[tuple[object, ...]]:
    options = " ".join(f"-c doorward.{wish}={value}" for wish, value in wishes.items())
    return psycopg.connect(shop.doorward.dsn(name, options=options), autocommit=True)


def test_a_connection_that_only_reads_writes_by_no_way(shop: Shop) -> None:
    with connect(shop, read_only="on") as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3000,)
        for text in (
            "UPDATE orders SET status = status WHERE id = 1",
            "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING id) SELECT * FROM gone",
            "SELECT * INTO elsewhere FROM orders",
            "CREATE TEMPORARY TABLE mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Doorward refused"):
                connection.execute(text)
    assert shop.truth("SELECT count(*) FROM orders WHERE id = 1") == 1


def test_a_connection_may_bound_the_rows_of_its_results(shop: Shop) -> None:
    with connect(shop, rows="7") as connection:
        assert len(connection.execute("SELECT id FROM orders LIMIT 7").fetchall()) == 7
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="after 7 rows"):
            connection.execute("SELECT id FROM orders")


def test_what_a_client_claims_is_in_the_record_as_its_claim(shop: Shop) -> None:
    with connect(shop, "report-bot", conversation="c-17", tool_call="t-4") as connection:
        connection.execute("SELECT 1")
    entry = shop.doorward.entries("session.opened")[-1]
    assert entry["claimed"] == {"conversation": "c-17", "tool_call": "t-4"}
    assert entry["identity"]["chain"] == "report-bot for alice"


def test_a_client_is_told_what_becomes_of_its_execution(shop: Shop) -> None:
    word = secrets.token_urlsafe(12)
    told: list[dict[str, object]] = []
    with connect(shop, report=word) as connection:
        connection.add_notice_handler(
            lambda notice: told.append(json.loads(notice.message_detail or "")) if word in notice.message_primary else None
        )
        for _ in range(2):  # the second time it is known already
            told.clear()
            connection.execute("SELECT id, email, upper(full_name) FROM customers")
            executions = [one["execution"] for one in told if "execution" in one]
            columns = next(one["columns"] for one in told if "columns" in one)
            assert columns == [
                {"position": 1, "label": "email", "source": "public.customers.email", "treatment": "labelled"},
                {"position": 2, "label": "unclassified", "source": "", "treatment": "unproven"},
            ]
            assert [e["execution"] for e in shop.doorward.entries("statement.intent")][-1:] == executions


@pytest.mark.parametrize("wish", [{"read_only": "perhaps"}, {"rows": "many"}, {"report": "x"}])
def test_a_wish_that_is_not_understood_ends_the_sign_in(shop: Shop, wish: dict[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"doorward\."):
        connect(shop, **wish)
