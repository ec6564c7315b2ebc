"""A protected data store and how to reach it."""

from __future__ import annotations

import msgspec


class Reach(msgspec.Struct, frozen=True):
    """How a connection to an upstream is made and secured, beside its ``sslmode``: each named as libpq names it.

    *hostaddr* is where to connect when *host* is only the name that the certificate must hold. *sslrootcert* is a file of
    authorities, or ``system`` for those that this machine trusts; *sslcert* and *sslkey* are files too. All may be empty.
    """

    hostaddr: str = ""
    sslrootcert: str = ""
    sslcert: str = ""
    sslkey: str = ""
    sslnegotiation: str = "postgres"
    channel_binding: str = "prefer"
    max_protocol_version: str = "3.0"


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
    reach: Reach = Reach()

    def __repr__(self) -> str:
        return f"Upstream({self.name!r}, {self.engine}://{self.user}@{self.host}:{self.port}/{self.database})"
