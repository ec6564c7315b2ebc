"""What every HTTP request passes first: the host it is for, where it comes from, how much it brings; and headers back."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doorward.api.failures import Failure, TooLarge, failure_response
from doorward.api.settings import DoorSettings

BODY_LIMIT_BYTES = 64 * 1024
# Where more than a form is sent: a whole set of rules, as JSON.
BODY_LIMITS_BYTES = {"/api/v1/policy": 2 << 20}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware. A page of another site must reach neither a form nor an endpoint, not even by a name that it made
    resolve to this machine."""

    def __init__(self, app: ASGIApp, settings: DoorSettings) -> None:
        self._app = app
        self._hosts = settings.allowed_hosts
        self._is_https = settings.is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a good request through; refuse others with 400 or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            failure = Failure("not-permitted", "This host name is not one of Doorward's.", "Use the configured address.")
            await failure_response(failure, 400)(scope, receive, self._hardened(send))
            return
        if not _is_same_origin(headers.get("origin"), headers.get("sec-fetch-site"), host, str(scope["method"])):
            failure = Failure("not-permitted", "The request comes from another site.", "Open Doorward's own address.")
            await failure_response(failure, 403)(scope, receive, self._hardened(send))
            return
        await self._app(scope, _bounded(receive, BODY_LIMITS_BYTES.get(scope["path"], BODY_LIMIT_BYTES)), self._hardened(send))

    def _hardened(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if self._is_https:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        return sending


def _is_same_origin(origin: str | None, fetch_site: str | None, host: str, method: str) -> bool:
    if origin is not None:
        return urlsplit(origin).scheme in ("http", "https") and urlsplit(origin).netloc == host
    # Browsers of today say where a request comes from; following a link from elsewhere to a page is fine.
    return method in ("GET", "HEAD") or fetch_site in (None, "same-origin", "none")


def _bounded(receive: Receive, limit_bytes: int) -> Receive:
    total = 0

    async def receiving() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit_bytes:
                raise TooLarge(f"A request has at most {limit_bytes} bytes.")
        return message

    return receiving
