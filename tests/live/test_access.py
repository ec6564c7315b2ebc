"""Access for a time on live connections: it counts from the next statement on, and no longer than it lasts."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from doorward.control.operators import LOCAL, Operator
from doorward.model.access import AccessWish
from tests.live.conftest import Shop

pytestmark = pytest.mark.live

EMAILS = "SELECT email FROM public.customers ORDER BY id"


def operator(shop: Shop, name: str) -> Operator:
    """Somebody at the desk."""
    return Operator(shop.doorward.control.office.principals.good(name).principal)


def seen(connection: psycopg.Connection[tuple[str, ...]]) -> bool:
    """Whether the connection sees an address as it is."""
    return ("alice@example.com",) in connection.execute(EMAILS.encode()).fetchall()


def granted(shop: Shop, name: str, wish: AccessWish) -> str:
    """Access that bob approved."""
    office = shop.doorward.control.office
    before = {access.id for access in office.accesses.in_force()}
    request = shop.doorward.do(office.accesses.ask(operator(shop, "alice"), "shop", wish, "dunning letters", name))
    shop.doorward.answer(request.id, "bob", approved=True)
    return next(access.id for access in office.accesses.in_force() if access.id not in before)


@pytest.mark.parametrize("name", ["alice", "report-bot"])
def test_a_granted_label_is_shown_in_open_sessions_and_nowhere_else(shop: Shop, name: str) -> None:
    """To whom it was granted, not to who acts for whom; on that table; until it is ended. The log names it."""
    other = "report-bot" if name == "alice" else "alice"
    with shop.doorward.connect(name) as connection, shop.doorward.connect(other) as another:
        for _ in range(3):  # remembered, and begun again by its form
            assert not seen(connection)
        access_id = granted(shop, name, AccessWish(("email",), (), ("public.customers",), 600))
        shop.doorward.wait_for(lambda: seen(connection))
        assert not seen(another)
        assert connection.execute("SELECT reach FROM public.contacts ORDER BY id").fetchone() != ("alice@example.com",)
        ssn = connection.execute("SELECT ssn FROM public.customers ORDER BY id").fetchone()
        assert ssn != ("123-45-6789",)
        intents = [e for e in shop.doorward.entries("statement.intent") if e.get("grant") == access_id]
        assert intents
        assert {intent["identity"]["chain"].split(" for ")[0] for intent in intents} == {name}
        office = shop.doorward.control.office
        shop.doorward.do(office.accesses.revoke(operator(shop, "bob"), access_id, "done"))
        shop.doorward.wait_for(lambda: not seen(connection))


def test_broken_glass_lets_a_held_statement_run_at_once(shop: Shop) -> None:
    """No waiting for an approval; what the rules deny stays denied, and somebody else looks at it."""
    office = shop.doorward.control.office
    shop.doorward.do(office.principals.regroup(LOCAL, "alice", ("developers", "emergency")))
    with shop.doorward.connect() as connection:
        record = shop.doorward.do(office.accesses.break_glass(operator(shop, "alice"), "shop", 30, "shop is down", "INC-12"))
        shop.doorward.wait_for(lambda: seen(connection))
        connection.execute("ALTER TABLE customers ADD COLUMN in_emergency int")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DROP TABLE orders")
        shop.doorward.do(office.accesses.revoke(operator(shop, "alice"), record.access.id, "over"))
        shop.doorward.wait_for(lambda: not seen(connection))
    assert office.status(LOCAL).unreviewed_glass == 1
    shop.doorward.do(office.accesses.review(operator(shop, "bob"), record.access.id, "one column, as said"))
    assert office.status(LOCAL).unreviewed_glass == 0
    kinds = [e["kind"] for e in shop.doorward.entries() if e.get("access") == record.access.id]
    assert kinds == ["access.begun", "access.ended", "glass.reviewed"]
    shop.database.execute("ALTER TABLE customers DROP COLUMN in_emergency")
