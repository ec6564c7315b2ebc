"""An Analysis against a Snapshot: what the names in a statement mean, and what that proves.

A name without a schema means every relation so called, whatever the search path; a relation, function, operator or type
that nobody vouches for proves nothing. What the snapshot doesn't know is protected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from doorward.catalog.steering import SYSTEM_COLUMNS, steered_by
from doorward.model.catalog import Column, Label, Relation, Snapshot
from doorward.model.decision import Facts
from doorward.model.statement import (
    Action,
    Analysis,
    Output,
    OutputKind,
    ParsedStatement,
    RelationName,
    Use,
    WhereClause,
)
from doorward.sql.functions import (
    is_builtin_function,
    is_builtin_operator,
    is_builtin_type,
    is_dangerous_function,
    is_safe_function,
    is_standard_function,
    tells_definitions,
)

_T = TypeVar("_T")

# What these bring to the client was decided on by another statement, which the session must look up.
_RUNS_ANOTHER = frozenset({"ExecuteStmt", "FetchStmt", "CallStmt"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """A statement's names resolved.

    *expressions_are_clear* says that no value of a protected column can be in the result, whatever its columns are.
    *clear_outputs* are the 0-based positions proven clean one by one; they hold only for a result of *output_count* columns.
    Both speak of one-statement texts alone: for several statements they are as for a statement that proves nothing.
    """

    facts: Facts
    relations: tuple[Relation, ...]
    expressions_are_clear: bool
    clear_outputs: frozenset[int] = frozenset()
    output_count: int = 0


@dataclass(frozen=True, slots=True)
class _Touched:
    """What one statement's relation names mean. *known* and *unresolved* leave out what the statement only writes or shapes."""

    objects: tuple[Relation, ...]
    read: tuple[Relation, ...]
    unresolved: tuple[str, ...]
    reads_unresolved: bool

    @property
    def is_clear(self) -> bool:
        return not self.reads_unresolved and not any(relation.is_protected for relation in self.read)

    def columns(self, name: str) -> Iterator[Column]:
        """Every column of that name in what the statement reads."""
        return (column for relation in self.read for column in relation.columns if column.name == name)


def resolve(analysis: Analysis, snapshot: Snapshot) -> Resolved:
    """What *analysis* touches and proves, by what *snapshot* knows."""
    statements = analysis.statements
    touched = [_touch(statement, snapshot) for statement in statements]
    vouched = [_is_vouched(statement, snapshot) for statement in statements]
    pairs = list(zip(statements, touched, vouched, strict=True))
    clear = bool(pairs) and not analysis.error and all(_is_clear(*pair) for pair in pairs)
    outputs = statements[0].outputs or () if len(statements) == 1 else ()
    clear_outputs: frozenset[int] = _clear_outputs(*pairs[0], snapshot) if outputs else frozenset()
    facts = _facts(analysis, pairs, snapshot)
    objects = _unique(relation for found in touched for relation in found.objects)
    return Resolved(facts, objects, clear, clear_outputs, len(outputs))


def names_are_vouched(analysis: Analysis, snapshot: Snapshot) -> bool:
    """Whether every function, operator and type that a text names is known to compute from its arguments alone."""
    return bool(analysis.statements) and all(_is_vouched(statement, snapshot) for statement in analysis.statements)


