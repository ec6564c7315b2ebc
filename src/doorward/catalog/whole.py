"""Columns of whole databases, classified together: each with its table's other columns and all tables' names beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from doorward.catalog.classify import classify
from doorward.catalog.context import bounds_texts, surroundings, table_references
from doorward.model.catalog import Finding


@dataclass(frozen=True, slots=True)
class NamedColumn:
    """A column as its names tell it. *source* is the database that it is of; *type_name* is the base type's."""

    source: str
    schema: str
    table: str
    name: str
    type_name: str
    comment: str = ""
    is_key: bool = False
    is_foreign_key: bool = False


def classify_all(columns: Sequence[NamedColumn]) -> list[Finding]:
    """A finding for each of *columns*, in their order."""
    tables: dict[tuple[str, str, str], list[str]] = {}
    types: dict[str, list[str]] = {}
    for column in columns:
        tables.setdefault((column.source, column.schema, column.table), []).append(column.name)
        types.setdefault(column.source, []).append(column.type_name)
    references = {source: table_references(table for of, _, table in tables if of == source) for source in types}
    bounded = {source: bounds_texts(found) for source, found in types.items()}
    beside = {
        key: surroundings(key[2], names, references[key[0]], has_short_texts=bounded[key[0]]) for key, names in tables.items()
    }
    return [
        classify(
            column.schema,
            column.table,
            column.name,
            column.type_name,
            column.comment,
            column.is_key,
            column.is_foreign_key,
            beside[column.source, column.schema, column.table],
        )
        for column in columns
    ]
