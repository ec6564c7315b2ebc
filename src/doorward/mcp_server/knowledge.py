"""What the tools tell beside results: which databases there are, what their columns hold, what would become of a statement."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from doorward.control.office import Office
from doorward.errors import NotPermitted
from doorward.mcp_server.callers import Caller


class Knowledge(Protocol):
    """Asked by the tools, of the control process. What is given is plain JSON."""

    async def databases(self, caller: Caller) -> list[dict[str, Any]]:
        """The protected databases."""

    async def columns(self, caller: Caller, database: str, table: str) -> list[dict[str, Any]]:
        """Columns with their labels; no value of any. *table* is a part of qualified names."""

    async def explain(self, caller: Caller, database: str, sql: str) -> dict[str, Any]:
        """What would become of a statement of *caller*."""


class OfficeKnowledge:
    """Knowledge from the office itself, in its process."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def databases(self, caller: Caller) -> list[dict[str, Any]]:
        """The protected databases, without where they are and how Doorward signs in to them."""
        return [
            {"database": upstream.name, "kind": upstream.engine, "only_observed": upstream.observe}
            for upstream in self._office.upstreams()
        ]

    async def columns(self, caller: Caller, database: str, table: str) -> list[dict[str, Any]]:
        """Columns of everything but system catalogs."""
        return [
            {
                "database": row.upstream,
                "table": row.relation.qualified_name,
                "column": row.column.name,
                "type": row.column.type_name,
                "label": row.column.label.value,
                "protected": row.column.label.is_protected,
            }
            for row in self._office.catalog.rows(database, table)
        ]

    async def explain(self, caller: Caller, database: str, sql: str) -> dict[str, Any]:
        """The answer of ``doorward explain``."""
        if caller.by is None:
            raise NotPermitted("Nobody has shown who asks.")
        told: dict[str, Any] = msgspec.to_builtins(
            await self._office.explaining.explain(caller.by, sql, caller.name, database=database)
        )
        return told
