"""Reading libpg_query's JSON trees: a node is ``{"NodeName": fields}``, but a field of one fixed type holds its fields bare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Fields = dict[str, Any]

# The fields whose bare content we must know by type. The test compares this with the library's own description.
BARE_FIELDS = {
    "argType": "TypeName",
    "baseStmt": "CreateStmt",
    "base": "CreateStmt",
    "constrrel": "RangeVar",
    "datatype": "TypeName",
    "funccall": "FuncCall",
    "identitySequence": "RangeVar",
    "larg": "SelectStmt",
    "ofTypename": "TypeName",
    "pktable": "RangeVar",
    "rarg": "SelectStmt",
    "rel": "RangeVar",
    "relation": "RangeVar",
    "returnType": "TypeName",
    "sequence": "RangeVar",
    "setstmt": "VariableSetStmt",
    "sourcetype": "TypeName",
    "storedtype": "TypeName",
    "table": "RangeVar",
    "targettype": "TypeName",
    "type_name": "TypeName",
    "typeName": "TypeName",
    "typevar": "RangeVar",
    "view": "RangeVar",
}


def kind_and_fields(node: Fields) -> tuple[str, Fields]:
    """The name and fields of a wrapped node; an empty name for an absent one."""
    for kind, fields in node.items():
        return kind, fields
    return "", {}


def children(fields: Fields) -> list[tuple[str, Fields]]:
    """Every node directly below, with its name; the name is empty for bare fields of a type we need not know."""
    found = []
    for key, value in fields.items():
        if value.__class__ is dict:
            found.append(_named(key, value))
        elif value.__class__ is list:
            for item in value:
                if item:
                    found.append(_named(key, item))
    return found


def descendants(kind: str, fields: Fields) -> Iterator[tuple[str, Fields]]:
    """The node itself and every node below it, in no promised order."""
    pending = [(kind, fields)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(children(node[1]))


def _named(key: str, value: Fields) -> tuple[str, Fields]:
    if len(value) == 1:
        for kind, fields in value.items():
            if kind[0].isupper():
                return kind, fields
    if "relname" in value:
        return "RangeVar", value
    return BARE_FIELDS.get(key, ""), value


def strings(nodes: list[Fields] | None) -> list[str]:
    """The texts of a list of String nodes: a name and its qualifiers. Other nodes (a star) are left out."""
    return [node["String"].get("sval", "") for node in nodes or () if "String" in node]


def qualified(nodes: list[Fields] | None) -> str:
    """A name with its qualifiers, joined by dots. A part that has a dot in it is quoted: it must not read as two."""
    return ".".join(f'"{part}"' if "." in part else part for part in strings(nodes))


def constant(node: Fields) -> str | int | float | bool | None:
    """The value of a literal, with casts around it ignored; None for NULL. Raises ValueError for anything else."""
    while "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    value = node.get("A_Const")
    if value is None:
        raise ValueError("not a literal")
    for kind, read in _LITERALS.items():
        if kind in value:
            literal: str | int | float | bool = read(value[kind])
            return literal
    if value.get("isnull"):
        return None
    raise ValueError("not a literal we read")


_LITERALS: dict[str, Any] = {
    "ival": lambda fields: fields.get("ival", 0),
    "sval": lambda fields: fields.get("sval", ""),
    "boolval": lambda fields: fields.get("boolval", False),
    "fval": lambda fields: float(fields["fval"]) if fields["fval"].replace(".", "", 1).isdigit() else _unread(),
}


def _unread() -> float:
    raise ValueError("a number we do not read")
