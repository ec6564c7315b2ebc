"""Where tokens are exchanged (RFC 8693), with the metadata and keys that others look for (RFC 8414, RFC 7517)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from doorward.api.signin import address_of
from doorward.authentication.attempts import Attempts
from doorward.authentication.delegation import MOST_SECONDS, READ, SCOPES
from doorward.control.delegations import Wanted
from doorward.control.office import Office
from doorward.errors import AuthenticationFailed, DoorwardError, InvalidRequest, TooManyAttempts

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# A name and a secret of Doorward's, as NAME:SECRET; as what is asked for, a secret for SCRAM.
SECRET = "urn:doorward:token-type:secret"
_TAKEN = frozenset({JWT, ACCESS_TOKEN, SECRET})


class TokenEndpoint:
    """The small authorization server: it exchanges, and does nothing else."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._attempts = Attempts(office.now)

    @property
    def routes(self) -> list[BaseRoute]:
        """Where it is."""
        return [
            Route("/oauth/token", self._exchange, methods=["POST"]),
            Route("/oauth/jwks", self._jwks),
            Route("/.well-known/oauth-authorization-server", self._metadata),
        ]

    async def _exchange(self, request: Request) -> Response:
        address = address_of(request)
        try:
            self._attempts.check(address)
            form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
            return await self._exchanged(form)
        except TooManyAttempts as error:
            return _refused("slow_down", error, 429)
        except AuthenticationFailed as error:
            self._attempts.failed(address)
            return _refused("invalid_grant", error)
        except InvalidRequest as error:
            return _refused("invalid_request", error)
        except DoorwardError as error:
            return _refused("invalid_grant", error)

    async def _exchanged(self, form: dict[str, str]) -> Response:
        if form.get("grant_type") != GRANT:
            return _refused("unsupported_grant_type", InvalidRequest("Tokens are exchanged here.", f"grant_type={GRANT}"))
        wanted_type = form.get("requested_token_type", ACCESS_TOKEN)
        for name in ("subject_token_type", "actor_token_type"):
            if form.get(name) not in _TAKEN:
                raise InvalidRequest(f"{name} is none that is taken.", f"Known: {', '.join(sorted(_TAKEN))}.")
        if wanted_type not in _TAKEN:
            raise InvalidRequest("requested_token_type is none that is given.", f"Known: {', '.join(sorted(_TAKEN))}.")
        audience = form.get("audience") or form.get("resource") or ""
        seconds = form.get("expires_in", str(MOST_SECONDS))
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 6):
            raise InvalidRequest("expires_in is a number of seconds.")
        wanted = Wanted(audience, frozenset(form.get("scope", READ).split()), int(seconds))
        office = self._office.delegations
        issued = await office.exchange(form.get("subject_token", ""), form.get("actor_token", ""), wanted)
        given: dict[str, Any] = {"access_token": issued.token, "token_type": "Bearer"}
        if wanted_type == SECRET:
            if audience == office.resource:
                raise InvalidRequest("A secret is for a database.", "Name it as the audience.")
            _delegation, _subject, actor = office.verify(issued.token, audience)
            minted = await office.secret_for(issued.delegation, actor, audience)
            given = {"access_token": minted.secret, "token_type": "N_A", "user": actor.name}
        lives = issued.delegation.expires_s - self._office.now() // 1_000_000
        scope = " ".join(sorted(issued.delegation.scope))
        answer = {**given, "issued_token_type": wanted_type, "expires_in": lives, "scope": scope}
        return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(self._office.delegations.key.jwks(), headers={"Cache-Control": "max-age=60"})

    async def _metadata(self, request: Request) -> Response:
        url = self._office.delegations.url
        return JSONResponse(
            {
                "issuer": url,
                "token_endpoint": f"{url}/oauth/token",
                "jwks_uri": f"{url}/oauth/jwks",
                "grant_types_supported": [GRANT],
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": sorted(SCOPES),
            }
        )


def _refused(code: str, error: DoorwardError, status: int = 400) -> Response:
    return JSONResponse({"error": code, "error_description": str(error)}, status, headers={"Cache-Control": "no-store"})
