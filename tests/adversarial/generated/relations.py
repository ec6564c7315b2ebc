"""Random relations: tables, partitions, children, generated columns and composites, each cell with a value that is its own.

Names come from one small pool, so that a protected column and a clear one are often called the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from doorward.model.catalog import Label

COLUMN_NAMES = ("alpha", "beta", "gamma", "delta", "kappa", "sigma")
TYPES = ("text", "text", "varchar(24)", "int", "jsonb", "text[]")
PROTECTED_SHARE = 0.45
NULL_SHARE = 0.12
ROWS = 5
# Of restricted ones little: rules refuse much of what is asked of them.
LABELS = (
    Label.EMAIL, Label.PERSON_NAME, Label.PHONE, Label.FREE_TEXT, Label.GEO, Label.DOB, Label.IP,
    Label.NATIONAL_ID, Label.SECRET,
)  # fmt: skip

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Column:
    """A column as the generator knows it. *tainted* says that protected values may reach it."""

    name: str
    type: str  # text, int, jsonb, text[], bool or row
    tainted: bool


@dataclass
class Relation:
    """Something to select from. *values* is how each of its own columns is filled, and is empty for views."""

    name: str
    columns: list[Column]
    labels: dict[str, Label] = field(default_factory=dict)
    writable: bool = False


@dataclass
class Schema:
    """The statements that make it, the ones that fill it anew, and what can be selected from."""

    ddl: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    filled: list[tuple[str, list[tuple[str, str, bool]]]] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)


def tables(rng: random.Random) -> Schema:
    """Two to four tables, some of them partitioned, inherited from, or with a generated column."""
    schema = Schema()
    for number in range(rng.randint(2, 4)):
        _table(rng, schema, f"t{number}")
    return schema


def _table(rng: random.Random, schema: Schema, name: str) -> None:
    columns = [Column("id", "int", False)]
    declared = ["id int NOT NULL"]
    relation = Relation(name, columns, writable=True)
    filling = []
    for column_name in rng.sample(COLUMN_NAMES, rng.randint(3, 5)):
        type_name = rng.choice(TYPES)
        protected = rng.random() < PROTECTED_SHARE
        if protected:
            relation.labels[column_name] = rng.choice(LABELS)
        columns.append(Column(column_name, "text" if type_name.startswith("varchar") else type_name, protected))
        declared.append(f"{column_name} {type_name}")
        filling.append((column_name, type_name, protected))
    source = rng.choice(columns[1:])
    kind = rng.choice(("plain", "plain", "partitioned", "inherited"))
    if source.type == "text" and kind != "partitioned" and rng.random() < 0.4:
        columns.append(Column("made", "text", source.tainted))
        declared.append(f"made text GENERATED ALWAYS AS (upper({source.name})) STORED")
    body = ", ".join(declared)
    if kind == "partitioned":
        schema.ddl += [
            f"CREATE TABLE {name} ({body}) PARTITION BY RANGE (id)",
            f"CREATE TABLE {name}_low PARTITION OF {name} FOR VALUES FROM (0) TO (3)",
            f"CREATE TABLE {name}_high PARTITION OF {name} FOR VALUES FROM (3) TO (1000)",
        ]
        schema.relations.append(Relation(f"{name}_high", list(columns)))
    else:
        schema.ddl.append(f"CREATE TABLE {name} ({body})")
        if kind == "inherited":
            schema.ddl.append(f"CREATE TABLE {name}_child (extra text) INHERITS ({name})")
            schema.relations.append(Relation(f"{name}_child", [*columns, Column("extra", "text", False)]))
            schema.filled.append((f"{name}_child", [*filling, ("extra", "text", False)]))
    schema.relations.append(relation)
    schema.filled.append((name, filling))


# Values ---------------------------------------------------------------------------------------------------------------


@dataclass
class Filling:
    """The rows of one state. Clear cells are the same in every state, protected ones never; *canaries* are the latter."""

    statements: list[str]
    canaries: list[str]


def fill(schema: Schema, clear: random.Random, protected: random.Random) -> Filling:
    """Statements that empty all tables and fill them, in the same order each time."""
    filling = Filling([], [])
    for table, _columns in schema.filled:
        filling.statements.append(f"DELETE FROM ONLY {table}" if not _is_partitioned(schema, table) else f"DELETE FROM {table}")
    for table, columns in schema.filled:
        first = 100 if table.endswith("_child") else 1
        for row in range(first, first + ROWS):
            cells = [str(row)]
            for _name, type_name, is_protected in columns:
                cells.append(_cell(type_name, protected if is_protected else clear, filling.canaries if is_protected else None))
            names = ", ".join(["id", *(column[0] for column in columns)])
            filling.statements.append(f"INSERT INTO {table} ({names}) VALUES ({', '.join(cells)})")
    filling.statements += [f"REFRESH MATERIALIZED VIEW {name}" for name in schema.refreshed]
    return filling


def _is_partitioned(schema: Schema, table: str) -> bool:
    return any(text.startswith(f"CREATE TABLE {table} ") and "PARTITION BY" in text for text in schema.ddl)


def _word(rng: random.Random, canaries: list[str] | None) -> str:
    # Clear values are short and few, so that conditions and groups meet; protected ones are never met by chance.
    if canaries is None:
        return rng.choice(("north", "south", "east", "west"))
    word = "".join(rng.choice(_LETTERS) for _ in range(14))
    canaries.append(word)
    return word


def _cell(type_name: str, rng: random.Random, canaries: list[str] | None) -> str:
    if rng.random() < NULL_SHARE:
        return "NULL"
    if type_name == "int":
        number = rng.randint(10**8, 2 * 10**9) if canaries is not None else rng.randint(1, 9)
        if canaries is not None:
            canaries.append(str(number))
        return str(number)
    if type_name == "jsonb":
        return f"""'{{"k": "{_word(rng, canaries)}", "n": 1}}'"""
    if type_name == "text[]":
        return f"ARRAY['{_word(rng, canaries)}', '{_word(rng, canaries)}']"
    return f"'{_word(rng, canaries)}'"
