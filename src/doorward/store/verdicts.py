"""Label verdicts in SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from doorward.model.catalog import Label
from doorward.store.records import LabelVerdict
from doorward.store.schema import VERDICTS

_KEY = ("upstream", "table_oid", "attribute_number")


class SqlVerdicts:
    """Implements :class:`doorward.store.repositories.Verdicts`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, verdict: LabelVerdict) -> None:
        """Keep *verdict* in place of any earlier one on the column."""
        values = asdict(verdict) | {"label": verdict.label.value}
        statement = insert(VERDICTS).values(values)
        changed = {name: value for name, value in values.items() if name not in _KEY}
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed))

    def of(self, upstream: str) -> tuple[LabelVerdict, ...]:
        """All verdicts on an upstream's columns."""
        with self._transaction() as connection:
            rows = connection.execute(select(VERDICTS).where(VERDICTS.c.upstream == upstream)).all()
        return tuple(LabelVerdict(**{**row._mapping, "label": Label(row.label)}) for row in rows)
