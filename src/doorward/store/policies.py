"""Published rules in SQL: an append-only list of whole sets, the last one in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Row, func, insert, select

from doorward.store.records import PublishedPolicy
from doorward.store.schema import POLICIES


class SqlPolicies:
    """Implements :class:`doorward.store.repositories.Policies`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, policy: PublishedPolicy) -> None:
        """Keep *policy*, whose number is the next one."""
        values = {
            "number": policy.number,
            "version": policy.version,
            "at_us": policy.at_us,
            "by": policy.by,
            "reason": policy.reason,
            "texts": json.dumps(dict(policy.texts)),
        }
        with self._transaction() as connection:
            connection.execute(insert(POLICIES).values(values))

    def latest(self) -> PublishedPolicy | None:
        """The one that was published last."""
        last = select(func.max(POLICIES.c.number)).scalar_subquery()
        with self._transaction() as connection:
            row = connection.execute(select(POLICIES).where(POLICIES.c.number == last)).one_or_none()
        return _policy(row) if row else None

    def numbered(self, number: int) -> PublishedPolicy | None:
        """The one with this number."""
        with self._transaction() as connection:
            row = connection.execute(select(POLICIES).where(POLICIES.c.number == number)).one_or_none()
        return _policy(row) if row else None

    def all(self) -> tuple[PublishedPolicy, ...]:
        """All of them, the newest first."""
        with self._transaction() as connection:
            rows = connection.execute(select(POLICIES).order_by(POLICIES.c.number.desc())).all()
        return tuple(map(_policy, rows))


def _policy(row: Row[tuple[object, ...]]) -> PublishedPolicy:
    return PublishedPolicy(row.number, row.version, row.at_us, row.by, row.reason, json.loads(row.texts))
