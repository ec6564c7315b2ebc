"""A protected data store and how to reach it."""

from __future__ import annotations

import msgspec


class Upstream(msgspec.Struct, frozen=True):
    """Where an upstream is, and with what Doorward signs in to it.

    *name* is what clients may give as database name beside *database* itself. *tls* is libpq's ``sslmode`` word.
    *password* is held in memory and in the data directory's owner-only files, never in a log or message.
    *observe* says that statements are recorded and nothing more: no rule and no label protects this upstream.
    """

    name: str
    engine: str
    host: str
    port: int
    database: str
    user: str
    password: str = ""
    tls: str = "prefer"
    observe: bool = False

    def __repr__(self) -> str:
        return f"Upstream({self.name!r}, {self.engine}://{self.user}@{self.host}:{self.port}/{self.database})"
