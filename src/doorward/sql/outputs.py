"""What the text alone proves of each result column: which names it derives from, or that it is a count or a constant.

Sub-selects, CTEs and set operations are followed; whatever isn't understood for certain is OPAQUE, and a result whose
columns the text can't number (a star over a table) has no outputs at all. A name that stands for a whole row, or might,
proves nothing.

One module because a sub-select is followed by the same reading as what is around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from doorward.model.statement import Output, OutputKind
from doorward.sql.bounds import TooMuch, Visits
from doorward.sql.functions import is_definition, tells_definitions
from doorward.sql.tree import Fields, children, descendants, kind_and_fields, strings

_OPAQUE = Output(OutputKind.OPAQUE)
_CONSTANT = Output(OutputKind.CONSTANT)
_COUNT = Output(OutputKind.COUNT)

# More columns than the server returns (MaxTupleAttributeNumber), and more names than are worth following: without these
# bounds a short text of stars over stars, or of names over names, would grow without end.
_COLUMN_LIMIT = 1664
_NAME_LIMIT = 100
_SAME_NAME_LIMIT = 10
_MOST_VISITS = 500_000


@dataclass(frozen=True, slots=True)
class _Column:
    """A result column of a sub-select; *name* is None when we don't work out what the server calls it."""

    name: str | None
    output: Output


_Columns = list[_Column] | None  # None: can't be numbered


class _Ctes(dict[str, _Columns]):
    """The CTEs in reach, by name; and the *visits* of columns so far, in all of the statement."""

    def __init__(self, visits: Visits, known: Mapping[str, _Columns] = MappingProxyType({})) -> None:
        super().__init__(known)
        self.visits = visits


