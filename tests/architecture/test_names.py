"""Names say what a thing is for; some words never do."""

import ast

import pytest

from tests.architecture.source import PACKAGE, SOURCES, module_name, tree_of

SAYS_NOTHING = frozenset(
    {"utils", "helpers", "common", "base", "manager", "misc", "data", "info", "process", "do", "new", "v2"}
)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_module_is_not_named_with_an_empty_word(path) -> None:
    """A folder or file called "utils" attracts whatever nobody found a place for."""
    words = {word for part in path.relative_to(PACKAGE).with_suffix("").parts for word in part.split("_")}
    assert not words & SAYS_NOTHING


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_class_or_function_is_not_named_with_an_empty_word(path) -> None:
    """The same words alone, as the name of a class or function, explain nothing either."""
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name.lower().strip("_") for node in ast.walk(tree_of(path)) if isinstance(node, definitions)}
    assert not names & SAYS_NOTHING
