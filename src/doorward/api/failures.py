"""Errors as HTTP tells them: one table from code to status, one JSON shape."""

from __future__ import annotations

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from doorward.errors import DoorwardError

STATUS_OF = {
    "invalid-request": 400,
    "authentication-failed": 401,
    "token-refused": 401,
    "sign-in-over": 401,
    "not-permitted": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,
    "too-large": 413,
    "too-many-attempts": 429,
    "audit-unavailable": 503,
    "index-unavailable": 503,
    "provider-unavailable": 503,
    "upstream-unavailable": 503,
}
CODE_OF = {status: code for code, status in reversed(STATUS_OF.items())}


class TooLarge(DoorwardError):
    """The body is over the limit."""

    code = "too-large"


class Failure(msgspec.Struct, frozen=True):
    """What went wrong: a stable code, what happened, what to do next."""

    code: str
    message: str
    remedy: str = ""


class FailureBody(msgspec.Struct, frozen=True):
    """The body of every error."""

    error: Failure


UNEXPECTED = Failure("internal", "Something went wrong on our side.", "It is in the operator's log. Try again.")


def status_of(error: DoorwardError) -> int:
    """The HTTP status for *error*; 500 for what nobody listed."""
    return STATUS_OF.get(error.code, 500)


def failure_of(error: DoorwardError) -> Failure:
    """*error* as it is told."""
    return Failure(error.code, error.message, error.remedy)


def failure_of_http(error: HTTPException) -> Failure:
    """What the router refused, told the same way."""
    return Failure(CODE_OF.get(error.status_code, "invalid-request"), str(error.detail))


def failure_response(failure: Failure, status: int) -> Response:
    """The JSON response. A 401 says how to sign in."""
    headers = {"WWW-Authenticate": 'Bearer, Basic realm="doorward", charset="UTF-8"'} if status == 401 else {}
    return Response(msgspec.json.encode(FailureBody(failure)), status, headers, "application/json")
