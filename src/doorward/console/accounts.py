"""Local accounts in the browser: set one up with a link, change its password, have fresh recovery codes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from doorward.api.failures import status_of
from doorward.api.signin import Signin, address_of
from doorward.console.browser_sessions import BrowserSession
from doorward.console.rendering import Pages
from doorward.console.signing_in import SigningIn
from doorward.control.office import Office
from doorward.control.one_time_codes import RECOVERY_CODES
from doorward.control.passwords import LEAST_LETTERS
from doorward.errors import AuthenticationFailed, Conflict, DoorwardError, InvalidRequest, TooManyAttempts

# What somebody may do about while they fill in a form: it is shown again, with what is wrong.
_TOLD_IN_THE_FORM = (AuthenticationFailed, Conflict, InvalidRequest, TooManyAttempts)


class AccountPages:
    """The pages. *session_of* and *form_of* are those of every page that asks who is there."""

    def __init__(
        self,
        office: Office,
        signin: Signin,
        pages: Pages,
        signing_in: SigningIn,
        session_of: Callable[[Request], BrowserSession],
        form_of: Callable[[Request], Awaitable[tuple[BrowserSession, FormData]]],
    ) -> None:
        self._office = office
        self._signin = signin
        self._pages = pages
        self._signing_in = signing_in
        self._session_of = session_of
        self._form_of = form_of

    async def set_up(self, request: Request) -> Response:
        """The page of a link, and what its form sends. Opening it uses nothing up: previews of links open them too."""
        if request.method == "GET":
            return self._set_up_page(request, request.query_params.get("link", ""))
        form = await request.form(max_files=0, max_fields=8)
        link = _text(form, "link")
        password, again = _text(form, "password"), _text(form, "again")
        try:
            with self._signin.attempt(address_of(request)):
                if password != again:
                    raise InvalidRequest("The two passwords are not the same.", "Type them again.")
                codes = await self._office.local_accounts.set_up(link, password, _text(form, "code"))
        except (Conflict, InvalidRequest) as error:
            return self._set_up_page(request, link, error)
        return self._pages.page("recovery_codes", None, codes=codes, following="/login", live="")

    def _set_up_page(self, request: Request, link: str, error: DoorwardError | None = None) -> Response:
        with self._signin.attempt(address_of(request)):
            setting_up = self._office.local_accounts.begin(link)
        status = status_of(error) if error else 200
        values = {"setting_up": setting_up, "link": link, "error": error, "least": LEAST_LETTERS, "live": ""}
        return self._pages.page("set_up", None, status, **values)

    async def account(self, request: Request) -> Response:
        """How the reader signed in, and what they may change about it."""
        return self._account_page(self._session_of(request))

    async def change_password(self, request: Request) -> Response:
        """Take the form; everybody who is signed in as the reader is signed out, but for this browser."""
        session, form = await self._form_of(request)
        try:
            if _text(form, "fresh") != _text(form, "again"):
                raise InvalidRequest("The two passwords are not the same.", "Type them again.")
            with self._signin.costly_attempt(address_of(request), session.by.name):
                by = await self._office.local_accounts.change_password(
                    session.by, _text(form, "password"), _text(form, "code"), _text(form, "fresh")
                )
        except _TOLD_IN_THE_FORM as error:
            return self._account_page(session, error)
        return self._signing_in.enter(request, by, "/account")

    async def renew_codes(self, request: Request) -> Response:
        """Fresh recovery codes, shown once."""
        session, form = await self._form_of(request)
        try:
            with self._signin.costly_attempt(address_of(request), session.by.name):
                codes = await self._office.local_accounts.renew_recovery_codes(
                    session.by, _text(form, "password"), _text(form, "code")
                )
        except _TOLD_IN_THE_FORM as error:
            return self._account_page(session, error)
        return self._pages.page("recovery_codes", session, codes=codes, following="/account", live="")

    def _account_page(self, session: BrowserSession, error: DoorwardError | None = None) -> Response:
        values = {
            "account": self._office.local_accounts.of(session.by),
            "error": error,
            "least": LEAST_LETTERS,
            "all_codes": RECOVERY_CODES,
            "live": "",
        }
        return self._pages.page("account", session, status_of(error) if error else 200, **values)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
