"""What is explained is what happens: the same statements, explained and run."""

from __future__ import annotations

import psycopg
import pytest

from doorward.control.explained import Explained
from doorward.control.operators import LOCAL
from tests.live.conftest import Shop

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

STATEMENTS = (
    "SELECT * FROM customers ORDER BY id",
    "SELECT id, lower(email) AS e, tier || '!' AS t, count(*) OVER () FROM customers ORDER BY id",
    "SELECT reach, tier FROM contacts ORDER BY id",
    "SELECT c.full_name, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id ORDER BY o.id LIMIT 3",
    "WITH t AS (SELECT tier, ssn FROM customers) SELECT * FROM t ORDER BY 1",
    "SELECT tier, status FROM customers, orders WHERE orders.id = 1 UNION ALL SELECT ssn, 'x' FROM customers ORDER BY 2, 1",
    "SELECT c FROM customers c ORDER BY id",
    "SELECT 1 AS one, current_date AS today",
    "DELETE FROM orders",
    "DROP TABLE customers",
    "SELECT pg_read_file('/etc/passwd')",
    "SELEC 1",
    "UPDATE orders SET status = 'paid' WHERE id = 1 RETURNING id, status",
)


def explained(shop: Shop, text: str, name: str = "alice") -> Explained:
    return shop.doorward.do(shop.doorward.control.office.explaining.explain(LOCAL, text, name))


@pytest.mark.parametrize("text", STATEMENTS)
def test_what_is_explained_is_what_happens(shop: Shop, text: str) -> None:
    """Column by column where it runs, word by word where it doesn't."""
    told = explained(shop, text)
    with shop.doorward.connect("alice") as connection:
        if told.verdict == "deny":
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(text.encode())
            assert refused.value.diag.message_primary == told.told.message
            assert (refused.value.diag.message_detail or "") == told.told.detail
            assert refused.value.sqlstate == told.told.sqlstate
            return
        if told.verdict == "hold":
            assert (text, told.approvers) == ("DELETE FROM orders", "security")
            return
        cursor = connection.execute(text.encode())
        rows = cursor.fetchall()
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
    assert told.columns is not None
    assert told.columns_from == "database"
    assert [column.name for column in told.columns] == names
    with shop.database.connect() as direct:
        truth = direct.execute(text.encode()).fetchall()
    assert len(truth) == len(rows)
    for column in told.columns:
        at = column.position - 1
        differs = [row[at] for row in rows] != [row[at] for row in truth]
        assert differs == (column.mask != "none"), column


def test_explaining_runs_and_records_nothing(shop: Shop) -> None:
    """The database parses and describes; no statement is begun for anybody."""
    text = "UPDATE orders SET status = 'gone' WHERE id < 10 RETURNING id"
    told = explained(shop, text)
    assert (told.verdict, told.columns_from) == ("allow", "database")
    assert shop.truth("SELECT count(*) FROM orders WHERE status = 'gone'") == 0
    with shop.doorward.connect("alice") as connection:
        connection.execute("SELECT 'the next one'")

    def recorded() -> set[str]:
        return {entry["statement"] for entry in shop.doorward.entries("statement.intent")}

    shop.doorward.wait_for(lambda: "SELECT 'the next one'" in recorded())
    assert text not in recorded()


def test_what_the_database_says_against_it_is_told(shop: Shop) -> None:
    """A column that is not there is found out before anybody runs it."""
    told = explained(shop, "SELECT no_such_column FROM customers")
    assert "no_such_column" in told.columns_from
