# ruff: noqa: S608 - the texts are put together from constants of this module alone
"""PostgreSQL 15 to 18: the questions to its catalog, and facts from the answers. Pure: no connection, no labels.

Every question works for a role without privileges, is one statement for all relations, and is answered in milliseconds.
Names in the texts are schema-qualified, so a search_path can't bend them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from doorward.catalog.introspection.querier import Row
from doorward.model.catalog import RelationKind

FIRST_USER_OID = 16384  # FirstNormalObjectId (access/transam.h): objects below it came with initdb

_USER_RELATIONS = (
    "c.relkind IN ('r','p','v','m','f','S') AND n.nspname NOT IN ('pg_catalog','information_schema','pg_toast')"
    " AND c.relpersistence <> 't'"
)
_SYSTEM_RELATIONS = f"c.relkind IN ('r','v') AND n.nspname IN ('pg_catalog','information_schema') AND c.oid < {FIRST_USER_OID}"
_FROM_CLASS = "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"

VERSION_SQL = "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num')"
RELATIONS_SQL = f"""SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::pg_catalog.int8, c.oid < {FIRST_USER_OID}
{_FROM_CLASS} WHERE ({_USER_RELATIONS}) OR ({_SYSTEM_RELATIONS}) ORDER BY c.oid"""
# A composite type holds columns of its own, which have no labels.
COLUMNS_SQL = f"""SELECT a.attrelid, a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
 CASE WHEN 'c' IN (t.typtype, e.typtype, b.typtype) THEN 'composite' WHEN t.typtype = 'e' THEN 'enum'
 WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
 ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,
 CASE WHEN c.oid >= {FIRST_USER_OID} THEN pg_catalog.col_description(a.attrelid, a.attnum) END
{_FROM_CLASS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_catalog.pg_type e ON e.oid IN (t.typelem, b.typelem)
 AND e.oid <> 0
WHERE a.attnum > 0 AND NOT a.attisdropped AND (({_USER_RELATIONS}) OR ({_SYSTEM_RELATIONS})) ORDER BY a.attrelid, a.attnum"""
KEYS_SQL = """SELECT k.conrelid, k.contype, k.conkey::pg_catalog.text, k.confrelid, k.confkey::pg_catalog.text
FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p','f') ORDER BY k.oid"""
INHERITANCE_SQL = "SELECT i.inhrelid, i.inhparent FROM pg_catalog.pg_inherits i ORDER BY 1, 2"
VIEWS_SQL = f"""SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) {_FROM_CLASS}
WHERE c.relkind IN ('v','m') AND {_USER_RELATIONS} ORDER BY c.oid"""
# A view depends on every column that its query names anywhere, and on every relation it reads (refobjsubid 0). Relations
# with an oid below 12000 are pinned: dependencies on them are not recorded.
DEPENDENCIES_SQL = f"""SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
 AND r.rulename = '_RETURN' AND r.ev_class >= {FIRST_USER_OID} ORDER BY 1, 2, 3"""
# What a generated column is computed from: columns of its own table.
GENERATED_SQL = f"""SELECT DISTINCT a.attrelid, a.attnum, d.refobjsubid
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
WHERE a.attgenerated <> '' AND a.attrelid >= {FIRST_USER_OID} AND d.refobjid = a.attrelid AND d.refobjsubid > 0
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid <> a.attnum ORDER BY 1, 2, 3"""
FUNCTIONS_SQL = f"SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.oid >= {FIRST_USER_OID} ORDER BY 1"
OPERATORS_SQL = f"SELECT DISTINCT o.oprname FROM pg_catalog.pg_operator o WHERE o.oid >= {FIRST_USER_OID} ORDER BY 1"
# Implicit row and array types count: in a schema that search_path puts first, a table named "date" is what ::date means.
# So do built-in types that a user-defined cast between built-in types leads to: ::int4 then runs somebody's function.
TYPES_SQL = f"""SELECT DISTINCT t.typname FROM pg_catalog.pg_type t WHERE t.oid >= {FIRST_USER_OID}
UNION SELECT t.typname FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type t ON t.oid = k.casttarget
WHERE k.oid >= {FIRST_USER_OID} AND k.castmethod = 'f' AND k.castsource < {FIRST_USER_OID} AND k.casttarget < {FIRST_USER_OID}
ORDER BY 1"""
# A column is often called like its enum or domain. Functional notation casts a row only where a cast is defined (PostgreSQL's
# func_get_detail), so where none leads to any type of that name, or to what it is made of, ``t.name`` can only be the column.
UNCASTABLE_TYPES_SQL = f"""SELECT t.typname FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE t.oid >= {FIRST_USER_OID} GROUP BY t.typname
HAVING pg_catalog.bool_and((t.typtype = 'e' OR t.typtype = 'd' AND b.typtype IN ('b', 'e') AND t.typcategory <> 'S')
 AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.casttarget IN (t.oid, b.oid) AND k.oid >= {FIRST_USER_OID}))
ORDER BY 1"""


def _sum(source: str, identity: str, condition: str) -> str:
    digest = f"pg_catalog.hashtextextended(pg_catalog.concat_ws(':', {identity}, x.xmin), 0)::pg_catalog.numeric"
    total = f"pg_catalog.concat_ws('.', pg_catalog.count(*), pg_catalog.sum({digest}))"
    return f"(SELECT {total} FROM {source} x WHERE {condition})"


_LASTING = f"SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relpersistence <> 't' AND c.oid >= {FIRST_USER_OID}"
_ROWED = f"{_LASTING} AND c.relkind NOT IN ('i','I','t')"
_SUMS = ", ".join(
    _sum(f"pg_catalog.{table}", identity, condition)
    for table, identity, condition in (
        ("pg_class", "x.oid", f"x.relpersistence <> 't' AND x.relkind NOT IN ('i','I','t') AND x.oid >= {FIRST_USER_OID}"),
        ("pg_attribute", "x.attrelid, x.attnum", f"x.attnum > 0 AND x.attrelid IN ({_ROWED})"),
        ("pg_rewrite", "x.oid", f"x.ev_class IN ({_LASTING})"),
        ("pg_inherits", "x.inhrelid, x.inhseqno", f"x.inhrelid IN ({_LASTING})"),
        ("pg_constraint", "x.oid", f"x.contype IN ('p','f') AND x.conrelid IN ({_LASTING})"),
        ("pg_description", "x.objoid, x.objsubid", f"x.objsubid > 0 AND x.objoid IN ({_LASTING})"),
        ("pg_type", "x.oid", f"x.oid >= {FIRST_USER_OID} AND (x.typrelid = 0 OR x.typrelid IN ({_LASTING})) AND x.typelem = 0"),
        ("pg_proc", "x.oid", f"x.oid >= {FIRST_USER_OID}"),
        ("pg_operator", "x.oid", f"x.oid >= {FIRST_USER_OID}"),
        ("pg_cast", "x.oid", f"x.oid >= {FIRST_USER_OID}"),
        ("pg_namespace", "x.oid", f"x.oid >= {FIRST_USER_OID} AND x.nspname NOT LIKE 'pg\\_%temp\\_%'"),
    )
)
MARK_SQL = f"SELECT pg_catalog.md5(pg_catalog.concat_ws(',', {_SUMS}))"
"""One row, one text: changes whenever relations, columns, views, keys, comments, functions, operators or types do.

Temporary objects, indexes and statistics don't count."""

RELATION_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED_TABLE,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW,
    "f": RelationKind.FOREIGN_TABLE,
    "S": RelationKind.SEQUENCE,
}


