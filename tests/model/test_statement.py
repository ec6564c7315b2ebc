"""How bad a statement is: the worst of all it does."""

from __future__ import annotations

import itertools

import pytest

from doorward.model.statement import Action, Analysis, ParsedStatement, RelationName

MILDEST_FIRST = ["session", "read", "write", "define", "destroy", "grant", "administer", "unknown"]


def test_severity_follows_the_order_of_effect() -> None:
    """What is not on the list is worst."""
    assert [action.value for action in sorted(Action, key=lambda action: action.severity)] == MILDEST_FIRST
    assert len({action.severity for action in Action}) == len(Action)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(Action, Action)))
def test_the_worst_of_two_counts(first: Action, second: Action) -> None:
    """Wherever it stands in the text."""
    analysis = Analysis(tuple(ParsedStatement("Node", "TAG", action) for action in (first, second)))
    assert analysis.action is (first if first.severity >= second.severity else second)


def test_an_empty_text_does_nothing() -> None:
    """A comment alone, or a semicolon."""
    assert Analysis(()).action is Action.SESSION


def test_what_was_not_read_is_unknown() -> None:
    """Never mild because it holds no statement."""
    assert Analysis((), "not understood", "42601").action is Action.UNKNOWN
    assert Analysis((ParsedStatement("SelectStmt", "SELECT", Action.READ),), "cut").action is Action.UNKNOWN


@pytest.mark.parametrize(
    ("name", "spelled"),
    [(RelationName(None, "orders"), "orders"), (RelationName("shop", "orders"), "shop.orders"), (RelationName("", "o"), "o")],
)
def test_a_relation_is_spelled_as_the_statement_has_it(name: RelationName, spelled: str) -> None:
    """With its schema if there was one."""
    assert str(name) == spelled
