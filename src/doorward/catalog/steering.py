"""Which protected columns steer the rows of a statement, by what a snapshot knows of those that its text names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from doorward.model.catalog import Column, Label, Relation, Snapshot
from doorward.model.decision import Steered
from doorward.model.statement import Origin, ParsedStatement, RelationName, Steering, Way
from doorward.sql.steering import MOST_VALUES

Meanings = Callable[[RelationName], tuple[Relation, ...]]

# Every table has these (PostgreSQL manual, "System Columns"); they tell of storage, not of values.
SYSTEM_COLUMNS = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})

# What a column may be held against and still only MATCH: whole texts are guessed by no list of short values.
_MATCHES_ANY = frozenset({Label.FREE_TEXT})


def steered_by(
    statements: Iterable[tuple[ParsedStatement, Sequence[Relation]]], meanings: Meanings, snapshot: Snapshot
) -> tuple[Steered, ...]:
    """Each protected column once, with the gravest way in which it steers rows. The relations are those that are read."""
    found: dict[tuple[str, Label], tuple[Way, int]] = {}
    # An equality of somebody's own may mean anything.
    is_equality = "=" not in snapshot.user_operators
    for statement, read in statements:
        for steering in statement.steering:
            for name, label, way in _columns(steering, read, meanings):
                told = Way.SEARCH if way is Way.COMPARE and not is_equality else way
                before, times = found.get((name, label), (told, 0))
                graver = max(before, told, key=lambda way: way.gravity)
                found[name, label] = (graver, times + steering.times)
    return tuple(
        Steered(name, label, Way.STEER if way is Way.COMPARE and times > MOST_VALUES else way, times)
        for (name, label), (way, times) in sorted(found.items(), key=_by_name)
    )


def _by_name(item: tuple[tuple[str, Label], tuple[Way, int]]) -> str:
    return item[0][0]


def _columns(steering: Steering, read: Sequence[Relation], meanings: Meanings) -> Iterator[tuple[str, Label, Way]]:
    others = [column for origin in steering.matched for _, column in _meant(origin, read, meanings)]
    is_whole = not steering.origin.name and not steering.origin.position
    for relation, column in _meant(steering.origin, read, meanings):
        if not column.label.is_protected:
            continue
        if steering.way is Way.MATCH and is_whole:  # NATURAL: the columns that both have
            same_name = [other for other in others if other.name == column.name]
            if not same_name:
                continue
            way = _matching(column.label, same_name)
        else:
            way = _matching(column.label, others) if steering.way is Way.MATCH else steering.way
        yield f"{relation.qualified_name}.{column.name}", column.label, way
    unknown = steering.origin.relation
    # A name without a schema that is nobody's may be a temporary table's, where protected values can't be put.
    if unknown is not None and unknown.schema is not None and unknown.schema != "pg_temp" and not meanings(unknown):
        yield f"{unknown}.{steering.origin.name or '*'}", Label.UNCLASSIFIED, steering.way


def _matching(label: Label, others: Sequence[Column]) -> Way:
    """Two columns of one kind are joined; against one of another kind, its rows are as many guesses."""
    alike = bool(others) and (label in _MATCHES_ANY or all(other.label is label for other in others))
    return Way.MATCH if alike else Way.STEER


def _meant(origin: Origin, read: Sequence[Relation], meanings: Meanings) -> Iterator[tuple[Relation, Column]]:
    """Every column that *origin* may be, of every relation that its name may stand for."""
    for relation in read if origin.relation is None else meanings(origin.relation):
        if origin.position > len(relation.columns):
            # Beyond this table's columns, a star goes on with another's.
            yield from ((other, column) for other in read for column in other.columns)
        elif origin.position:
            yield relation, relation.columns[origin.position - 1]
        elif origin.name:
            named = [column for column in relation.columns if column.name == origin.name]
            if not named and origin.certain and origin.name not in SYSTEM_COLUMNS:
                named = list(relation.columns)
            yield from ((relation, column) for column in named)
        else:
            yield from ((relation, column) for column in relation.columns)