def _facts(analysis: Analysis, pairs: list[tuple[ParsedStatement, _Touched, bool]], snapshot: Snapshot) -> Facts:
    statements = analysis.statements
    objects = _unique(relation for _, touched, _ in pairs for relation in touched.objects)
    unresolved = _unique(name for _, touched, _ in pairs for name in touched.unresolved)
    unlisted = _unique(name for statement in statements for name in _unlisted(statement, snapshot))
    return Facts(
        action=analysis.action.value,
        tags=_unique(statement.tag for statement in statements),
        objects=tuple(relation.qualified_name for relation in objects),
        unresolved=unresolved,
        labels=_labels(objects, unresolved),
        touches_protected=bool(unresolved) or any(relation.is_protected for relation in objects),
        unbounded_write=any(_is_unbounded(statement) for statement in statements),
        copies_protected=any(_copies_protected(*pair, snapshot) for pair in pairs),
        copy_protected_out=any(_copies_out(*pair, snapshot) for pair in pairs),
        unlisted_functions=tuple(name for name in unlisted if not is_dangerous_function(_bare(name))),
        dangerous_functions=tuple(name for name in unlisted if is_dangerous_function(_bare(name))),
        object_kinds=_unique(statement.object_kind for statement in statements if statement.object_kind),
        settings=_unique(statement.setting for statement in statements if statement.setting),
        refusal=analysis.error or next((statement.refusal for statement in statements if statement.refusal), ""),
        multiple=len(statements) > 1,
        temporary=_is_temporary(statements, snapshot),
        steering=steered_by(
            ((statement, touched.read) for statement, touched, _ in pairs), lambda name: meanings(name, snapshot), snapshot
        ),
    )


def _labels(objects: tuple[Relation, ...], unresolved: tuple[str, ...]) -> tuple[Label, ...]:
    labels = {label for relation in objects for label in relation.labels}
    if unresolved:
        labels.add(Label.UNCLASSIFIED)
    return tuple(sorted(labels, key=lambda label: label.value))


# Relations ------------------------------------------------------------------------------------------------------------


def _touch(statement: ParsedStatement, snapshot: Snapshot) -> _Touched:
    objects: dict[int, Relation] = {}
    read: dict[int, Relation] = {}
    unresolved: dict[str, None] = {}
    reads_unresolved = False
    created = set(statement.creates)
    for used in statement.relations:
        found = meanings(used.relation, snapshot)
        objects.update((relation.oid, relation) for relation in found)
        if used.use is Use.READ:
            read.update((relation.oid, relation) for relation in found)
        # What a statement creates isn't there yet, and holds nothing when it says so for the second time either.
        if not found and not (used.relation in created and used.use is Use.DEFINE):
            unresolved[str(used.relation)] = None
            reads_unresolved |= used.use is Use.READ
    return _Touched(tuple(objects.values()), tuple(read.values()), tuple(unresolved), reads_unresolved)


def meanings(name: RelationName, snapshot: Snapshot) -> tuple[Relation, ...]:
    """Every relation that *name* may stand for; none means that nothing is known of it."""
    called = snapshot.by_name.get(name.name, ())
    if name.schema is None:
        return called
    return tuple(relation for relation in called if relation.schema == name.schema)


# Functions, operators, types ------------------------------------------------------------------------------------------


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _is_system(name: str) -> bool:
    return name.startswith("pg_catalog.")


def _unlisted(statement: ParsedStatement, snapshot: Snapshot) -> Iterator[str]:
    """The functions nobody vouches for: not on the list, or the name is a user's function too."""
    for name in statement.functions:
        if not _is_listed(name, snapshot):
            yield name
    yield from (name for name in statement.checked_functions if name in snapshot.user_functions)


def _is_listed(name: str, snapshot: Snapshot) -> bool:
    if _is_system(name):
        return is_safe_function(_bare(name))
    if "." in name:
        return is_standard_function(name)
    return is_safe_function(name) and name not in snapshot.user_functions


def _is_vouched(statement: ParsedStatement, snapshot: Snapshot) -> bool:
    """Whether every function, operator and type it names is known to compute from its arguments alone."""
    return (
        next(_unlisted(statement, snapshot), None) is None
        and all(_is_known(name, snapshot.user_operators, is_builtin_operator) for name in statement.operators)
        and all(_is_known(name, snapshot.user_types, is_builtin_type) for name in statement.types)
    )


def _is_known(name: str, of_users: frozenset[str], is_builtin: Callable[[str], bool]) -> bool:
    if _is_system(name):
        return is_builtin(name.removeprefix("pg_catalog."))
    return name not in of_users and is_builtin(name)


