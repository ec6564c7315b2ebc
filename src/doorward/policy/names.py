"""The names in rules, beside what is known to exist: a name that nothing has is most often a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from cedarpy import pst

from doorward.policy.reading import ReadRule

Names = frozenset[str] | None
"""What is known of one sort; None where nothing is, and no name is doubted."""


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Everything that a rule may speak of, by sort. *tags* and *kinds* are fixed lists: others can't come to be."""

    groups: Names = None
    humans: Names = None
    services: Names = None
    agents: Names = None
    upstreams: Names = None
    databases: Names = None
    tables: Names = None
    schemas: Names = None
    functions: Names = None
    tags: Names = None
    kinds: Names = None
    members: Mapping[str, int] = field(default_factory=dict)  # how many people are in a group


@dataclass(frozen=True, slots=True)
class Doubt:
    """A name that nothing has. *is_wrong* says that nothing ever will have it; *like* is what may have been meant."""

    sort: str
    name: str
    like: str
    is_wrong: bool

    @property
    def words(self) -> str:
        """``there is no group "securty"; did you mean "security"?``"""
        meant = f'; did you mean "{self.like}"?' if self.like else ""
        return f'there is no {self.sort} "{self.name}"{meant}'


# Entity type -> (the word for people, the field of KnownNames).
_ENTITIES = {
    "Group": ("group", "groups"),
    "Human": ("person", "humans"),
    "Service": ("service", "services"),
    "Agent": ("agent", "agents"),
    "Upstream": ("upstream", "upstreams"),
    "Database": ("database", "databases"),
}
# Fact -> (the word, the field, whether the list is fixed).
_FACTS = {
    "objects": ("table or view", "tables", False),
    "unresolved": ("", "", False),  # by its meaning, what is not known
    "schemas": ("schema", "schemas", False),
    "upstream": ("upstream", "upstreams", False),
    "unlisted_functions": ("function", "functions", False),
    "tags": ("command", "tags", True),
    "object_kinds": ("kind of object", "kinds", True),
}
_SETS = frozenset({"contains", "contains_all", "contains_any", "eq", "not_eq"})


def doubts(read: ReadRule, known: KnownNames) -> list[Doubt]:
    """The names in a rule that nothing known has, each once."""
    asked = [*_entities(read.policy), *_facts(read.policy)]
    found: dict[tuple[str, str], Doubt] = {}
    for sort, list_name, name, is_fixed in asked:
        names: Names = getattr(known, list_name)
        # Functions are known without their schemas; whether one is in that schema, nobody knows here.
        bare = name.rpartition(".")[2] if list_name == "functions" else name
        if names is not None and bare not in names:
            like = closest(bare, names)
            found[sort, name] = Doubt(sort, name, like, is_fixed)
    return list(found.values())


def closest(name: str, names: Iterable[str]) -> str:
    """The one of *names* that was probably meant; empty when none is near."""
    by_folded = {other.casefold(): other for other in names}
    near = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.7)
    if not near and "." not in name:  # a table without its schema
        return next((other for other in sorted(by_folded.values()) if other.rpartition(".")[2] == name), "")
    return by_folded[near[0]] if near else ""


def _entities(policy: pst.Template) -> Iterator[tuple[str, str, str, bool]]:
    for named in sorted(pst.entity_uids(policy), key=str):
        if row := _ENTITIES.get(str(named.type)):
            yield *row, named.id, False


def _facts(policy: pst.Template) -> Iterator[tuple[str, str, str, bool]]:
    for node in walk(policy.clauses):
        if isinstance(node, pst.BinaryOp) and node.op in _SETS:
            for fact, other in ((node.left, node.right), (node.right, node.left)):
                row = _FACTS.get(fact.attr) if isinstance(fact, pst.GetAttr) and fact.base == pst.Var("context") else None
                if row and row[1]:
                    for text in _texts(other):
                        yield row[0], row[1], text, row[2]


def _texts(expr: pst.Expr) -> list[str]:
    elements = expr.elements if isinstance(expr, pst.Set) else (expr,)
    return [element.value for element in elements if isinstance(element, pst.StringLit)]


def walk(root: object) -> Iterator[object]:
    """Every node under *root*, itself first."""
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, Mapping):
            waiting.extend(node.values())
        elif is_dataclass(node) and not isinstance(node, type):
            yield node
            waiting.extend(getattr(node, part.name) for part in fields(node))
