"""Which expressions can't fail, nor give several rows, for some values only: what they show may simply be masked.

An expression that fails for some values tells of them by the error, and one that makes rows tells by their number. Only what
is listed here is taken to do neither.
"""

from __future__ import annotations

from enum import Enum

from doorward.sql.tree import Fields, children, kind_and_fields, strings


class Fails(Enum):
    """Whether an expression fails for some values and not for others."""

    NEVER = 0
    BY_FORM = 1  # only for values that no column of its kind holds; what is chosen by a condition could be made to
    FOR_SOME = 2


# Never fail, whatever the arguments.
_TOTAL_FUNCTIONS_NAMES = """
    any_value array_length array_ndims array_position
    array_positions array_to_json array_to_string ascii avg bit_length
    bool_and bool_or btrim cardinality char_length character_length concat concat_ws count cume_dist dense_rank every
    first_value hashtext initcap isfinite json_agg
    json_array_length json_build_array json_typeof jsonb_agg jsonb_array_length
    jsonb_build_array jsonb_pretty jsonb_strip_nulls jsonb_typeof lag last_value lead left length lower ltrim max md5 min
    mode octet_length percent_rank position quote_ident quote_literal quote_nullable rank reverse right row_number
    row_to_json rtrim sha224 sha256 sha384 sha512 starts_with
    string_agg strpos sum text textlen to_json to_jsonb to_tsvector
    translate trim upper
    """
_TOTAL_FUNCTIONS = frozenset(_TOTAL_FUNCTIONS_NAMES.split())
# Fail only for their other arguments: with constants there they fail for each value or for none.
_TOTAL_WITH_CONSTANTS_NAMES = """
    array_agg date_part date_trunc encode extract
    format json_build_object jsonb_build_object jsonb_extract_path jsonb_extract_path_text
    json_extract_path json_extract_path_text lpad nth_value ntile overlay
    regexp_replace replace rpad split_part substr substring
    timezone to_char ts_headline
    """
_TOTAL_WITH_CONSTANTS = frozenset(_TOTAL_WITH_CONSTANTS_NAMES.split())
_TOTAL_OPERATORS_NAMES = "= <> != < <= > >= || -> ->> #> #>> ? ?| ?& @> <@ && @@"
_TOTAL_OPERATORS = frozenset(_TOTAL_OPERATORS_NAMES.split())
_PATTERNS = frozenset({"~", "~*", "!~", "!~*"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
# A greater number added or multiplied makes whole numbers overflow from a value on that one may choose.
_SMALL = 100
_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "json", "jsonb"})
_PLAIN_NAMES = """
    A_Const A_Star A_Indices A_Indirection BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr CollateClause
    ColumnRef Float GroupingFunc Integer List MinMaxExpr NullTest
    ParamRef RowExpr SQLValueFunction SortBy String TypeName WindowDef
    """
_PLAIN = frozenset(_PLAIN_NAMES.split())

# Functions that give as many rows as a document or an array has members.
_UNFOLDING_NAMES = """
    json_array_elements json_array_elements_text json_each
    json_each_text json_object_keys json_populate_recordset json_to_record
    json_to_recordset jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys
    jsonb_populate_recordset jsonb_to_record jsonb_to_recordset unnest
    """
UNFOLDING = frozenset(_UNFOLDING_NAMES.split())
# All others of the server that give rows.
_GIVING_ROWS_NAMES = """
    aclexplode generate_series generate_subscripts json_path_query jsonb_path_query jsonb_path_query_tz regexp_matches
    regexp_split_to_table string_to_table ts_debug ts_parse ts_stat ts_token_type xmltable
    """
_GIVING_ROWS = frozenset(_GIVING_ROWS_NAMES.split())
_PATHS = frozenset({"->", "->>", "#>", "#>>"})


def gives_rows(call: Fields) -> bool:
    """Whether a function may give several rows: one of the server's, or one that we don't know."""
    name = function_name(call)
    return name in UNFOLDING or name in _GIVING_ROWS or name.startswith("pg_")


def function_name(call: Fields) -> str:
    """The bare name of the function that is called."""
    return (strings(call.get("funcname")) or [""])[-1]


def unfolds(call: Fields) -> bool:
    """Whether all it does is to give the members of columns, or of what a constant path leads to in them."""
    return function_name(call) in UNFOLDING and all(_is_path(argument) for argument in call.get("args", ()))


def _is_path(node: Fields) -> bool:
    kind, body = kind_and_fields(node)
    while kind == "A_Expr" and not _PATHS.isdisjoint(strings(body.get("name"))) and is_constant(body.get("rexpr", {})):
        kind, body = kind_and_fields(body.get("lexpr", {}))
    return kind in ("ColumnRef", "A_Const", "ParamRef") or (kind == "TypeCast" and _is_path(body["arg"]))


