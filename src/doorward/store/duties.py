"""Who is on call, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from doorward.store.records import Duty
from doorward.store.schema import DUTIES


class SqlDuties:
    """Implements :class:`doorward.store.repositories.Duties`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, duty: Duty) -> None:
        """Keep a new one."""
        with self._transaction() as connection:
            connection.execute(insert(DUTIES).values(asdict(duty)))

    def by_id(self, duty_id: str) -> Duty | None:
        """The one with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(DUTIES).where(DUTIES.c.id == duty_id)).one_or_none()
        return _duty(row) if row else None

    def lasting(self, now_us: int) -> tuple[Duty, ...]:
        """Those that hold now or are yet to come, by group and time."""
        lasts = DUTIES.c.ended_us.is_(None) & (DUTIES.c.until_us > now_us)
        wanted = select(DUTIES).where(lasts).order_by(DUTIES.c.group, DUTIES.c.from_us, DUTIES.c.id)
        with self._transaction() as connection:
            return tuple(map(_duty, connection.execute(wanted)))

    def end(self, duty_id: str, at_us: int) -> bool:
        """End it early; False, and nothing changes, if it ended before."""
        lasts = (DUTIES.c.id == duty_id) & DUTIES.c.ended_us.is_(None) & (DUTIES.c.until_us > at_us)
        with self._transaction() as connection:
            return connection.execute(update(DUTIES).where(lasts).values(ended_us=at_us)).rowcount == 1


def _duty(row: Row[Any]) -> Duty:
    return Duty(**row._mapping)
