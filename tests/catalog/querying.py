"""A Querier over libpq, for tests of introspection against real servers."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from doorward.catalog.introspection.querier import Row
from doorward.errors import UpstreamUnavailable
from doorward.model.result import ResultColumn


class LibpqQuerier:
    """Text results and Describe of a prepared statement, straight from libpq."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection.pgconn

    async def query(self, sql: str) -> list[Row]:
        result = self._connection.exec_(sql.encode())
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise UpstreamUnavailable(result.error_message.decode() if hasattr(result, "error_message") else "query failed")
        values = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        return [tuple(None if value is None else value.decode() for value in row) for row in values]

    async def describe(self, sql: str) -> list[ResultColumn]:
        prepared = self._connection.prepare(b"", sql.encode())
        if prepared.status != ExecStatus.COMMAND_OK:
            raise UpstreamUnavailable("the statement could not be parsed")
        result = self._connection.describe_prepared(b"")
        return [
            ResultColumn(
                (result.fname(i) or b"").decode(), result.ftable(i), result.ftablecol(i), result.ftype(i), result.fsize(i),
                result.fmod(i), result.fformat(i),
            )
            for i in range(result.nfields)
        ]  # fmt: skip
