"""Agents' registrations in SQL, and who stopped them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from doorward.model.agents import Registration, Stop
from doorward.store.schema import AGENT_STOPS, AGENTS


class SqlAgents:
    """Implements :class:`doorward.store.repositories.Agents`."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def put(self, principal_id: str, registration: Registration) -> None:
        """Keep *registration* in place of any earlier one."""
        values = {"principal_id": principal_id, "registration": msgspec.json.encode(registration).decode()}
        with self._transaction() as connection:
            statement = insert(AGENTS).values(values)
            connection.execute(statement.on_conflict_do_update(index_elements=["principal_id"], set_=values))

    def of(self, principal_id: str) -> Registration:
        """What is settled about an agent; nothing, as a rule."""
        with self._transaction() as connection:
            text = connection.execute(
                select(AGENTS.c.registration).where(AGENTS.c.principal_id == principal_id)
            ).scalar_one_or_none()
        return msgspec.json.decode(text, type=Registration) if text else Registration()

    def stop(self, stop: Stop) -> None:
        """Keep *stop* in place of an earlier one of the same agents."""
        values = msgspec.structs.asdict(stop)
        with self._transaction() as connection:
            connection.execute(
                insert(AGENT_STOPS).values(values).on_conflict_do_update(index_elements=["scope", "name"], set_=values)
            )

    def resume(self, scope: str, name: str) -> bool:
        """Undo a stop; False if there was none."""
        where = (AGENT_STOPS.c.scope == scope) & (AGENT_STOPS.c.name == name)
        with self._transaction() as connection:
            return bool(connection.execute(delete(AGENT_STOPS).where(where)).rowcount)

    def stops(self) -> tuple[Stop, ...]:
        """All that hold."""
        with self._transaction() as connection:
            rows = connection.execute(select(AGENT_STOPS).order_by(AGENT_STOPS.c.at_us)).mappings()
            return tuple(Stop(**row) for row in rows)
