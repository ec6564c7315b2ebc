"""SCRAM-SHA-256 (RFC 5802, RFC 7677): our half towards clients, and over the ``scramp`` library the one towards upstreams."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
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

    Written over the standard library: ``scramp`` refuses the empty user name that libpq sends (PostgreSQL takes the name
    from the start-up packet: manual, "SASL Authentication") and checks one secret only. All *candidates* must share salt
    and iterations, since these are sent before it is known which secret is used; those that differ from the first are left
    out. *nonce* is fresh and random, of printable ASCII without a comma.
    """

    def __init__(self, candidates: Sequence[StoredSecret], nonce: str) -> None:
        assert candidates, "an unknown user is given a decoy"
        first = candidates[0]
        self._candidates = [c for c in candidates if c.salt == first.salt and c.iterations == first.iterations]
        self._nonce = nonce
        self._header = ""
        self._client_first_bare = ""
        self._server_first = ""

    def begin(self, client_first: bytes) -> bytes:
        """server-first-message for a client-first-message. Raises AuthenticationFailed."""
        matched = _CLIENT_FIRST.fullmatch(_text(client_first))
        if matched is None:
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        self._header = matched["header"]
        self._client_first_bare = matched["bare"]
        self._nonce = matched["nonce"] + self._nonce
        candidate = self._candidates[0]
        salt = base64.b64encode(candidate.salt).decode()
        self._server_first = f"r={self._nonce},s={salt},i={candidate.iterations}"
        return self._server_first.encode()

    def finish(self, client_final: bytes) -> tuple[str, bytes]:
        """(id of the credential that matched, server-final-message). Raises AuthenticationFailed when none did."""
        matched = _CLIENT_FINAL.fullmatch(_text(client_final))
        if matched is None:
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        binding = base64.b64encode(self._header.encode()).decode()
        is_ours = hmac.compare_digest(matched["nonce"].encode(), self._nonce.encode())
        if not is_ours or matched["binding"] != binding:
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        message = f"{self._client_first_bare},{self._server_first},{matched['without_proof']}".encode()
        proof = base64.b64decode(matched["proof"])
        # All are tried, so that the time taken does not tell which one matched.
        found: StoredSecret | None = None
        for candidate in self._candidates:
            signature = hmac.digest(candidate.stored_key, message, _HASH)
            client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=False))
            if hmac.compare_digest(hashlib.sha256(client_key).digest(), candidate.stored_key):
                found = candidate
        if found is None or not found.credential_id:
            raise AuthenticationFailed("The secret is wrong or has expired.")
        verifier = base64.b64encode(hmac.digest(found.server_key, message, _HASH)).decode()
        return found.credential_id, f"v={verifier}".encode()


_HASH = "sha256"
_PRINTABLE = r"[\x21-\x2b\x2d-\x7e]"  # RFC 5802 section 7: printable, without the comma
# No channel binding is offered, so a client may say n (it can't) or y (it could, and thinks that we can't).
_CLIENT_FIRST = re.compile(
    rf"(?P<header>[ny],(?:a=[^,]*)?,)(?P<bare>n=[^,]*,r=(?P<nonce>{_PRINTABLE}{{8,256}})(?:,.*)?)", re.DOTALL
)
_CLIENT_FINAL = re.compile(
    rf"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]*),r=(?P<nonce>{_PRINTABLE}{{8,600}})),p=(?P<proof>[A-Za-z0-9+/]{{43}}=)"
)


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise AuthenticationFailed("The SCRAM exchange was not understood.") from None


# Hashing holds up every other session; PostgreSQL's default is 4,096 rounds, and this many take some tenths of a second.
MOST_ITERATIONS = 500_000
_ITERATIONS = re.compile(rb"(?:^|,)i=(\d{1,12})")


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
        asked = _ITERATIONS.search(server_first)
        if asked is not None and int(asked[1]) > MOST_ITERATIONS:
            raise UpstreamUnavailable(
                f"The upstream asks for {int(asked[1])} rounds of hashing, more than {MOST_ITERATIONS}.",
                "Set its scram_iterations lower, and its role's password anew.",
            )
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
