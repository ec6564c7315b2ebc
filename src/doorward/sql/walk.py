"""One pass over a parse tree that finds every name a catalog must vouch for, and every statement inside the statement.

Scoping is PostgreSQL's: a CTE's name hides tables of that name only where the CTE can be seen, and never hides the target
of INSERT, UPDATE, DELETE or MERGE.

One module because it is one pass: a table of visits, each a few lines over the same findings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from doorward.model.statement import Action, RelationName, RelationUse, Use, WhereClause
from doorward.sql.actions import RELATION_OBJECTS, RELATION_PART_OBJECTS, STATEMENTS, Effect, effect_of
from doorward.sql.functions import is_definition
from doorward.sql.predicates import picks_rows
from doorward.sql.settings import check_setting, check_shown
from doorward.sql.tree import Fields, children, constant, qualified, strings


@dataclass(frozen=True, slots=True)
class Scope:
    """The CTEs that can be seen: the first *limit* of this WITH, and what can be seen around it."""

    positions: dict[str, int]
    limit: int
    around: Scope | None

    def __contains__(self, name: str) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if scope.positions.get(name, scope.limit) < scope.limit:
                return True
            scope = scope.around
        return False


_NO_CTES = Scope({}, 0, None)

# Nodes below which there is nothing to find.
_LEAVES = frozenset({"A_Const", "A_Star", "ColumnRef", "ParamRef", "String", "Integer", "Float", "Boolean", "RoleSpec"})

# The operators that the analyser looks up by name for a form that doesn't spell them.
_IMPLIED_OPERATORS = {
    "AEXPR_BETWEEN": (">=", "<="),
    "AEXPR_NOT_BETWEEN": ("<", ">"),
    "AEXPR_BETWEEN_SYM": (">=", "<="),
    "AEXPR_NOT_BETWEEN_SYM": ("<", ">"),
}


@dataclass(slots=True)
class Found:
    """What one walk found. Dicts serve as ordered sets."""

    effects: list[Effect] = field(default_factory=list)
    relations: dict[RelationUse, None] = field(default_factory=dict)
    creates: dict[RelationName, None] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    checked_functions: dict[str, None] = field(default_factory=dict)
    operators: dict[str, None] = field(default_factory=dict)
    types: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)
    range_names: set[str] = field(default_factory=set)
    settings: dict[str, None] = field(default_factory=dict)
    shown_parameters: set[int] = field(default_factory=set)
    copiers: list[tuple[str, Fields]] = field(default_factory=list)
    where: WhereClause = WhereClause.NOT_APPLICABLE
    shapes_temporary: bool = False
    shapes_lasting: bool = False

    def use(self, fields: Fields, use: Use) -> None:
        """Note that the relation of a RangeVar is used so."""
        name = relation_name(fields)
        self.note(name, use, fields.get("relpersistence") == "t")

    def note(self, name: RelationName, use: Use, is_temporary: bool = False) -> None:
        """Note a use of *name*, and whether what is created or dropped is spelled as temporary."""
        self.relations[RelationUse(name, use)] = None
        if use in (Use.DEFINE, Use.DESTROY):
            if is_temporary or name.schema == "pg_temp":
                self.shapes_temporary = True
            else:
                self.shapes_lasting = True

    def refuse(self, why: str) -> None:
        """Note something that nobody below an administrator should be let do."""
        self.effects.append(Effect(Action.ADMINISTER, "", refusal=why))


def relation_name(fields: Fields) -> RelationName:
    """The relation a RangeVar spells. A database in front of the schema can only be the session's own."""
    return RelationName(fields.get("schemaname"), fields["relname"])


