"""Pages of evidence: controls and packs, and access reviews."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from doorward.api.queries import whole_number
from doorward.console.browser_sessions import BrowserSession
from doorward.console.places import Places, text_of
from doorward.control.office import Office
from doorward.errors import InvalidRequest, NotFound, NotPermitted
from doorward.evidence.shelf import Shelf

QUARTER_DAYS = 91
# The report brings its own style and no script; it may do nothing else.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class EvidencePlaces:
    """One method a page or form."""

    def __init__(self, office: Office, places: Places, shelf: Shelf | None) -> None:
        self._office = office
        self._places = places
        self._shelf = shelf

    async def evidence(self, request: Request) -> Response:
        """Controls as the latest pack has them, packs, and reviews."""
        session = self._reader(request)
        kept = await asyncio.to_thread(self._shelf.kept) if self._shelf else ()
        today = datetime.fromtimestamp(self._office.now() / 1_000_000, UTC).date()
        return self._places.pages.page(
            "evidence",
            session,
            kept=kept,
            reviews=self._office.reviews.all(session.by),
            at_work=self._shelf.at_work if self._shelf else "",
            trouble=self._shelf.trouble if self._shelf else "",
            since=(today - timedelta(days=QUARTER_DAYS)).isoformat(),
            until=today.isoformat(),
            live="/live/header",
        )

    async def make(self, request: Request) -> Response:
        """Begin a pack."""
        session, form = await self._places.form_of(request)
        session.by.require_administration()
        since, until = (_day(text_of(form, word)) for word in ("since", "until"))
        if since > until:
            raise InvalidRequest("The window ends before it begins.")
        shelf, unique = self._shelf_there(), secrets.token_hex(4)
        await self._office.evidence_asked(session.by, f"{since}-to-{until}-{unique}")
        shelf.start(since, until, unique)
        return RedirectResponse("/evidence", 303)

    async def file(self, request: Request) -> Response:
        """A file of a pack: the report to read, the others to take away."""
        self._reader(request)
        name, path = request.path_params["name"], request.path_params["path"]
        found = self._shelf_there().file(name, path)
        if path == "report.html":
            return FileResponse(found, headers={"Content-Security-Policy": REPORT_POLICY})
        return FileResponse(found, filename=found.name, media_type="application/octet-stream")

    async def whole(self, request: Request) -> Response:
        """A pack as one file."""
        self._reader(request)
        name = request.path_params["name"]
        path = await asyncio.to_thread(self._shelf_there().as_zip, name)
        return FileResponse(path, filename=f"doorward-evidence-{name}.zip", media_type="application/zip")

    # --- access reviews -----------------------------------------------------------------------------------------------

    async def review(self, request: Request) -> Response:
        """One review: its lines, and forms to decide them."""
        session = self._reader(request)
        review = self._office.reviews.one(session.by, request.path_params["id"])
        return self._places.pages.page("review", session, review=review, live="/live/header")

    async def start_review(self, request: Request) -> Response:
        """Start a review."""
        session, form = await self._places.form_of(request)
        review = await self._office.reviews.start(session.by, text_of(form, "title").strip())
        return RedirectResponse(f"/evidence/reviews/{review.id}", 303)

    async def decide_line(self, request: Request) -> Response:
        """Keep or revoke."""
        session, form = await self._places.form_of(request)
        review_id, number = request.path_params["id"], whole_number(text_of(form, "line"), "line")
        await self._office.reviews.decide(
            session.by, review_id, number, text_of(form, "decision"), text_of(form, "reason").strip()
        )
        return RedirectResponse(f"/evidence/reviews/{review_id}#line-{number}", 303)

    async def close_review(self, request: Request) -> Response:
        """Close a review."""
        session, _form = await self._places.form_of(request)
        await self._office.reviews.close(session.by, request.path_params["id"])
        return RedirectResponse(f"/evidence/reviews/{request.path_params['id']}", 303)

    def _reader(self, request: Request) -> BrowserSession:
        session = self._places.session_of(request)
        if not session.by.may_read_all:
            raise NotPermitted("Evidence tells of everybody.", "Ask an administrator or an auditor.")
        return session

    def _shelf_there(self) -> Shelf:
        if self._shelf is None:
            raise NotFound("Packs are not kept here.", "Use doorward evidence.")
        return self._shelf


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise InvalidRequest(f"{text[:20]!r} is no day.", "Write it like 2027-03-31.") from None
