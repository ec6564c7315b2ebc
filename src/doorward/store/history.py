"""What became of each column over time, in SQL: an append-only list of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, func, insert, select

from doorward.store.records import ColumnChange
from doorward.store.schema import COLUMN_HISTORY as HISTORY


class SqlColumnHistory:
    """Implements :class:`doorward.store.repositories.ColumnHistory`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, changes: Iterable[ColumnChange]) -> None:
        """Keep *changes*, in their order."""
        rows = [{name: getattr(change, name) for name in ColumnChange.__dataclass_fields__} for change in changes]
        if rows:
            with self._transaction() as connection:
                connection.execute(insert(HISTORY), rows)

    def latest(self, upstream: str) -> tuple[ColumnChange, ...]:
        """The last change of each column of *upstream*."""
        last = (
            select(func.max(HISTORY.c.number))
            .where(HISTORY.c.upstream == upstream)
            .group_by(HISTORY.c.table_oid, HISTORY.c.attribute_number)
        )
        with self._transaction() as connection:
            rows = connection.execute(select(HISTORY).where(HISTORY.c.number.in_(last))).all()
        return tuple(map(_change, rows))

    def since(self, at_us: int, limit: int) -> tuple[ColumnChange, ...]:
        """Changes at or after *at_us*, the oldest first, at most *limit*."""
        query = select(HISTORY).where(HISTORY.c.at_us >= at_us).order_by(HISTORY.c.number).limit(limit)
        with self._transaction() as connection:
            return tuple(map(_change, connection.execute(query).all()))


def _change(row: object) -> ColumnChange:
    return ColumnChange(**{name: getattr(row, name) for name in ColumnChange.__dataclass_fields__})
