"""What a query's FROM brings into reach, and what a name in it may derive from.

A text alone doesn't tell which table has a column: a name without a qualifier is a column of any of them, and the catalog
drops those that haven't got it. A name that is nowhere certain is never lost: it stands for the whole row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from doorward.model.statement import Origin, RelationName
from doorward.sql.functions import is_builtin_function

# More columns than the server returns (MaxTupleAttributeNumber): without this bound stars over stars would grow without end.
COLUMN_LIMIT = 1664


@dataclass(frozen=True, slots=True)
class Flow:
    """What a value derives from.

    *varies_with* names the items of FROM whose rows it is different for; *is_mixed* says that one protected value is held
    against more than its own row's, as a character of it against each position. *is_bare* is for a column as it is,
    *of_bare* for what is calculated from such alone.
    """

    origins: frozenset[Origin] = frozenset()
    varies_with: frozenset[object] = frozenset()
    is_bare: bool = False
    is_mixed: bool = False
    of_bare: bool = True


CONSTANT = Flow()


def joined(flows: Iterable[Flow], *, is_mixed: bool = False) -> Flow:
    """What a value calculated from all *flows* derives from."""
    listed = list(flows)
    if len(listed) == 1 and not is_mixed:
        return listed[0] if not listed[0].is_bare else replace(listed[0], is_bare=False)
    origins = frozenset[Origin]().union(*(flow.origins for flow in listed))
    varies_with = frozenset[object]().union(*(flow.varies_with for flow in listed))
    mixed = is_mixed or len(varies_with) > 1 or any(flow.is_mixed for flow in listed)
    return Flow(origins, varies_with, False, mixed, all(flow.of_bare for flow in listed))


def either(flows: Sequence[Flow]) -> Flow:
    """What a name that stands for one of *flows* derives from, nobody knows which."""
    if len(flows) == 1:
        return flows[0]
    both = joined(flows)
    mixed = any(flow.is_mixed for flow in flows)
    return Flow(both.origins, both.varies_with, all(flow.is_bare for flow in flows), mixed, both.of_bare)


@dataclass(frozen=True, slots=True)
class Shown:
    """A result column of a sub-select; *name* is None where we don't work out what the server calls it."""

    name: str | None
    flow: Flow


@dataclass(frozen=True, slots=True)
class Range:
    """An item of FROM. Its columns are named as *name* is, or without it; *key* tells it from every other."""

    name: str
    key: object

    @property
    def breadth(self) -> int:
        """How much is looked at to find a name in it."""
        return 1

    def column(self, name: str) -> Flow | None:
        """What its column *name* derives from; None if it certainly has none."""
        raise NotImplementedError

    def is_sure_of(self, name: str) -> bool:
        """Whether it has a column *name* for certain."""
        return False

    def row(self) -> Flow:
        """What its whole row derives from."""
        raise NotImplementedError

    def items(self) -> Sequence[Item]:
        """What a star over it stands for."""
        return (self,)

    def qualified(self, name: str) -> Flow:
        """What ``range.name`` derives from: a column, or a function of that name called on the row."""
        found = self.column(name)
        return found if found is not None else replace(self.row(), is_bare=False)


Item = Shown | Range
"""A result column, or a star over an item of FROM whose columns the text doesn't tell."""


@dataclass(frozen=True, slots=True)
class Table(Range):
    """A table or view by name. *renamed* are the names that an alias gives to its first columns."""

    relation: RelationName
    renamed: tuple[str, ...] = ()

    def column(self, name: str) -> Flow:
        """A column of that name, if the catalog has one."""
        if name in self.renamed:
            return self._flow(Origin(self.relation, position=self.renamed.index(name) + 1, certain=True))
        return self._flow(Origin(self.relation, name))

    def is_sure_of(self, name: str) -> bool:
        """Whether the alias says so."""
        return name in self.renamed

    def qualified(self, name: str) -> Flow:
        """Its column, or else a function on its row: the catalog knows."""
        if name in self.renamed:
            return self.column(name)
        return self._flow(Origin(self.relation, name, certain=True))

    def row(self) -> Flow:
        """Every column of it."""
        return replace(self._flow(Origin(self.relation)), is_bare=False)

    def called(self, name: str) -> Flow:
        """What its own name derives from where a column may be meant: that, or the whole row if it has none."""
        return replace(self._flow(Origin(self.relation, name, certain=True)), is_bare=False)

    def at(self, position: int) -> Flow:
        """Its column at *position*, counted from 1."""
        return self._flow(Origin(self.relation, position=position, certain=True))

    def _flow(self, origin: Origin) -> Flow:
        return Flow(frozenset((origin,)), frozenset((self.key,)), True)