def is_constant(node: Fields) -> bool:
    """Whether it is a literal, a parameter, or made of nothing else by a cast or a change of case."""
    kind, body = kind_and_fields(node)
    while kind == "TypeCast":
        kind, body = kind_and_fields(body["arg"])
    if kind == "FuncCall":
        arguments = body.get("args", ())
        return function_name(body) in ("lower", "upper", "btrim") and len(arguments) == 1 and is_constant(arguments[0])
    return kind in ("A_Const", "ParamRef", "SQLValueFunction")


def fails(expression: Fields) -> Fails:
    """Whether it fails, or gives several rows, for some values. Sub-selects in it are judged by themselves."""
    pending = [kind_and_fields(expression)]
    worst, chooses = Fails.NEVER, False
    while pending:
        kind, body = pending.pop()
        if kind == "SelectStmt":
            continue
        chooses |= kind in _CHOOSING or "agg_filter" in body or body.get("kind") == "AEXPR_NULLIF"
        judge = _JUDGES.get(kind)
        found = judge(body) if judge is not None else Fails.NEVER if kind in _PLAIN or not kind else Fails.FOR_SOME
        if found is Fails.FOR_SOME:
            return found
        worst = found if found is not Fails.NEVER else worst
        pending += children(body)
    # Whatever fails for all values fails for some when a condition decides whether it is worked out, or with what.
    return Fails.FOR_SOME if chooses and worst is Fails.BY_FORM else worst


_CHOOSING = frozenset({"CaseExpr", "BoolExpr", "MinMaxExpr"})


def _call(body: Fields) -> Fails:
    parts = strings(body.get("funcname"))
    if len(parts) > 1 and parts[0] != "pg_catalog":
        return Fails.FOR_SOME
    if parts[-1] in _TOTAL_FUNCTIONS:
        return Fails.NEVER
    arguments = body.get("args", [])
    if parts[-1] in _TOTAL_WITH_CONSTANTS and sum(not is_constant(argument) for argument in arguments) <= 1:
        return Fails.BY_FORM
    return Fails.FOR_SOME


def _operation(body: Fields) -> Fails:
    kind = body.get("kind", "AEXPR_OP")
    if kind in ("AEXPR_LIKE", "AEXPR_ILIKE"):
        # A pattern that ends in a backslash fails only for what matches all before it.
        pattern = body.get("rexpr", {}).get("A_Const", {}).get("sval", {}).get("sval", "\\")
        return Fails.FOR_SOME if "\\" in pattern else Fails.NEVER
    if kind != "AEXPR_OP":
        return Fails.FOR_SOME if kind == "AEXPR_SIMILAR" else Fails.NEVER
    spelled = strings(body.get("name"))
    if len(spelled) > 1 and spelled[0] != "pg_catalog":
        return Fails.FOR_SOME
    if spelled[-1] in _ARITHMETIC:
        return _arithmetic(spelled[-1], body)
    if spelled[-1] in _PATTERNS and is_constant(body.get("rexpr", {})):
        return Fails.BY_FORM
    return Fails.NEVER if spelled[-1] in _TOTAL_OPERATORS else Fails.FOR_SOME


def _arithmetic(operator: str, body: Fields) -> Fails:
    """Columns, and a column and a small number: values that make that overflow are not what columns hold."""
    sides = [body.get("lexpr", {}), body.get("rexpr", {})]
    if operator in ("/", "%") and _number(sides[1]) in (None, 0):
        return Fails.FOR_SOME
    known = all(not side or "ColumnRef" in side or _number(side) is not None for side in sides)
    plain = all((_number(side) or 0) <= _SMALL for side in sides)
    return Fails.BY_FORM if plain and known else Fails.FOR_SOME


def _number(node: Fields) -> float | None:
    value = node.get("A_Const", {})
    if "ival" in value:
        return abs(int(value["ival"].get("ival", 0)))
    if "fval" in value:
        return abs(float(value["fval"]["fval"]))
    return None


def _cast(body: Fields) -> Fails:
    type_name = body.get("typeName", {})
    if is_constant(body["arg"]):
        return Fails.BY_FORM if "arrayBounds" in type_name else Fails.NEVER
    if strings(type_name.get("names"))[-1] in _TEXTS and "arrayBounds" not in type_name:
        return Fails.NEVER
    # Of a bare column it tells what form its values have.
    return Fails.BY_FORM if "ColumnRef" in body["arg"] else Fails.FOR_SOME


def _sublink(body: Fields) -> Fails:
    # One that gives a second row fails.
    return Fails.BY_FORM if body.get("subLinkType") == "EXPR_SUBLINK" else Fails.NEVER


def _array(body: Fields) -> Fails:
    return Fails.BY_FORM  # arrays of unlike dimensions don't go together


_JUDGES = {
    "A_ArrayExpr": _array,
    "A_Expr": _operation,
    "FuncCall": _call,
    "SubLink": _sublink,
    "TypeCast": _cast,
}
