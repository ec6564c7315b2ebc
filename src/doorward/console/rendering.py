"""Templates to HTML: one environment, everything escaped, nothing undefined."""

from __future__ import annotations

import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from doorward.console import phrases
from doorward.console.browser_sessions import BrowserSession
from doorward.console.sql_text import plain_text, sql_block, sql_line
from doorward.control.office import Office
from doorward.model.catalog import Label

FILTERS = {
    "clock_time": phrases.clock_time,
    "full_time": phrases.full_time,
    "iso": phrases.iso,
    "duration": phrases.duration,
    "number": phrases.number,
    "counted": phrases.counted,
    "treatment": phrases.treatment_of,
    "badge": phrases.badge_of,
    "occasion": phrases.occasion_of,
    "sql_block": sql_block,
    "sql_line": sql_line,
    "plain": plain_text,
}

LABELS = tuple(label.value for label in Label if label not in (Label.UNCLASSIFIED, Label.PROPOSED))


class Pages:
    """Renders pages and the live parts of them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._environment = Environment(
            loader=PackageLoader("doorward.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(FILTERS)
        self._environment.tests["masked"] = phrases.is_masked
        self._environment.globals["labels"] = LABELS

    def page(self, name: str, session: BrowserSession | None, status: int = 200, **values: Any) -> HTMLResponse:
        """The whole page *name*."""
        values |= {
            "pending": self.pending(session),
            "place": name,
            "glass": self._office.accesses.broken_glass() if session else (),
        }
        return HTMLResponse(self.part(name, session, **values), status)

    def part(self, name: str, session: BrowserSession | None, **values: Any) -> str:
        """A template on its own."""
        by = session.by if session else None
        words = {"by": by, "csrf": session.csrf if session else "", "protected": self._protected}
        return self._environment.get_template(f"{name}.html").render(words | values)

    def live(self, name: str, session: BrowserSession, **values: Any) -> dict[str, str]:
        """A live part: its HTML and its version, by which a browser knows whether it shows it already."""
        html = self.part(f"live_{name}", session, **values)
        return {"html": html, "version": hashlib.sha256(html.encode()).hexdigest()[:16]}

    def pending(self, session: BrowserSession | None) -> int:
        """How many questions wait, as far as the reader may see; like ones are one."""
        return len(self._office.queue.waiting(session.by)) if session else 0

    def _protected(self, upstream: str) -> frozenset[str]:
        return self._office.catalog.protected_names(upstream)
