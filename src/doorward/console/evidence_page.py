"""The report of a pack of evidence, as a page to read, print and keep: no scripts, no outside parts."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from doorward.control.tables import utc
from doorward.evidence.pack import Report

TEMPLATE = "evidence_report.html"
# Exceptions of one control on the page; exceptions.csv has them all.
FINDINGS_TOLD = 40


def evidence_page(report: Report) -> str:
    """The page for *report*. Nothing in it is newer than the pack."""
    environment = Environment(
        loader=PackageLoader("doorward.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["utc"] = lambda at_us: utc(at_us)[:19].replace("T", " ")
    environment.filters["day"] = lambda at_us: utc(at_us)[:10]
    environment.filters["number"] = lambda amount: f"{amount:,}"
    return environment.get_template(TEMPLATE).render(report=report, findings_told=FINDINGS_TOLD)
