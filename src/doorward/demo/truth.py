"""What the database really holds, read past Doorward as its superuser: what every promise of the tour is held to."""

from __future__ import annotations

from typing import Any

from doorward.demo.postgres import EmbeddedServer

HIDDEN_CUSTOMER_COLUMNS = ("first_name", "last_name", "email", "phone", "date_of_birth", "national_id")


class Truth:
    """Questions to the database itself; each by a connection of its own."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server

    def ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows that *statement* gives."""
        with self._server.connect_directly() as direct:
            return direct.execute(statement.encode(), parameters).fetchall()

    def count(self, table: str) -> int:
        """How many rows *table* has; -1 when there is no such table."""
        if self.ask("SELECT to_regclass(%s)", table)[0][0] is None:
            return -1
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - names of our own

    def has_column(self, table: str, column: str) -> bool:
        """Whether *table* has a column of that name."""
        found = "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped"
        return bool(self.ask(found, table, column))

    def customers(self, most: int) -> list[dict[str, Any]]:
        """The first customers, whole."""
        names = ("id", *HIDDEN_CUSTOMER_COLUMNS, "loyalty_tier", "marketing_opt_in", "created_at")
        rows = self.ask(f"SELECT {', '.join(names)} FROM customers WHERE id <= %s ORDER BY id", most)  # noqa: S608 - our own
        return [dict(zip(names, row, strict=True)) for row in rows]

    def cards(self, most: int) -> list[tuple[str, str]]:
        """Names and numbers of the first cards."""
        return [
            (row[0], row[1]) for row in self.ask("SELECT cardholder_name, card_number FROM payment_cards WHERE id <= %s", most)
        ]
