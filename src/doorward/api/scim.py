"""SCIM 2.0 (RFC 7643, RFC 7644) for users and groups, below ``/scim/v2``: what directories push people with.

Create, read, replace, patch, delete, and lists filtered by one attribute. What is not understood is refused in SCIM's words.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doorward import telemetry
from doorward.api.failures import status_of
from doorward.api.guard import Guard
from doorward.api.scim_patch import patched
from doorward.api.settings import DoorSettings
from doorward.api.signin import Signin, address_of
from doorward.authentication.strict_json import NotStrict, read_object
from doorward.control.people import GROUP, USER, People
from doorward.errors import AuthenticationFailed, DoorwardError, InvalidRequest
from doorward.store.records import DirectoryEntry

MEDIA_TYPE = "application/scim+json"
MOST_BYTES = 64 * 1024
MOST_LISTED = 200
SCHEMAS = {USER: "urn:ietf:params:scim:schemas:core:2.0:User", GROUP: "urn:ietf:params:scim:schemas:core:2.0:Group"}
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_FILTER = re.compile(r'\s*(userName|externalId|displayName|id)\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_SCIM_TYPES = {"conflict": "uniqueness", "invalid-request": "invalidValue"}


class FilterRefused(InvalidRequest):
    """The filter is none that is understood."""

    code = "invalid-filter"


Handler = Callable[[Request, str], Awaitable[Response]]


def create_scim(people: People, token: str, signin: Signin, settings: DoorSettings) -> Starlette:
    """The application, to be mounted at ``/scim/v2``. *token* is what the directory shows."""
    pages = ScimPages(people)

    def route(path: str, kind: str, handler: Handler, method: str) -> Route:
        async def serve(request: Request) -> Response:
            try:
                with signin.attempt(address_of(request)):
                    shown = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
                    if not hmac.compare_digest(shown.encode(errors="surrogatepass"), token.encode()):
                        raise AuthenticationFailed("The directory's token is wrong.")
                return await handler(request, kind)
            except DoorwardError as error:
                status = 400 if isinstance(error, FilterRefused) else status_of(error)
                return _refusal(status, str(error), _SCIM_TYPES.get(error.code, "invalidFilter" if status == 400 else ""))
            except Exception:
                telemetry.log_crash("request.crashed", path=request.url.path)
                return _refusal(500, "Something went wrong on our side.")

        return Route(path, serve, methods=[method], name=f"{method} {path}")

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _refusal(error.status_code, str(error.detail))

    routes = []
    for path, kind in (("/Users", USER), ("/Groups", GROUP)):
        routes += [route(path, kind, pages.listing, "GET"), route(path, kind, pages.create, "POST")]
        routes += [
            route(f"{path}/{{id}}", kind, handler, method)
            for method, handler in (
                ("GET", pages.read), ("PUT", pages.replace), ("PATCH", pages.patch), ("DELETE", pages.delete)
            )
        ]  # fmt: skip
    routes.append(route("/ServiceProviderConfig", "", pages.describe, "GET"))
    return Starlette(
        routes=routes, middleware=[Middleware(Guard, settings=settings)], exception_handlers={HTTPException: refuse}
    )


class ScimPages:
    """One method for each thing that a directory asks."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def listing(self, request: Request, kind: str) -> Response:
        """All, or those whose one attribute is as asked; a page at a time (RFC 7644, section 3.4.2)."""
        wanted = request.query_params.get("filter", "")
        found = [entry for entry in self._people.all(kind) if not wanted or _matches(entry, wanted)]
        start, count = max(_number(request, "startIndex", 1), 1), min(max(_number(request, "count", 100), 0), MOST_LISTED)
        page = found[start - 1 : start - 1 + count]
        answer = {
            "schemas": [_LIST],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": [_resource(entry, request) for entry in page],
        }
        return _answer(answer)

    async def create(self, request: Request, kind: str) -> Response:
        """Add one."""
        return _answer(_resource(await self._people.add(kind, await _body(request)), request), 201)

    async def read(self, request: Request, kind: str) -> Response:
        """Show one."""
        return _answer(_resource(self._people.one(kind, request.path_params["id"]), request))

    async def replace(self, request: Request, kind: str) -> Response:
        """Put another in its place."""
        body = await _body(request)
        return _answer(_resource(await self._people.replace(kind, request.path_params["id"], body), request))

    async def patch(self, request: Request, kind: str) -> Response:
        """Change some of it."""
        before = self._people.one(kind, request.path_params["id"])
        body = patched(json.loads(before.body), await _body(request))
        return _answer(_resource(await self._people.replace(kind, before.id, body), request))

    async def delete(self, request: Request, kind: str) -> Response:
        """Take one out."""
        await self._people.remove(kind, request.path_params["id"])
        return Response(status_code=204)

    async def describe(self, request: Request, kind: str) -> Response:
        """What is understood here (RFC 7643, section 5)."""
        off = {"supported": False}
        scheme = {"type": "oauthbearertoken", "name": "Bearer", "description": "The token in token_file."}
        return _answer({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": True},
            "bulk": {**off, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": MOST_LISTED},
            "changePassword": off,
            "sort": off,
            "etag": off,
            "authenticationSchemes": [scheme],
        })  # fmt: skip


async def _body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (MEDIA_TYPE, "application/json"):
        raise InvalidRequest(f"The body is not of the type {MEDIA_TYPE}.")
    try:
        return read_object(await request.body(), MOST_BYTES)
    except NotStrict as error:
        raise InvalidRequest(f"The body can't be read: {error}.") from None


def _matches(entry: DirectoryEntry, wanted: str) -> bool:
    found = _FILTER.fullmatch(wanted)
    if found is None:
        raise FilterRefused('Only filters such as userName eq "alice" are understood.')
    attribute = found[1].lower()
    body = json.loads(entry.body)
    given = entry.id if attribute == "id" else next((v for k, v in body.items() if k.lower() == attribute), None)
    value = re.sub(r"\\(.)", r"\1", found[2])
    # userName is compared without regard to case (RFC 7643, section 4.1.1).
    return isinstance(given, str) and (given.lower() == value.lower() if attribute == "username" else given == value)


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    if not given:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", given):
        raise InvalidRequest(f"{name} is not a number.")
    return int(given)


def _resource(entry: DirectoryEntry, request: Request) -> dict[str, Any]:
    path = f"/scim/v2/{entry.kind}s/{entry.id}"
    body = json.loads(entry.body) | ({"active": entry.active} if entry.kind == USER else {})
    meta = {
        "resourceType": entry.kind,
        "created": _time(entry.created_us),
        "lastModified": _time(entry.modified_us),
        "location": path,
    }
    return {"schemas": [SCHEMAS[entry.kind]], "id": entry.id, **body, "meta": meta}


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, media_type=MEDIA_TYPE)


def _refusal(status: int, detail: str, scim_type: str = "") -> Response:
    told = {"schemas": [_ERROR], "status": str(status), "detail": detail} | ({"scimType": scim_type} if scim_type else {})
    return _answer(told, status)
