"""What became of columns is kept, and found by date."""

from __future__ import annotations

from pathlib import Path

from doorward.store.database import open_store
from doorward.store.records import ColumnChange


def change(at_us: int, column: int = 1, kind: str = "added", label: str = "email", upstream: str = "shop") -> ColumnChange:
    return ColumnChange(upstream, 7, column, at_us, kind, "public.people", f"c{column}", "text", label, "", "")


def test_changes_are_found_by_date_and_by_what_came_last(tmp_path: Path) -> None:
    """Also by another process, later."""
    store = open_store(tmp_path / "store")
    try:
        store.history.add([])
        store.history.add([change(10), change(10, 2), change(20, 1, "changed", "phone"), change(30, upstream="other")])
    finally:
        store.close()
    store = open_store(tmp_path / "store")
    try:
        assert [(one.attribute_number, one.label) for one in store.history.latest("shop")] == [(2, "email"), (1, "phone")]
        assert [one.at_us for one in store.history.since(20, 10)] == [20, 30]
        assert len(store.history.since(0, 3)) == 3
        assert store.history.latest("none") == ()
    finally:
        store.close()
