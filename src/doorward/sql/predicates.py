"""Whether a condition picks rows, as far as its text shows: ``WHERE true OR id = 1`` picks as few as no WHERE at all.

Only visible tautologies are found. A condition over data (``length(v) >= 0``) may still be true of every row.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from enum import Enum
from itertools import islice
from typing import Any

from doorward.sql.tree import Fields, constant, descendants, kind_and_fields, strings


class _Truth(Enum):
    """What is known of a condition: TRUE and FALSE for every row, the SAME for every row, or it depends on the ROW."""

    TRUE = "true"
    FALSE = "false"
    SAME = "same"
    ROW = "row"


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATIONS = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
# Of a value and itself these hold, and those don't (null apart).
_REFLEXIVE = frozenset({"=", "<=", ">=", "~~", "~~*", "~", "~*", "@>", "<@"})
_IRREFLEXIVE = frozenset({"<>", "<", ">"})
# Patterns that every text matches.
_MATCHES_ALL = {
    "~~": re.compile(r"%+"),
    "~~*": re.compile(r"%+"),
    "~": re.compile(r"\^?(\.\*)?\$?"),
    "~*": re.compile(r"\^?(\.\*)?\$?"),
}
# Every row of a table has them, whatever it holds.
_SYSTEM_COLUMNS = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})

# A sub-select with more nodes than this is not searched for references to the row: nested ones would be searched over and over.
_SUBSELECT_NODES = 20_000


def picks_rows(condition: Fields) -> bool:
    """Whether *condition* may be true of some rows and false of others. One that is never true picks none, which counts."""
    return _truth(condition) in (_Truth.ROW, _Truth.FALSE)


def _truth(node: Fields) -> _Truth:
    kind, fields = kind_and_fields(node)
    judge = _JUDGES.get(kind)
    return judge(fields) if judge else _by_references(node)


def _by_references(node: Fields) -> _Truth:
    """An expression that refers to no column has the same value for every row.

    So has WHERE CURRENT OF: the row is wherever a cursor was moved to, and over a loop that is every row.
    """
    kind, fields = kind_and_fields(node)
    for inner, inside in descendants(kind, fields):
        if inner == "ColumnRef" and strings(inside.get("fields"))[-1:] != ["tableoid"]:
            return _Truth.ROW
    return _Truth.SAME


def _literal(fields: Fields) -> _Truth:
    try:
        value = constant({"A_Const": fields})
    except ValueError:
        return _Truth.SAME
    if isinstance(value, str):
        return _TEXTS.get(value.strip().lower(), _Truth.SAME)
    return _Truth.TRUE if value else _Truth.FALSE


_TEXTS = {
    **dict.fromkeys(("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"), _Truth.TRUE),
    **dict.fromkeys(("f", "fa", "fal", "fals", "false", "n", "no", "off", "of", "0"), _Truth.FALSE),
}


def _cast(fields: Fields) -> _Truth:
    return _truth(fields["arg"])


def _boolean(fields: Fields) -> _Truth:
    arguments = fields.get("args", [])
    truths = [_truth(argument) for argument in arguments]
    operation = fields.get("boolop")
    if operation == "NOT_EXPR":
        return {_Truth.TRUE: _Truth.FALSE, _Truth.FALSE: _Truth.TRUE}.get(truths[0], truths[0])
    if operation == "AND_EXPR":
        return _first(truths, _Truth.FALSE, _Truth.ROW, _Truth.SAME, _Truth.TRUE)
    if _has_complements(arguments):
        return _Truth.TRUE
    # A condition that is the same for every row and might be true lets every row through.
    return _first(truths, _Truth.TRUE, _Truth.SAME, _Truth.ROW, _Truth.FALSE)


def _first(truths: list[_Truth], *order: _Truth) -> _Truth:
    return next(truth for truth in order if truth in truths)


def _has_complements(arguments: list[Fields]) -> bool:
    """Whether one of the conditions is the opposite of another. Nested AND and OR are left out: each node is read once."""
    simple = [argument for argument in arguments if _is_simple(argument)]
    seen = {_text(argument) for argument in simple}
    return any(_text(opposite) in seen for opposite in map(_complement, simple) if opposite)


def _is_simple(argument: Fields) -> bool:
    kind, fields = kind_and_fields(argument)
    if kind == "BoolExpr" and fields.get("boolop") == "NOT_EXPR":
        kind, fields = kind_and_fields(fields["args"][0])
    return kind != "BoolExpr"


def _text(node: Fields) -> str:
    return json.dumps(_bare(node), sort_keys=True)


def _complement(node: Any) -> Any:
    """The condition that is false where *node* is true, in the forms people write; *node* itself has no locations."""
    kind, fields = kind_and_fields(node)
    if kind == "BoolExpr" and fields.get("boolop") == "NOT_EXPR":
        return fields["args"][0]
    if kind == "NullTest":
        other = "IS_NOT_NULL" if fields.get("nulltesttype") == "IS_NULL" else "IS_NULL"
        return {"NullTest": {**fields, "nulltesttype": other}}
    if kind == "A_Expr" and fields.get("kind") == "AEXPR_OP":
        name = "".join(strings(fields.get("name")))
        if name in _NEGATIONS:
            return {"A_Expr": {**fields, "name": [{"String": {"sval": _NEGATIONS[name]}}]}}
    return None


def _expression(fields: Fields) -> _Truth:
    kind, left, right = fields.get("kind"), fields.get("lexpr", {}), fields.get("rexpr", {})
    name = "".join(strings(fields.get("name"))[-1:])
    judged = _SPECIAL[kind](left, right, name) if kind in _SPECIAL else None
    return judged or _by_references({"A_Expr": fields})


def _plain(left: Fields, right: Fields, name: str) -> _Truth | None:
    if left and left.keys() == right.keys() and (name in _REFLEXIVE or name in _IRREFLEXIVE) and _bare(left) == _bare(right):
        return _Truth.TRUE if name in _REFLEXIVE else _Truth.FALSE
    return _folded(left, right, name) or _matching(right, name)


def _folded(left: Fields, right: Fields, name: str) -> _Truth | None:
    compare = _COMPARISONS.get(name)
    if compare is None:
        return None
    try:
        one, other = constant(left), constant(right)
        if one is None or other is None:
            return _Truth.FALSE
        if isinstance(one, str) is not isinstance(other, str):
            return None
        return _Truth.TRUE if compare(one, other) else _Truth.FALSE
    except (ValueError, TypeError):
        return None


def _matching(right: Fields, name: str) -> _Truth | None:
    pattern = _MATCHES_ALL.get(name)
    try:
        text = constant(right) if pattern else None
    except ValueError:
        return None
    return _Truth.TRUE if pattern and isinstance(text, str) and pattern.fullmatch(text) else None


def _membership(left: Fields, right: Fields, name: str) -> _Truth | None:
    if name != "=":
        return None
    items = right.get("List", {}).get("items") or right.get("A_ArrayExpr", {}).get("elements") or []
    mine = _bare(left)
    equal = any(_bare(item) == mine or _folded(left, item, "=") is _Truth.TRUE for item in items)
    return _Truth.TRUE if equal else None


def _range(left: Fields, right: Fields, name: str) -> _Truth | None:
    items = right.get("List", {}).get("items") or []
    if len(items) != 2:
        return None
    ends = [_plain(left, items[0], ">="), _plain(left, items[1], "<=")]
    if None in ends:
        return None
    return _Truth.TRUE if ends == [_Truth.TRUE, _Truth.TRUE] else _Truth.FALSE


def _distinct(left: Fields, right: Fields, name: str) -> _Truth | None:
    return _Truth.FALSE if _bare(left) == _bare(right) else None


def _not_distinct(left: Fields, right: Fields, name: str) -> _Truth | None:
    return _Truth.TRUE if _bare(left) == _bare(right) else None


_SPECIAL: dict[str | None, Callable[[Fields, Fields, str], _Truth | None]] = {
    "AEXPR_OP": _plain,
    "AEXPR_LIKE": _plain,
    "AEXPR_ILIKE": _plain,
    "AEXPR_IN": _membership,
    "AEXPR_OP_ANY": _membership,
    "AEXPR_BETWEEN": _range,
    "AEXPR_DISTINCT": _distinct,
    "AEXPR_NOT_DISTINCT": _not_distinct,
}


def _null_test(fields: Fields) -> _Truth:
    argument, is_null = fields["arg"], fields.get("nulltesttype") == "IS_NULL"
    kind, inside = kind_and_fields(argument)
    if kind == "ColumnRef" and not _SYSTEM_COLUMNS.isdisjoint(strings(inside.get("fields"))[-1:]):
        return _Truth.FALSE if is_null else _Truth.TRUE
    try:
        return _Truth.TRUE if (constant(argument) is None) is is_null else _Truth.FALSE
    except ValueError:
        return _by_references(argument)


def _boolean_test(fields: Fields) -> _Truth:
    truth, test = _truth(fields["arg"]), fields.get("booltesttype", "")
    if truth not in (_Truth.TRUE, _Truth.FALSE):
        return truth
    # Folding takes NULL for FALSE, so that only the tests for TRUE are sure of a FALSE.
    holds = {"IS_TRUE": truth is _Truth.TRUE, "IS_NOT_TRUE": truth is not _Truth.TRUE}.get(test)
    if holds is None:
        return _Truth.SAME
    return _Truth.TRUE if holds else _Truth.FALSE


def _coalesce(fields: Fields) -> _Truth:
    truths = [_truth(argument) for argument in fields.get("args", [])]
    return truths[0] if truths[0] is _Truth.TRUE else _first(truths, _Truth.ROW, _Truth.SAME, _Truth.TRUE, _Truth.FALSE)


def _case(fields: Fields) -> _Truth:
    results = [_truth(when["CaseWhen"]["result"]) for when in fields.get("args", [])]
    results.append(_truth(fields["defresult"]) if "defresult" in fields else _Truth.FALSE)
    if len(set(results)) == 1:
        return results[0]
    conditions = [when["CaseWhen"]["expr"] for when in fields.get("args", [])] + [fields.get("arg", {})]
    results += [_by_references(condition) for condition in conditions]
    return _Truth.ROW if _Truth.ROW in results else _Truth.SAME


def _sublink(fields: Fields) -> _Truth:
    """A sub-select that refers to no row outside of it gives the same answer for every row."""
    if "testexpr" in fields and _truth(fields["testexpr"]) is _Truth.ROW:
        return _Truth.ROW
    kind, inside = kind_and_fields(fields.get("subselect", {}))
    nodes = list(islice(descendants(kind, inside), _SUBSELECT_NODES + 1))
    if len(nodes) > _SUBSELECT_NODES:
        return _Truth.SAME
    own = {name for node, body in nodes for name in _range_names(node, body)}
    for node, body in nodes:
        if node != "ColumnRef":
            continue
        parts = strings(body.get("fields"))
        # An unqualified name is most likely the sub-select's own, but may be the outer row's: the doubt is the row's.
        if parts and (len(parts) < 2 or parts[-2] not in own) and parts[-1] not in own:
            return _Truth.ROW
    return _Truth.SAME


def _range_names(kind: str, body: Fields) -> list[str]:
    alias = body.get("alias")
    if kind == "RangeVar":
        return [alias["aliasname"] if alias else body["relname"]]
    return [alias["aliasname"]] if isinstance(alias, dict) and "aliasname" in alias else []


_JUDGES: dict[str, Callable[[Fields], _Truth]] = {
    "A_Const": _literal,
    "A_Expr": _expression,
    "BoolExpr": _boolean,
    "BooleanTest": _boolean_test,
    "CaseExpr": _case,
    "CoalesceExpr": _coalesce,
    "NullTest": _null_test,
    "SubLink": _sublink,
    "TypeCast": _cast,
}


def _bare(node: Any) -> Any:
    """*node* without positions in the text, so that two spellings of one thing compare equal."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key != "location"}
    if isinstance(node, list):
        return [_bare(item) for item in node]
    return node
