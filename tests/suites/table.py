"""docs/compatibility.md: the parts of it that are made from results and from differences.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.suites.outcomes import Comparison, Difference

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
_HEAD = "| suite | version | tests | pass directly | same | different | explained |"
RESULTS, DIFFERENCES = "results", "differences"


def _row(title: str, found: Comparison, differences: Sequence[Difference]) -> str:
    different = len(found.different)
    explained = different - len(found.unexplained(differences))
    same = len(found.tests) - different
    passed = found.passed_directly or "-"  # sessions have no opinion on what is right
    cells = (title, found.version, len(found.tests), passed, same, different, explained)
    return "| " + " | ".join(map(str, cells)) + " |"


def render_differences(differences: Iterable[Difference]) -> str:
    """The list of explained differences, by suite."""
    lines: list[str] = []
    suite = ""
    for entry in differences:
        if entry.suite != suite:
            suite = entry.suite
            lines += ["", f"### {suite}", ""]
        tests = ", ".join(f"`{test}`" for test in entry.tests)
        lines.append(f"- {tests}{' (not in every run)' if entry.sometimes else ''}: {entry.why}")
    return "\n".join(lines).strip("\n")


def _find(page: str, name: str) -> re.Match[str]:
    found = re.search(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", page, re.DOTALL)
    if found is None:
        raise ValueError(f"docs/compatibility.md has no part {name}")
    return found


def part(page: str, name: str) -> str:
    """What stands between the marks of *name*. Raises ValueError when they are not there."""
    return _find(page, name).group().strip("\n")


def put_part(page: str, name: str, body: str) -> str:
    """*page* with *body* between the marks of *name*. Raises ValueError when they are not there."""
    found = _find(page, name)
    return f"{page[: found.start()]}{body}\n{page[found.end() :]}"


def write_table(found: Sequence[tuple[str, Comparison]], differences: Sequence[Difference]) -> None:
    """Write rows and differences to the page; suites that were not run keep their rows."""
    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in part(page, RESULTS).splitlines()[2:]}
    rows |= {title: _row(title, comparison, differences) for title, comparison in found}
    page = put_part(page, RESULTS, "\n".join((_HEAD, re.sub(r"[^|]+", "---", _HEAD), *rows.values())))
    PAGE.write_text(put_part(page, DIFFERENCES, render_differences(differences)), encoding="utf-8")
