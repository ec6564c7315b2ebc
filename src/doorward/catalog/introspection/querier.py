"""What introspection needs of a connection."""

from __future__ import annotations

from typing import Protocol

from doorward.model.result import ResultColumn

Row = tuple[str | None, ...]


class Querier(Protocol):
    """One upstream session, used by one reader at a time."""

    async def query(self, sql: str) -> list[Row]:
        """Run *sql* and return its rows as text values; raises DoorwardError."""
        ...

    async def describe(self, sql: str) -> list[ResultColumn]:
        """The result columns of *sql*, parsed and described but never executed; raises DoorwardError."""
        ...
