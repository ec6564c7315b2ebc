"""The names in a store, read beside whatever else has it open: nothing is migrated, locked or written."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class StoredPrincipal:
    """Somebody who may sign in. *groups* are names; *acting_for* is empty for all but agents."""

    id: str
    kind: str
    name: str
    groups: tuple[str, ...]
    acting_for: str


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column and its label, as a catalog was last read. *table* is qualified."""

    upstream: str
    table_oid: int
    number: int
    table: str
    name: str
    type_name: str
    label: str


@dataclass(frozen=True, slots=True)
class StoredNames:
    """Who there is, what is protected, and the columns that were there when a catalog was last read."""

    principals: tuple[StoredPrincipal, ...]
    upstreams: tuple[tuple[str, str], ...]  # name, database
    columns: tuple[StoredColumn, ...]

    @property
    def tables(self) -> frozenset[str]:
        """Tables and views, qualified."""
        return frozenset(column.table for column in self.columns)


_PRINCIPALS = 'SELECT id, kind, name, "groups", acting_for FROM principals WHERE revoked_us IS NULL ORDER BY name'
_UPSTREAMS = 'SELECT name, "database" FROM upstreams ORDER BY name'
_COLUMNS = """SELECT upstream, table_oid, attribute_number, table_name, column_name, type_name, label FROM column_history
    WHERE change <> 'removed' AND number IN
    (SELECT max(number) FROM column_history GROUP BY upstream, table_oid, attribute_number)
    ORDER BY upstream, table_oid, attribute_number"""


def read_names(path: Path) -> StoredNames | None:
    """The names in the store at *path*; None when there is no store yet. Raises ConfigurationInvalid when it can't be read."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            people = connection.execute(_PRINCIPALS).fetchall()
            upstreams = connection.execute(_UPSTREAMS).fetchall()
            columns = connection.execute(_COLUMNS).fetchall()
    except sqlite3.Error as error:
        raise ConfigurationInvalid(
            f"The names in {path} can't be read: {error}.", "Start Doorward once with this data directory, or give another."
        ) from None
    return StoredNames(
        tuple(StoredPrincipal(key, kind, name, _groups(groups), of or "") for key, kind, name, groups, of in people),
        tuple(upstreams),
        tuple(StoredColumn(*column) for column in columns),
    )


def _groups(encoded: str) -> tuple[str, ...]:
    return tuple(json.loads(encoded))