@dataclass(frozen=True, slots=True)
class RelationFact:
    """A row of RELATIONS_SQL."""

    oid: int
    schema: str
    name: str
    kind: RelationKind
    estimated_rows: int
    is_system: bool


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A row of COLUMNS_SQL. *base_type* looks through domains; "enum" for enums, "composite" for rows and arrays of them."""

    relation: int
    number: int
    name: str
    type_name: str
    base_type: str
    comment: str


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of *relation* that refer, pair by pair, to columns of *target*."""

    relation: int
    numbers: tuple[int, ...]
    target: int
    target_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """Everything one reading of the catalog gave. *primary_keys* are attribute numbers by relation oid."""

    server_version: str
    relations: tuple[RelationFact, ...]
    columns: dict[int, tuple[ColumnFact, ...]]
    primary_keys: dict[int, tuple[int, ...]]
    foreign_keys: tuple[ForeignKey, ...]
    parents: dict[int, tuple[int, ...]]
    view_definitions: dict[int, str]
    view_dependencies: dict[int, frozenset[tuple[int, int]]]
    functions: frozenset[str]
    operators: frozenset[str]
    types: frozenset[str]
    generated: tuple[tuple[int, int, int], ...] = ()  # relation, generated column, column it is computed from
    uncastable_types: frozenset[str] = frozenset()


