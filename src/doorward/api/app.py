"""The API as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext

import msgspec
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from doorward import telemetry
from doorward.api.endpoints import ENDPOINTS, Call, Endpoint
from doorward.api.failures import UNEXPECTED, failure_of, failure_of_http, failure_response, status_of
from doorward.api.guard import Guard
from doorward.api.openapi import openapi
from doorward.api.queries import filters_from
from doorward.api.settings import DoorSettings
from doorward.api.signin import Signin, address_of
from doorward.api.stream import log_rows
from doorward.api.table import csv_response
from doorward.control.office import Office
from doorward.control.operators import NOBODY
from doorward.errors import DoorwardError, InvalidRequest, NotPermitted
from doorward.model.identity import PrincipalKind

Handler = Callable[[Request], Awaitable[Response]]


def create_api(office: Office, settings: DoorSettings, signin: Signin) -> Starlette:
    """The application, to be mounted at ``/api/v1``, or served alone: it brings its own guard."""

    async def describe(request: Request) -> Response:
        return JSONResponse(description)

    async def stream(request: Request) -> Response:
        by = signin.by_header(request)
        filters = filters_from(request.query_params)

        async def events() -> AsyncIterator[dict[str, str]]:
            async for row in log_rows(office, by, filters):
                if row is not None:
                    yield {"event": "row", "id": str(row.index), "data": msgspec.json.encode(row).decode()}

        return EventSourceResponse(events())

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return failure_response(failure_of_http(error), error.status_code)

    description = openapi()
    routes = [
        Route("/openapi.json", describe),
        Route("/log/stream", _bordered(stream)),
        *(Route(e.path, _bordered(_serving(e, office, signin)), methods=[e.method]) for e in ENDPOINTS),
    ]
    return Starlette(
        routes=_merged(routes), middleware=[Middleware(Guard, settings=settings)], exception_handlers={HTTPException: refuse}
    )


def _serving(endpoint: Endpoint, office: Office, signin: Signin) -> Handler:
    async def serve(request: Request) -> Response:
        by = NOBODY if endpoint.is_open else signin.by_header(request)
        if (
            by.principal is not None
            and by.principal.kind is PrincipalKind.SERVICE
            and by is not NOBODY
            and endpoint.method != "GET"
        ):
            raise NotPermitted("Keys only read here.", "What changes anything takes a person who is signed in.")
        body = await _body(request, endpoint.takes) if endpoint.takes else None
        call = Call(office, by, {k: str(v) for k, v in request.path_params.items()}, request.query_params, body)
        with signin.attempt(address_of(request)) if endpoint.is_open else nullcontext():
            answer = await endpoint.handler(call)
        if endpoint.gives is None:
            return Response(status_code=endpoint.status)
        if request.query_params.get("format") == "csv":
            return csv_response(answer)
        return Response(msgspec.json.encode(answer), endpoint.status, media_type="application/json")

    return serve


async def _body(request: Request, takes: type[msgspec.Struct]) -> msgspec.Struct:
    # A form of another site can't send this type without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidRequest("The body is not JSON.", "Send Content-Type: application/json.")
    try:
        return msgspec.json.decode(await request.body(), type=takes)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body can't be read: {error}.", "See /api/v1/openapi.json.") from None


def _bordered(handler: Handler) -> Handler:
    async def bordered(request: Request) -> Response:
        try:
            return await handler(request)
        except DoorwardError as error:
            return failure_response(failure_of(error), status_of(error))
        except HTTPException:
            raise
        except Exception:
            telemetry.log_crash("request.crashed", path=request.url.path)
            return failure_response(UNEXPECTED, 500)

    return bordered


def _merged(routes: list[Route]) -> list[Route]:
    """One route a path: Starlette answers 405 at the first path that fits, so methods of a path must stand together."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    return [_one_route(path, found) for path, found in by_path.items()]


def _one_route(path: str, routes: list[Route]) -> Route:
    if len(routes) == 1:
        return routes[0]
    handlers = {method: route.endpoint for route in routes for method in route.methods or ()}

    async def dispatch(request: Request) -> Response:
        response: Response = await handlers[request.method](request)
        return response

    return Route(path, dispatch, methods=list(handlers))
