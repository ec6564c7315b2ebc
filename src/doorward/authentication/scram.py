"""SCRAM-SHA-256, with and without channel binding (RFC 5802, RFC 7677, RFC 5929): our half towards clients and upstreams."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
import stringprep
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from doorward.errors import AuthenticationFailed, UpstreamUnavailable

MECHANISM = "SCRAM-SHA-256"
MECHANISM_PLUS = "SCRAM-SHA-256-PLUS"
BINDING_TYPE = "tls-server-end-point"


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

    The user name in the exchange is not looked at: libpq sends none, since PostgreSQL takes the name from the start-up packet
    (manual, "SASL Authentication"). All *candidates* must share salt and iterations, since these are sent before it is known
    which secret is used; those that differ from the first are left out. *nonce* is fresh and random, of printable ASCII
    without a comma. *binding* is the channel binding of the connection, where SCRAM-SHA-256-PLUS was offered.
    """

    def __init__(self, candidates: Sequence[StoredSecret], nonce: str, binding: bytes | None = None) -> None:
        assert candidates, "an unknown user is given a decoy"
        first = candidates[0]
        self._candidates = [c for c in candidates if c.salt == first.salt and c.iterations == first.iterations]
        self._nonce = nonce
        self._binding = binding
        self._bound_to = b""
        self._client_first_bare = ""
        self._server_first = ""

    @property
    def is_bound(self) -> bool:
        """Whether the client chose to bind the exchange to the connection."""
        return self._bound_to.startswith(b"p=")

    def begin(self, client_first: bytes, mechanism: str = MECHANISM) -> bytes:
        """server-first-message for a client-first-message. Raises AuthenticationFailed."""
        matched = _CLIENT_FIRST.fullmatch(_text(client_first))
        if matched is None:
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        self._check_flag(matched["flag"], mechanism)
        self._bound_to = matched["header"].encode() + (self._binding or b"" if matched["flag"].startswith("p=") else b"")
        self._client_first_bare = matched["bare"]
        self._nonce = matched["nonce"] + self._nonce
        candidate = self._candidates[0]
        salt = base64.b64encode(candidate.salt).decode()
        self._server_first = f"r={self._nonce},s={salt},i={candidate.iterations}"
        return self._server_first.encode()

    def _check_flag(self, flag: str, mechanism: str) -> None:
        """What the client says of channel binding must agree with what was offered and chosen (RFC 5802, section 6)."""
        if flag == "y" and self._binding is not None:
            raise AuthenticationFailed(
                "The client could bind to the channel and believes that this is not offered, but it is.",
                "Somebody may sit in between and hide it: check what lies between the client and Doorward.",
                reason="channel binding was hidden from the client",
            )
        bound = mechanism == MECHANISM_PLUS and self._binding is not None
        if bound != flag.startswith("p=") or mechanism not in (MECHANISM, MECHANISM_PLUS):
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        if bound and flag != f"p={BINDING_TYPE}":
            raise AuthenticationFailed("The only channel binding here is tls-server-end-point.")

    def finish(self, client_final: bytes) -> tuple[str, bytes]:
        """(id of the credential that matched, server-final-message). Raises AuthenticationFailed when none did."""
        matched = _CLIENT_FINAL.fullmatch(_text(client_final))
        if matched is None:
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        binding = base64.b64encode(self._bound_to)
        is_ours = hmac.compare_digest(matched["nonce"].encode(), self._nonce.encode())
        if not is_ours or not hmac.compare_digest(matched["binding"].encode(), binding):
            raise AuthenticationFailed("The SCRAM exchange was not understood.")
        message = f"{self._client_first_bare},{self._server_first},{matched['without_proof']}".encode()
        proof = base64.b64decode(matched["proof"])
        # All are tried, so that the time taken does not tell which one matched.
        found: StoredSecret | None = None
        for candidate in self._candidates:
            signature = hmac.digest(candidate.stored_key, message, _HASH)
            client_key = _exclusive_or(proof, signature)
            if hmac.compare_digest(hashlib.sha256(client_key).digest(), candidate.stored_key):
                found = candidate
        if found is None or not found.credential_id:
            raise AuthenticationFailed("The secret is wrong or has expired.")
        verifier = base64.b64encode(hmac.digest(found.server_key, message, _HASH)).decode()
        return found.credential_id, f"v={verifier}".encode()