def walk(kind: str, fields: Fields) -> Found:
    """Everything found in the statement *kind*, itself included."""
    found = Found()
    pending: list[tuple[str, Fields, Scope, Use]] = [(kind, fields, _NO_CTES, Use.READ)]
    while pending:
        node, body, ctes, use = pending.pop()
        if node == "RangeVar":
            _relation(found, body, ctes, use)
            continue
        if node in STATEMENTS or node.endswith("Stmt"):
            effect = effect_of(node, body)
            found.effects.append(effect)
            use = effect.use
            if "withClause" in body:
                body, ctes = _with_clause(found, body, ctes, pending)
        visit = _VISITS.get(node)
        if visit is not None:
            visit(found, body)
        skipped = _HANDLED.get(node)
        if skipped is not None and not skipped.isdisjoint(body):
            body = {key: value for key, value in body.items() if key not in skipped}
        for child, inside in children(body):
            if child == "ColumnRef":
                _reference(found, inside)
            elif child not in _LEAVES:
                pending.append((child, inside, ctes, use))
    return found


def _relation(found: Found, body: Fields, ctes: Scope, use: Use) -> None:
    alias = body.get("alias")
    if alias:
        _alias(found, alias)
    found.range_names.add(body["relname"])
    if use is Use.READ and body["relname"] in ctes and "schemaname" not in body:
        return
    found.use(body, use)


def _alias(found: Found, alias: Fields) -> None:
    name = alias.get("aliasname")
    if name:
        found.range_names.add(name)
        found.aliases[name] = None
    for column in strings(alias.get("colnames")):
        found.aliases[column] = None


def _with_clause(
    found: Found, body: Fields, ctes: Scope, pending: list[tuple[str, Fields, Scope, Use]]
) -> tuple[Fields, Scope]:
    clause = body["withClause"]
    tables = [node["CommonTableExpr"] for node in clause.get("ctes", ())]
    positions: dict[str, int] = {}
    for position, table in enumerate(tables):
        positions.setdefault(table["ctename"], position)
    everything = Scope(positions, len(tables), ctes)
    for position, table in enumerate(tables):
        found.range_names.add(table["ctename"])
        for column in strings(table.get("aliascolnames")):
            found.aliases[column] = None
        seen = everything if clause.get("recursive") else Scope(positions, position, ctes)
        for child, inside in children(table):
            pending.append((child, inside, seen, Use.READ))
    return {key: value for key, value in body.items() if key != "withClause"}, everything


# What is noted of a node before its children are walked -----------------------------------------------------------------


def _reference(found: Found, body: Fields) -> None:
    if any(map(is_definition, strings(body.get("fields"))[-1:])):
        found.functions["pg_catalog.pg_get_partition_constraintdef"] = None


def _function(found: Found, body: Fields) -> None:
    parts = strings(body.get("funcname"))
    name = qualified(body.get("funcname"))
    check = _CHECKED.get(parts[-1]) if parts and (len(parts) == 1 or parts[0] == "pg_catalog") else None
    if check is not None and check(found, body.get("args", [])):
        found.checked_functions[parts[-1]] = None
    else:
        found.functions[name] = None


# What dump tools set by a function, so that every name has to be qualified.
_DUMPED_PATHS = frozenset({"", "pg_catalog"})


# A value that only settings which take anything would take.
_ANY_VALUE = "whatever a parameter brings"


def _is_checked_set_config(found: Found, arguments: list[Fields]) -> bool:
    try:
        name, value = constant(arguments[0]), _ANY_VALUE if "ParamRef" in arguments[1] else constant(arguments[1])
    except (ValueError, IndexError):
        return False
    if len(arguments) != 3 or not isinstance(name, str) or not (value is None or isinstance(value, str)):
        return False
    found.settings[name.lower()] = None
    why = check_setting(name, value)
    if name.lower() == "search_path" and value not in _DUMPED_PATHS:
        why = "Inside an expression the search_path may only be emptied; SET search_path changes it."
    if why:
        found.refuse(why)
    return not why


def _is_checked_current_setting(found: Found, arguments: list[Fields]) -> bool:
    number = _text_parameter(arguments[0]) if arguments else 0
    if number:
        found.shown_parameters.add(number)
        return True
    try:
        name = constant(arguments[0]) if arguments else None
    except ValueError:
        return False
    return isinstance(name, str) and not check_shown(name)


