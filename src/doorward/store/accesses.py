"""Access for a time, in SQL. It is kept as it crosses the link: nothing may be lost of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from doorward.model.access import Access
from doorward.store.records import AccessRecord
from doorward.store.schema import ACCESSES

_decode = msgspec.json.Decoder(Access).decode


class SqlAccesses:
    """Implements :class:`doorward.store.repositories.Accesses`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, access: Access) -> None:
        """Keep a new one."""
        values = {
            "id": access.id,
            "access": msgspec.json.encode(access),
            "until_us": access.until_us,
            "reviewed_by_id": "",
            "reviewed_by": "",
            "review": "",
        }
        with self._transaction() as connection:
            connection.execute(insert(ACCESSES).values(values))

    def by_id(self, access_id: str) -> AccessRecord | None:
        """The one with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(ACCESSES).where(ACCESSES.c.id == access_id)).one_or_none()
        return _record(row) if row else None

    def open(self) -> tuple[AccessRecord, ...]:
        """Those that nobody has ended yet, the first to end before the others."""
        wanted = select(ACCESSES).where(ACCESSES.c.ended_us.is_(None)).order_by(ACCESSES.c.until_us, ACCESSES.c.id)
        with self._transaction() as connection:
            return tuple(map(_record, connection.execute(wanted)))

    def latest(self, limit: int) -> tuple[AccessRecord, ...]:
        """The newest, ended or not."""
        wanted = select(ACCESSES).order_by(ACCESSES.c.until_us.desc(), ACCESSES.c.id).limit(limit)
        with self._transaction() as connection:
            return tuple(map(_record, connection.execute(wanted)))

    def unreviewed(self) -> tuple[AccessRecord, ...]:
        """Broken glass that nobody else has looked at."""
        wanted = select(ACCESSES).where(ACCESSES.c.reviewed_by_id == "").order_by(ACCESSES.c.until_us)
        with self._transaction() as connection:
            records = tuple(map(_record, connection.execute(wanted)))
        return tuple(record for record in records if record.needs_review)

    def end(self, access_id: str, at_us: int) -> bool:
        """Mark it as over; False, and nothing changes, if it was."""
        there = (ACCESSES.c.id == access_id) & ACCESSES.c.ended_us.is_(None)
        with self._transaction() as connection:
            return connection.execute(update(ACCESSES).where(there).values(ended_us=at_us)).rowcount == 1

    def review(self, access_id: str, by_id: str, by: str, word: str) -> bool:
        """Keep what somebody said of it; False, and nothing changes, if somebody did before."""
        there = (ACCESSES.c.id == access_id) & (ACCESSES.c.reviewed_by_id == "")
        values = {"reviewed_by_id": by_id, "reviewed_by": by, "review": word}
        with self._transaction() as connection:
            return connection.execute(update(ACCESSES).where(there).values(values)).rowcount == 1


def _record(row: Row[Any]) -> AccessRecord:
    return AccessRecord(_decode(row.access), row.ended_us, row.reviewed_by_id, row.reviewed_by, row.review)
