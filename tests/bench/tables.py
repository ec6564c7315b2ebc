"""A run as a table, for the terminal and for a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.goals import reached
from tests.bench.ratios import Spread, ratio, spread
from tests.bench.results import CellResult, Run

MISSING = "-"

INTRODUCTION = """# Performance

What standing in the middle costs, beside nothing, pgbouncer (session pooling) and HAProxy (TCP), by `make bench`. Every target
takes clients over loopback without TLS, signs them in with SCRAM-SHA-256, and reaches the same server over TCP; client, relay
and server share the machine. Targets alternate within a round and their order rotates. **A ratio is taken within a round; the
median over the rounds is shown, with the least and the most.** Absolute numbers say more about the machine than about a relay.
"""


def number(value: float) -> str:
    """*value* with as many digits as mean anything."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ranged(found: Spread | None) -> str:
    """A median, with its range if there was more than one round."""
    if found is None:
        return MISSING
    if found.rounds == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.least)}-{number(found.most)})"


def lines_of(run: Run) -> Iterator[str]:
    """The tables of *run* as Markdown, which reads in a terminal too."""
    targets = run.targets()
    for group in dict.fromkeys(cell.group for cell in run.cells):
        cells = [cell for cell in run.cells if cell.group == group]
        used = [target for target in targets if any(target in cell.rounds for cell in cells)]
        yield f"## {group.capitalize()}"
        yield ""
        yield from _table(["", "unit", *used], [_absolute_row(cell, used) for cell in cells])
        for reference, compared in (("direct", cells), ("pgbouncer", [cell for cell in cells if cell.versus == "pgbouncer"])):
            others = [target for target in used if target not in (reference, "direct")]
            rows = [_ratio_row(cell, others, reference) for cell in compared if reference in cell.rounds]
            if rows and others:
                yield f"Times {reference} ({_which_way(compared)}):"
                yield ""
                yield from _table(["", *others], rows)
        relays = [
            target for target in used if any(value for cell in cells for value in cell.cpu_us(target) if value is not None)
        ]
        rows = [_cpu_row(cell, relays) for cell in cells if cell.unit != "KiB"]
        if relays and rows:
            yield "CPU microseconds of the relay, user and system (Doorward: + what its control process spends):"
            yield ""
            yield from _table(["", "by", *relays], rows)


def goal_lines(run: Run) -> list[str]:
    """The goals that *run* measured, with what came of them."""
    rows = []
    for found in reached(run):
        goal = found.goal
        cell = run.cell(goal.cell)
        against = f" / {goal.versus}" if goal.versus else (f", {cell.unit}" if cell else "")
        bound = f"{'at least' if goal.at_least else 'at most'} {goal.bound:g}"
        rows.append(
            [f"{goal.cell}: {goal.target}{against}", bound, number(found.value), "met" if found.is_met else "**missed**"]
        )
    return ["## Goals", "", *_table(["", "goal", "measured", ""], rows)] if rows else []


def page(run: Run) -> str:
    """The page for the documentation."""
    about = [f"| {name} | {value} |" for name, value in run.about.items()]
    parts = [INTRODUCTION, *goal_lines(run), *lines_of(run), "## Measured on", "", "| | |", "|---|---|", *about, ""]
    if run.skipped:
        parts += ["Not measured: " + "; ".join(f"{name} ({why})" for name, why in run.skipped.items()) + ".", ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def _absolute_row(cell: CellResult, targets: Sequence[str]) -> list[str]:
    values = (spread(cell.values(target)) for target in targets)
    return [cell.title, cell.unit, *(MISSING if found is None else number(found.median) for found in values)]


def _ratio_row(cell: CellResult, targets: Sequence[str], reference: str) -> list[str]:
    return [cell.title, *(ranged(ratio(cell.values(target), cell.values(reference))) for target in targets)]


def _cpu_row(cell: CellResult, targets: Sequence[str]) -> list[str]:
    row = [cell.title, cell.operation]
    for target in targets:
        relay, beside = spread(cell.cpu_us(target)), spread(cell.beside_us(target))
        row.append(MISSING if relay is None else number(relay.median) + (f" + {number(beside.median)}" if beside else ""))
    return row


def _which_way(cells: Sequence[CellResult]) -> str:
    return "more is better" if all(cell.more_is_better for cell in cells) else "less is better"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)) + " |"
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
    yield ""
