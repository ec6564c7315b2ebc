"""What an operator's directory pushed, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from doorward.store.records import DirectoryEntry
from doorward.store.schema import DIRECTORY


class SqlDirectory:
    """Implements :class:`doorward.store.repositories.Directory`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, entry: DirectoryEntry) -> None:
        """Keep *entry* in place of any other with its id."""
        values = asdict(entry)
        statement = insert(DIRECTORY).values(values)
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def by_id(self, entry_id: str) -> DirectoryEntry | None:
        """The entry with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(DIRECTORY).where(DIRECTORY.c.id == entry_id)).one_or_none()
        return DirectoryEntry(**row._mapping) if row else None

    def all(self, kind: str) -> tuple[DirectoryEntry, ...]:
        """All entries of a kind, the oldest first."""
        wanted = select(DIRECTORY).where(DIRECTORY.c.kind == kind).order_by(DIRECTORY.c.created_us, DIRECTORY.c.id)
        with self._transaction() as connection:
            return tuple(DirectoryEntry(**row._mapping) for row in connection.execute(wanted))

    def remove(self, entry_id: str) -> None:
        """Keep it no longer."""
        with self._transaction() as connection:
            connection.execute(delete(DIRECTORY).where(DIRECTORY.c.id == entry_id))
