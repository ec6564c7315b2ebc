"""The packets before authentication: TLS and GSS requests, cancellation, start-up (manual, "Message Flow", "Start-up")."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from doorward.errors import ProtocolViolation
from doorward.wire.postgres.messages import BodyReader, cstring, message

SSL_REQUEST_CODE = 80877103
GSS_REQUEST_CODE = 80877104
CANCEL_REQUEST_CODE = 80877102
MAJOR_VERSION = 3
# The name of the protocol inside TLS (ALPN), which a client that begins with TLS must give (manual, "SSL Session Encryption").
ALPN_NAME = "postgresql"

# The newest minor version spoken. There was never a 3.1; what 3.2 adds is longer keys to cancel with.
KEY_BYTES_BY_MINOR = {0: 4, 2: 32}
MOST_KEY_BYTES = 256  # (manual, "Message Formats", BackendKeyData)

# The server's own limit on a start-up packet (MAX_STARTUP_PACKET_LENGTH).
MAX_STARTUP_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class TlsRequest:
    """SSLRequest: answer one byte, S or N."""


@dataclass(frozen=True, slots=True)
class GssRequest:
    """GSSENCRequest: always answered N."""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Ask to cancel what the session with this key runs. Never answered."""

    process_id: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Startup:
    """StartupMessage. *parameters* are the run-time settings asked for; user, database and the like are taken out.

    *parameters* hold the ``-c name=value`` settings of the ``options`` parameter too. *unknown_options* are protocol options
    (``_pq_.``) that must be declined by NegotiateProtocolVersion, as must a *minor* that is not spoken.
    """

    user: str
    database: str
    minor: int
    replication: bool
    parameters: dict[str, str] = field(default_factory=dict)
    unknown_options: tuple[str, ...] = ()


StartupPacket = TlsRequest | GssRequest | CancelRequest | Startup


def packet_length(data: bytes | bytearray) -> int:
    """The length that a packet announces, or 0 when its four bytes are not there yet.

    Raises ProtocolViolation for a length that no start-up packet has.
    """
    if len(data) < 4:
        return 0
    length = int.from_bytes(data[:4], "big")
    if not 8 <= length <= MAX_STARTUP_BYTES:
        raise ProtocolViolation("This is not a PostgreSQL start-up packet.")
    return length


def read_packet(packet: bytes) -> StartupPacket:
    """Read one whole packet, length included."""
    code = int.from_bytes(packet[4:8], "big")
    body = packet[8:]
    if code in (SSL_REQUEST_CODE, GSS_REQUEST_CODE):
        if body:
            raise ProtocolViolation("A request for encryption has no body.")
        return TlsRequest() if code == SSL_REQUEST_CODE else GssRequest()
    if code == CANCEL_REQUEST_CODE:
        # Keys are four bytes in protocol 3.0 and up to 256 in 3.2.
        if not 8 <= len(body) <= 4 + MOST_KEY_BYTES:
            raise ProtocolViolation("A cancel request has no key.")
        return CancelRequest(int.from_bytes(body[:4], "big"), body[4:])
    if code >> 16 != MAJOR_VERSION:
        raise ProtocolViolation(f"Protocol {code >> 16}.{code & 0xFFFF} is not spoken here; use a client with protocol 3.")
    return _read_startup(body, code & 0xFFFF)


def _read_startup(body: bytes, minor: int) -> Startup:
    reader = BodyReader(body)
    given: dict[str, str] = {}
    unknown: list[str] = []
    while True:
        name = reader.text()
        if not name:
            break
        value = reader.text()
        if name.startswith("_pq_."):
            unknown.append(name)
        elif name in given:
            raise ProtocolViolation("A start-up parameter is given twice.")
        else:
            given[name] = value
    reader.end()
    user = given.pop("user", "")
    if not user:
        raise ProtocolViolation("The start-up packet names no user.")
    database = given.pop("database", "") or user
    # "false", "off", "no" and "0" ask for an ordinary connection.
    replication = given.pop("replication", "off").lower() not in ("false", "off", "no", "0")
    for name, value in read_options(given.pop("options", "")):
        given[name] = value
    return Startup(user, database, minor, replication, given, tuple(unknown))


def read_options(text: str) -> list[tuple[str, str]]:
    """The settings in an ``options`` parameter: ``-c name=value`` and ``--name=value``, a backslash taking the next character.

    Raises ProtocolViolation for any other server switch.
    """
    words: list[str] = []
    word = ""
    inside = False
    characters = iter(text)
    for character in characters:
        if character.isspace():
            if inside:
                words.append(word)
            word, inside = "", False
            continue
        inside = True
        word += next(characters, "") if character == "\\" else character
    if inside:
        words.append(word)
    settings = []
    remaining = iter(words)
    for word in remaining:
        if word == "-c":
            word = next(remaining, "")
        elif word.startswith(("-c", "--")):
            word = word[2:]
        else:
            raise ProtocolViolation("Only -c name=value is taken in the options of a connection.")
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise ProtocolViolation("Only -c name=value is taken in the options of a connection.")
        settings.append((name.replace("-", "_"), value))
    return settings


def startup_packet(user: str, database: str, parameters: dict[str, str], minor: int = 0) -> bytes:
    """A StartupMessage for protocol 3 and a *minor* version."""
    pairs = {"user": user, "database": database, **parameters}
    body = b"".join(cstring(name) + cstring(value) for name, value in pairs.items()) + b"\0"
    return struct.pack(">II", len(body) + 8, MAJOR_VERSION << 16 | minor) + body


def cancel_packet(process_id: int, key: bytes) -> bytes:
    """A CancelRequest."""
    return struct.pack(">III", 12 + len(key), CANCEL_REQUEST_CODE, process_id) + key


def spoken_minor(asked: int) -> int:
    """The minor version that is spoken with a client that *asked* for one: the newest that both know."""
    return max(minor for minor in KEY_BYTES_BY_MINOR if minor <= asked)


def negotiate_version(minor: int, options: tuple[str, ...]) -> bytes:
    """NegotiateProtocolVersion: *minor* is what will be spoken, and none of *options* is known."""
    return message(
        b"v", struct.pack(">II", MAJOR_VERSION << 16 | minor, len(options)) + b"".join(cstring(option) for option in options)
    )


def read_negotiated_version(body: bytes) -> tuple[int, int]:
    """NegotiateProtocolVersion as an upstream sends it: (minor version, how many options it does not know).

    Raises ProtocolViolation for another major version.
    """
    reader = BodyReader(body)
    version, options = reader.uint32(), reader.uint32()
    # The manual speaks of the minor version alone; PostgreSQL itself sends both numbers.
    if version >> 16 not in (0, MAJOR_VERSION):
        raise ProtocolViolation("The upstream wants to speak another protocol.")
    return version & 0xFFFF, options
