"""Puts the sample company into an empty database, as the role that owns it."""

from __future__ import annotations

from collections.abc import Callable

from doorward.demo.company.rows import finish_sql, schema_sql, tables
from doorward.demo.postgres import DATABASE, OWNER, EmbeddedServer

ROWS_ABOUT = 100_000


def load_company(server: EmbeddedServer, progress: Callable[[str, int], None]) -> int:
    """Make role, database, tables and rows; the number of rows. *progress* gets a table's name and the rows so far."""
    from psycopg import sql

    with server.connect_directly(database="postgres") as direct:
        password = sql.Literal(server.access.owner_password)
        # What a start that was cut short has left.
        direct.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        direct.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(OWNER)))
        # No superuser, and no role that could make others: what an application has, and no more.
        direct.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.Identifier(OWNER), password
            )
        )
        direct.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
    rows = 0
    with server.connect_directly(user=OWNER) as owner, owner.transaction():
        owner.execute(schema_sql().encode())
        for target, chunks in tables():
            name = target.partition(" ")[0]
            with owner.cursor().copy(f"COPY {target} FROM STDIN".encode()) as copy:
                for chunk in chunks:
                    copy.write(chunk)
                    rows += chunk.count(b"\n")
                    progress(name, rows)
        owner.execute(finish_sql().encode())
    return rows


def is_loaded(server: EmbeddedServer) -> bool:
    """Whether the company is there: it comes whole or not at all."""
    with server.connect_directly(database="postgres") as direct:
        if direct.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            return False
    with server.connect_directly() as direct:
        found = direct.execute("SELECT to_regclass('public.customers')").fetchone()
    return found is not None and found[0] is not None
