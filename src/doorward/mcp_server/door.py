"""The MCP endpoint on the control process: ``/mcp``, and what ``doorward mcp`` asks beside it.

The SDK takes a second to load, so it is loaded when the first client comes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from doorward import telemetry
from doorward.api.failures import UNEXPECTED, failure_of, failure_response, status_of
from doorward.api.signin import address_of
from doorward.api.token_endpoint import TokenEndpoint
from doorward.authentication.attempts import Attempts
from doorward.authentication.delegation import SCOPES
from doorward.authentication.tokens import looks_like_token
from doorward.control.office import Office
from doorward.control.operators import Operator
from doorward.control.secrets import Minted
from doorward.errors import AuthenticationFailed, DoorwardError, InvalidRequest
from doorward.mcp_server.callers import Caller, caller_from
from doorward.mcp_server.gateway_client import GatewayAddress
from doorward.mcp_server.knowledge import OfficeKnowledge
from doorward.mcp_server.parking import Parking
from doorward.model.identity import PrincipalKind

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"
METADATA = "/.well-known/oauth-protected-resource"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what a listener has, not where to listen


class McpDoor:
    """*url* gives the address of the HTTP doors, which issues the tokens that are taken here.

    ``close`` ends every client's session, and what waits for it."""

    def __init__(self, office: Office, url: Callable[[], str], *, tls: bool) -> None:
        self._office = office
        self._url = url
        self._tls = tls
        office.delegations.url = url()
        self._attempts = Attempts(office.now)
        self._knowledge = OfficeKnowledge(office)
        self._parking = Parking()
        self._minted: dict[tuple[str, str], Minted] = {}
        self._manager: StreamableHTTPSessionManager | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def routes(self) -> list[BaseRoute]:
        """Where it is, for the application that it is a part of."""
        return [
            Route(PATH, _Gate(self)),
            Route(f"{PATH}/knowledge/{{what}}", self._tell, methods=["GET", "POST"]),
            Route(METADATA, self._metadata),
            Route(METADATA + PATH, self._metadata),
            *TokenEndpoint(self._office).routes,
        ]

    async def close(self) -> None:
        """Withdraw what waits, and end."""
        self._parking.close()
        self._over.set()
        if self._serving is not None:
            await self._serving

    def caller(self, request: Request) -> Caller:
        """Who is calling. Raises AuthenticationFailed or TooManyAttempts."""
        address, name = address_of(request), ""
        self._attempts.check(address)
        try:
            authorization = request.headers.get("authorization", "")
            scheme, _, shown = authorization.partition(" ")
            if scheme.lower() == "bearer" and looks_like_token(shown.strip()):
                return self._token_holder(shown.strip())
            claimed = caller_from(authorization)
            name = claimed.name
            self._attempts.check(address, name)
            by = self._office.secrets.prove(claimed.name, claimed.secret)
            if by.principal is None or by.principal.kind is PrincipalKind.HUMAN:
                raise AuthenticationFailed("Agents and services call tools; people have the console.", "Register an agent.")
            why_not = self._office.agents.why_not(by.principal, "")
            if why_not:
                raise AuthenticationFailed(why_not, "Ask whoever it acts for, or an administrator.")
        except AuthenticationFailed:
            if "authorization" in request.headers:
                self._attempts.failed(address, name)
            raise
        self._attempts.succeeded(address, name)
        return replace(claimed, by=by)

    def _token_holder(self, token: str) -> Caller:
        delegations = self._office.delegations
        delegation, _subject, actor = delegations.verify(token, delegations.resource)
        return Caller(actor.name, "", Operator(actor, delegation.token_id), delegation)

    def challenge(self, error: DoorwardError) -> Response:
        """What a caller is told who did not show who it is (RFC 9728, section 5.1)."""
        response = failure_response(failure_of(error), status_of(error))
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = f'Bearer resource_metadata="{self._url()}{METADATA}{PATH}"'
        return response

    async def serve(self, scope: Scope, receive: Receive, send: Send, caller: Caller) -> None:
        """Pass a request of *caller* to the SDK."""
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import AccessToken

        manager = await self._managing()
        # By the name a session of the protocol belongs to one caller; the secret goes along to sign in with.
        shown = AccessToken(token=caller.secret, client_id=caller.name, scopes=[], subject=caller.name)
        user = AuthenticatedUser(shown)
        await manager.handle_request({**scope, "user": user, "doorward.caller": caller}, receive, send)
        if scope["method"] == "DELETE":
            self._parking.client_left(Request(scope).headers.get("mcp-session-id", ""))

    async def _managing(self) -> StreamableHTTPSessionManager:
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="mcp sessions")
        ready = asyncio.create_task(self._ready.wait(), name="mcp ready")
        await asyncio.wait({ready, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._manager is None or self._over.is_set():
            raise InvalidRequest("Doorward is about to stop.", "Connect again in a moment.")
        return self._manager

    async def _serve(self) -> None:
        make = await asyncio.to_thread(_load)
        tools = make.Tools(self._knowledge, self._gateway, _caller_of, self._parking)
        server = tools.server()
        # The guard in front has looked at host and origin.
        server.streamable_http_app(transport_security=make.TransportSecuritySettings(enable_dns_rebinding_protection=False))
        async with server.session_manager.run():
            self._manager = server.session_manager
            self._ready.set()
            await self._over.wait()

    async def _gateway(self, caller: Caller, database: str) -> tuple[GatewayAddress, Caller]:
        """The gateway, and *caller* with a secret: who showed a token gets one for this database that lives as long."""
        address = self._office.address
        where = GatewayAddress(
            _ANY_ADDRESS.get(address.host, address.host), address.port, "require" if self._tls else "disable"
        )
        if caller.delegation is None:
            return where, caller
        assert caller.by is not None
        assert caller.by.principal is not None
        key = (caller.delegation.token_id, database)
        self._minted = {kept: minted for kept, minted in self._minted.items() if minted.expires_us > self._office.now()}
        if key not in self._minted:
            upstream = self._office.directory.upstream_for(database)
            self._minted[key] = await self._office.delegations.secret_for(caller.delegation, caller.by.principal, upstream)
        return where, replace(caller, secret=self._minted[key].secret)

    async def _metadata(self, request: Request) -> Response:
        """Protected resource metadata (RFC 9728, section 2)."""
        return JSONResponse(
            {
                "resource": self._url() + PATH,
                "authorization_servers": [self._url()],
                "bearer_methods_supported": ["header"],
                "scopes_supported": sorted(SCOPES),
                "resource_name": "Doorward",
            },
            headers={"Access-Control-Allow-Origin": "*"},
        )

    async def _tell(self, request: Request) -> Response:
        """Knowledge for ``doorward mcp``, whose tools run beside its client."""
        try:
            caller = self.caller(request)
            asked: dict[str, Any] = json.loads(await request.body()) if request.method == "POST" else {}
            database, text = str(asked.get("database", "")), str(asked.get("text", ""))
            match request.path_params["what"]:
                case "databases":
                    address = self._office.address
                    databases = await self._knowledge.databases(caller)
                    return JSONResponse({"port": address.port, "tls": self._tls, "databases": databases})
                case "columns":
                    return JSONResponse({"columns": await self._knowledge.columns(caller, database, text)})
                case "explain":
                    return JSONResponse(await self._knowledge.explain(caller, database, text))
                case _:
                    raise InvalidRequest("There is nothing of that name.")
        except ValueError:
            return self.challenge(InvalidRequest("The body is not JSON."))
        except DoorwardError as error:
            return self.challenge(error)


class _Gate:
    """ASGI: lets only callers through that have shown who they are."""

    def __init__(self, door: McpDoor) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            caller = self._door.caller(Request(scope))
            await self._door.serve(scope, receive, send, caller)
        except DoorwardError as error:
            await self._door.challenge(error)(scope, receive, send)
        except Exception:
            telemetry.log_crash("request.crashed", path=PATH)
            await failure_response(UNEXPECTED, 500)(scope, receive, send)


def _caller_of(context: Any) -> Caller:
    caller: Caller = context.request_context.request.scope["doorward.caller"]
    return caller


def _load() -> Any:
    """The SDK and what is made with it."""
    from types import SimpleNamespace

    from mcp.server.transport_security import TransportSecuritySettings

    from doorward.mcp_server.tools import Tools

    return SimpleNamespace(TransportSecuritySettings=TransportSecuritySettings, Tools=Tools)
