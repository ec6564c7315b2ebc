"""Names resolve to everything they might mean, and prove only what the catalog vouches for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doorward.catalog.resolve import Resolved, resolve
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.sql.analyze import analyze


def table(oid: int, schema: str, name: str, columns: dict[str, Label], is_system: bool = False) -> Relation:
    numbered = tuple(Column(number, column, "text", label) for number, (column, label) in enumerate(columns.items(), 1))
    return Relation(oid, schema, name, RelationKind.TABLE, numbered, is_system=is_system)


CUSTOMERS = table(
    1, "public", "customers", {"id": Label.NONE, "region": Label.NONE, "email": Label.EMAIL, "ssn": Label.NATIONAL_ID}
)
ORDERS = table(2, "public", "orders", {"id": Label.NONE, "status": Label.NONE, "amount": Label.NONE, "concat": Label.NONE})
OLD_ORDERS = table(3, "archive", "invoices", {"id": Label.NONE, "amount": Label.FINANCIAL})
INVOICES = table(4, "public", "invoices", {"id": Label.NONE, "amount": Label.NONE})
STAGING = table(5, "public", "staging", {"raw": Label.UNCLASSIFIED})
PG_CLASS = table(6, "pg_catalog", "pg_class", {"oid": Label.NONE, "relname": Label.NONE}, is_system=True)

SHOP = Snapshot(
    "shop",
    "1",
    (CUSTOMERS, ORDERS, OLD_ORDERS, INVOICES, STAGING, PG_CLASS),
    user_functions=frozenset({"cleanup", "lower", "set_config", "bonus"}),
    user_operators=frozenset({"=!="}),
    user_types=frozenset({"mood"}),
)


def resolved(text: str, snapshot: Snapshot = SHOP) -> Resolved:
    analysis = analyze(text)
    assert not analysis.error, analysis.error
    return resolve(analysis, snapshot)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE id = 1",
        "SELECT upper(status), o FROM orders o",
        "SELECT amount FROM public.invoices",
        "SELECT relname FROM pg_class JOIN orders USING (oid)",
        "SELECT relname FROM pg_catalog.pg_class WHERE pg_catalog.lower(relname) = 'x'",
        "WITH customers AS (SELECT 1 AS ssn) SELECT ssn FROM customers",
        "SELECT 1; SELECT status FROM orders",
        "SHOW server_version",
        "INSERT INTO orders (status) VALUES ('x') RETURNING *",
    ],
)
def test_what_touches_only_clear_relations_is_clear(text: str) -> None:
    assert resolved(text).expressions_are_clear


@pytest.mark.parametrize(
    "text",
    [
        "SELECT status FROM orders, customers",
        "SELECT amount FROM invoices",
        "SELECT raw FROM staging",
        "SELECT a FROM unheard_of",
        "SELECT relname FROM pg_class, pg_stats",
        "SELECT status FROM pg_temp.orders",
        "SELECT cleanup()",
        "SELECT lower(status) FROM orders",
        "SELECT public.upper(status) FROM orders",
        "SELECT status =!= 'x' FROM orders",
        "SELECT status OPERATOR(public.=) 'x' FROM orders",
        "SELECT status::mood FROM orders",
        "SELECT status::public.mood FROM orders",
        "SELECT NULL::customers",
        "SELECT pg_read_file('x')",
        "SELECT set_config('work_mem', '1MB', false)",
        "EXECUTE p",
        "EXPLAIN EXECUTE p",
        "FETCH ALL FROM c",
        "CALL cleanup()",
        "SELECT 1; SELECT ssn FROM customers",
        "UPDATE customers SET region = 'x' WHERE id = 1 RETURNING *",
        "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
        "",
    ],
)
def test_what_might_reach_anything_protected_is_not_clear(text: str) -> None:
    assert not resolved(text).expressions_are_clear


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("SELECT upper(region), ssn, count(*), count(ssn), 1, region || email FROM customers", {0, 2, 3, 4}),
        ("SELECT c.id, c.nothing, c.ctid, c FROM customers c", {0, 2}),
        ("SELECT amount, id FROM invoices", {1}),
        ("SELECT id, region, status FROM customers c JOIN orders o USING (id)", {0, 1, 2}),
        ("SELECT id, 1, count(*) FROM customers, unheard_of", {1, 2}),
        ("SELECT id FROM orders WHERE cleanup()", set()),
        ("SELECT lower(region) FROM customers", set()),
        ("SELECT pg_catalog.lower(region) FROM customers", {0}),
        ("SELECT region FROM (SELECT ssn AS region FROM customers) s", set()),
        ("SELECT x FROM (SELECT region AS x FROM customers) s", {0}),
        ("SELECT region FROM customers UNION SELECT ssn FROM customers", set()),
        ("WITH orders AS (SELECT ssn AS status FROM customers) SELECT status FROM orders", set()),
        ("SELECT c.concat FROM customers c, orders o", set()),
        ("SELECT concat FROM orders", {0}),
        ("SELECT c.bonus FROM customers c, orders", set()),
        ("SELECT * FROM orders", set()),
        ("SELECT id FROM orders; SELECT id FROM orders", set()),
        ("UPDATE customers SET region = ssn WHERE id = 1 RETURNING region", set()),
        ("UPDATE customers SET region = $1 WHERE id = 1 RETURNING region, ssn", {0}),
    ],
)
def test_outputs_are_proven_one_by_one(text: str, clear: set[int]) -> None:
    assert resolved(text).clear_outputs == clear


def test_proven_outputs_hold_for_a_result_of_that_width() -> None:
    assert resolved("SELECT id, ssn, 1 FROM customers").output_count == 3


def test_unqualified_name_means_every_relation_so_called() -> None:
    found = resolved("SELECT id FROM invoices")
    assert found.facts.objects == ("archive.invoices", "public.invoices")
    assert found.facts.labels == (Label.FINANCIAL,)
    assert found.facts.touches_protected


def test_unknown_relation_is_unresolved_and_protected() -> None:
    facts = resolved("SELECT a FROM app.unheard_of").facts
    assert facts.unresolved == ("app.unheard_of",)
    assert facts.labels == (Label.UNCLASSIFIED,)
    assert facts.touches_protected


def test_what_a_statement_creates_is_not_unresolved() -> None:
    facts = resolved("CREATE TABLE fresh AS SELECT status FROM orders").facts
    assert facts.unresolved == ()
    assert facts.objects == ("public.orders",)
    assert resolved("ALTER TABLE fresh ADD a int").facts.unresolved == ("fresh",)


def test_functions_are_told_apart() -> None:
    facts = resolved("SELECT cleanup(), pg_read_file('x'), public.dblink('y'), upper('z'), set_config('a', $1, true)").facts
    assert facts.unlisted_functions == ("cleanup",)
    assert set(facts.dangerous_functions) == {"pg_read_file", "public.dblink", "set_config"}


@pytest.mark.parametrize(
    ("text", "copies"),
    [
        ("INSERT INTO orders SELECT id, region FROM customers", False),
        ("INSERT INTO orders (status) SELECT ssn FROM customers", True),
        ("INSERT INTO orders SELECT * FROM customers", True),
        ("INSERT INTO orders (status) SELECT x FROM (SELECT region AS x FROM customers WHERE email = $1) s", False),
        ("INSERT INTO orders (status) SELECT nothing FROM customers", True),
        ("INSERT INTO orders SELECT id, bonus(region) FROM customers", True),
        ("INSERT INTO customers (ssn) VALUES ($1)", False),
        ("INSERT INTO customers (email) SELECT status FROM orders", False),
        ("INSERT INTO orders (status) SELECT a FROM unheard_of", True),
        ("UPDATE customers SET region = ssn WHERE id = 1", True),
        ("UPDATE customers SET ssn = upper(ssn) WHERE id = 1", False),
        ("UPDATE orders SET status = c.email FROM customers c WHERE c.id = orders.id", True),
        ("MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN UPDATE SET status = c.ssn", True),
        ("CREATE TEMP TABLE x AS EXECUTE p", True),
        ("CREATE TABLE x AS SELECT status FROM orders", False),
        ("WITH d AS (DELETE FROM customers WHERE id = 1 RETURNING ssn) INSERT INTO orders (status) SELECT * FROM d", True),
    ],
)
def test_copies_of_protected_values_are_seen(text: str, copies: bool) -> None:
    assert resolved(text).facts.copies_protected is copies


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("COPY orders TO STDOUT", False),
        ("COPY customers TO STDOUT", True),
        ("COPY customers (id, region) TO STDOUT", False),
        ("COPY customers (id, ssn) TO STDOUT", True),
        ("COPY (SELECT id, count(*) FROM customers GROUP BY 1) TO STDOUT", False),
        ("COPY (SELECT id, email FROM customers) TO STDOUT", True),
        ("COPY (UPDATE customers SET id = id WHERE id = 1 RETURNING ssn) TO STDOUT", True),
        ("COPY unheard_of TO STDOUT", True),
        ("COPY customers FROM STDIN", False),
    ],
)
def test_copy_out_of_anything_unproven_is_seen(text: str, leaks: bool) -> None:
    assert resolved(text).facts.copy_protected_out is leaks


@pytest.mark.parametrize(
    ("text", "temporary"),
    [
        ("CREATE TEMP TABLE x (a int)", True),
        ("DROP TABLE pg_temp.x", True),
        ("CREATE TEMP TABLE orders (a int)", False),
        ("CREATE TABLE x (a int)", False),
        ("CREATE TEMP TABLE x (a int); DROP TABLE y", False),
        ("SELECT 1", False),
    ],
)
def test_temporary_only_if_nothing_lasting_is_shaped_or_hidden(text: str, temporary: bool) -> None:
    assert resolved(text).facts.temporary is temporary


def test_unreadable_text_is_unknown_and_proves_nothing() -> None:
    found = resolve(analyze("SELEKT 1"), SHOP)
    assert found.facts.action == "unknown"
    assert "syntax error" in found.facts.refusal
    assert not found.expressions_are_clear
    assert found.clear_outputs == frozenset()


def test_facts_sum_up_every_statement_of_a_text() -> None:
    facts = resolved("SET work_mem = '1MB'; DELETE FROM orders; DROP VIEW v").facts
    assert facts.multiple
    assert facts.unbounded_write
    assert facts.action == "destroy"
    assert facts.tags == ("SET", "DELETE", "DROP VIEW")
    assert facts.settings == ("work_mem",)
    assert facts.object_kinds == ("view",)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("SELECT information_schema._pg_expandarray('{1}'::int2[])", True),
        ("SELECT information_schema.upper('x')", False),
        # One name with a dot in it, which somebody has given to a function of theirs.
        ("""SELECT "pg_catalog.upper"('x')""", False),
        ("""SELECT "information_schema._pg_expandarray"('x')""", False),
    ],
)
def test_a_name_with_a_dot_in_it_is_nobody_elses(text: str, listed: bool) -> None:
    """What is vouched for is vouched for by schema and name."""
    found = resolved(text)
    assert (not found.facts.unlisted_functions, found.expressions_are_clear) == (listed, listed)


def test_a_column_may_be_called_like_its_enum() -> None:
    """Where no row can be cast to any type of that name, it calls nothing."""
    text = "SELECT o.status FROM orders o JOIN customers c USING (id)"
    assert resolved(text).clear_outputs == {0}
    typed = replace(SHOP, user_types=frozenset({"status"}))
    assert resolved(text, typed).clear_outputs == frozenset()
    assert resolved(text, replace(typed, uncastable_types=frozenset({"status"}))).clear_outputs == {0}


def test_a_definition_is_stored_nowhere() -> None:
    """It may quote values of protected columns, and would come back from a clear one."""
    assert resolved("INSERT INTO orders (status) SELECT pg_get_viewdef('v'::regclass)").facts.copies_protected
    assert not resolved("INSERT INTO orders (status) SELECT upper('v')").facts.copies_protected
