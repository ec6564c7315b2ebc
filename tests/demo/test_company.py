"""The sample company: loads anywhere, looks real, and is classified without help."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from doorward.catalog.snapshot import read_snapshot
from doorward.demo.company.rows import finish_sql, luhn_digit, schema_sql, tables
from doorward.model.catalog import Label
from tests.catalog.querying import LibpqQuerier
from tests.live.servers import Database

N, U = Label.NONE, Label.UNCLASSIFIED
EXPECTED: dict[str, dict[str, Label]] = {
    "departments": {"id": N, "name": N, "cost_center": N},
    "employees": {
        "id": N, "department_id": N, "manager_id": N, "first_name": Label.PERSON_NAME, "last_name": Label.PERSON_NAME,
        "work_email": Label.EMAIL, "phone": Label.PHONE, "job_title": N, "hired_on": N, "date_of_birth": Label.DOB,
        "ssn": Label.NATIONAL_ID, "salary": Label.FINANCIAL, "bank_account_number": Label.BANK_ACCOUNT,
        "bank_routing_number": Label.BANK_ACCOUNT,
    },
    "customers": {
        "id": N, "first_name": Label.PERSON_NAME, "last_name": Label.PERSON_NAME, "email": Label.EMAIL, "phone": Label.PHONE,
        "date_of_birth": Label.DOB, "national_id": Label.NATIONAL_ID, "street_address": Label.ADDRESS, "city": Label.ADDRESS,
        "state": Label.ADDRESS, "postal_code": Label.ADDRESS, "country": N, "loyalty_tier": N, "marketing_opt_in": N,
        "created_at": N,
    },
    "payment_cards": {
        "id": N, "customer_id": N, "cardholder_name": Label.PERSON_NAME, "card_number": Label.CARD, "brand": N,
        "expiry_month": Label.CARD, "expiry_year": Label.CARD,
    },
    "products": {"id": N, "sku": N, "name": N, "category": N, "description": N, "price": N, "stock": N},
    "orders": {"id": N, "customer_id": N, "status": N, "currency": N, "total": N, "placed_at": N, "shipped_at": N},
    "order_items": {"id": N, "order_id": N, "product_id": N, "quantity": N, "unit_price": N},
    "payments": {"id": N, "order_id": N, "card_id": N, "amount": N, "method": N, "status": N, "processed_at": N},
    "support_tickets": {
        "id": N, "customer_id": N, "assignee_id": N, "status": N, "priority": N, "subject": Label.FREE_TEXT,
        "body": Label.FREE_TEXT, "opened_at": N, "closed_at": N,
    },
    "api_keys": {
        "id": N, "employee_id": N, "label": N, "api_key": Label.SECRET, "scopes": N, "created_at": N, "last_used_at": N,
    },
    "sign_ins": {
        "id": N, "customer_id": N, "signed_in_at": N, "ip_address": Label.IP, "user_agent": Label.DEVICE_ID,
        "session_token": Label.SECRET, "succeeded": N,
    },
    "order_totals": {"customer_id": N, "order_count": N, "revenue": N, "last_order_at": N},
    "customer_overview": {
        "id": N, "first_name": Label.PERSON_NAME, "last_name": Label.PERSON_NAME, "email": Label.EMAIL, "loyalty_tier": N,
        "order_count": N, "revenue": N, "last_order_at": N,
    },
    "monthly_revenue": {"month": N, "orders": N, "revenue": N},
}  # fmt: skip


def load(database: Database) -> None:
    with database.connect() as connection, connection.transaction():
        connection.execute(schema_sql().encode())
        for target, chunks in tables():
            with connection.cursor().copy(f"COPY {target} FROM STDIN".encode()) as copy:
                for chunk in chunks:
                    copy.write(chunk)
        connection.execute(finish_sql().encode())


def contents() -> dict[str, list[list[str]]]:
    return {
        target.split(" ")[0]: [line.split("\t") for line in b"".join(chunks).decode().splitlines()]
        for target, chunks in tables()
    }


@pytest.mark.live
def test_it_loads_in_seconds_and_every_column_is_labelled_right(database: Database) -> None:
    """What a first user sees: out of the box, nothing missed and nothing masked in vain."""
    started = time.monotonic()
    load(database)
    assert time.monotonic() - started < 30  # seconds, on a busy machine
    with database.connect() as connection:
        snapshot = asyncio.run(read_snapshot(LibpqQuerier(connection), "company", {}, lambda definition: True))
    found = {
        r.name: {c.name: c.label for c in r.columns} for r in snapshot.relations if r.schema == "public" and r.name in EXPECTED
    }
    assert found == EXPECTED
    rows = sum(
        r.estimated_rows for r in snapshot.relations if r.schema == "public" and r.name in EXPECTED and r.estimated_rows > 0
    )
    assert 90_000 < rows < 120_000


@pytest.mark.live
@pytest.mark.parametrize("database", ["postgres18"], indirect=True)
def test_new_rows_can_be_added_and_the_sums_agree(database: Database) -> None:
    """Sequences go on after the loaded rows; an order's total is the sum of its items; views answer."""
    load(database)
    assert database.execute("INSERT INTO departments (name, cost_center) VALUES ('x', 'y') RETURNING id") == [(11,)]
    wrong = """SELECT count(*) FROM orders o WHERE total <>
        (SELECT sum(quantity * unit_price) FROM order_items i WHERE i.order_id = o.id)"""
    assert database.execute(wrong) == [(0,)]
    assert database.execute("SELECT count(*) > 12 FROM monthly_revenue WHERE revenue > 1000") == [(True,)]
    assert database.execute("SELECT count(*) FROM customer_overview") == [(4000,)]


def test_the_rows_are_the_same_every_time() -> None:
    """Documents and screenshots can name a row."""
    assert contents() == contents()


def test_nothing_in_it_belongs_to_anybody() -> None:
    """Numbers, addresses and domains come from ranges that are never given out."""
    company = contents()
    for row in company["customers"]:
        assert re.search(r"@example\.(com|org|net)$", row[3])
        assert row[4] == "\\N" or re.fullmatch(r"\+1 \d{3}-555-01\d\d", row[4])
        assert row[6] == "\\N" or row[6].startswith("9")
    for row in company["employees"]:
        assert row[5].endswith("@example.net")
        assert row[10].startswith("9")
        assert row[13].startswith("99")
        assert len(row[13]) == 9
    for row in company["sign_ins"]:
        assert row[2].startswith(("192.0.2.", "198.51.100.", "203.0.113."))


def test_cards_have_valid_check_digits() -> None:
    """So that scanners take them for cards."""
    cards = [row[3] for row in contents()["payment_cards"]]
    assert all(luhn_digit(card[:-1]) == card[-1] for card in cards)
    assert {len(card) for card in cards} == {15, 16}
    assert luhn_digit("411111111111111") == "1"


def test_tickets_hold_what_forms_never_asked_for() -> None:
    """The free text has addresses, numbers and names in it: something for the value scanner to find."""
    bodies = "\n".join(row[5] for row in contents()["support_tickets"])
    assert "@example." in bodies
    assert re.search(r"555-01\d\d", bodies)
    assert re.search(r"\b\d{15,16}\b", bodies)
    assert re.search(r"\b9\d\d-\d\d-\d{4}\b", bodies)
