"""Statement text to Analysis: the pure function everything else decides on. It asks no catalog and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from doorward.model.statement import Action, Analysis, ParsedStatement, WhereClause
from doorward.sql.actions import IDENTITY_SETTINGS, TRANSACTIONS, Effect, effect_of, identity_refusal
from doorward.sql.claims import claims_in
from doorward.sql.copying import copied_columns
from doorward.sql.outputs import outputs_of
from doorward.sql.parse import TOO_COMPLEX, ParseFailure, parse
from doorward.sql.settings import check_setting, check_shown
from doorward.sql.steering import steering_of
from doorward.sql.tree import Fields, constant, kind_and_fields
from doorward.sql.varying import varying_literals
from doorward.sql.walk import Found, walk

_FALSE_WORDS = frozenset({"off", "false", "0", "of", "f", "fa", "fal", "fals", "no", "n"})


def analyze(text: str) -> Analysis:
    """What *text* would do, statement by statement. Never raises: what can't be read comes back with an error."""
    try:
        trees = [kind_and_fields(tree) for tree in parse(text)]
        varying = varying_literals(*trees[0]) if len(trees) == 1 else frozenset()
        return Analysis(tuple(_statement(*tree) for tree in trees), varying=varying, claimed=claims_in(text))
    except ParseFailure as failure:
        return Analysis((), failure.message, failure.sqlstate)
    except RecursionError:
        return Analysis((), "The statement is nested too deeply to be read.", TOO_COMPLEX)


def _statement(kind: str, fields: Fields) -> ParsedStatement:
    found = walk(kind, fields)
    own = effect_of(kind, fields)
    special = _SPECIAL.get(kind)
    particulars: dict[str, Any] = {"setting": next(iter(found.settings), "")}
    if special:
        particulars |= special(found, own, fields)
    runs = kind != "ExplainStmt" or _runs(fields)
    worst = _worst(found, own, runs)
    copied = copied_columns(kind, fields, found.copiers, found.range_names) if runs else None
    return ParsedStatement(
        node=kind,
        tag=_tag(found, own, kind),
        action=worst.action,
        relations=tuple(found.relations),
        functions=tuple(found.functions),
        operators=tuple(found.operators),
        types=tuple(found.types),
        outputs=outputs_of(kind, fields, copied is not None, found.range_names),
        where=found.where if runs else WhereClause.NOT_APPLICABLE,
        copies_data=copied is not None,
        copied_columns=copied or (),
        object_kind=own.object_kind or worst.object_kind,
        refusal=worst.refusal or own.refusal,
        aliases=tuple(found.aliases),
        creates=tuple(found.creates),
        checked_functions=tuple(found.checked_functions),
        steering=steering_of(kind, fields),
        shown_parameters=frozenset(found.shown_parameters),
        temporary=found.shapes_temporary and not found.shapes_lasting and worst.action in (Action.DEFINE, Action.DESTROY),
        **particulars,
    )


def _tag(found: Found, own: Effect, kind: str) -> str:
    """The command in words; SELECT INTO goes by its own name."""
    if kind == "SelectStmt" and any(effect.tag == "SELECT INTO" for effect in found.effects):
        return "SELECT INTO"
    return own.tag


def _worst(found: Found, own: Effect, runs: bool) -> Effect:
    """The effect with the worst action among the statement's own and all inside. EXPLAIN without ANALYZE runs nothing."""
    effects = found.effects or [own]
    worst = max(effects, key=lambda effect: effect.action.severity)
    if not runs and worst.action.severity < Action.ADMINISTER.severity:
        return own
    return worst


def _runs(fields: Fields) -> bool:
    """Whether EXPLAIN executes the statement: ANALYZE given, and not switched off."""
    for option in fields.get("options", ()):
        element = option.get("DefElem", {})
        if element.get("defname") == "analyze" and not _is_off(element.get("arg")):
            return True
    return False


def _is_off(argument: Fields | None) -> bool:
    kind, fields = kind_and_fields(argument or {})
    value = fields.get("sval", fields.get("ival", fields.get("boolval", 0 if fields == {} and kind == "Integer" else "")))
    return str(value).lower() in _FALSE_WORDS


# What some statements tell besides -------------------------------------------------------------------------------------


def _prepared(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    return {"prepared_name": fields.get("name", "")}


def _cursor(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    return {"cursor_name": fields.get("portalname", "")}


def _transaction(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    return {"transaction": TRANSACTIONS.get(fields.get("kind", ""), ("",))[0]}


def _explain(found: Found, own: Effect, fields: Fields) -> dict[str, bool | str]:
    kind, query = kind_and_fields(fields.get("query", {}))
    inner = _prepared(found, own, query) if kind == "ExecuteStmt" else {}
    return {"explain": True, **inner}


def _create_table_as(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    kind, query = kind_and_fields(fields.get("query", {}))
    return _prepared(found, own, query) if kind == "ExecuteStmt" else {}


def _copy(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    if fields.get("is_program"):
        return {"copy_direction": "program"}
    if fields.get("filename"):
        return {"copy_direction": "file"}
    return {"copy_direction": "in" if fields.get("is_from") else "out"}


def _show(found: Found, own: Effect, fields: Fields) -> dict[str, str]:
    name = fields.get("name", "")
    why = check_shown(name)
    if why:
        found.refuse(why)
    return {"setting": name.lower()}


def _set(found: Found, own: Effect, fields: Fields) -> dict[str, str | None]:
    kind, name = fields.get("kind", ""), fields.get("name", "").lower()
    if kind == "VAR_RESET_ALL":
        return {"setting": "all"}
    if kind == "VAR_SET_MULTI":
        return _set_transaction(found, fields)
    value = _value(fields.get("args", ())) if kind == "VAR_SET_VALUE" else None
    if name in IDENTITY_SETTINGS:
        found.refuse(identity_refusal(f"{own.tag} {name.upper()}"))
    elif why := check_setting(name, value):
        found.refuse(why)
    return {"setting": name, "setting_value": value}


def _set_transaction(found: Found, fields: Fields) -> dict[str, str | None]:
    """SET TRANSACTION and its like set several at once; every one is looked up (TRANSACTION SNAPSHOT is not listed)."""
    names = []
    for argument in fields.get("args", ()):
        element = argument.get("DefElem", {})
        names.append(element.get("defname", "transaction_snapshot"))
    for name in names or ["transaction_snapshot"]:
        if why := check_setting(name, None):
            found.refuse(why)
    return {"setting": names[0] if names else "transaction_snapshot", "setting_value": None}


def _value(arguments: list[Fields]) -> str:
    """The words of a SET as one text, as SHOW would give it back; an interval for the time zone by its literal."""
    words = []
    for argument in arguments:
        try:
            words.append(str(constant(argument)))
        except ValueError:
            words.append("")
    return ", ".join(words)


_SPECIAL: dict[str, Callable[[Found, Effect, Fields], Mapping[str, Any]]] = {
    "PrepareStmt": _prepared,
    "ExecuteStmt": _prepared,
    "DeallocateStmt": _prepared,
    "DeclareCursorStmt": _cursor,
    "FetchStmt": _cursor,
    "ClosePortalStmt": _cursor,
    "TransactionStmt": _transaction,
    "ExplainStmt": _explain,
    "CreateTableAsStmt": _create_table_as,
    "CopyStmt": _copy,
    "VariableShowStmt": _show,
    "VariableSetStmt": _set,
}
