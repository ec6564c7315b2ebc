"""The door for answers that trusted systems bring: ``POST /hooks/{name}/answers``, signed; there only where one is named."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from doorward import telemetry
from doorward.api.failures import UNEXPECTED, failure_of, failure_response, status_of
from doorward.api.signin import address_of
from doorward.authentication.attempts import Attempts
from doorward.control.office import Office
from doorward.errors import AuthenticationFailed, DoorwardError
from doorward.notifying.receivers import Answerer
from doorward.notifying.signed_answers import SignedAnswers


def answer_hooks(office: Office, answerers: tuple[Answerer, ...]) -> list[Route]:
    """The route for *answerers*; none when there are none. Failed calls are counted by address, as failed sign-ins are."""
    if not answerers:
        return []
    calls = SignedAnswers(answerers, office.now)
    attempts = Attempts(office.now)

    async def brought(request: Request) -> Response:
        name, address = request.path_params["name"], address_of(request)
        attempts.check(address)
        try:
            answer = calls.take(name, request.headers, await request.body())
        except AuthenticationFailed as error:
            attempts.failed(address)
            await office.answers.refused(f"webhook {name[:40]} from {address}", "", error.reason)
            raise
        except DoorwardError as error:
            await office.answers.refused(f"webhook {name[:40]} from {address}", "", error.message)
            raise
        record = await office.answers.answer(f"webhook {name}", answer.person, answer.request, answer.approve, answer.reason)
        return JSONResponse({"request": record.request.id, "state": record.state.value})

    async def bordered(request: Request) -> Response:
        try:
            return await brought(request)
        except DoorwardError as error:
            return failure_response(failure_of(error), status_of(error))
        except Exception:
            telemetry.log_crash("request.crashed", path=request.url.path)
            return failure_response(UNEXPECTED, 500)

    return [Route("/hooks/{name}/answers", bordered, methods=["POST"])]
