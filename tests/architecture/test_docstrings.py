"""Every public thing states its contract, and a long module says why it is one."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import SOURCES, module_name, tree_of

LONG_LINES = 400
WHY_ONE = re.compile(r"\bone (module|thing|file|page|place|table)\b", re.IGNORECASE)
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Public classes, functions and methods with their dotted names; what is inside a function is nobody's business."""
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_") or needs_no_docstring(node):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}{node.name}.")


def needs_no_docstring(node: Definition) -> bool:
    """Whether name and type say it all, or the contract is stated elsewhere: a property, an overload, an override."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"property", "cached_property", "setter", "deleter", "overload", "override"})


def test_every_module_has_a_docstring() -> None:
    """The first line of a file says what it is for."""
    bare = [module_name(path) for path in SOURCES if not ast.get_docstring(tree_of(path))]
    assert not bare, bare


def test_every_public_definition_has_a_docstring() -> None:
    """A caller reads the contract, not the body."""
    bare = [
        f"{module_name(path)}.{name}"
        for path in SOURCES
        for name, node in public_definitions(tree_of(path).body)
        if not ast.get_docstring(node)
    ]
    assert not bare, bare


def test_every_long_module_says_why_it_is_one_thing() -> None:
    """Past 400 lines, the docstring owes the reason: "One table because ..."."""
    long = [path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > LONG_LINES]
    unexplained = [module_name(path) for path in long if not WHY_ONE.search(ast.get_docstring(tree_of(path)) or "")]
    assert not unexplained, unexplained
