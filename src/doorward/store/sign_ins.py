"""Sign-ins of people, and whom a provider's names stand for, in SQL. Refresh tokens are here: the file is its owner's alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from doorward.store.records import SignIn
from doorward.store.schema import SIGN_INS, SUBJECTS


class SqlSignIns:
    """Implements :class:`doorward.store.repositories.SignIns`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def add(self, sign_in: SignIn) -> None:
        """Keep a new sign-in."""
        with self._transaction() as connection:
            connection.execute(insert(SIGN_INS).values(asdict(sign_in)))

    def by_id(self, sign_in_id: str) -> SignIn | None:
        """The sign-in with this id."""
        return self._one(SIGN_INS.c.id == sign_in_id)

    def by_digest(self, digest: bytes) -> SignIn | None:
        """The sign-in whose token has this digest."""
        return self._one(SIGN_INS.c.digest == digest)

    def live(self) -> tuple[SignIn, ...]:
        """Those that have not ended, the oldest first; their time may be over."""
        with self._transaction() as connection:
            rows = connection.execute(select(SIGN_INS).where(SIGN_INS.c.ended_us.is_(None)).order_by(SIGN_INS.c.created_us))
            return tuple(map(_sign_in, rows))

    def change(self, sign_in_id: str, **values: Any) -> None:
        """Change some of its fields."""
        with self._transaction() as connection:
            connection.execute(update(SIGN_INS).where(SIGN_INS.c.id == sign_in_id).values(values))

    def subject(self, issuer: str, subject: str) -> str | None:
        """The id of the principal that a provider calls *subject*."""
        wanted = (SUBJECTS.c.issuer == issuer) & (SUBJECTS.c.subject == subject)
        with self._transaction() as connection:
            return connection.execute(select(SUBJECTS.c.principal_id).where(wanted)).scalar_one_or_none()

    def subjects_of(self, principal_id: str, issuer: str) -> tuple[str, ...]:
        """What a provider calls a principal."""
        wanted = (SUBJECTS.c.issuer == issuer) & (SUBJECTS.c.principal_id == principal_id)
        with self._transaction() as connection:
            return tuple(connection.execute(select(SUBJECTS.c.subject).where(wanted)).scalars())

    def bind(self, issuer: str, subject: str, principal_id: str) -> None:
        """From now on *subject* of *issuer* is this principal."""
        with self._transaction() as connection:
            connection.execute(insert(SUBJECTS).values(issuer=issuer, subject=subject, principal_id=principal_id))

    def _one(self, condition: Any) -> SignIn | None:
        with self._transaction() as connection:
            row = connection.execute(select(SIGN_INS).where(condition)).one_or_none()
        return _sign_in(row) if row else None


def _sign_in(row: Row[Any]) -> SignIn:
    return SignIn(**row._mapping)
