"""Authentication messages of both roles (manual, "SASL Authentication" and "Message Formats": Authentication*)."""

from __future__ import annotations

import struct

from doorward.wire.postgres.messages import BodyReader, cstring, message

OK = message(b"R", struct.pack(">I", 0))
CLEARTEXT_PASSWORD = message(b"R", struct.pack(">I", 3))
SCRAM_SHA_256 = "SCRAM-SHA-256"
SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"

# Nothing before authentication needs to be longer; a SASL message of libpq has some two hundred bytes.
MAX_AUTHENTICATION_BYTES = 4_096
# A token that stands in for a password has some thousands.
MAX_PASSWORD_BYTES = 16_384


def sasl_mechanisms(*names: str) -> bytes:
    """AuthenticationSASL with the mechanisms offered."""
    return message(b"R", struct.pack(">I", 10) + b"".join(cstring(name) for name in names) + b"\0")


def sasl_continue(data: bytes) -> bytes:
    """AuthenticationSASLContinue."""
    return message(b"R", struct.pack(">I", 11) + data)


def sasl_final(data: bytes) -> bytes:
    """AuthenticationSASLFinal."""
    return message(b"R", struct.pack(">I", 12) + data)


def read_sasl_initial(body: bytes) -> tuple[str, bytes]:
    """SASLInitialResponse: the chosen mechanism and the client's first message. Raises ProtocolViolation."""
    reader = BodyReader(body)
    mechanism = reader.text()
    length = reader.int32()
    data = reader.take(length) if length >= 0 else b""
    reader.end()
    return mechanism, data


def read_password(body: bytes) -> str:
    """PasswordMessage. Raises ProtocolViolation."""
    reader = BodyReader(body)
    password = reader.text()
    reader.end()
    return password


def backend_key_data(process_id: int, key: bytes) -> bytes:
    """BackendKeyData: what the client must show to cancel."""
    return message(b"K", struct.pack(">I", process_id) + key)
