"""Catalogs for trying rules, written down as tables with a label for each column."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from doorward.errors import ConfigurationInvalid
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot

FIRST_OID = 16_384  # the first that a server gives to what its users make (access/transam.h, FirstNormalObjectId)
DEMO = "demo"

_LABELS = {label.value: label for label in Label}


@cache
def demo_schema() -> Snapshot:
    """The sample company of ``doorward demo``, as its columns are labelled there."""
    text = files("doorward.rehearsal").joinpath("demo_schema.toml").read_text(encoding="utf-8")
    return read_schema(tomllib.loads(text), "demo_schema.toml")


def read_schema(written: Mapping[str, Any], file: str) -> Snapshot:
    """The catalog that *written* describes: *tables* and *views*, each column with a label; and *functions* of users.

    ``[schema.tables."public.people"]`` ``id = "none"``. Raises ConfigurationInvalid, naming *file*.
    """
    if unknown := sorted(set(written) - {"tables", "views", "functions"}):
        raise _fault(file, f"a schema has tables, views and functions, and no {unknown[0]}")
    functions = written.get("functions", [])
    if not isinstance(functions, list) or not all(isinstance(name, str) for name in functions):
        raise _fault(file, "functions is a list of names")
    relations: list[Relation] = []
    for key, kind in (("tables", RelationKind.TABLE), ("views", RelationKind.VIEW)):
        for name, columns in _table(written.get(key, {}), file, key).items():
            relations.append(_relation(FIRST_OID + len(relations), name, kind, _table(columns, file, name), file))
    return Snapshot(DEMO, "written", tuple(relations), user_functions=frozenset(functions))


def _relation(oid: int, name: str, kind: RelationKind, columns: Mapping[str, Any], file: str) -> Relation:
    schema, dot, bare = name.rpartition(".")
    found = []
    for number, (column, label) in enumerate(columns.items(), 1):
        if label not in _LABELS:
            raise _fault(file, f"{name}.{column} has a label that there isn't; there are {', '.join(_LABELS)}")
        found.append(Column(number, column, "text", _LABELS[label]))
    return Relation(oid, schema if dot else "public", bare, kind, tuple(found), 1_000)


def _table(value: Any, file: str, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _fault(file, f"{what} is no table of names")
    return value


def _fault(file: str, words: str) -> ConfigurationInvalid:
    return ConfigurationInvalid(f"{file}: {words}.", "docs/policy-testing.md has the form of a test file.")