_HASH = "sha256"
_PRINTABLE = r"[\x21-\x2b\x2d-\x7e]"  # RFC 5802 section 7: printable, without the comma
# n: the client can't bind; y: it could, and thinks that we can't; p: it does.
_CLIENT_FIRST = re.compile(
    rf"(?P<header>(?P<flag>[ny]|p=[A-Za-z0-9.-]{{1,64}}),(?:a=[^,]*)?,)"
    rf"(?P<bare>n=[^,]*,r=(?P<nonce>{_PRINTABLE}{{8,256}})(?:,.*)?)",
    re.DOTALL,
)
_CLIENT_FINAL = re.compile(
    rf"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]*),r=(?P<nonce>{_PRINTABLE}{{8,600}})),p=(?P<proof>[A-Za-z0-9+/]{{43}}=)"
)


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    """Bit by bit, of two hashes."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(other), "big")


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise AuthenticationFailed("The SCRAM exchange was not understood.") from None


# PostgreSQL's default is 4,096 rounds, RFC 7677's least: fewer make the password easier to guess for whoever asks. These take a
# millisecond or two; the most that are done, half a second. Once, since the result is kept.
LEAST_ITERATIONS = 4_096
QUICK_ITERATIONS = 10_000
MOST_ITERATIONS = 1_000_000
_SERVER_FIRST = re.compile(
    rf"r=(?P<nonce>{_PRINTABLE}{{9,600}}),s=(?P<salt>[A-Za-z0-9+/]+={{0,2}}),i=(?P<rounds>[1-9][0-9]{{0,11}})(?:,.*)?"
)


@functools.lru_cache(maxsize=64)
def _keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """(client key, server key). Kept: an upstream asks with the same salt each time, and the rounds hold up every session."""
    salted = hashlib.pbkdf2_hmac(_HASH, _prepared(password).encode(), salt, iterations)
    return hmac.digest(salted, b"Client Key", _HASH), hmac.digest(salted, b"Server Key", _HASH)


_slow_turn = threading.Lock()


def _keys_in_turn(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """``_keys``, one thread at a time: of many who sign in at once the first does the rounds, and the others find them done."""
    with _slow_turn:
        return _keys(password, salt, iterations)


def takes_long(server_first: bytes) -> bool:
    """Whether answering a message with this in it may take longer than others should wait: do it in a thread."""
    asked = _ROUNDS.search(server_first)
    return asked is not None and int(asked[1]) > QUICK_ITERATIONS


_ROUNDS = re.compile(rb",i=([0-9]{5,12})")
_PROHIBITED = (
    stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
    stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
    stringprep.in_table_c8, stringprep.in_table_c9,
)  # fmt: skip


def _prepared(password: str) -> str:
    """SASLprep (RFC 4013), or the password as it is where that refuses it, as PostgreSQL does on both sides."""
    if password.isascii():
        return password
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    normal = unicodedata.normalize("NFKC", mapped)
    if not normal or any(is_prohibited(c) for c in normal for is_prohibited in _PROHIBITED):
        return password
    if any(map(stringprep.in_table_d1, normal)):
        # Right-to-left text begins and ends so, and has no left-to-right letters in it (RFC 3454, section 6).
        ends = stringprep.in_table_d1(normal[0]) and stringprep.in_table_d1(normal[-1])
        if not ends or any(map(stringprep.in_table_d2, normal)):
            return password
    return normal


class ClientExchange:
    """The client's half, towards an upstream.

    *nonce* is fresh and random, of printable ASCII without a comma, and at least eight characters. *binding* is the channel
    binding of the connection, None where there is none to be had; *wish* is libpq's ``channel_binding``: disable, prefer
    or require. *is_encrypted* says whether the connection is.
    """

    def __init__(
        self,
        user: str,
        password: str,
        nonce: str,
        binding: bytes | None = None,
        wish: str = "prefer",
        *,
        is_encrypted: bool = False,
    ) -> None:
        self._user = user.replace("=", "=3D").replace(",", "=2C")
        self._password = password
        self._nonce = nonce
        self._binding = None if wish == "disable" else binding
        self._wish = wish
        self._is_encrypted = is_encrypted
        self._bound_to = b""
        self._expected = b""

    @property
    def is_bound(self) -> bool:
        """Whether the exchange is bound to the connection."""
        return self._bound_to.startswith(b"p=")

    def first(self, offered: Sequence[str] = (MECHANISM,)) -> tuple[str, bytes]:
        """The mechanism chosen of those *offered*, and the client-first-message. Raises UpstreamUnavailable."""
        if MECHANISM_PLUS in offered and not self._is_encrypted:
            raise UpstreamUnavailable(
                "The upstream offers channel binding on a connection that is not encrypted: somebody may sit in between.",
                "Use sslmode=verify-full.",
            )
        if MECHANISM_PLUS in offered and self._binding is not None:
            mechanism, flag, bound_to = MECHANISM_PLUS, f"p={BINDING_TYPE}", self._binding
        elif self._wish == "require":
            raise UpstreamUnavailable(
                "The upstream offers no channel binding, and channel_binding=require asks for it.",
                "It needs TLS, scram-sha-256 and PostgreSQL 11 or newer; or use channel_binding=prefer.",
            )
        elif MECHANISM in offered:
            mechanism, flag, bound_to = MECHANISM, "n" if self._binding is None else "y", b""
        else:
            raise UpstreamUnavailable("The upstream offers no SCRAM-SHA-256.", "Set password_encryption = scram-sha-256.")
        header = f"{flag},,"
        self._bound_to = header.encode() + bound_to
        return mechanism, f"{header}{self._first_bare()}".encode()

    def _first_bare(self) -> str:
        return f"n={self._user},r={self._nonce}"

    def answer(self, server_first: bytes) -> bytes:
        """client-final-message for a server-first-message. Raises UpstreamUnavailable."""
        try:
            text = server_first.decode("ascii")
            matched = _SERVER_FIRST.fullmatch(text)
            salt = base64.b64decode(matched["salt"], validate=True) if matched else b""
        except (UnicodeDecodeError, binascii.Error):
            matched, salt = None, b""
        if matched is None or not matched["nonce"].startswith(self._nonce) or matched["nonce"] == self._nonce:
            raise UpstreamUnavailable("The upstream's SCRAM exchange was not understood.")
        rounds = int(matched["rounds"])
        if not LEAST_ITERATIONS <= rounds <= MOST_ITERATIONS:
            raise UpstreamUnavailable(
                f"The upstream asks for {rounds} rounds of hashing, which is not from {LEAST_ITERATIONS} to {MOST_ITERATIONS}.",
                "Change its scram_iterations, and set its role's password anew.",
            )
        client_key, server_key = (_keys if rounds <= QUICK_ITERATIONS else _keys_in_turn)(self._password, salt, rounds)
        without_proof = f"c={base64.b64encode(self._bound_to).decode()},r={matched['nonce']}"
        message = f"{self._first_bare()},{text},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, _HASH)
        proof = _exclusive_or(client_key, signature)
        self._expected = b"v=" + base64.b64encode(hmac.digest(server_key, message, _HASH))
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def check(self, server_final: bytes) -> None:
        """Check that the upstream knows the secret too. Raises UpstreamUnavailable."""
        if not self._expected or not hmac.compare_digest(server_final.partition(b",")[0], self._expected):
            raise UpstreamUnavailable(
                "The upstream did not prove that it knows the password.", "Make sure that this is the server you mean."
            )
