"""Real clients through a real Doorward: they work as always, and what is protected arrives masked."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import subprocess
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg import errors
from psycopg.pq import TransactionStatus

from tests.live.conftest import SECRETS, Shop

pytestmark = pytest.mark.live

MASKED_ROW = ("A***", "a***@***", "***", "************1111", datetime.date(1970, 1, 1))
PROTECTED = "SELECT full_name, email, ssn, card_number, birth_date FROM customers WHERE id = 1"


def psql(shop: Shop, *commands: str, user: str = "alice", stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run psql as a person would."""
    arguments = [argument for command in commands for argument in ("-c", command)]
    program = [
        str(shop.database.server.binaries / "psql"),
        "-X",
        "-v",
        "VERBOSITY=default",
        shop.doorward.dsn(user),
        *arguments,
    ]
    return subprocess.run(program, input=stdin, capture_output=True, text=True, timeout=30)


def assert_no_secret(text: str) -> None:
    """None of the protected values is in *text*."""
    found = [secret for secret in SECRETS if secret in text]
    assert not found


def test_psql_shows_masks_and_nothing_else(shop: Shop) -> None:
    """SELECT * in psql: protected columns masked, the others as they are."""
    done = psql(shop, "SELECT * FROM customers ORDER BY id")
    assert done.returncode == 0, done.stderr
    assert "a***@***" in done.stdout
    assert "EU" in done.stdout
    assert_no_secret(done.stdout + done.stderr)


@pytest.mark.parametrize("command", ["", " customers", " contacts", "+ orders", "t+", "n", "i", "f", "u"])
def test_psql_describes_the_database(shop: Shop, command: str) -> None:
    """psql's own commands read the system catalogs, unmasked."""
    done = psql(shop, f"\\d{command}")
    assert done.returncode == 0
    assert not done.stderr
    assert "***" not in done.stdout


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_gets_masks_of_the_right_type(shop: Shop, binary: bool) -> None:
    """The extended protocol, in text and in binary: masked values parse as their types."""
    with shop.doorward.connect("report-bot") as connection, connection.cursor(binary=binary) as cursor:
        row = cursor.execute(PROTECTED.replace("1", "%s"), (1,)).fetchone()
        assert row == MASKED_ROW


def test_psycopg_prepared_statements_stay_masked(shop: Shop) -> None:
    """A statement that is prepared once and run many times is masked every time."""
    with shop.doorward.connect() as connection:
        for _ in range(8):
            row = connection.execute(PROTECTED.replace("1", "%s"), (1,), prepare=True).fetchone()
            assert row == MASKED_ROW


def test_psycopg_pipeline_keeps_order(shop: Shop) -> None:
    """Many statements before a Sync: each result belongs to its statement."""
    with shop.doorward.connect() as connection, connection.pipeline():
        cursors = [connection.execute("SELECT id, ssn FROM customers WHERE id = %s", (n % 2 + 1,)) for n in range(20)]
        rows = [cursor.fetchone() for cursor in cursors]
    assert rows == [(n % 2 + 1, "***") for n in range(20)]


def _pipeline(connection: psycopg.Connection[Any], *statements: str) -> None:
    """Send *statements* before one Sync; one of them is refused."""
    pipeline = connection.pipeline()
    pipeline.__enter__()
    for statement in statements:
        connection.execute(statement.encode())
    with pytest.raises(errors.InsufficientPrivilege):
        pipeline.__exit__(None, None, None)


def test_a_refusal_in_a_pipeline_fails_what_follows_and_no_more(shop: Shop) -> None:
    """In a pipeline a refused statement aborts up to the Sync, as an error of the server would; the session goes on."""
    with shop.doorward.connect() as connection:
        _pipeline(connection, "SELECT 1", "DROP TABLE orders", "SELECT 2")
        assert connection.execute("SELECT 3").fetchone() == (3,)
    assert shop.truth("SELECT count(*) FROM orders") == 3000


def test_a_refusal_in_a_pipeline_undoes_what_it_would_undo(shop: Shop) -> None:
    """What came before in the same implicit transaction is rolled back, as PostgreSQL does it."""
    with shop.doorward.connect() as connection:
        _pipeline(connection, "UPDATE orders SET status = 'lost' WHERE id = 1", "DROP TABLE orders")
        assert connection.info.transaction_status == TransactionStatus.IDLE
    assert shop.truth("SELECT status FROM orders WHERE id = 1") == "paid"