def _text_parameter(argument: Fields) -> int:
    """The number of the parameter that *argument* is, as it comes or cast to text; 0 for anything else."""
    cast = argument.get("TypeCast", {})
    if cast and strings(cast["typeName"].get("names"))[-1:] in (["text"], ["varchar"]):
        argument = cast["arg"]
    return int(argument.get("ParamRef", {}).get("number", 0))


_CHECKED: dict[str, Callable[[Found, list[Fields]], bool]] = {
    "set_config": _is_checked_set_config,
    "current_setting": _is_checked_current_setting,
}


def _operator(found: Found, body: Fields) -> None:
    implied = _IMPLIED_OPERATORS.get(body.get("kind", ""))
    if implied:
        found.operators.update(dict.fromkeys(implied))
        return
    name = qualified(body.get("name"))
    if name:
        found.operators[name] = None


def _type(found: Found, body: Fields) -> None:
    name = qualified(body.get("names"))
    if name:
        found.types[name] = None


def _case(found: Found, body: Fields) -> None:
    if "arg" in body:
        found.operators["="] = None


def _join(found: Found, body: Fields) -> None:
    if "usingClause" in body or body.get("isNatural"):
        found.operators["="] = None
    for alias in (body.get("alias"), body.get("join_using_alias")):
        if alias:
            _alias(found, alias)


def _sublink(found: Found, body: Fields) -> None:
    name = qualified(body.get("operName"))
    if name:
        found.operators[name] = None
    elif body.get("subLinkType") in ("ANY_SUBLINK", "ALL_SUBLINK"):
        found.operators["="] = None


def _sort(found: Found, body: Fields) -> None:
    name = qualified(body.get("useOp"))
    if name:
        found.operators[name] = None


def _value_function(found: Found, body: Fields) -> None:
    found.functions["pg_catalog." + body.get("op", "SVFOP_").removeprefix("SVFOP_").lower().removesuffix("_n")] = None


def _sample(found: Found, body: Fields) -> None:
    found.functions[qualified(body.get("method"))] = None


def _range_item(found: Found, body: Fields) -> None:
    if "alias" in body:
        _alias(found, body["alias"])


def _target(found: Found, body: Fields) -> None:
    name = body.get("name")
    if name:
        found.aliases[name] = None


def _column(key: str) -> Callable[[Found, Fields], None]:
    def visit(found: Found, body: Fields) -> None:
        found.aliases[body.get(key, "")] = None

    return visit


def _select(found: Found, body: Fields) -> None:
    into = body.get("intoClause")
    if into:
        found.effects.append(Effect(Action.DEFINE, "SELECT INTO", "table"))
        found.copiers.append(("SelectStmt", body))
        _creates(found, into["rel"])


def _insert(found: Found, body: Fields) -> None:
    _written(found, body)
    if "onConflictClause" in body or "returningClause" in body:
        found.use(body["relation"], Use.READ)
    found.copiers.append(("InsertStmt", body))


def _update(found: Found, body: Fields) -> None:
    _written(found, body)
    found.use(body["relation"], Use.READ)
    found.copiers.append(("UpdateStmt", body))
    _picks(found, "whereClause" in body and picks_rows(body["whereClause"]))


def _delete(found: Found, body: Fields) -> None:
    _written(found, body)
    found.use(body["relation"], Use.READ)
    _picks(found, "whereClause" in body and picks_rows(body["whereClause"]))


def _merge(found: Found, body: Fields) -> None:
    _written(found, body)
    found.use(body["relation"], Use.READ)
    found.copiers.append(("MergeStmt", body))
    joins = picks_rows(body["joinCondition"])
    for clause in (node["MergeWhenClause"] for node in body.get("mergeWhenClauses", ())):
        if clause.get("commandType") in ("CMD_UPDATE", "CMD_DELETE"):
            _picks(found, joins or ("condition" in clause and picks_rows(clause["condition"])))


