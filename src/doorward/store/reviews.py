"""Access reviews in SQL, each kept whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from doorward.model.review import Review
from doorward.store.schema import REVIEWS

_decode = msgspec.json.Decoder(Review).decode


class SqlReviews:
    """Implements :class:`doorward.store.repositories.Reviews`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, review: Review) -> None:
        """Keep *review* in place of what was kept of it."""
        content = msgspec.json.encode(review)
        statement = insert(REVIEWS).values(id=review.id, review=content, started_us=review.started_us)
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"review": content}))

    def by_id(self, review_id: str) -> Review | None:
        """The review with this id."""
        with self._transaction() as connection:
            found = connection.execute(select(REVIEWS.c.review).where(REVIEWS.c.id == review_id)).scalar_one_or_none()
        return _decode(found) if found else None

    def all(self) -> tuple[Review, ...]:
        """All reviews, the newest first."""
        with self._transaction() as connection:
            rows = connection.execute(select(REVIEWS.c.review).order_by(REVIEWS.c.started_us.desc())).scalars().all()
        return tuple(_decode(row) for row in rows)
