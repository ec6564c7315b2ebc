"""SCRAM-SHA-256 (RFC 5802, RFC 7677), both halves, over the ``scramp`` library."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import scramp

from doorward.errors import AuthenticationFailed, UpstreamUnavailable

MECHANISM = "SCRAM-SHA-256"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What is kept of a secret (RFC 5803). *credential_id* is what the log refers to."""

    credential_id: str
    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes


def decoy(user: str, key: bytes, iterations: int = 4096) -> StoredSecret:
    """A stored secret that no password matches, the same each time *user* is tried: names that exist can't be told apart."""
    salt = hmac.digest(key, b"salt " + user.encode(), hashlib.sha256)[:16]
    nothing = hmac.digest(key, b"key " + user.encode(), hashlib.sha256)
    return StoredSecret("", iterations, salt, nothing, nothing)


class ServerExchange:
    """The server's half of one authentication, against any of several secrets of one user.

    All *candidates* must share salt and iterations, since these are sent before it is known which secret is used; those that
    differ from the first are left out. *nonce* is fresh and random, from printable ASCII without a comma.
    """

    def __init__(self, candidates: Sequence[StoredSecret], nonce: str) -> None:
        assert candidates, "an unknown user is given a decoy"
        first = candidates[0]
        self._candidates = [c for c in candidates if c.salt == first.salt and c.iterations == first.iterations]
        mechanism = scramp.ScramMechanism(MECHANISM)
        self._servers = []
        for candidate in self._candidates:
            stored = (candidate.salt, candidate.stored_key, candidate.server_key, candidate.iterations)
            self._servers.append(mechanism.make_server(lambda _user, stored=stored: stored, s_nonce=nonce))

    def begin(self, client_first: bytes) -> bytes:
        """server-first-message for a client-first-message. Raises AuthenticationFailed."""
        try:
            text = client_first.decode()
            for server in self._servers:
                server.set_client_first(text)
            first: str = self._servers[0].get_server_first()
            for server in self._servers[1:]:
                server.get_server_first()
        except (scramp.ScramException, UnicodeDecodeError, ValueError):
            raise AuthenticationFailed("The SCRAM exchange was not understood.") from None
        return first.encode()

    def finish(self, client_final: bytes) -> tuple[str, bytes]:
        """(id of the credential that matched, server-final-message). Raises AuthenticationFailed when none did."""
        # All are tried, so that the time taken does not tell which one matched.
        matched: tuple[str, bytes] | None = None
        for candidate, server in zip(self._candidates, self._servers, strict=True):
            try:
                server.set_client_final(client_final.decode())
                matched = (candidate.credential_id, server.get_server_final().encode())
            except (scramp.ScramException, UnicodeDecodeError, ValueError, base64.binascii.Error):  # type: ignore[attr-defined]
                continue
        if matched is None or not matched[0]:
            raise AuthenticationFailed("The secret is wrong or has expired.")
        return matched


class ClientExchange:
    """The client's half, towards an upstream."""

    def __init__(self, user: str, password: str) -> None:
        self._client = scramp.ScramClient([MECHANISM], user, password)

    def first(self) -> bytes:
        """client-first-message."""
        text: str = self._client.get_client_first()
        return text.encode()

    def answer(self, server_first: bytes) -> bytes:
        """client-final-message for a server-first-message."""
        try:
            self._client.set_server_first(server_first.decode())
            text: str = self._client.get_client_final()
        except (scramp.ScramException, UnicodeDecodeError, ValueError):
            raise UpstreamUnavailable("The upstream's SCRAM exchange was not understood.") from None
        return text.encode()

    def check(self, server_final: bytes) -> None:
        """Check that the upstream knows the secret too."""
        try:
            self._client.set_server_final(server_final.decode())
        except (scramp.ScramException, UnicodeDecodeError, ValueError):
            raise UpstreamUnavailable(
                "The upstream did not prove that it knows the password.", "Make sure that this is the server you mean."
            ) from None
