"""Labels and rules that change while a statement runs, waits or is about to be forwarded."""

from __future__ import annotations

import threading
import time

import pytest

from doorward.control.operators import LOCAL
from doorward.model.catalog import Label
from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def test_a_column_protected_while_a_statement_waits_for_a_lock_is_masked(shop: Shop) -> None:
    """Rows are shown by the labels that hold when they come, not by those of when the statement was sent."""
    shop.database.execute("CREATE TABLE pantry (id int, item text); INSERT INTO pantry VALUES (1, 'sweet jam')")
    role = shop.doorward.control.settings.upstream.user
    shop.database.execute(f"GRANT ALL ON pantry TO {role}")
    item = shop.doorward.wait_for(lambda: _item(shop))
    catalog = shop.doorward.control.office.catalog
    shop.doorward.do(catalog.decide(LOCAL, "shop", *item, Label.NONE, "only jam"))
    rows: list[object] = []
    with shop.doorward.connect() as reader, shop.database.connect() as locker:
        shop.doorward.wait_for(lambda: reader.execute("SELECT item FROM pantry").fetchone() == ("sweet jam",))
        locker.autocommit = False
        locker.execute("LOCK TABLE pantry IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=lambda: rows.extend(reader.execute("SELECT item FROM pantry").fetchall()))
        thread.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%pantry%'"
        shop.doorward.wait_for(lambda: shop.truth(waits))
        shop.doorward.do(catalog.decide(LOCAL, "shop", *item, Label.SECRET, "it is hers"))
        time.sleep(0.5)
        locker.rollback()
        thread.join(10)
    assert rows
    assert rows != [("sweet jam",)]
    shop.database.execute("DROP TABLE pantry")


def _item(shop: Shop) -> tuple[int, int] | None:
    """Where the catalog has the column, once it was read."""
    (snapshot,) = shop.doorward.control.office.catalog.snapshots.values()
    found = [(r.oid, c.number) for r in snapshot.relations if r.name == "pantry" for c in r.columns if c.name == "item"]
    return found[0] if found else None
