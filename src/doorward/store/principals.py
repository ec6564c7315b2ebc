"""Principals in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from doorward.errors import Conflict, NotFound
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.records import PrincipalRecord
from doorward.store.schema import CREDENTIALS, PRINCIPALS

Transaction = Callable[[], AbstractContextManager[Connection]]


class SqlPrincipals:
    """Implements :class:`doorward.store.repositories.Principals`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, record: PrincipalRecord) -> None:
        """Keep a new principal; raises Conflict if its name was ever taken."""
        principal = record.principal
        values = {
            "id": principal.id,
            "kind": principal.kind.value,
            "name": principal.name,
            "groups": json.dumps(principal.groups),
            "acting_for": principal.acting_for,
            "salt": record.salt,
            "created_us": record.created_us,
            "revoked_us": record.revoked_us,
            "suspended_us": record.suspended_us,
        }
        try:
            with self._transaction() as connection:
                connection.execute(insert(PRINCIPALS).values(values))
        except IntegrityError:
            raise Conflict(f"There is, or was, a principal named {principal.name!r}.", "Choose another name.") from None

    def named(self, name: str) -> PrincipalRecord | None:
        """The principal that signs in as *name*."""
        with self._transaction() as connection:
            row = connection.execute(select(PRINCIPALS).where(PRINCIPALS.c.name == name)).one_or_none()
        return _record(row) if row else None

    def by_id(self, principal_id: str) -> PrincipalRecord | None:
        """The principal with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(PRINCIPALS).where(PRINCIPALS.c.id == principal_id)).one_or_none()
        return _record(row) if row else None

    def all(self) -> tuple[PrincipalRecord, ...]:
        """Everyone, by name, revoked ones included."""
        with self._transaction() as connection:
            return tuple(map(_record, connection.execute(select(PRINCIPALS).order_by(PRINCIPALS.c.name))))

    def replace_groups(self, principal_id: str, groups: tuple[str, ...]) -> Principal:
        """Give the principal exactly these groups."""
        with self._transaction() as connection:
            connection.execute(update(PRINCIPALS).where(PRINCIPALS.c.id == principal_id).values(groups=json.dumps(groups)))
        found = self.by_id(principal_id)
        if found is None:
            raise NotFound(f"There is no principal {principal_id}.")
        return found.principal

    def revoke(self, principal_id: str, at_us: int) -> None:
        """Revoke the principal and all its credentials."""
        with self._transaction() as connection:
            for table, column in ((PRINCIPALS, PRINCIPALS.c.id), (CREDENTIALS, CREDENTIALS.c.principal_id)):
                good = (column == principal_id) & table.c.revoked_us.is_(None)
                connection.execute(update(table).where(good).values(revoked_us=at_us))

    def suspend(self, principal_id: str, at_us: int | None) -> None:
        """Take access from the principal, and all its credentials for good; or, with None, let it have access again."""
        theirs = (CREDENTIALS.c.principal_id == principal_id) & CREDENTIALS.c.revoked_us.is_(None)
        with self._transaction() as connection:
            connection.execute(update(PRINCIPALS).where(PRINCIPALS.c.id == principal_id).values(suspended_us=at_us))
            if at_us is not None:
                connection.execute(update(CREDENTIALS).where(theirs).values(revoked_us=at_us))


def _record(row: Row[Any]) -> PrincipalRecord:
    principal = Principal(
        id=row.id,
        kind=PrincipalKind(row.kind),
        name=row.name,
        groups=tuple(json.loads(row.groups)),
        acting_for=row.acting_for,
    )
    return PrincipalRecord(principal, row.salt, row.created_us, row.revoked_us, row.suspended_us)