def test_a_refusal_in_a_transaction_aborts_it_on_both_sides(shop: Shop) -> None:
    """After a refusal inside a transaction block client and server agree that it is aborted."""
    with psycopg.connect(shop.doorward.dsn("alice")) as connection:
        connection.execute("UPDATE orders SET status = 'lost' WHERE id = 2")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DROP TABLE orders")
        assert connection.info.transaction_status == TransactionStatus.INERROR
        with pytest.raises(errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()
        assert connection.execute("SELECT status FROM orders WHERE id = 2").fetchone() == ("paid",)


def test_server_side_cursors_stay_masked(shop: Shop) -> None:
    """DECLARE and FETCH, in text and binary."""
    with psycopg.connect(shop.doorward.dsn("alice")) as connection:
        for binary in (False, True):
            with connection.cursor(f"c{binary}", binary=binary) as cursor:
                cursor.itersize = 1
                cursor.execute("SELECT id, email FROM customers ORDER BY id")
                assert list(cursor) == [(1, "a***@***"), (2, "b***@***")]


def test_copy_out_of_clear_data_works_and_of_protected_data_is_refused(shop: Shop) -> None:
    """COPY has no description of its columns: only what is clear may leave by it."""
    with shop.doorward.connect() as connection:
        with connection.cursor().copy("COPY (SELECT id, status FROM orders WHERE id < 3 ORDER BY id) TO STDOUT") as copy:
            assert b"".join(copy) == b"1\tpaid\n2\tpaid\n"
        with pytest.raises(errors.InsufficientPrivilege), connection.cursor().copy("COPY customers TO STDOUT") as copy:
            assert_no_secret(b"".join(copy).decode())
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_copy_in_works(shop: Shop) -> None:
    """COPY FROM STDIN carries data in, and the record counts it."""
    with shop.doorward.connect() as connection:
        with connection.cursor().copy("COPY orders (id, customer_id, amount, status) FROM STDIN") as copy:
            for number in range(9001, 9011):
                copy.write_row((number, 1, decimal.Decimal("1.50"), "copied"))
        assert shop.truth("SELECT count(*) FROM orders WHERE status = 'copied'") == 10
        connection.execute("DELETE FROM orders WHERE status = 'copied'")


def test_psql_copies_both_ways(shop: Shop) -> None:
    """\\copy in and out."""
    done = psql(shop, "\\copy orders from pstdin with (format csv)", stdin="9100,1,2.50,copied\n")
    assert done.returncode == 0, done.stderr
    done = psql(shop, "\\copy (select id, status from orders where id = 9100) to pstdout with (format csv)")
    assert done.stdout == "9100,copied\n"
    assert psql(shop, "DELETE FROM orders WHERE id = 9100").stdout == "DELETE 1\n"


def test_asyncpg_works_with_cursors_and_binary_results(shop: Shop) -> None:
    """asyncpg asks for binary results only, introspects types, and resumes suspended portals."""

    async def work() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=shop.doorward.control.port, user="alice", password=shop.doorward.secret("alice"),
            database=shop.database.name, ssl="prefer",
        )  # fmt: skip
        try:
            assert tuple(await connection.fetchrow(PROTECTED.replace("1", "$1"), 1)) == MASKED_ROW
            async with connection.transaction():
                seen: list[Any] = []
                async for record in connection.cursor("SELECT id, ssn FROM customers ORDER BY id", prefetch=1):
                    seen.append(tuple(record))
                assert seen == [(1, "***"), (2, "***")]
            rows = await connection.fetch("SELECT id, amount FROM orders ORDER BY id")
            assert len(rows) == 3000
            assert rows[9]["amount"] == decimal.Decimal(10)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("TRUNCATE orders")
            result = await connection.copy_records_to_table(
                "orders", records=[(9200, 1, decimal.Decimal(3), "copied")], columns=["id", "customer_id", "amount", "status"]
            )
            assert result == "COPY 1"
            await connection.execute("DELETE FROM orders WHERE id = 9200")
        finally:
            await connection.close()

    asyncio.run(work())


def test_views_and_expressions_are_masked_and_clear_ones_are_not(shop: Shop) -> None:
    """A view's column is masked by what it shows; expressions over clear columns stay."""
    with shop.doorward.connect() as connection:
        assert connection.execute("SELECT reach, tier FROM contacts WHERE id = 1").fetchone() == ("a***@***", "EU")
        assert connection.execute("SELECT upper(tier), count(*) FROM customers WHERE id = 1 GROUP BY tier").fetchone() == (
            "EU",
            1,
        )
        assert connection.execute("SELECT sum(amount) FROM orders WHERE id < 4").fetchone() == (decimal.Decimal(6),)
        derived = connection.execute("SELECT ssn || '', length(email), customers::text FROM customers WHERE id = 1").fetchone()
        assert derived == ("***", 0, "***")