# The questions in the order in which `facts_from` takes the answers.
QUESTIONS = (
    VERSION_SQL, RELATIONS_SQL, COLUMNS_SQL, KEYS_SQL, INHERITANCE_SQL, VIEWS_SQL, DEPENDENCIES_SQL,
    FUNCTIONS_SQL, OPERATORS_SQL, TYPES_SQL, UNCASTABLE_TYPES_SQL, GENERATED_SQL,
)  # fmt: skip


def _text(value: str | None) -> str:
    return value or ""


def _number(value: str | None) -> int:
    return int(value or 0)


def _numbers(array: str | None) -> tuple[int, ...]:
    """The elements of an int2[] in text form."""
    return tuple(int(element) for element in re.findall(r"-?\d+", array or ""))


def _names(rows: Iterable[Row]) -> frozenset[str]:
    return frozenset(_text(row[0]) for row in rows)


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
    groups: dict[int, list[int]] = {}
    for key, member in pairs:
        groups.setdefault(key, []).append(member)
    return {key: tuple(members) for key, members in groups.items()}


def _relation(row: Row) -> RelationFact:
    oid, schema, name, letter, rows, system = row
    kind = RELATION_KINDS.get(_text(letter), RelationKind.OTHER)
    return RelationFact(_number(oid), _text(schema), _text(name), kind, _number(rows), system == "t")


def _foreign_key(row: Row) -> ForeignKey:
    return ForeignKey(_number(row[0]), _numbers(row[2]), _number(row[3]), _numbers(row[4]))


def facts_from(answers: list[list[Row]]) -> CatalogFacts:
    """Facts from the answers to QUESTIONS, in their order."""
    version, relation_rows, column_rows, key_rows, inheritance, view_rows, dependency_rows, *names, generated = answers
    functions, operators, types, uncastable_types = (_names(rows) for rows in names)

    columns: dict[int, list[ColumnFact]] = {}
    for oid, number, name, type_name, base_type, comment in column_rows:
        fact = ColumnFact(_number(oid), _number(number), _text(name), _text(type_name), _text(base_type), _text(comment))
        columns.setdefault(fact.relation, []).append(fact)
    dependencies: dict[int, set[tuple[int, int]]] = {}
    for view, relation, number in dependency_rows:
        dependencies.setdefault(_number(view), set()).add((_number(relation), _number(number)))
    return CatalogFacts(
        server_version=_text(version[0][0]) if version else "",
        relations=tuple(_relation(row) for row in relation_rows),
        columns={oid: tuple(facts) for oid, facts in columns.items()},
        primary_keys={_number(row[0]): _numbers(row[2]) for row in key_rows if row[1] == "p"},
        foreign_keys=tuple(_foreign_key(row) for row in key_rows if row[1] == "f"),
        parents=_grouped((_number(row[0]), _number(row[1])) for row in inheritance),
        view_definitions={_number(oid): definition for oid, definition in view_rows if definition},
        view_dependencies={view: frozenset(found) for view, found in dependencies.items()},
        functions=functions,
        operators=operators,
        types=types,
        uncastable_types=uncastable_types,
        generated=tuple((_number(row[0]), _number(row[1]), _number(row[2])) for row in generated),
    )
