"""Signing in with the identity provider, and letting in the command line on one's own machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from doorward.api.settings import DoorSettings
from doorward.api.signin import Signin, address_of
from doorward.console.browser_sessions import COOKIE, BrowserSession, BrowserSessions
from doorward.console.rendering import Pages
from doorward.control.office import Office
from doorward.control.operators import Operator
from doorward.control.provider import Question
from doorward.control.sign_in_codes import QUESTION_SECONDS, Waiting
from doorward.errors import InvalidRequest, NotFound, NotPermitted

# Beside the session's own, which is strict: this one must come along when the provider sends the browser back.
STATE_COOKIE = "doorward_signing_in"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE = re.compile(r"[A-Za-z0-9_-]{16,128}")


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    following: str


class SigningIn:
    """The pages of it. *own_path* keeps a following page on this site."""

    def __init__(
        self,
        office: Office,
        settings: DoorSettings,
        signin: Signin,
        sessions: BrowserSessions,
        pages: Pages,
        own_path: Callable[[str], str],
    ) -> None:
        self._office = office
        self._settings = settings
        self._signin = signin
        self._sessions = sessions
        self._pages = pages
        self._own_path = own_path
        self._asked: Waiting[_Asked] = Waiting(office.now, QUESTION_SECONDS)

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        provider = self._office.sign_ins.provider
        if provider is None:
            raise NotFound("Nobody signs in with a provider here.", "Sign in with a name and a secret.")
        address, question = await provider.ask(f"{self._origin(request)}/sign-in/callback")
        self._asked.put(_Asked(question, self._own_path(request.query_params.get("next", "/"))), question.state)
        response = RedirectResponse(address, 303)
        response.set_cookie(
            STATE_COOKIE,
            question.state,
            max_age=QUESTION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=self._settings.is_https,
            path="/sign-in",
        )
        return response

    async def callback(self, request: Request) -> Response:
        """What the provider sent the browser back with. Another browser's answer is not taken."""
        told = dict(request.query_params)
        asked = self._asked.take(request.cookies.get(STATE_COOKIE, ""))
        provider = self._office.sign_ins.provider
        with self._signin.attempt(address_of(request)):
            if asked is None or provider is None:
                raise InvalidRequest("This sign-in was not begun in this browser, or too long ago.", "Sign in again.")
            by = await self._office.sign_ins.by_provider(await provider.answered(asked.question, told))
        response = self.enter(request, by, asked.following)
        response.delete_cookie(STATE_COOKIE, path="/sign-in", httponly=True, samesite="lax", secure=self._settings.is_https)
        return response

    def enter(self, request: Request, by: Operator, following: str) -> Response:
        """Begin a browser session of *by* and go on."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse(following, 303)
        response.set_cookie(
            COOKIE, self._sessions.start(by), httponly=True, samesite="strict", secure=self._settings.is_https, path="/"
        )
        return response

    async def logged_out(self, request: Request) -> Response:
        """The provider's own word that somebody has signed out (Back-Channel Logout 1.0)."""
        with self._signin.attempt(address_of(request)):
            form = await request.form(max_files=0, max_fields=4)
            await self._office.sign_ins.logged_out(str(form.get("logout_token", "")))
        return Response(status_code=200)

    def ask_command(self, request: Request, session: BrowserSession) -> Response:
        """Ask whether a command line may act as whoever is signed in."""
        query = self._checked(request.query_params.get)
        return self._pages.page("command", session, query=query, error=self._why_not(session), live="")

    def let_command_in(self, session: BrowserSession, given: Callable[[str, str], str]) -> Response:
        """Yes: send the browser to the command that waits, with a code."""
        query = self._checked(given)
        why_not = self._why_not(session)
        if why_not:
            raise NotPermitted(why_not, "Sign out here, and sign in with your identity provider or your password.")
        code = self._office.codes.give(session.by, query["challenge"])
        told = urlencode({"code": code, "state": query["state"]})
        # A page that goes there by itself: a form may send nobody to another site (form-action).
        address = escape(f"http://127.0.0.1:{query['port']}/?{told}", quote=True)
        return HTMLResponse(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={address}"><title>Doorward</title>'
        )

    @staticmethod
    def _why_not(session: BrowserSession) -> str:
        return "" if session.by.sign_in_id else "You are signed in with a secret, not as a person: it can't be passed on."

    @staticmethod
    def _checked(given: Callable[[str, str], str | None]) -> dict[str, str]:
        query = {name: given(name, "") or "" for name in ("port", "challenge", "state")}
        port = query["port"]
        is_port = port.isascii() and port.isdigit() and 1_024 <= int(port) <= 65_535
        if not is_port or not _CHALLENGE.fullmatch(query["challenge"]) or not _STATE.fullmatch(query["state"]):
            raise InvalidRequest("This page was not opened by doorward login.", "Run doorward login.")
        return query

    def _origin(self, request: Request) -> str:
        return f"{'https' if self._settings.is_https else request.url.scheme}://{request.headers.get('host', '')}"
