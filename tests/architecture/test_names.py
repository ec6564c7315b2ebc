"""Names say what a thing is for; some words never do."""

import ast

from tests.architecture.source import PACKAGE, SOURCES, module_name, tree_of

SAYS_NOTHING = {"utils", "helpers", "common", "base", "manager", "misc", "data", "info", "process", "do", "new", "v2"}
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_module_is_named_with_an_empty_word() -> None:
    """A folder or file called "utils" attracts whatever nobody found a place for."""
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in SOURCES)
    named = [str(path) for path in paths if SAYS_NOTHING & {word for part in path.parts for word in part.split("_")}]
    assert not named, named


def test_no_class_or_function_is_named_with_an_empty_word() -> None:
    """The same words alone, as the name of a class or function, explain nothing either."""
    named = [
        f"{module_name(path)}.{node.name}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, DEFINITIONS) and node.name.lower().strip("_") in SAYS_NOTHING
    ]
    assert not named, named
