"""Which protected columns steer rows, by what the catalog knows of the names in a text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doorward.catalog.resolve import resolve
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.sql.analyze import analyze


def table(oid: int, schema: str, name: str, **columns: Label) -> Relation:
    numbered = tuple(Column(number, column, "text", label) for number, (column, label) in enumerate(columns.items(), 1))
    return Relation(oid, schema, name, RelationKind.TABLE, numbered)


NONE = Label.NONE
SHOP = Snapshot(
    "shop",
    "1",
    (
        table(1, "public", "customers", id=NONE, email=Label.EMAIL, ssn=Label.NATIONAL_ID, notes=Label.FREE_TEXT, region=NONE),
        table(2, "public", "orders", id=NONE, customer_id=NONE, status=NONE, buyer=Label.EMAIL),
        table(3, "public", "taxes", ssn=Label.NATIONAL_ID, amount=NONE),
        table(4, "public", "contacts", id=NONE, tax_ref=Label.NATIONAL_ID, made_up=Label.UNCLASSIFIED),
    ),
)


def steered(text: str, snapshot: Snapshot = SHOP) -> dict[str, str]:
    analysis = analyze(text)
    assert not analysis.error, analysis.error
    found = resolve(analysis, snapshot).facts.steering
    assert len({one.column for one in found}) == len(found)
    return {one.column.removeprefix("public."): one.way.value for one in found}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT c.region, count(*) FROM customers c JOIN orders o ON o.customer_id = c.id WHERE status LIKE 'p%' GROUP BY 1",
        "SELECT * FROM customers ORDER BY 1",
        "SELECT * FROM customers ORDER BY region LIMIT 10",
        "SELECT DISTINCT region FROM customers",
        "SELECT ssn, email, upper(notes) FROM customers WHERE id = 1",
        "SELECT id FROM customers NATURAL JOIN contacts",
        "SELECT count(ssn) FROM customers WHERE ssn IS NOT NULL",
        "SELECT t.id FROM tmp t JOIN orders o ON t.id = o.customer_id WHERE t.x > 5 ORDER BY t.y",
        "SELECT id FROM customers, generate_series(1, 3) g WHERE id = g",
    ],
)
def test_clear_columns_may_steer(text: str) -> None:
    assert steered(text) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT id FROM customers WHERE ssn = '1'", {"customers.ssn": "compare"}),
        ("SELECT 1 FROM orders, customers WHERE ssn LIKE '1%'", {"customers.ssn": "search"}),
        ("SELECT tax_ref FROM contacts ORDER BY tax_ref", {"contacts.tax_ref": "search"}),
        ("SELECT 1 FROM contacts WHERE made_up > 1", {"contacts.made_up": "search"}),
        ("SELECT * FROM customers ORDER BY 3", {"customers.ssn": "search"}),
        ("SELECT 1 FROM customers c(a, b, x) WHERE x > '1'", {"customers.ssn": "search"}),
        ("SELECT *, status FROM customers c, orders ORDER BY 2", {"customers.email": "search"}),
        (
            "SELECT 1 FROM customers c WHERE c::text LIKE '%1%'",
            {"customers.email": "search", "customers.ssn": "search", "customers.notes": "search"},
        ),
        (
            "SELECT 1 FROM customers c WHERE c.lower LIKE '%1%'",
            {"customers.email": "search", "customers.ssn": "search", "customers.notes": "search"},
        ),
        ("SELECT 1 FROM customers c JOIN taxes t ON c.ssn = t.ssn", {"customers.ssn": "match", "taxes.ssn": "match"}),
        ("SELECT 1 FROM customers JOIN taxes USING (ssn)", {"customers.ssn": "match", "taxes.ssn": "match"}),
        ("SELECT 1 FROM customers NATURAL JOIN taxes", {"customers.ssn": "match", "taxes.ssn": "match"}),
        ("SELECT 1 FROM customers c JOIN orders o ON c.ssn = o.status", {"customers.ssn": "steer"}),
        ("SELECT 1 FROM customers c JOIN orders o ON c.ssn = o.buyer", {"customers.ssn": "steer", "orders.buyer": "steer"}),
        ("SELECT 1 FROM customers c JOIN orders o ON c.notes = o.status", {"customers.notes": "match"}),
        ("SELECT 1 FROM customers c JOIN tmp t ON c.ssn = t.x", {"customers.ssn": "steer"}),
        ("SELECT 1 FROM hr.people WHERE pay > 5", {"hr.people.pay": "search"}),
        ("UPDATE orders SET status = 'x' FROM customers c WHERE c.ssn > '1'", {"customers.ssn": "search"}),
        (
            "SELECT 1 FROM (SELECT * FROM customers) s WHERE s.row_to_json::text LIKE '%1%'",
            {"customers.email": "search", "customers.ssn": "search", "customers.notes": "search"},
        ),
        ("SELECT 1 FROM (SELECT * FROM customers) s WHERE s.ssn = '1'", {"customers.ssn": "compare"}),
        ("SELECT 1 FROM (SELECT * FROM customers, orders) s WHERE s.status = 'x'", {}),
        ("; ".join(["SELECT 1 FROM customers WHERE ssn = '1'"] * 21), {"customers.ssn": "steer"}),
        ("SELECT 1; SELECT 1 FROM customers WHERE ssn > '1'", {"customers.ssn": "search"}),
    ],
)
def test_protected_columns_are_found_behind_every_name(text: str, expected: dict[str, str]) -> None:
    assert steered(text) == expected


def test_somebodys_own_equality_may_mean_anything() -> None:
    """An operator = outside pg_catalog is not taken for a comparison with one value."""
    own = replace(SHOP, user_operators=frozenset({"="}))
    assert steered("SELECT 1 FROM customers WHERE ssn = '1'", own) == {"customers.ssn": "search"}
