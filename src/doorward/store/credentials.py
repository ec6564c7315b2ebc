"""Credentials in SQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from doorward.store.records import Credential
from doorward.store.schema import CREDENTIALS


class SqlCredentials:
    """Implements :class:`doorward.store.repositories.Credentials`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, credential: Credential) -> None:
        """Keep a new credential."""
        with self._transaction() as connection:
            connection.execute(insert(CREDENTIALS).values(asdict(credential)))

    def by_id(self, credential_id: str) -> Credential | None:
        """The credential with this id."""
        with self._transaction() as connection:
            row = connection.execute(select(CREDENTIALS).where(CREDENTIALS.c.id == credential_id)).one_or_none()
        return Credential(**row._mapping) if row else None

    def by_digest(self, digest: bytes) -> Credential | None:
        """The key with this digest."""
        wanted = (CREDENTIALS.c.digest == digest) & (CREDENTIALS.c.digest != b"")
        with self._transaction() as connection:
            row = connection.execute(select(CREDENTIALS).where(wanted)).one_or_none()
        return Credential(**row._mapping) if row else None

    def of(self, principal_id: str) -> tuple[Credential, ...]:
        """All credentials of a principal, the newest first."""
        wanted = select(CREDENTIALS).where(CREDENTIALS.c.principal_id == principal_id)
        with self._transaction() as connection:
            rows = connection.execute(wanted.order_by(CREDENTIALS.c.created_us.desc(), CREDENTIALS.c.id))
            return tuple(Credential(**row._mapping) for row in rows)

    def of_sign_in(self, sign_in_id: str) -> tuple[Credential, ...]:
        """Those that were minted in a sign-in."""
        with self._transaction() as connection:
            rows = connection.execute(select(CREDENTIALS).where(CREDENTIALS.c.sign_in_id == sign_in_id))
            return tuple(Credential(**row._mapping) for row in rows)

    def revoke(self, credential_id: str, at_us: int) -> None:
        """Make it open nothing from now on."""
        good = (CREDENTIALS.c.id == credential_id) & CREDENTIALS.c.revoked_us.is_(None)
        with self._transaction() as connection:
            connection.execute(update(CREDENTIALS).where(good).values(revoked_us=at_us))

    def touch(self, credential_id: str, at_us: int) -> None:
        """Note that it was used."""
        with self._transaction() as connection:
            connection.execute(update(CREDENTIALS).where(CREDENTIALS.c.id == credential_id).values(last_used_us=at_us))
