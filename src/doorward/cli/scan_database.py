"""``doorward scan postgresql://...``: what a database holds, as a table and as a page for an auditor, with no proxy in place.

The catalog is read, and a few values of each column are looked at as a running Doorward would: read-only, bounded, and
nothing of them kept. The page holds names, labels and counts, never a value.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from doorward import __version__
from doorward.cli.terminal import console, one_line, say_json

if TYPE_CHECKING:
    from doorward.model.catalog import Column, Relation, Snapshot
    from doorward.model.upstream import Upstream

VALUE_SECONDS = 600.0
_STYLES = {"personal": "magenta", "restricted": "red", "secret": "bold red", "free text": "yellow", "proposed": "cyan"}


@dataclass(frozen=True, slots=True)
class Report:
    """What a scan found. *sampled* is how many tables' values were looked at, *not_sampled* why not all were."""

    upstream: Upstream
    snapshot: Snapshot
    at: datetime
    sampled: int
    not_sampled: str

    @property
    def relations(self) -> list[Relation]:
        """Tables and views, by name."""
        from doorward.model.catalog import RelationKind

        found = [r for r in self.snapshot.relations if not r.is_system and r.kind is not RelationKind.SEQUENCE]
        return sorted(found, key=lambda relation: relation.qualified_name)

    @property
    def findings(self) -> list[tuple[Relation, Column]]:
        """Every column with something to protect."""
        return [(r, c) for r in self.relations for c in r.columns if c.label.is_protected]


def scan_database(url: str, html: Path | None, *, values: bool, as_json: bool) -> None:
    """Scan the database at *url* and print the report; write it as a page to *html* if that is given."""
    from doorward.cli.up import upstream_of

    report = asyncio.run(_scanned(upstream_of(url, ""), values=values))
    if html is not None:
        from doorward.console.report_page import report_page

        html.write_text(report_page(as_rows(report)), encoding="utf-8")
    if as_json:
        say_json(as_rows(report))
    else:
        _print(report)
        if html is not None:
            console(stderr=True).print(f"The page for an auditor is in {one_line(str(html))}")


async def _scanned(upstream: Upstream, *, values: bool) -> Report:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from doorward.assembly.control_side import definition_is_clear
    from doorward.catalog.sampling import Round, sample
    from doorward.catalog.snapshot import read_snapshot
    from doorward.proxy.upstream_connections import UpstreamQuerier

    said = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    querier = UpstreamQuerier(upstream)
    found = Round({}, 0, "values were not to be looked at")
    try:
        with Progress(*columns, console=said, transient=True, disable=not said.is_terminal) as progress:
            task = progress.add_task("reading the catalog", total=None)
            snapshot = await read_snapshot(querier, upstream.name, {}, definition_is_clear)
            if values:
                own = [relation for relation in snapshot.relations if not relation.is_system]
                progress.update(task, description="looking at values", total=len(own), completed=0)
                found = await sample(
                    querier, own, VALUE_SECONDS, time.monotonic, lambda _relation: progress.update(task, advance=1)
                )
                progress.update(task, description="labelling", total=None)
                snapshot = await read_snapshot(querier, upstream.name, {}, definition_is_clear, found.votes)
    finally:
        await querier.close()
    return Report(upstream, snapshot, datetime.now(UTC).replace(microsecond=0), found.tables, found.skipped)


def _print(report: Report) -> None:
    out = console()
    shown = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("column", "type", "holds", "sure", "because"):
        shown.add_column(heading, no_wrap=True, overflow="ellipsis")
    last = ""
    for relation, column in report.findings:
        if relation.qualified_name != last:
            last = relation.qualified_name
            rows = f"  about {relation.estimated_rows:,} rows" if relation.estimated_rows > 0 else ""
            shown.add_row(Text(one_line(last), "bold").append(rows, "dim"))
        told = column.likely_label.value + ("?" if column.proposal else "")
        shown.add_row(
            "  " + one_line(column.name),
            one_line(column.type_name),
            Text(told, _STYLES.get(column.label.label_class.value, "default")),
            f"{column.confidence:.0%}",
            Text(one_line("; ".join(column.reasons)), "dim"),
        )
    out.print(shown if report.findings else "[dim]nothing that looks personal or secret[/]")
    out.print(f"\n[bold]{summary(report)}[/]")
    if report.not_sampled:
        out.print(f"[yellow]Not all values were looked at: {one_line(report.not_sampled)}.[/]")


def summary(report: Report) -> str:
    """The report in a sentence."""
    columns = sum(len(relation.columns) for relation in report.relations)
    held = Counter(column.likely_label.value for _relation, column in report.findings)
    most = ", ".join(f"{count} {label.replace('_', ' ')}" for label, count in held.most_common())
    return f"{len(report.findings)} of {columns} columns in {len(report.relations)} relations hold something to protect" + (
        f": {most}" if most else ""
    )


def as_rows(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "database": report.upstream.database,
        "host": report.upstream.host,
        "port": report.upstream.port,
        "doorward_version": __version__,
        "at": report.at.isoformat(),
        "server_version": report.snapshot.server_version,
        "tables_sampled": report.sampled,
        "not_sampled": report.not_sampled,
        "summary": summary(report),
        "columns": [
            {
                "table": relation.qualified_name,
                "kind": relation.kind.value,
                "estimated_rows": relation.estimated_rows,
                "column": column.name,
                "type": column.type_name,
                "label": column.label.value,
                "label_class": column.likely_label.label_class.value,
                "proposal": column.proposal.value if column.proposal else None,
                "confidence": column.confidence,
                "regulations": [regulation.value for regulation in column.likely_label.regulations],
                "reasons": column.reasons,
            }
            for relation in report.relations
            for column in relation.columns
        ],
    }
