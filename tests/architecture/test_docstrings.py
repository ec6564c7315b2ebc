"""Every public thing states its contract, and a long module says why it is one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import SOURCES, module_name, tree_of

LONG_LINES = 400
WHY_ONE = re.compile(r"\bone (module|thing|file|page|place|table)\b", re.IGNORECASE)
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Public classes, functions and methods with their dotted names; what is inside a function is nobody's business."""
    for node in body:
        if not isinstance(node, DEFINITIONS) or node.name.startswith("_") or needs_no_docstring(node):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}{node.name}.")


def needs_no_docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether name and type say it all, or the contract is stated elsewhere: a property, an overload, an override."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"property", "cached_property", "setter", "deleter", "overload", "override"})


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_module_has_a_docstring(path: Path) -> None:
    """The first line of a file says what it is for."""
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_public_definitions_have_docstrings(path: Path) -> None:
    """A caller reads the contract, not the body."""
    bare = [name for name, node in public_definitions(tree_of(path).body) if not ast.get_docstring(node)]  # type: ignore[arg-type]
    assert not bare


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_long_module_says_why_it_is_one_thing(path: Path) -> None:
    """Past 400 lines, the docstring owes the reason: "One table because ..."."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONG_LINES or WHY_ONE.search(ast.get_docstring(tree_of(path)) or "")
