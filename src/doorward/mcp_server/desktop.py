"""The tools on the standard streams of a desktop client. What waits ends with it: the connections are this process's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from doorward.errors import AuthenticationFailed, DoorwardError, UpstreamUnavailable
from doorward.mcp_server.callers import Caller
from doorward.mcp_server.gateway_client import GatewayAddress
from doorward.mcp_server.parking import Parking
from doorward.mcp_server.tools import Tools

ASK_SECONDS = 30.0


class RemoteKnowledge:
    """Knowledge from the control process at *url*, and where its gateway is."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._http = http

    async def databases(self, caller: Caller) -> list[dict[str, Any]]:
        """The protected databases."""
        databases: list[dict[str, Any]] = (await self._ask(caller, "databases"))["databases"]
        return databases

    async def columns(self, caller: Caller, database: str, table: str) -> list[dict[str, Any]]:
        """Columns with their labels."""
        columns: list[dict[str, Any]] = (await self._ask(caller, "columns", database, table))["columns"]
        return columns

    async def explain(self, caller: Caller, database: str, sql: str) -> dict[str, Any]:
        """What would become of a statement."""
        return await self._ask(caller, "explain", database, sql)

    async def gateway(self, caller: Caller, database: str) -> tuple[GatewayAddress, Caller]:
        """The gateway's port is where the control process is."""
        told = await self._ask(caller, "databases")
        host = urlsplit(self._url).hostname or "127.0.0.1"
        return GatewayAddress(host, told["port"], "require" if told["tls"] else "disable"), caller

    async def _ask(self, caller: Caller, what: str, database: str = "", text: str = "") -> dict[str, Any]:
        try:
            response = await self._http.post(
                f"{self._url}/mcp/knowledge/{what}",
                json={"database": database, "text": text},
                auth=(caller.name, caller.secret),
            )
            told: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError):
            raise UpstreamUnavailable(
                f"Doorward does not answer at {self._url}.", "Check DOORWARD_URL, and that Doorward runs there."
            ) from None
        if response.is_success:
            return told
        error = told.get("error", {})
        kind = AuthenticationFailed if response.status_code == 401 else DoorwardError
        raise kind(str(error.get("message", response.status_code)), str(error.get("remedy", "")))


async def serve_desktop(url: str, caller: Caller) -> None:
    """Serve the client on standard input and output until it leaves. Raises DoorwardError when *caller* may not come in."""
    async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False) as http:
        knowledge = RemoteKnowledge(url, http)
        await knowledge.databases(caller)
        parking = Parking()
        tools = Tools(knowledge, knowledge.gateway, lambda context: caller, parking)
        try:
            await tools.server().run_stdio_async()
        finally:
            parking.close()