def test_errors_carry_no_value(shop: Shop) -> None:
    """A value in an error's text is withheld; the condition is still told."""
    with shop.doorward.connect() as connection:
        with pytest.raises(errors.InvalidTextRepresentation) as caught:
            connection.execute("SELECT ssn::int FROM customers")
        assert_no_secret(str(caught.value))
        with pytest.raises(errors.UniqueViolation) as caught_unique:
            connection.execute("INSERT INTO customers (id, full_name, email, tier) VALUES (9, 'x', 'bob@example.com', 'EU')")
        assert "customers_email_key" in str(caught_unique.value)
        assert "bob@example.com" not in str(caught_unique.value)
        with pytest.raises(errors.UndefinedColumn, match="no_such_column"):
            connection.execute("SELECT no_such_column FROM customers")


def test_the_record_says_who_what_and_what_was_masked(shop: Shop) -> None:
    """The agent's read: chain, objects, rules, rows, masked columns with their sources."""
    with shop.doorward.connect("report-bot") as connection:
        connection.execute("SELECT email, tier FROM customers /* for the record */").fetchall()
    intent = next(e for e in shop.doorward.entries("statement.intent") if "for the record" in e["statement"])
    assert intent["identity"]["chain"] == "report-bot for alice"
    assert intent["objects"] == ["public.customers"]
    assert intent["verdict"] == "allow"
    assert intent["rules"]
    (outcome,) = shop.doorward.outcomes_of(intent)
    assert outcome["rows"] == 2
    assert outcome["status"] == "done"
    assert [(c["source"], c["label"]) for c in outcome["columns"]] == [("public.customers.email", "email")]


def test_the_record_counts_rows_written(shop: Shop) -> None:
    """A write without RETURNING sends no rows; its command tag says how many it changed."""
    with shop.doorward.connect() as connection:
        connection.execute("UPDATE orders SET status = status WHERE id <= 7 /* seven */")
    intent = next(e for e in shop.doorward.entries("statement.intent") if "/* seven */" in e["statement"])
    (outcome,) = shop.doorward.outcomes_of(intent)
    assert (outcome["rows"], outcome["tag"]) == (7, "UPDATE 7")


def test_large_results_pass_whole(shop: Shop) -> None:
    """A result of some megabytes, in many chunks, masked in one column, is complete."""
    with shop.doorward.connect() as connection:
        rows = connection.execute(
            "SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id, generate_series(1, 20)"
        ).fetchall()
        assert len(rows) == 60_000
        assert {email for _id, email in rows} == {"a***@***", "b***@***"}
        wide = connection.execute("SELECT repeat('x', 3000000)").fetchone()
        assert wide is not None
        assert len(wide[0]) == 3_000_000


def test_asyncpg_introspects_types_of_the_database(shop: Shop) -> None:
    """Enums, arrays of them, ranges and domains: asyncpg reads the catalog, with jit turned off for it."""
    shop.database.execute(
        "CREATE TYPE mood AS ENUM ('calm', 'busy'); CREATE DOMAIN pages AS int CHECK (VALUE > 0);"
        "CREATE TABLE shelves (id int, state mood, states mood[], span int4range, length pages);"
        "INSERT INTO shelves VALUES (1, 'calm', '{calm,busy}', '[1,5)', 7); GRANT ALL ON shelves TO PUBLIC"
    )
    shop.doorward.wait_for(
        lambda: any(r.name == "shelves" for r in shop.doorward.control.office.catalog.snapshots["shop"].relations)
    )

    async def work() -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=shop.doorward.control.port, user="alice", password=shop.doorward.secret("alice"),
            database=shop.database.name,
        )  # fmt: skip
        try:
            row = await connection.fetchrow("SELECT state, states, span, length FROM shelves WHERE state = $1", "calm")
            assert row is not None
            assert (row["state"], row["states"], row["span"].upper, row["length"]) == ("calm", ["calm", "busy"], 5, 7)
        finally:
            await connection.close()

    asyncio.run(work())


def test_a_client_that_sends_far_ahead_of_the_answers_gets_them_all(shop: Shop) -> None:
    """Thousands of messages at once, with names that come and go between them: each answer in its place."""
    with shop.doorward.connect() as connection, connection.pipeline() as pipeline:
        cursors = []
        for number in range(1500):
            cursors.append(
                connection.execute("SELECT %s::int, ssn FROM customers WHERE id = 1", (number,), prepare=number % 3 == 0)
            )
            if number % 100 == 99:
                pipeline.sync()
        assert [cursor.fetchone() for cursor in cursors] == [(number, "***") for number in range(1500)]
