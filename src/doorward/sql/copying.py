"""Which column names may flow from what a statement reads into what it stores. Too many rather than too few.

A condition that compares a bare column with a constant or parameter, and an assignment of a column to itself
(``SET balance = balance - 1``, ``SET email = excluded.email``), move nothing to a place it wasn't in.
"""

from __future__ import annotations

from collections.abc import Callable

from doorward.sql.tree import Fields, children, constant, descendants, kind_and_fields, strings

_EVERYTHING = "*"
_RENAMED = frozenset({"RangeVar", "JoinExpr"})
_READS = frozenset({"ColumnRef", "SelectStmt", "ExecuteStmt"})


def copied_columns(
    kind: str, fields: Fields, copiers: list[tuple[str, Fields]], range_names: set[str]
) -> tuple[str, ...] | None:
    """The last names of column references that may flow; None when the statement stores nothing that it reads."""
    if not any(_STORES[copier](body) for copier, body in copiers):
        return None
    names: dict[str, None] = {}
    body = {key: value for key, value in fields.items() if key != "returningClause"}
    pending = [(kind, body)]
    while pending:
        node, inside = pending.pop()
        if node == "ColumnRef":
            names.update(dict.fromkeys(_names(inside, range_names)))
        elif node == "ExecuteStmt" or (node in _RENAMED and "colnames" in inside.get("alias", {})):
            # Under an alias with a list of columns a table's columns go by other names, each other's included.
            names[_EVERYTHING] = None
        inside = _without_harmless(node, inside)
        pending.extend(children(inside))
    return tuple(names)


def _names(reference: Fields, range_names: set[str]) -> list[str]:
    parts = strings(reference.get("fields"))
    if len(parts) != len(reference.get("fields", ())) or not parts:
        return [_EVERYTHING]
    return [parts[-1], _EVERYTHING] if len(parts) == 1 and parts[0] in range_names else [parts[-1]]


def _without_harmless(kind: str, fields: Fields) -> Fields:
    """*fields* less the look-ups in its WHERE and the assignments that stay within a column."""
    kept = fields
    if "whereClause" in fields:
        kept = {**kept, "whereClause": _without_lookups(fields["whereClause"])}
    if kind == "UpdateStmt":
        kept = {**kept, "targetList": _moving(fields)}
    elif kind == "InsertStmt" and "onConflictClause" in fields:
        clause = fields["onConflictClause"]
        kept = {**kept, "onConflictClause": {**clause, "targetList": _moving({**fields, **clause})}}
    return kept


def _without_lookups(condition: Fields) -> Fields:
    if condition.get("BoolExpr", {}).get("boolop") == "AND_EXPR":
        kept = [argument for argument in condition["BoolExpr"]["args"] if not _is_lookup(argument)]
        return {"BoolExpr": {"args": kept}}
    return {} if _is_lookup(condition) else condition


def _is_lookup(condition: Fields) -> bool:
    """Whether *condition* is a bare column = constants or parameters, or a null test of a bare column."""
    kind, fields = kind_and_fields(condition)
    if kind == "NullTest":
        return "ColumnRef" in fields["arg"]
    if kind != "A_Expr" or fields.get("kind") not in ("AEXPR_OP", "AEXPR_IN", "AEXPR_OP_ANY"):
        return False
    if strings(fields.get("name")) != ["="] or "ColumnRef" not in fields.get("lexpr", {}):
        return False
    right = fields.get("rexpr", {})
    return all(_is_given(item) for item in right.get("List", {}).get("items", [right]))


def _is_given(value: Fields) -> bool:
    while "TypeCast" in value:
        value = value["TypeCast"]["arg"]
    if "ParamRef" in value:
        return True
    try:
        constant(value)
    except ValueError:
        return False
    return True


def _moving(statement: Fields) -> list[Fields]:
    """The assignments that bring a column something from elsewhere."""
    target = statement["relation"]
    own = {target.get("alias", {}).get("aliasname") or target["relname"], "excluded"}
    sole = "fromClause" not in statement
    return [node for node in statement.get("targetList", ()) if not _stays(node["ResTarget"], own, sole)]


def _stays(assignment: Fields, own: set[str], sole: bool) -> bool:
    """Whether all that *assignment* reads is its own column. An unqualified name is the target's if there is no FROM."""
    column = assignment.get("name")
    for kind, fields in descendants(*kind_and_fields(assignment["val"])):
        if kind in ("SelectStmt", "MultiAssignRef"):
            return False
        if kind == "ColumnRef":
            parts = strings(fields.get("fields"))
            is_own = parts[-2] in own if len(parts) > 1 else sole
            if len(parts) != len(fields["fields"]) or parts[-1] != column or not is_own:
                return False
    return True


# What stores something it reads ---------------------------------------------------------------------------------------


def _reads(nodes: list[Fields]) -> bool:
    return any(kind in _READS for node in nodes if node for kind, _ in descendants(*kind_and_fields(node)))


def _insert(fields: Fields) -> bool:
    conflict = fields.get("onConflictClause")
    if conflict and _reads(_moving({**fields, **conflict})):
        return True
    select = fields.get("selectStmt", {}).get("SelectStmt")
    if select is None:
        return False
    below = (kind for child in children(select) for kind, _ in descendants(*child))
    return any(kind in _READS or kind in ("RangeVar", "RangeFunction") for kind in below)


def _update(fields: Fields) -> bool:
    return _reads(_moving(fields))


def _merge(fields: Fields) -> bool:
    clauses = [node["MergeWhenClause"] for node in fields.get("mergeWhenClauses", ())]
    return any(_reads([*clause.get("targetList", ()), *clause.get("values", ())]) for clause in clauses)


def _create_table_as(fields: Fields) -> bool:
    return not fields["into"].get("skipData")


def _select_into(fields: Fields) -> bool:
    return True


_STORES: dict[str, Callable[[Fields], bool]] = {
    "CreateTableAsStmt": _create_table_as,
    "InsertStmt": _insert,
    "MergeStmt": _merge,
    "SelectStmt": _select_into,
    "UpdateStmt": _update,
}
