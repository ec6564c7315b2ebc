"""Asks identity providers over HTTPS: bounded in time and size, never sent on to another place."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from doorward.errors import ConfigurationInvalid, ProviderUnavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 5.0
MOST_ANSWER_BYTES = 256 * 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=([0-9]{1,9})(?:$|[,\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered. *max_age_seconds* is how long it may be kept, where it said so."""

    status: int
    content: bytes
    max_age_seconds: int | None = None


def check_address(url: str) -> str:
    """*url*, if it may be asked: HTTPS, or plain HTTP on this very machine. Raises ConfigurationInvalid."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not is_safe or parts.username is not None or parts.fragment:
        raise ConfigurationInvalid(
            f"{url[:200]!r} is no address of an identity provider.", "Give one that begins with https://, without a password."
        )
    return url


class Fetcher:
    """Asks with one provider's authorities: those of the system, or the file *ca_file*. Connections are not kept."""

    def __init__(self, ca_file: str = "") -> None:
        self._ca_file = ca_file

    async def get(self, url: str, bearer: str = "") -> Answer:
        """What is at *url*, for whoever holds the token *bearer* where one is given. Raises ProviderUnavailable."""
        return await self._ask("GET", url, bearer=bearer)

    async def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Answer:
        """What *form* brings about at *url*; *basic* is a client's id and secret. Raises ProviderUnavailable."""
        return await self._ask("POST", url, form, basic)

    async def _ask(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        bearer: str = "",
    ) -> Answer:
        # Here: whoever has no provider need not load it.
        import httpx

        host = urlsplit(check_address(url)).hostname
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        try:
            async with (
                httpx.AsyncClient(
                    verify=self._authorities(), timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
                ) as client,
                client.stream(method, url, data=form, auth=basic, headers=headers) as response,
            ):
                content = await _bounded(response)
                aged = _MAX_AGE.search(response.headers.get("cache-control", ""))
                return Answer(response.status_code, content, int(aged[1]) if aged else None)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderUnavailable(
                f"The identity provider at {host} can't be reached: {type(error).__name__}.",
                "Try again in a moment; sessions that are open go on.",
            ) from None

    def _authorities(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca_file or None)
        except OSError as error:
            raise ConfigurationInvalid(
                f"The authorities in {Path(self._ca_file).name} can't be read: {error.strerror or type(error).__name__}.",
                "Give a file of PEM certificates as ca_file.",
            ) from None


async def _bounded(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MOST_ANSWER_BYTES:
            raise ProviderUnavailable("The identity provider's answer is too long.", "Check its address.")
    return bytes(content)
