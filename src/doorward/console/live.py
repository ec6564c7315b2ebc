"""The parts of pages that change by themselves, and their stream. A part is drawn by one function, first and later alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

from doorward.console.browser_sessions import BrowserSession, BrowserSessions
from doorward.console.rendering import Pages
from doorward.control.filters import Filters
from doorward.control.office import Office

STATEMENTS = 40
# It is read anew whenever the log grows: who looks for what is further back searches the record.
REACH = 2000
SETTLED = 30

Parts = dict[str, dict[str, str]]


class Live:
    """Draws live parts."""

    def __init__(self, office: Office, pages: Pages, sessions: BrowserSessions) -> None:
        self._office = office
        self._pages = pages
        self._sessions = sessions
        self._drawing: dict[str, Callable[[BrowserSession, str], Awaitable[Parts]]] = {
            "now": self.now,
            "approvals": self.approvals,
            "request": self.request,
            "header": self.header,
        }

    async def now(self, session: BrowserSession, _: str = "") -> Parts:
        """Figures, sessions, what waits, and the latest rows of the record."""
        by = session.by
        rows = (await self._office.record.search(by, Filters(limit=STATEMENTS, reach=REACH))).rows
        waiting = self._office.queue.waiting(by)
        live = self._office.sessions.live(by)
        status = self._office.status(by)
        return {
            "figures": self._pages.live("figures", session, status=status),
            "waiting": self._pages.live("waiting", session, groups=waiting),
            "sessions": self._pages.live("sessions", session, sessions=live),
            "statements": self._pages.live("statements", session, rows=rows),
        }

    async def approvals(self, session: BrowserSession, _: str = "") -> Parts:
        """The queue, and what was settled of late."""
        queue = self._office.queue
        return {
            "queue": self._pages.live("queue", session, groups=queue.waiting(session.by)),
            "settled": self._pages.live("settled", session, groups=queue.settled(session.by, SETTLED)),
        }

    async def request(self, session: BrowserSession, request_id: str) -> Parts:
        """Where one request stands, and the form to answer it."""
        question = self._office.desk.question(session.by, request_id)
        asked = question.record.request
        return {
            "decision": self._pages.live(
                "decision",
                session,
                question=question,
                effect=self._office.effect_for(session.by, question),
                on_call=self._office.on_call.names_for(asked),
                alike=self._office.queue.alike(session.by, question),
                history=self._office.desk.history(session.by, question),
            )
        }

    async def header(self, session: BrowserSession, _: str = "") -> Parts:
        """Nothing but what every page has at its top."""
        return {}

    def knows(self, part: str) -> bool:
        """Whether there is such a place."""
        return part in self._drawing

    async def stream(self, cookie: str, place: str, subject: str) -> AsyncIterator[dict[str, str]]:
        """What changed at *place*, as events; ends when the session does."""
        sent: Parts = {}
        first = True
        async for topics in self._office.feed.follow():
            session = self._sessions.of(cookie)
            if session is None:
                yield {"event": "ended", "data": "signed out"}
                return
            if not topics and not first:
                # Requests expire without anyone saying so; asking for them settles those that are due.
                self._pages.pending(session)
                continue
            first = False
            count = str(self._pages.pending(session))
            parts = {"pending": {"html": count, "version": count}} | await self._drawing[place](session, subject)
            changed = {name: part for name, part in parts.items() if sent.get(name) != part}
            sent = parts
            if changed:
                yield {"event": "parts", "data": json.dumps(changed)}
