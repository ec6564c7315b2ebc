"""Labels on a real server: found from names and from sampled values, applied or proposed, judged, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from doorward.control.catalog import ColumnRow
from doorward.control.operators import LOCAL
from doorward.model.catalog import Label, LabelClass
from tests.live.conftest import Shop

pytestmark = pytest.mark.live


@contextmanager
def table(shop: Shop, name: str, columns: str, values: str = "") -> Iterator[None]:
    """A table that Doorward's role may read, filled before it is seen, gone afterwards."""
    role = shop.doorward.control.settings.upstream.user
    shop.database.execute(f"CREATE TABLE {name} ({columns})")
    if values:
        shop.database.execute(f"INSERT INTO {name} {values}")
    shop.database.execute(f"GRANT ALL ON {name} TO {role}")
    try:
        yield
    finally:
        shop.database.execute(f"DROP TABLE IF EXISTS {name} CASCADE")


def column(shop: Shop, name: str) -> ColumnRow | None:
    """The catalog's row for ``table.column``."""
    rows = shop.doorward.control.office.catalog.rows()
    return next((row for row in rows if f"{row.relation.name}.{row.column.name}" == name), None)


def test_values_tell_what_a_name_does_not(shop: Shop) -> None:
    """A column called c7 is full of addresses for mail: found soon after the table is, and masked from then on."""
    made = "SELECT n, 'person' || n || '@example.org', 'jar ' || n FROM generate_series(1, 60) n; ANALYZE ledger7"
    with table(shop, "ledger7", "id int, c7 text, c8 text", made):
        found = shop.doorward.wait_for(
            lambda: (row := column(shop, "ledger7.c7")) and row.column.label is Label.EMAIL and row, seconds=20
        )
        assert "60 of 60 sampled values look like email" in found.column.reasons[-1]
        assert found.column.confidence >= 0.9
        clear = column(shop, "ledger7.c8")
        assert clear is not None
        assert clear.column.label is Label.NONE
        with shop.doorward.connect() as reader:
            shown = reader.execute("SELECT c7, c8 FROM ledger7 WHERE id = 1").fetchone()
        assert shown is not None
        assert "person1" not in shown[0]
        assert shown[1] == "jar 1"


def test_no_sampled_value_is_kept_or_told(shop: Shop) -> None:
    """Neither the store, nor the catalog, nor the log holds what was looked at."""
    made = "SELECT n, 'kept-nowhere-' || n || '@example.org' FROM generate_series(1, 40) n; ANALYZE ledger9"
    with table(shop, "ledger9", "id int, c9 text", made):
        shop.doorward.wait_for(lambda: (row := column(shop, "ledger9.c9")) and row.column.label is Label.EMAIL, seconds=20)
        files = [path for path in shop.doorward.data.path.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if b"kept-nowhere-" in path.read_bytes()]


def test_what_is_only_proposed_is_shown_to_people_and_masked_for_agents_until_somebody_looks(shop: Shop) -> None:
    """A confirmed proposal is masked for everybody, a rejected one for nobody."""
    made = "SELECT n, '+49 30 9018' || (2000 + n) FROM generate_series(1, 60) n; ANALYZE dial"
    with table(shop, "dial", "id int, entry text", made):
        found = shop.doorward.wait_for(
            lambda: (row := column(shop, "dial.entry")) and row.column.label is Label.PROPOSED and row, seconds=20
        )
        assert found.column.proposal is Label.PHONE
        assert found.column.label.label_class is LabelClass.PROPOSED
        question = "SELECT entry FROM dial WHERE id = 1"
        real = shop.truth(question)
        with shop.doorward.connect("alice") as person, shop.doorward.connect("report-bot") as agent:
            assert shop.doorward.wait_for(lambda: person.execute(question).fetchone() == (real,))
            assert agent.execute(question).fetchone() != (real,)
            key = found.relation.oid, found.column.number
            catalog = shop.doorward.control.office.catalog
            shop.doorward.do(catalog.decide(LOCAL, "shop", *key, Label.PHONE, "these are phones"))
            assert shop.doorward.wait_for(lambda: person.execute(question).fetchone() != (real,))
            shop.doorward.do(catalog.decide(LOCAL, "shop", *key, Label.NONE, "extensions of ours"))
            assert shop.doorward.wait_for(lambda: person.execute(question).fetchone() == (real,))
            assert shop.doorward.wait_for(lambda: agent.execute(question).fetchone() == (real,))


def test_a_verdict_outlives_new_readings_and_follows_a_renamed_table(shop: Shop) -> None:
    """It is bound to object ids, not to names."""
    with table(shop, "ledger8", "id int, c8 text"):
        found = shop.doorward.wait_for(lambda: column(shop, "ledger8.c8"))
        catalog = shop.doorward.control.office.catalog
        key = found.relation.oid, found.column.number
        shop.doorward.do(catalog.decide(LOCAL, "shop", *key, Label.HEALTH, "diagnoses"))
        shop.database.execute("ALTER TABLE ledger8 RENAME TO ledger8_old")
        try:
            renamed = shop.doorward.wait_for(lambda: column(shop, "ledger8_old.c8"))
            assert renamed.column.label is Label.HEALTH
            assert renamed.is_reviewed
            shop.database.execute("ALTER TABLE ledger8_old RENAME COLUMN c8 TO finding")
            later = shop.doorward.wait_for(lambda: column(shop, "ledger8_old.finding"))
            assert later.column.label is Label.HEALTH
        finally:
            shop.database.execute("DROP TABLE IF EXISTS ledger8_old")


def test_a_new_column_is_protected_from_the_first_statement_that_can_see_it(shop: Shop) -> None:
    """Before the catalog was read again nothing is known of it, and what is not known is masked."""
    with table(shop, "pets", "id int", "VALUES (1)"):
        shop.doorward.wait_for(lambda: column(shop, "pets.id"))
        with shop.doorward.connect() as reader:
            assert shop.doorward.wait_for(lambda: reader.execute("SELECT id FROM pets").fetchone() == (1,))
            shop.database.execute("ALTER TABLE pets ADD COLUMN note_of_owner text DEFAULT 'call Zoe at 555-0100'")
            first = [reader.execute("SELECT note_of_owner FROM pets").fetchone() for _ in range(5)]
            assert all(row is not None and "Zoe" not in str(row[0]) for row in first)
        changes = shop.doorward.wait_for(
            lambda: [
                change
                for change in shop.doorward.control.office.catalog.changes_since(0)
                if change.column_name == "note_of_owner"
            ]
        )
        assert changes[0].change == "added"
        assert changes[0].label == "free_text"