def _written(found: Found, body: Fields) -> None:
    target = body["relation"]
    found.range_names.update({target["relname"], "excluded", "old", "new"})
    if "alias" in target:
        _alias(found, target["alias"])
    found.use(target, Use.WRITE)
    for option in body.get("returningClause", {}).get("options", ()):
        found.range_names.add(option.get("ReturningOption", {}).get("value", ""))


def _picks(found: Found, picks: bool) -> None:
    if not picks:
        found.where = WhereClause.MISSING
    elif found.where is WhereClause.NOT_APPLICABLE:
        found.where = WhereClause.PRESENT


def _create(key: str) -> Callable[[Found, Fields], None]:
    def visit(found: Found, body: Fields) -> None:
        _creates(found, body[key])

    return visit


def _creates(found: Found, relation: Fields) -> None:
    found.creates[relation_name(relation)] = None
    found.use(relation, Use.DEFINE)


def _create_table_as(found: Found, body: Fields) -> None:
    found.copiers.append(("CreateTableAsStmt", body))
    _creates(found, body["into"]["rel"])


def _objects(type_key: str, objects_key: str, use: Use) -> Callable[[Found, Fields], None]:
    def visit(found: Found, body: Fields) -> None:
        object_type = body.get(type_key)
        if object_type not in RELATION_OBJECTS and object_type not in RELATION_PART_OBJECTS:
            return
        listed = body.get(objects_key, [])
        for item in listed if isinstance(listed, list) else [listed]:
            parts = strings(item.get("List", {}).get("items"))
            actual = use
            if object_type in RELATION_PART_OBJECTS:
                parts, actual = parts[:-1], Use.DEFINE
            if parts:
                found.note(RelationName(parts[-2] if len(parts) > 1 else None, parts[-1]), actual)

    return visit


def _trigger_function(found: Found, body: Fields) -> None:
    found.functions[qualified(body.get("funcname"))] = None


_VISITS: dict[str, Callable[[Found, Fields], None]] = {
    "A_Expr": _operator,
    "CaseExpr": _case,
    "ColumnDef": _column("colname"),
    "CommentStmt": _objects("objtype", "object", Use.DEFINE),
    "CreateSeqStmt": _create("sequence"),
    "CreateStmt": _create("relation"),
    "CreateTableAsStmt": _create_table_as,
    "CreateTrigStmt": _trigger_function,
    "CompositeTypeStmt": _create("typevar"),
    "DeleteStmt": _delete,
    "DropStmt": _objects("removeType", "objects", Use.DESTROY),
    "FuncCall": _function,
    "InsertStmt": _insert,
    "JoinExpr": _join,
    "JsonTable": _range_item,
    "JsonTableColumn": _column("name"),
    "MergeStmt": _merge,
    "RangeFunction": _range_item,
    "RangeSubselect": _range_item,
    "RangeTableFunc": _range_item,
    "RangeTableFuncCol": _column("colname"),
    "RangeTableSample": _sample,
    "ResTarget": _target,
    "SQLValueFunction": _value_function,
    "SelectStmt": _select,
    "SortBy": _sort,
    "SubLink": _sublink,
    "TypeName": _type,
    "UpdateStmt": _update,
    "ViewStmt": _create("view"),
}

# Fields that the visit has dealt with, or that name nothing a catalog knows (aliases, the relations of FOR UPDATE OF).
_HANDLED: dict[str, frozenset[str]] = {
    "SelectStmt": frozenset({"intoClause"}),
    "CreateTableAsStmt": frozenset({"into"}),
    "InsertStmt": frozenset({"relation"}),
    "UpdateStmt": frozenset({"relation"}),
    "DeleteStmt": frozenset({"relation"}),
    "MergeStmt": frozenset({"relation"}),
    "CreateStmt": frozenset({"relation"}),
    "CreateSeqStmt": frozenset({"sequence"}),
    "CompositeTypeStmt": frozenset({"typevar"}),
    "ViewStmt": frozenset({"view"}),
    "LockingClause": frozenset({"lockedRels"}),
}
