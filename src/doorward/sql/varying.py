"""Which literals of a statement may have any other value without anything that is read from its text being different.

``SELECT name FROM t WHERE id = 5`` is understood once for every ``id``. Only places are listed where it was checked that no
step looks at the value: one side of a comparison with a column, joined by nothing but AND; a value that is inserted; a value
that a column is set to, or moved by. Everything else (a setting's name, ORDER BY 2, LIMIT, an argument) is part of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from doorward.sql.tree import Fields, kind_and_fields, strings

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_STEPS = frozenset({"+", "-"})


def varying_literals(kind: str, fields: Fields) -> frozenset[int]:
    """The byte offsets in the text at which such literals start. Empty for any statement that is not one of four kinds."""
    find = _KINDS.get(kind)
    return frozenset(find(fields)) if find else frozenset()


def _select(fields: Fields) -> Iterator[int]:
    yield from _conditions(fields.get("whereClause"))


def _update(fields: Fields) -> Iterator[int]:
    yield from _conditions(fields.get("whereClause"))
    for target in fields.get("targetList", ()):
        value = target.get("ResTarget", {}).get("val", {})
        yield from _constant(value)
        expression = value.get("A_Expr")
        if expression and _is_plain(expression, _STEPS) and "ColumnRef" in expression.get("lexpr", {}):
            yield from _constant(expression.get("rexpr", {}))


def _delete(fields: Fields) -> Iterator[int]:
    yield from _conditions(fields.get("whereClause"))


def _insert(fields: Fields) -> Iterator[int]:
    source = fields.get("selectStmt", {}).get("SelectStmt", {})
    for row in source.get("valuesLists", ()):
        for item in row.get("List", {}).get("items", ()):
            yield from _constant(item)


_KINDS = {"SelectStmt": _select, "UpdateStmt": _update, "DeleteStmt": _delete, "InsertStmt": _insert}


def _conditions(condition: Any) -> Iterator[int]:
    kind, fields = kind_and_fields(condition or {})
    if kind == "BoolExpr" and fields.get("boolop") == "AND_EXPR":
        for argument in fields.get("args", ()):
            yield from _conditions(argument)
    elif kind == "A_Expr" and _is_plain(fields, _COMPARISONS) and "ColumnRef" in fields.get("lexpr", {}):
        yield from _constant(fields.get("rexpr", {}))


def _is_plain(expression: Fields, names: frozenset[str]) -> bool:
    spelled = expression.get("name", ())
    return expression.get("kind") == "AEXPR_OP" and len(spelled) == 1 and not names.isdisjoint(strings(spelled))


def _constant(node: Fields) -> Iterator[int]:
    value = node.get("A_Const")
    if value is not None and ("ival" in value or "sval" in value) and "location" in value:
        # A negative constant begins with its sign; what may vary are the digits behind it.
        yield value["location"] + (value.get("ival", {}).get("ival", 0) < 0)
