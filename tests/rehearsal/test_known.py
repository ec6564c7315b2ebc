"""What a data directory knows, for rules to be held against."""

from pathlib import Path

import pytest

from doorward.errors import ConfigurationInvalid
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.upstream import Upstream
from doorward.rehearsal.known import FIXED, known_names
from doorward.store.database import open_store
from doorward.store.records import ColumnChange, PrincipalRecord


def _column(table: str, number: int, change: str) -> ColumnChange:
    return ColumnChange("shop", 7 + number, number, 10, change, table, "c", "text", "none", "", "")


def test_names_are_read_beside_an_open_store(tmp_path: Path) -> None:
    """A running Doorward has it open; what was removed or revoked is not known any more."""
    path = tmp_path / "control.db"
    store = open_store(path)
    try:
        people = (
            Principal("p1", PrincipalKind.HUMAN, "alice", ("developers", "security")),
            Principal("p2", PrincipalKind.SERVICE, "etl", ("pipelines",)),
            Principal("p3", PrincipalKind.AGENT, "bot", ("developers",), "alice"),
            Principal("p4", PrincipalKind.HUMAN, "gone", ("left",)),
        )
        for one in people:
            store.principals.add(PrincipalRecord(one, b"salt", 1))
        store.principals.revoke("p4", 2)
        store.upstreams.put(Upstream("shop", "postgresql", "h", 1, "orders", "u"))
        store.history.add(
            [_column("public.orders", 1, "added"), _column("crm.old", 2, "added"), _column("crm.old", 2, "removed")]
        )
        known = known_names(path)
    finally:
        store.close()
    assert known.groups == {"developers", "security", "pipelines"}
    assert known.members == {"developers": 1, "security": 1}
    assert (known.humans, known.services, known.agents) == ({"alice"}, {"etl"}, {"bot"})
    assert (known.upstreams, known.databases) == ({"shop"}, {"shop/orders"})
    assert (known.tables, known.schemas) == ({"public.orders"}, {"public"})


def test_an_empty_or_absent_store_doubts_nothing(tmp_path: Path) -> None:
    """Before the first start, and before the first person, every name is yet to come."""
    assert known_names(tmp_path / "none.db") == FIXED
    open_store(tmp_path / "control.db").close()
    assert known_names(tmp_path / "control.db") == FIXED


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "control.db").write_text("no database at all, but long enough to be looked at as one")
    with pytest.raises(ConfigurationInvalid, match="can't be read"):
        known_names(tmp_path / "control.db")
