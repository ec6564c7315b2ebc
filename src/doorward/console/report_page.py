"""What a scan of a database found, as a page to hand to an auditor: no scripts, no outside parts; to be printed or kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader

TEMPLATE = "scan_report.html"


def report_page(told: Mapping[str, Any]) -> str:
    """The page for *told*, which is what ``doorward scan --json`` prints. It holds names, labels and counts, never a value."""
    protected = [column for column in told["columns"] if column["label"] != "none"]
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for column in protected:
        tables.setdefault(column["table"], []).append(column)
    environment = Environment(loader=PackageLoader("doorward.console"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(TEMPLATE).render(
        told=told,
        held=Counter(column["proposal"] or column["label"] for column in protected).most_common(),
        regulations=sorted(Counter(name for column in protected for name in column["regulations"]).items()),
        tables=tables,
        clear=list(dict.fromkeys(column["table"] for column in told["columns"] if column["table"] not in tables)),
    )