@dataclass(frozen=True)  # without slots: what is worked out once is kept
class Derived(Range):
    """A sub-select, CTE, VALUES or aliased join. *repeats* is set for a CTE that refers to itself."""

    columns: tuple[Item, ...]
    repeats: bool = False
    # A query may name its columns tens of thousands of times: they are gone through once.

    @cached_property
    def _named(self) -> dict[str | None, Flow]:
        named: dict[str | None, list[Flow]] = {}
        for item in self.columns:
            if isinstance(item, Shown):
                named.setdefault(item.name, []).append(item.flow)
        return {name: either(flows) for name, flows in named.items()}

    @cached_property
    def _stars(self) -> tuple[Range, ...]:
        return tuple(item for item in self.columns if isinstance(item, Range))

    @cached_property
    def _row(self) -> Flow:
        return self._seen(joined(map(flow_of, self.columns)))

    @property
    def breadth(self) -> int:
        """Its stars are looked at one by one."""
        return 1 + len(self._stars)

    def column(self, name: str) -> Flow | None:
        """The column of that name, one that we could not name, or one behind a star."""
        found = [self._named.get(name), self._named.get(None), *(star.column(name) for star in self._stars)]
        flows = [flow for flow in found if flow is not None]
        return self._seen(either(flows)) if flows else None

    def is_sure_of(self, name: str) -> bool:
        """Whether a result column is called so."""
        return name in self._named

    def qualified(self, name: str) -> Flow:
        """Its column, or one behind a star, or a function of that name called on its row."""
        found = self.column(name)
        if found is None:
            return replace(self.row(), is_bare=False)
        stars = self._stars
        if self.is_sure_of(name) or not stars or (len(stars) > 1 and not is_builtin_function(name)):
            return found
        return self._seen(either([found, *(item.qualified(name) for item in stars)]))

    def row(self) -> Flow:
        """All its columns at once."""
        return self._row

    def items(self) -> Sequence[Item]:
        """Its columns."""
        return tuple(Shown(item.name, self._seen(item.flow)) if isinstance(item, Shown) else item for item in self.columns)

    def _seen(self, flow: Flow) -> Flow:
        if flow.origins and not flow.is_bare:
            flow = replace(flow, of_bare=False)
        # A constant of each row, as in VALUES, is different from row to row nonetheless.
        if not flow.varies_with:
            return replace(flow, varies_with=frozenset((self.key,)))
        if not self.repeats:
            return flow
        varies_with = flow.varies_with | {self.key}
        return replace(flow, varies_with=varies_with, is_mixed=flow.is_mixed or len(varies_with) > 1)


@dataclass(frozen=True, slots=True)
class Computed(Range):
    """Rows that a function makes of its arguments. *names* are its columns' names, None where we don't know them."""

    flow: Flow
    names: frozenset[str] | None

    def column(self, name: str) -> Flow | None:
        """Whatever it is called, it derives from the arguments."""
        return self.row() if self.names is None or name in self.names else None

    def is_sure_of(self, name: str) -> bool:
        """Whether a column is called so."""
        return self.names is not None and name in self.names

    def row(self) -> Flow:
        """The same for all of it."""
        return Flow(self.flow.origins, frozenset((self.key,)), False, self.flow.is_mixed, not self.flow.origins)


@dataclass(slots=True)
class Level:
    """The items of FROM of one query, and what can be seen around it. *windows* is what its named windows derive from."""

    ranges: list[Range] = field(default_factory=list)
    around: Level | None = None
    windows: Flow = CONSTANT

    def levels(self) -> Iterator[Level]:
        """From here outwards."""
        level: Level | None = self
        while level is not None:
            yield level
            level = level.around

    def reference(self, parts: Sequence[str]) -> Flow:
        """What a column reference derives from."""
        return self._unqualified(parts[0]) if len(parts) == 1 else self._qualified(parts[-2], parts[-1])

    def _qualified(self, qualifier: str, name: str) -> Flow:
        for level in self.levels():
            called = [item.qualified(name) for item in level.ranges if item.name == qualifier]
            if called:
                return either(called)
        return Flow(frozenset((Origin(None, name, certain=True),)), frozenset((qualifier,)), False, True)

    def _unqualified(self, name: str) -> Flow:
        """The nearest level that is sure of a column counts; whatever might have it on the way there does too."""
        flows: list[Flow] = []
        rows: list[Flow] = []
        for level in self.levels():
            sure = [item.qualified(name) for item in level.ranges if item.is_sure_of(name)]
            maybe = [flow for item in level.ranges if not item.is_sure_of(name) and (flow := item.column(name)) is not None]
            # Only USING and NATURAL let a name stand for columns of several items at once.
            flows += sure + maybe
            rows += [_row_called(item, name) for item in level.ranges if item.name == name]
            if sure:
                break
        if rows:
            flows += rows
        if not flows:
            return Flow(frozenset((Origin(None, name),)), frozenset((name,)), True)
        if len(flows) == 1:
            return flows[0]
        one = either(flows)
        # Whichever it is, it is one of them.
        return replace(one, varies_with=frozenset((("any of", name, one.varies_with),)))

    def row_of(self, qualifier: str) -> Flow | None:
        """What the whole row of an item derives from."""
        for level in self.levels():
            for item in level.ranges:
                if item.name == qualifier:
                    return item.row()
        return None


def _row_called(item: Range, name: str) -> Flow:
    if isinstance(item, Table):
        return item.called(name)
    return replace(item.row(), is_bare=False)


def flow_of(item: Item) -> Flow:
    """All that an item derives from."""
    return item.row() if isinstance(item, Range) else item.flow


def bounded(items: Sequence[Item]) -> tuple[Item, ...]:
    """*items*, or one that stands for all of them when there are too many to be a result."""
    if len(items) <= COLUMN_LIMIT:
        return tuple(items)
    return (Shown(None, joined(map(flow_of, items))),)


def renamed(items: Sequence[Item], names: Sequence[str]) -> tuple[Item, ...]:
    """*items* under the names that an alias gives to the first of them."""
    if not names:
        return tuple(items)
    first = items[: len(names)]
    if any(isinstance(item, Range) for item in first):
        if len(items) == 1 and isinstance(items[0], Table) and not items[0].renamed:
            return (replace(items[0], renamed=tuple(names)),)
        # Which column gets which name, only the catalog could tell.
        everything = replace(joined(map(flow_of, items)), is_bare=False)
        return (*(Shown(name, everything) for name in names), Shown(None, everything))
    shown = [Shown(name, flow_of(item)) for name, item in zip(names, first, strict=False)]
    return (*shown, *items[len(names) :])