# What is proven -------------------------------------------------------------------------------------------------------


def _is_clear(statement: ParsedStatement, touched: _Touched, vouched: bool) -> bool:
    if statement.node in _RUNS_ANOTHER or (statement.prepared_name and statement.node != "PrepareStmt"):
        return False
    return vouched and not _tells_definitions(statement) and touched.is_clear and statement.action is not Action.UNKNOWN


def _tells_definitions(statement: ParsedStatement) -> bool:
    return any(tells_definitions((_bare(name),)) for name in statement.functions)


def _clear_outputs(statement: ParsedStatement, touched: _Touched, vouched: bool, snapshot: Snapshot) -> frozenset[int]:
    if not vouched:
        return frozenset()
    outputs = statement.outputs or ()
    return frozenset(at for at, output in enumerate(outputs) if _is_clear_output(output, touched, snapshot))


def _is_clear_output(output: Output, touched: _Touched, snapshot: Snapshot) -> bool:
    if output.kind is OutputKind.COLUMNS:
        return all(_is_clear_name(name, touched, snapshot) for name in output.columns)
    return output.kind in (OutputKind.COUNT, OutputKind.CONSTANT)


def _is_clear_name(name: str, touched: _Touched, snapshot: Snapshot) -> bool:
    """Whether a reference that ends in *name* can only be to a clear column.

    Where a relation has no such column, ``t.name`` calls a function of that name on the whole row (PostgreSQL manual,
    "Using Composite Types in Queries"); so a name that is a function's too must be a column everywhere.
    """
    if touched.reads_unresolved:
        return False
    is_cast = name in snapshot.user_types and name not in snapshot.uncastable_types
    is_function = is_cast or name in snapshot.user_functions or is_builtin_function(name)
    if name in SYSTEM_COLUMNS:
        return not is_function
    columns = list(touched.columns(name))
    if not columns or any(column.label.is_protected for column in columns):
        return False
    return not is_function or len(columns) == len(touched.read)


def _is_unbounded(statement: ParsedStatement) -> bool:
    return statement.where is WhereClause.MISSING and statement.action.severity >= Action.WRITE.severity


def _copies_protected(statement: ParsedStatement, touched: _Touched, vouched: bool, snapshot: Snapshot) -> bool:
    """Whether a protected value may be stored by it somewhere it wasn't."""
    # The text of a definition may quote protected values.
    if _tells_definitions(statement) and statement.action.severity >= Action.WRITE.severity:
        return True
    if not statement.copies_data:
        return False
    if statement.prepared_name or touched.reads_unresolved:
        return True
    if touched.is_clear:
        return False
    unvouched = next(_unlisted(statement, snapshot), None) is not None
    return unvouched or any(_may_be_protected(name, statement, touched) for name in statement.copied_columns)


def _may_be_protected(name: str, statement: ParsedStatement, touched: _Touched) -> bool:
    columns = list(touched.columns(name))
    if columns:
        return any(column.label.is_protected for column in columns)
    # A name that is no table's column is either the text's own for something that is listed besides, or unknown.
    return name not in statement.aliases and name not in SYSTEM_COLUMNS


def _copies_out(statement: ParsedStatement, touched: _Touched, vouched: bool, snapshot: Snapshot) -> bool:
    if statement.copy_direction not in ("out", "file", "program"):
        return False
    if _is_clear(statement, touched, vouched):
        return False
    proven = _clear_outputs(statement, touched, vouched, snapshot)
    return not statement.outputs or len(proven) != len(statement.outputs)


def _is_temporary(statements: tuple[ParsedStatement, ...], snapshot: Snapshot) -> bool:
    """A temporary relation that takes the name of another one hides it, and is not waved through for being temporary."""
    shaping = [statement for statement in statements if statement.action in (Action.DEFINE, Action.DESTROY)]
    return bool(shaping) and all(
        statement.temporary and not any(name.name in snapshot.by_name for name in statement.creates) for statement in shaping
    )


def _unique(items: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
