"""Upstreams in SQL, passwords included: the file is its owner's alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from doorward.model.upstream import Reach, Upstream
from doorward.store.schema import UPSTREAMS


class SqlUpstreams:
    """Implements :class:`doorward.store.repositories.Upstreams`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, upstream: Upstream) -> None:
        """Keep *upstream* in place of any other of its name."""
        values = msgspec.structs.asdict(upstream) | {"reach": msgspec.json.encode(upstream.reach).decode()}
        statement = insert(UPSTREAMS).values(values)
        with self._transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

    def all(self) -> tuple[Upstream, ...]:
        """All upstreams, by name."""
        with self._transaction() as connection:
            rows = connection.execute(select(UPSTREAMS).order_by(UPSTREAMS.c.name)).mappings()
            return tuple(Upstream(**{**row, "reach": msgspec.json.decode(row["reach"], type=Reach)}) for row in rows)
