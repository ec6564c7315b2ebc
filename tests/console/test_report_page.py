"""The page that a scan of a database leaves."""

from __future__ import annotations

from typing import Any

from doorward.console.report_page import report_page


def column(table: str, name: str, label: str, **changes: Any) -> dict[str, Any]:
    return {
        "table": table, "kind": "table", "estimated_rows": 12000, "column": name, "type": "text", "label": label,
        "label_class": "personal", "proposal": None, "confidence": 0.93, "regulations": ["GDPR"], "reasons": ["name says it"],
        **changes,
    }  # fmt: skip


def page(*columns: dict[str, Any], not_sampled: str = "") -> str:
    return report_page(
        {
            "database": "shop", "host": "db.internal", "port": 5432, "doorward_version": "1.0",
            "at": "2026-01-02T03:04:05+00:00",
            "server_version": "18.1", "tables_sampled": 3, "not_sampled": not_sampled, "summary": "some of it is personal",
            "columns": list(columns),
        }
    )  # fmt: skip


def test_findings_are_by_table_with_what_they_are_and_why() -> None:
    """A proposal has a dashed frame; a table with nothing is listed last."""
    html = page(
        column("public.people", "email", "email"),
        column("public.people", "ref", "proposed", proposal="national_id", label_class="restricted"),
        column("public.colours", "name", "none", regulations=[]),
    )
    assert html.index("public.people") < html.index("public.colours")
    assert "about 12,000 rows" in html
    assert 'class="label restricted proposed">national id' in html
    assert "93%" in html
    assert 'GDPR</td><td class="n">2 columns' in html


def test_names_are_escaped() -> None:
    """A column may be called anything, and the page is opened in a browser."""
    html = page(column("public.<script>", "<img src=x>", "email", reasons=["<b>"]))
    assert "<script>" not in html
    assert "<img" not in html
    assert "<b>" not in html


def test_an_empty_database_and_an_unfinished_scan_have_a_page_too() -> None:
    """And it says what was not done."""
    html = page(not_sampled="the time for it was up")
    assert "Not all values were looked at: the time for it was up" in html
    assert "Columns with something to protect" not in html
    assert html.rstrip().endswith("</html>")