@dataclass(slots=True)
class _Scope:
    """What column references in one SELECT can mean.

    *relations* are the names of plain tables, *known* the sub-selects by name, *unknown* the names of what we can't follow.
    """

    relations: set[str] = field(default_factory=set)
    known: dict[str, list[_Column]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    row_names: set[str] = field(default_factory=set)
    merges_columns: bool = False
    has_unnamed: bool = False
    by_name: dict[str, list[Output]] = field(default_factory=dict)
    by_qualified_name: dict[tuple[str, str], list[Output]] = field(default_factory=dict)
    ctes: _Ctes = field(default_factory=lambda: _Ctes(Visits(_MOST_VISITS)))
    windows: list[Fields] = field(default_factory=list)
    windows_output: Output | None = None

    def know(self, name: str, columns: list[_Column]) -> None:
        """Take in a sub-select that we followed."""
        self.ctes.visits.count(len(columns))
        self.known[name] = columns
        for column in columns:
            if column.name is None:
                self.has_unnamed = True
            else:
                self.by_name.setdefault(column.name, []).append(column.output)
                self.by_qualified_name.setdefault((name, column.name), []).append(column.output)


def outputs_of(kind: str, fields: Fields, copies_data: bool, range_names: Iterable[str]) -> tuple[Output, ...] | None:
    """One Output a result column of the statement, or of the query it prepares, declares or copies out."""
    try:
        return _outputs(kind, fields, copies_data, range_names)
    except TooMuch:
        return None


def _outputs(kind: str, fields: Fields, copies_data: bool, range_names: Iterable[str]) -> tuple[Output, ...] | None:
    if kind == "SelectStmt":
        columns = None if "intoClause" in fields else _select(fields, _Ctes(Visits(_MOST_VISITS)))
        return None if columns is None else tuple(column.output for column in columns)
    if kind in ("PrepareStmt", "DeclareCursorStmt", "CopyStmt") and "query" in fields:
        return _outputs(*kind_and_fields(fields["query"]), copies_data, range_names)
    if kind == "CopyStmt" and not fields.get("is_from") and "attlist" in fields:
        return tuple(Output(OutputKind.COLUMNS, (name,)) for name in strings(fields["attlist"]))
    if "returningClause" in fields and not copies_data:
        return _returning(kind, fields, range_names)
    return None


def _returning(kind: str, fields: Fields, range_names: Iterable[str]) -> tuple[Output, ...] | None:
    """RETURNING of a statement that moves no data between columns shows columns of its one table."""
    if kind == "MergeStmt" or not fields.keys().isdisjoint(("withClause", "fromClause", "usingClause")):
        return None
    target = fields["relation"]
    scope = _Scope(relations={"old", "new"}, row_names=set(range_names))
    scope.relations.add(target.get("alias", {}).get("aliasname") or target["relname"])
    outputs = []
    for node in fields["returningClause"].get("exprs", ()):
        value = node["ResTarget"]["val"]
        if _is_star(value):
            return None
        outputs.append(_derive(value, scope))
    return tuple(outputs)


def _select(select: Fields, ctes: _Ctes) -> _Columns:
    if "withClause" in select:
        ctes = _with_clause(select["withClause"], ctes)
    if select.get("op", "SETOP_NONE") != "SETOP_NONE":
        return _set_operation(_select(select["larg"], ctes), _select(select["rarg"], ctes))
    if "valuesLists" in select:
        return _values(select["valuesLists"], ctes)
    scope = _Scope(ctes=ctes, windows=select.get("windowClause", []))
    for item in select.get("fromClause", ()):
        _range_item(item, scope, ctes)
    columns: list[_Column] = []
    for node in select.get("targetList", ()):
        target = node["ResTarget"]
        if _is_star(target["val"]):
            expanded = _expand(target["val"], scope)
            if expanded is None:
                return None
            columns += expanded
        else:
            columns.append(_Column(target.get("name") or _called(target["val"]), _derive(target["val"], scope)))
        if len(columns) > _COLUMN_LIMIT:
            return None
    return columns


def _with_clause(clause: Fields, ctes: _Ctes) -> _Ctes:
    seen = _Ctes(ctes.visits, ctes)
    tables = [node["CommonTableExpr"] for node in clause.get("ctes", ())]
    if clause.get("recursive"):
        seen.update(dict.fromkeys((table["ctename"] for table in tables), None))
        return seen
    for table in tables:
        kind, query = kind_and_fields(table["ctequery"])
        columns = _select(query, seen) if kind == "SelectStmt" else None
        if "search_clause" in table or "cycle_clause" in table:
            columns = None
        seen[table["ctename"]] = _renamed(columns, strings(table.get("aliascolnames")))
    return seen


def _renamed(columns: _Columns, names: list[str]) -> _Columns:
    if columns is None or len(names) > len(columns):
        return None
    return [_Column(name, column.output) for name, column in zip(names, columns, strict=False)] + columns[len(names) :]


def _set_operation(left: _Columns, right: _Columns) -> _Columns:
    if left is None or right is None or len(left) != len(right):
        return None
    return [_Column(a.name, _merge((a.output, b.output))) for a, b in zip(left, right, strict=True)]


def _values(lists: list[Fields], ctes: _Ctes) -> _Columns:
    rows = [row["List"].get("items", []) for row in lists]
    if len({len(row) for row in rows}) != 1:
        return None
    nowhere = _Scope(ctes=ctes)
    return [
        _Column(f"column{position}", _merge([_derive(value, nowhere) for value in values]))
        for position, values in enumerate(zip(*rows, strict=True), 1)
    ]


def _merge(outputs: Iterable[Output]) -> Output:
    """The output that holds values of all *outputs*."""
    distinct = list(dict.fromkeys(outputs))
    if len(distinct) == 1:
        return distinct[0]
    if _OPAQUE in distinct:
        return _OPAQUE
    return _columns(dict.fromkeys(name for output in distinct for name in output.columns))


def _columns(names: dict[str, None]) -> Output:
    return Output(OutputKind.COLUMNS, tuple(names)) if len(names) <= _NAME_LIMIT else _OPAQUE


# The FROM clause ------------------------------------------------------------------------------------------------------


def _range_item(item: Fields, scope: _Scope, ctes: _Ctes) -> None:
    kind, body = kind_and_fields(item)
    if kind == "RangeTableSample":
        kind, body = kind_and_fields(body["relation"])
    alias = body.get("alias", {})
    name = alias.get("aliasname", "")
    scope.row_names.update(filter(None, (name, body.get("relname"))))
    if kind == "JoinExpr" and not alias:
        scope.row_names.add(body.get("join_using_alias", {}).get("aliasname", ""))
        scope.merges_columns |= "usingClause" in body or bool(body.get("isNatural"))
        _range_item(body["larg"], scope, ctes)
        _range_item(body["rarg"], scope, ctes)
        return
    columns: _Columns = None
    if kind == "RangeVar":
        name = name or body["relname"]
        if body["relname"] in ctes and "schemaname" not in body:
            columns = _renamed(ctes[body["relname"]], strings(alias.get("colnames")))
        elif "colnames" not in alias:
            scope.relations.add(name)
            return
    elif kind == "RangeSubselect" and not body.get("lateral"):
        inner_kind, query = kind_and_fields(body["subquery"])
        if inner_kind == "SelectStmt":
            columns = _renamed(_select(query, ctes), strings(alias.get("colnames")))
    if columns is None or name in scope.known:
        scope.unknown.add(name)
        return
    scope.know(name, columns)


def _is_star(value: Fields) -> bool:
    kind, body = kind_and_fields(value)
    parts = body.get("fields" if kind == "ColumnRef" else "indirection", [{}])
    return kind in ("ColumnRef", "A_Indirection") and "A_Star" in parts[-1]


def _expand(value: Fields, scope: _Scope) -> _Columns:
    """The columns that a star stands for, when they all come from sub-selects we followed."""
    parts = strings(value.get("ColumnRef", {}).get("fields")) if "ColumnRef" in value else ["?"]
    if len(parts) == 1:
        scope.ctes.visits.count(len(scope.known.get(parts[0], ())))
        return scope.known.get(parts[0])
    if parts or scope.relations or scope.unknown or scope.merges_columns or not scope.known:
        return None
    scope.ctes.visits.count(sum(map(len, scope.known.values())))
    return [column for columns in scope.known.values() for column in columns]


def _called(value: Fields) -> str | None:
    kind, body = kind_and_fields(value)
    key = {"ColumnRef": "fields", "FuncCall": "funcname"}.get(kind)
    parts = strings(body.get(key)) if key else []
    return parts[-1] if parts else None


# Expressions ----------------------------------------------------------------------------------------------------------


def _derive(expression: Fields, scope: _Scope) -> Output:
    kind, body = kind_and_fields(expression)
    if kind == "ColumnRef":
        return _reference(body, scope)
    if kind == "FuncCall" and _is_count(body, scope):
        return _COUNT
    names: dict[str, None] = {}
    refers = False
    pending = [(kind, body)]
    while pending:
        inner, inside = pending.pop()
        output = _CONSTANT
        if inner == "FuncCall" and tells_definitions(strings(inside.get("funcname"))):
            return _OPAQUE
        if inner == "SelectStmt":
            output = _nested(inside, scope)
        elif inner == "ColumnRef":
            output = _reference(inside, scope)
        elif "over" in inside:
            output = _windows(scope)
        if output.kind is OutputKind.OPAQUE:
            return _OPAQUE
        refers |= output is not _CONSTANT or inner == "ColumnRef"
        names.update(dict.fromkeys(output.columns))
        if inner == "SubLink" and inside.get("subLinkType") == "EXISTS_SUBLINK":
            inside = {**inside, "subselect": _without_stars(inside["subselect"])}
        if inner != "SelectStmt":
            pending.extend(children(inside))
    return _columns(names) if refers else _CONSTANT


# Sub-selects in expressions ---------------------------------------------------------------------------------------------


def _without_stars(query: Fields) -> Fields:
    """The query of an EXISTS, of which a star shows nothing."""
    select = query.get("SelectStmt", {})
    targets = [node for node in select.get("targetList", ()) if not _is_star(node["ResTarget"]["val"])]
    return {"SelectStmt": {**select, "targetList": targets}} if select else query


def _nested(select: Fields, scope: _Scope) -> Output:
    """What the value of a sub-select derives from: all that it names anywhere, in itself or in the *scope* around it.

    Its conditions count as well: which rows it finds shows in its value, for each row of what is around it.
    """
    inner = _Inner()
    for kind, body in descendants("SelectStmt", select):
        inner.take(kind, body, scope.ctes)
    names: dict[str, None] = dict.fromkeys(inner.merged)
    for reference in inner.references:
        parts = strings(reference.get("fields"))
        if len(parts) != len(reference.get("fields", ())) or not parts or is_definition(parts[-1]):
            return _OPAQUE
        scope.ctes.visits.count(1 + len(inner.of_ctes))
        found = [_around(parts, inner.row_names, scope), *(c.output for c in inner.of_ctes if c.name in (None, parts[-1]))]
        if _OPAQUE in found:
            return _OPAQUE
        names[parts[-1]] = None
        names.update(dict.fromkeys(name for output in found for name in output.columns))
    if inner.is_opaque:
        return _OPAQUE
    return _columns(names) if names else _CONSTANT


@dataclass(slots=True)
class _Inner:
    """What a sub-select names: its references, what whole rows go by, the columns of CTEs around it, and merged columns."""

    references: list[Fields] = field(default_factory=list)
    row_names: set[str] = field(default_factory=set)
    of_ctes: list[_Column] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    is_opaque: bool = False

    def take(self, kind: str, body: Fields, ctes: _Ctes) -> None:
        """Note one node of it."""
        alias = body.get("alias", {})
        self.row_names.update(filter(None, (alias.get("aliasname"), body.get("relname"), body.get("ctename"))))
        if kind == "ColumnRef":
            self.references.append(body)
        elif kind == "RangeVar":
            # Under new names a table's columns are told from no other's.
            self.is_opaque |= "colnames" in alias
            if body["relname"] in ctes and "schemaname" not in body:
                columns = ctes[body["relname"]]
                self.is_opaque |= columns is None
                ctes.visits.count(len(columns or ()))
                self.of_ctes += columns or []
        elif kind == "JoinExpr":
            self.is_opaque |= "colnames" in alias or bool(body.get("isNatural"))
            self.merged += strings(body.get("usingClause"))
            self.row_names.add(body.get("join_using_alias", {}).get("aliasname", ""))
        elif kind == "A_Indirection":
            self.is_opaque |= any("A_Star" in part for part in body.get("indirection", ()))
        elif kind == "FuncCall":
            self.is_opaque |= tells_definitions(strings(body.get("funcname")))
        elif kind.endswith("Stmt"):
            self.is_opaque |= kind != "SelectStmt"


def _around(parts: list[str], row_names: set[str], scope: _Scope) -> Output:
    """What a reference inside a sub-select may mean around it; CONSTANT when it means nothing there."""
    name = parts[-1]
    if len(parts) == 1:
        if name in row_names or name in scope.row_names or scope.unknown or scope.has_unnamed:
            return _OPAQUE
        return _merge([_CONSTANT, *scope.by_name.get(name, ())])
    if parts[-2] in row_names or (parts[-2] in scope.relations and parts[-2] not in scope.known):
        return _CONSTANT
    return _qualified(parts, scope)


def _windows(scope: _Scope) -> Output:
    """What any window named in the WINDOW clause derives from."""
    if scope.windows_output is None:
        windows, scope.windows = scope.windows, []
        scope.windows_output = _CONSTANT
        scope.windows_output = _merge([_CONSTANT, *(_derive(window, scope) for window in windows)])
    return scope.windows_output


def _is_count(call: Fields, scope: _Scope) -> bool:
    if strings(call.get("funcname")) not in (["count"], ["pg_catalog", "count"]):
        return False
    if not call.keys().isdisjoint(("agg_filter", "agg_order", "agg_within_group", "over", "func_variadic")):
        return False
    if call.get("agg_star"):
        return True
    arguments = call.get("args", [])
    return len(arguments) == 1 and "ColumnRef" in arguments[0] and _derive(arguments[0], scope) != _OPAQUE


def _reference(reference: Fields, scope: _Scope) -> Output:
    parts = strings(reference.get("fields"))
    if len(parts) != len(reference.get("fields", ())) or not parts:
        return _OPAQUE
    name = parts[-1]
    if is_definition(name):
        return _OPAQUE
    if len(parts) > 1:
        return _qualified(parts, scope)
    if name in scope.row_names or scope.unknown:
        return _OPAQUE
    found = scope.by_name.get(name)
    if found and len(found) > _SAME_NAME_LIMIT:
        return _OPAQUE
    if found:
        # Only USING and NATURAL let a name stand for a table's column at the same time.
        both = scope.merges_columns and scope.relations
        return _merge([*found, Output(OutputKind.COLUMNS, (name,))] if both else found)
    if not scope.relations or scope.has_unnamed:
        return _OPAQUE
    return Output(OutputKind.COLUMNS, (name,))


def _qualified(parts: list[str], scope: _Scope) -> Output:
    qualifier, name = parts[-2], parts[-1]
    if qualifier in scope.unknown:
        return _OPAQUE
    if qualifier in scope.relations and (qualifier not in scope.known or len(parts) > 2):
        return Output(OutputKind.COLUMNS, (name,))
    found = scope.by_qualified_name.get((qualifier, name), []) if len(parts) == 2 else []
    # A name that the sub-select hasn't got may be a function called on its whole row.
    return found[0] if len(found) == 1 else _OPAQUE
