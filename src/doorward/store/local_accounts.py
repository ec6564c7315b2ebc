"""Accounts of Doorward's own, in SQL. Nothing here opens anything without the key that is kept beside the log's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from doorward.store.records import LocalAccount
from doorward.store.schema import LOCAL_ACCOUNTS


class SqlLocalAccounts:
    """Implements :class:`doorward.store.repositories.LocalAccounts`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, account: LocalAccount) -> None:
        """Keep *account* in place of what was kept of it."""
        values = asdict(account)
        statement = insert(LOCAL_ACCOUNTS).values(values)
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["principal_id"], set_=values))

    def of(self, principal_id: str) -> LocalAccount | None:
        """The account of a person."""
        return self._one(LOCAL_ACCOUNTS.c.principal_id == principal_id)

    def by_link(self, digest: bytes) -> LocalAccount | None:
        """The account that a link is open to."""
        return self._one(LOCAL_ACCOUNTS.c.link_digest == digest) if digest else None

    def all(self) -> tuple[LocalAccount, ...]:
        """All of them."""
        with self._transaction() as connection:
            rows = connection.execute(select(LOCAL_ACCOUNTS).order_by(LOCAL_ACCOUNTS.c.principal_id))
            return tuple(LocalAccount(**row._mapping) for row in rows)

    def change(self, principal_id: str, **values: Any) -> None:
        """Change some of its fields."""
        with self._transaction() as connection:
            connection.execute(update(LOCAL_ACCOUNTS).where(LOCAL_ACCOUNTS.c.principal_id == principal_id).values(values))

    def use_step(self, principal_id: str, step: int) -> bool:
        """Mark a code as used; False, and nothing changes, if it or a later one was."""
        fresh = (LOCAL_ACCOUNTS.c.principal_id == principal_id) & (LOCAL_ACCOUNTS.c.last_step < step)
        with self._transaction() as connection:
            return bool(connection.execute(update(LOCAL_ACCOUNTS).where(fresh).values(last_step=step)).rowcount)

    def remove(self, principal_id: str) -> None:
        """Keep it no longer."""
        with self._transaction() as connection:
            connection.execute(delete(LOCAL_ACCOUNTS).where(LOCAL_ACCOUNTS.c.principal_id == principal_id))

    def _one(self, condition: Any) -> LocalAccount | None:
        with self._transaction() as connection:
            row = connection.execute(select(LOCAL_ACCOUNTS).where(condition)).one_or_none()
        return LocalAccount(**row._mapping) if row else None
