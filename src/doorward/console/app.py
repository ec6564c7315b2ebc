"""The HTTP doors as one ASGI application: the console at the root, the API below ``/api/v1``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from doorward import telemetry
from doorward.api.app import create_api
from doorward.api.failures import UNEXPECTED, Failure, failure_of, failure_of_http, status_of
from doorward.api.guard import Guard
from doorward.api.scim import create_scim
from doorward.api.settings import DoorSettings
from doorward.api.signin import Signin
from doorward.console.browser_sessions import BrowserSession
from doorward.console.evidence_places import EvidencePlaces
from doorward.console.places import Places, SignedOut
from doorward.control.office import Office
from doorward.errors import DoorwardError
from doorward.evidence.shelf import Shelf


class _Form(StringConvertor):
    """What a list is taken away as."""

    regex = "csv|json"


register_url_convertor("form", _Form())
STATIC = Path(__file__).with_name("static")

# A link from a chat or a terminal comes "from another site", and a strict cookie stays at home for it. Going there once
# more, from our own page, brings the cookie along.
AGAIN = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>Doorward</title>'

Handler = Callable[[Request], Awaitable[Response]]


def create_app(
    office: Office, settings: DoorSettings, others: Sequence[BaseRoute] = (), shelf: Shelf | None = None
) -> Starlette:
    """Console, API and *others* over *office*, with the guard and security headers in front of all. *shelf* keeps packs."""
    signin = Signin(office, settings)
    places = Places(office, settings, signin)
    evidence = EvidencePlaces(office, places, shelf)

    def page(path: str, handler: Handler, *methods: str) -> Route:
        return Route(path, _bordered(handler, places), methods=list(methods or ("GET",)))

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _failure_page(places, request, failure_of_http(error), error.status_code)

    scim = []
    if office.scim is not None:
        scim.append(Mount("/scim/v2", create_scim(office.people, office.scim.token(), signin, settings)))
    return Starlette(
        routes=[
            *scim,
            Mount("/api/v1", create_api(office, settings, signin)),
            Mount("/static", StaticFiles(directory=STATIC)),
            page("/", places.now),
            page("/login", places.login, "GET", "POST"),
            page("/logout", places.logout, "POST"),
            page("/sign-in/start", places.signing_in.start),
            page("/sign-in/callback", places.signing_in.callback),
            page("/sign-in/command", places.command, "GET", "POST"),
            page("/sign-in/backchannel-logout", places.signing_in.logged_out, "POST"),
            page("/account", places.accounts.account),
            page("/account/set-up", places.accounts.set_up, "GET", "POST"),
            page("/account/password", places.accounts.change_password, "POST"),
            page("/account/recovery-codes", places.accounts.renew_codes, "POST"),
            page("/approvals", places.approvals),
            page("/approvals/{id}", places.request),
            page("/approvals/{id}/answer", places.answer, "POST"),
            page("/record", places.record),
            page("/record/{index:int}", places.entry),
            page("/record/disclosures", places.disclosures),
            page("/record/disclosures.{form:form}", places.disclosures_file),
            page("/record/timeline/{name}", places.timeline),
            page("/record.{form:form}", places.record_file),
            page("/catalog", places.catalog),
            page("/catalog/verdict", places.decide_label, "POST"),
            page("/evidence", evidence.evidence),
            page("/evidence/packs", evidence.make, "POST"),
            page("/evidence/packs/{name}.zip", evidence.whole),
            page("/evidence/packs/{name}/{path:path}", evidence.file),
            page("/evidence/reviews", evidence.start_review, "POST"),
            page("/evidence/reviews/{id}", evidence.review),
            page("/evidence/reviews/{id}/decide", evidence.decide_line, "POST"),
            page("/evidence/reviews/{id}/close", evidence.close_review, "POST"),
            page("/agents", places.agents),
            page("/agents/stop", places.stop_agents, "POST"),
            page("/agents/resume", places.resume_agents, "POST"),
            page("/live/{place}", places.stream),
            *others,
        ],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={HTTPException: refuse},
    )


def _bordered(handler: Handler, places: Places) -> Handler:
    async def bordered(request: Request) -> Response:
        try:
            return await handler(request)
        except SignedOut:
            return _to_login(request)
        except DoorwardError as error:
            return _failure_page(places, request, failure_of(error), status_of(error))
        except HTTPException:
            raise
        except Exception:
            telemetry.log_crash("request.crashed", path=request.url.path)
            return _failure_page(places, request, UNEXPECTED, 500)

    return bordered


def _to_login(request: Request) -> Response:
    if request.headers.get("accept", "").startswith("text/event-stream"):
        return Response(status_code=401)
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(AGAIN)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "") if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(here)}" if here != "/" else "/login", 303)


def _failure_page(places: Places, request: Request, failure: Failure, status: int) -> Response:
    session: BrowserSession | None
    try:
        session = places.session_of(request)
    except SignedOut:
        session = None
    return places.pages.page("failure", session, status, failure=failure, live="")
