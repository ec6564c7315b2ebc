"""The pages: what each shows and what its forms do."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from sse_starlette import EventSourceResponse
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from doorward.api.failures import status_of
from doorward.api.queries import (
    DISCLOSURE_QUERY,
    FILTER_WORDS,
    TIMES,
    filters_from,
    label_from,
    wanted_from,
    whole_number,
)
from doorward.api.settings import DoorSettings
from doorward.api.shapes import LogOut
from doorward.api.signin import Signin, address_of
from doorward.api.table import csv_response
from doorward.console.accounts import AccountPages
from doorward.console.browser_sessions import COOKIE, BrowserSession, BrowserSessions
from doorward.console.live import Live
from doorward.console.rendering import Pages
from doorward.console.signing_in import SigningIn
from doorward.control.office import Office
from doorward.control.operators import LOCAL_NAME
from doorward.control.record import EXPORT_LIMIT
from doorward.control.tables import utc
from doorward.control.timeline import Stretch, stretches, timeline
from doorward.control.verifiers import SECRET_PREFIX
from doorward.errors import (
    AuditUnavailable,
    AuthenticationFailed,
    DoorwardError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    TooManyAttempts,
)

QUERY_WORDS = (*FILTER_WORDS, *TIMES)
TIMELINE_ROWS = 1_000


# What limits of an agent are called beside their numbers.
LIMITS = (
    ("rows_per_statement", "rows a statement"),
    ("rows_per_hour", "rows an hour"),
    ("statements_per_minute", "statements a minute"),
    ("sessions", "sessions"),
)

_MOST = {"limit": str(EXPORT_LIMIT)}


class SignedOut(DoorwardError):
    """The page is for people who are signed in."""

    code = "authentication-failed"


class Places:
    """One method a page or form."""

    def __init__(self, office: Office, settings: DoorSettings, signin: Signin) -> None:
        self._office = office
        self._settings = settings
        self._signin = signin
        self._sessions = BrowserSessions(office.proven_still, office.now)
        self.pages = Pages(office)
        self.signing_in = SigningIn(office, settings, signin, self._sessions, self.pages, _own_path)
        self.accounts = AccountPages(office, signin, self.pages, self.signing_in, self.session_of, self.form_of)
        self._live = Live(office, self.pages, self._sessions)

    def session_of(self, request: Request) -> BrowserSession:
        """The reader's session. Raises SignedOut."""
        session = self._sessions.of(request.cookies.get(COOKIE, ""))
        if session is None:
            raise SignedOut("Sign in first.")
        return session

    # --- signing in and out ---------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """The form, and what it sends."""
        if request.method == "GET":
            return self._login_page(request.query_params.get("next", "/"))
        form = await request.form()
        following = _own_path(text_of(form, "next"))
        name, address, shown = text_of(form, "name").strip(), address_of(request), text_of(form, "secret")
        try:
            if name == LOCAL_NAME or shown.strip().startswith(SECRET_PREFIX):
                by = self._signin.by_name(name, shown.strip(), address)
            else:
                by = await self._signin.by_password(name, shown, text_of(form, "code"), address)
            await self._office.signed_in(by, address)
        except AuthenticationFailed as error:
            with contextlib.suppress(AuditUnavailable):  # nobody got in
                await self._office.not_signed_in(name, address)
            return self._login_page(following, error)
        except (TooManyAttempts, AuditUnavailable) as error:
            return self._login_page(following, error)
        return self.signing_in.enter(request, by, following)

    async def command(self, request: Request) -> Response:
        """Ask whether the command line may act as the reader, and take the yes."""
        if request.method == "GET":
            return self.signing_in.ask_command(request, self.session_of(request))
        session, form = await self.form_of(request)
        return self.signing_in.let_command_in(session, lambda name, _none: text_of(form, name))

    async def logout(self, request: Request) -> Response:
        """End the session."""
        session, _form = await self.form_of(request)
        if session.by.sign_in_id:
            await self._office.sign_ins.end(session.by, session.by.sign_in_id, "You signed out.")
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=self._settings.is_https)
        return response

    def _login_page(self, following: str, error: DoorwardError | None = None) -> HTMLResponse:
        status = status_of(error) if error else 200
        provider = self._office.sign_ins.provider
        title = (provider.settings.title or "your provider") if provider is not None else ""
        return self.pages.page("login", None, status, following=_own_path(following), error=error, provider=title)

    # --- reading --------------------------------------------------------------------------------------------------

    async def now(self, request: Request) -> Response:
        """Who is connected and what they do."""
        session = self.session_of(request)
        return self.pages.page("now", session, parts=await self._live.now(session), live="/live/now")

    async def approvals(self, request: Request) -> Response:
        """The queue."""
        session = self.session_of(request)
        return self.pages.page("approvals", session, parts=await self._live.approvals(session), live="/live/approvals")

    async def request(self, request: Request) -> Response:
        """One request: everything it takes to decide."""
        session, request_id = self.session_of(request), request.path_params["id"]
        question = self._office.desk.question(session.by, request_id)
        parts = await self._live.request(session, request_id)
        live = f"/live/request?{urlencode({'subject': request_id})}"
        return self.pages.page("request", session, question=question, parts=parts, live=live)

    async def record(self, request: Request) -> Response:
        """Search the log."""
        session = self.session_of(request)
        query = {word: request.query_params.get(word, "") for word in QUERY_WORDS}
        page = await self._office.record.search(session.by, filters_from(request.query_params))
        kept = {word: value for word, value in query.items() if value}
        older = "?" + urlencode(kept | {"before": page.older}) if page.older else ""
        first = "?" + urlencode(kept) if request.query_params.get("before") else ""
        return self.pages.page(
            "record",
            session,
            query=query,
            rows=page.rows,
            older=older,
            first=first,
            export=urlencode(kept),
            live="/live/header",
        )

    async def record_file(self, request: Request) -> Response:
        """What is looked for in the log, as a file to take away."""
        session = self.session_of(request)
        page = await self._office.record.search(session.by, filters_from(dict(request.query_params) | _MOST, EXPORT_LIMIT))
        return _file(LogOut(page.rows, page.older), request.path_params["form"])

    async def disclosures(self, request: Request) -> Response:
        """Who was given labelled columns."""
        session = self.session_of(request)
        query = {word: request.query_params.get(word, "") for word in DISCLOSURE_QUERY}
        found = await self._office.record.who_saw(session.by, wanted_from(request.query_params))
        kept = urlencode({word: value for word, value in query.items() if value})
        return self.pages.page("disclosures", session, query=query, found=found, export=kept, live="/live/header")

    async def disclosures_file(self, request: Request) -> Response:
        """The same as a file to take away."""
        session = self.session_of(request)
        found = await self._office.record.who_saw(session.by, wanted_from(request.query_params))
        return _file(list(found), request.path_params["form"])

    async def timeline(self, request: Request) -> Response:
        """What one did, in order."""
        session, name = self.session_of(request), request.path_params["name"]
        query = {word: request.query_params.get(word, "") for word in TIMES}
        filters = replace(filters_from(request.query_params), limit=TIMELINE_ROWS)
        rows = await timeline(self._office.record, session.by, name, filters)
        days: dict[str, list[Stretch]] = {}
        for stretch in stretches(rows):
            days.setdefault(utc(stretch.first.at_us)[:10], []).append(stretch)
        kept = urlencode({"party": name} | {word: value for word, value in query.items() if value})
        return self.pages.page(
            "timeline", session, whose=name, query=query, days=days, count=len(rows), export=kept, live="/live/header"
        )

    async def entry(self, request: Request) -> Response:
        """One entry."""
        session = self.session_of(request)
        detail = await self._office.record.detail(session.by, request.path_params["index"])
        return self.pages.page("entry", session, detail=detail, size=self._office.record.size(), live="/live/header")

    async def catalog(self, request: Request) -> Response:
        """Columns and labels."""
        session = self.session_of(request)
        table, label = request.query_params.get("table", ""), request.query_params.get("label", "")
        unreviewed = request.query_params.get("unreviewed", "") == "1"
        everything = self._office.catalog.rows()
        rows = [
            row
            for row in self._office.catalog.rows(table=table, unreviewed=unreviewed)
            if label in ("", row.column.label.value) or (label == "protected" and row.column.label.is_protected)
        ]
        return self.pages.page(
            "catalog",
            session,
            rows=rows,
            query={"table": table, "label": label, "unreviewed": unreviewed},
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            protected_count=sum(row.column.label.is_protected for row in everything),
            unreviewed_count=sum(not row.is_reviewed for row in everything),
            total=len(everything),
            live="/live/header",
        )

    async def stream(self, request: Request) -> Response:
        """The changes of a page's live parts."""
        session, place = self.session_of(request), request.path_params["place"]
        subject = request.query_params.get("subject", "")
        if not self._live.knows(place):
            raise NotFound("There is no such page.")
        if place == "request":
            self._office.desk.question(session.by, subject)
        return EventSourceResponse(self._live.stream(request.cookies[COOKIE], place, subject))

    # --- acting ---------------------------------------------------------------------------------------------------

    async def answer(self, request: Request) -> Response:
        """Approve or reject."""
        session, form = await self.form_of(request)
        word = text_of(form, "answer")
        if word not in ("approve", "reject"):
            raise InvalidRequest("The answer is to approve or to reject.")
        request_id, reason = request.path_params["id"], text_of(form, "reason").strip()
        if text_of(form, "alike"):
            # Those that the page showed, and none that came since.
            shown = [one for one in form.getlist("shown") if isinstance(one, str)]
            await self._office.queue.answer([request_id, *shown], session.by, word == "approve", reason)
        else:
            await self._office.desk.answer(request_id, session.by, word == "approve", reason)
        return RedirectResponse(f"/approvals/{request_id}", 303)

    async def decide_label(self, request: Request) -> Response:
        """Confirm or change a label."""
        session, form = await self.form_of(request)
        await self._office.catalog.decide(
            session.by,
            text_of(form, "upstream"),
            whole_number(text_of(form, "table_oid"), "table_oid"),
            whole_number(text_of(form, "attribute_number"), "attribute_number"),
            label_from(text_of(form, "label")),
            text_of(form, "reason").strip(),
        )
        return RedirectResponse(_own_path(text_of(form, "next")), 303)

    # --- agents ---------------------------------------------------------------------------------------------------

    async def agents(self, request: Request) -> Response:
        """Who acts for whom, within which limits, and the switch that stops them."""
        session = self.session_of(request)
        office = self._office.agents
        return self.pages.page(
            "agents", session, agents=office.all(session.by), stops=office.stops(session.by), limits=LIMITS, live=""
        )

    async def stop_agents(self, request: Request) -> Response:
        """Stop one, or all."""
        session, form = await self.form_of(request)
        reason = text_of(form, "reason").strip()
        await self._office.agents.stop(session.by, text_of(form, "scope"), text_of(form, "name"), reason)
        return RedirectResponse("/agents", 303)

    async def resume_agents(self, request: Request) -> Response:
        """Undo exactly one stop."""
        session, form = await self.form_of(request)
        await self._office.agents.resume(session.by, text_of(form, "scope"), text_of(form, "name"))
        return RedirectResponse("/agents", 303)

    async def form_of(self, request: Request) -> tuple[BrowserSession, FormData]:
        """A form of this very session. Raises NotPermitted for any other."""
        session = self.session_of(request)
        form = await request.form(max_files=0)
        if not session.owns(text_of(form, "csrf")):
            raise NotPermitted("The form is not one of your session.", "Load the page again.")
        return session, form


def _file(answer: LogOut | list[Any], form: str) -> Response:
    if form == "csv":
        return csv_response(answer)
    headers = {"Content-Disposition": 'attachment; filename="doorward.json"'}
    return Response(msgspec.json.encode(answer), headers=headers, media_type="application/json")


def text_of(form: FormData, name: str) -> str:
    """A field of a form; empty where there is none."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _own_path(path: str) -> str:
    """*path* if it stays on this site, else the first page."""
    parts = urlsplit(path)
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and path.isprintable()
    return path if is_own else "/"
