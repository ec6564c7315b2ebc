"""The upstream's side, sans-I/O: signing in to it, and asking it simple questions of our own."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Protocol

from doorward.errors import DoorwardError, ProtocolViolation, UpstreamUnavailable
from doorward.model.result import ResultColumn
from doorward.wire.postgres import messages
from doorward.wire.postgres.framing_cy import FrameReader
from doorward.wire.postgres.messages import BodyReader, cstring, message, read_fields, read_parameter_status
from doorward.wire.postgres.startup import MOST_KEY_BYTES, read_negotiated_version, startup_packet

MAX_ANSWER_BYTES = 256 << 20
# All that a server may send until it is ready: its settings, a notice or two. PostgreSQL sends some hundred bytes.
MAX_SIGN_IN_BYTES = 1 << 20

# Authentication messages by number (manual, "Message Formats"), and what SASL has in which order ("SASL Authentication").
_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12
_SASL_FOLLOWED_BY = {_SASL: _SASL_CONTINUE, _SASL_CONTINUE: _SASL_FINAL, _SASL_FINAL: _OK}


class SaslClient(Protocol):
    """The client's half of a SCRAM exchange."""

    @property
    def is_bound(self) -> bool:
        """Whether the exchange is bound to the connection that it runs in."""

    def first(self, offered: Sequence[str]) -> tuple[str, bytes]:
        """The mechanism chosen from those *offered*, and the client-first-message."""

    def answer(self, server_first: bytes) -> bytes:
        """client-final-message for a server-first-message."""

    def check(self, server_final: bytes) -> None:
        """Check the server's own proof; raises UpstreamUnavailable when it is wrong."""


class UpstreamHandshake:
    """Signs in to an upstream: feed it what the upstream sends, send what it gives back, until ``done``.

    Afterwards *parameters* are the settings the server reported, *process_id* and *key* what cancels this session.
    *secure* says whether the connection is encrypted: a password in clear is sent over nothing else. *must_bind* refuses any
    sign-in that is not bound to the connection (libpq's ``channel_binding=require``), *minor* is the newest minor version of
    the protocol to ask for.
    """

    def __init__(
        self, user: str, password: str, sasl: SaslClient | None, *, secure: bool, must_bind: bool = False, minor: int = 0
    ) -> None:
        self._user = user
        self._password = password
        self._sasl = sasl
        self._secure = secure
        self._must_bind = must_bind
        self._minor = minor
        self._buffer = b""
        self._received_bytes = 0
        self._is_signed_in = False
        self._sasl_next = _SASL  # the one SASL message that may come now
        self.done = False
        self.parameters: dict[str, str] = {}
        self.process_id = 0
        self.key = b""

    def start(self, user: str, database: str, parameters: dict[str, str]) -> bytes:
        """The packet to begin with."""
        return startup_packet(user, database, parameters, self._minor)

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the upstream; return what to send.

        Raises UpstreamUnavailable when it refuses, in words that say what the operator can do, and ProtocolViolation.
        """
        self._received_bytes += len(data)
        if self._received_bytes > MAX_SIGN_IN_BYTES:
            raise ProtocolViolation("The upstream sends without end and does not become ready.")
        self._buffer += data
        answer = b""
        while not self.done and len(self._buffer) >= 5:
            length = int.from_bytes(self._buffer[1:5], "big")
            if not 4 <= length <= 65_536:
                raise ProtocolViolation("The upstream does not speak PostgreSQL's protocol.")
            if len(self._buffer) < length + 1:
                break
            kind, body = self._buffer[:1], self._buffer[5 : length + 1]
            self._buffer = self._buffer[length + 1 :]
            answer += self._handle(kind, body)
        return answer

    @property
    def rest(self) -> bytes:
        """Bytes received beyond the first ReadyForQuery."""
        return self._buffer

    def _handle(self, kind: bytes, body: bytes) -> bytes:
        if kind == b"R":
            return self._authenticate(BodyReader(body))
        if kind == b"S":
            name, value = read_parameter_status(body)
            self.parameters[name] = value
        elif kind == b"K":
            self._keep_key(BodyReader(body))
        elif kind == b"v":
            self._negotiate(body)
        elif kind == b"Z" and self._is_signed_in:
            self.done = True
        elif kind == b"E":
            error = read_fields(body)
            raise UpstreamUnavailable(
                f"The upstream refused the connection: {error.get('M')} (SQLSTATE {error.get('C')}).",
                "Check the user, password and database that Doorward was given for it, and its pg_hba.conf.",
                sqlstate=error.get("C"),
            )
        elif kind != b"N":
            raise ProtocolViolation("The upstream sent something that has no place in start-up.")
        return b""

    def _keep_key(self, reader: BodyReader) -> None:
        self.process_id = reader.uint32()
        if not 4 <= reader.rest <= MOST_KEY_BYTES:
            raise ProtocolViolation("The upstream's key to cancel with has an impossible length.")
        self.key = reader.take(reader.rest)

    def _negotiate(self, body: bytes) -> None:
        minor, options = read_negotiated_version(body)
        if minor > self._minor or options:
            # We asked for no option, and for nothing newer than this.
            raise ProtocolViolation("The upstream declines what was not asked for.")
        self._minor = minor

    def _authenticate(self, reader: BodyReader) -> bytes:
        method = reader.uint32()
        is_sasl = method in (_SASL, _SASL_CONTINUE, _SASL_FINAL)
        if self._must_bind and not is_sasl and not (method == _OK and self._sasl is not None and self._sasl.is_bound):
            raise UpstreamUnavailable(
                "The upstream asks for a sign-in without channel binding, and channel_binding=require forbids it.",
                "Let Doorward's role sign in by scram-sha-256 over TLS, or use channel_binding=prefer.",
            )
        if method == _OK:
            if self._sasl_next not in (_SASL, _OK):
                # Who leaves out its own proof may not know the password: not the server that is meant.
                raise UpstreamUnavailable(
                    "The upstream did not prove that it knows the password.", "Make sure that this is the server you mean."
                )
            self._is_signed_in = True
            return b""
        if (is_sasl or method in (3, 5)) and not self._password:
            raise UpstreamUnavailable("The upstream asks for a password, and Doorward was given none.", "Give it in the URL.")
        if method == 3:
            if not self._secure:
                raise UpstreamUnavailable(
                    "The upstream asks for the password in clear over an unencrypted connection; it was not sent.",
                    "Use sslmode=require, or scram-sha-256 in its pg_hba.conf.",
                )
            return message(b"p", cstring(self._password))
        if method == 5:
            # md5(md5(password + user) + salt), as the server asks for it (manual, "Message Flow", AuthenticationMD5Password).
            inner = hashlib.md5(self._password.encode() + self._user.encode(), usedforsecurity=False).hexdigest()
            outer = hashlib.md5(inner.encode() + reader.take(4), usedforsecurity=False).hexdigest()
            return message(b"p", cstring("md5" + outer))
        if is_sasl and self._sasl is not None:
            if method != self._sasl_next:
                raise ProtocolViolation("The upstream's SASL messages are out of order.")
            return self._continue_sasl(method, reader)
        raise UpstreamUnavailable(
            f"The upstream asks for an authentication method ({method}) that Doorward does not have.",
            "Let Doorward's role sign in by scram-sha-256, md5, password over TLS, or trust.",
        )

    def _continue_sasl(self, method: int, reader: BodyReader) -> bytes:
        assert self._sasl is not None
        self._sasl_next = _SASL_FOLLOWED_BY[method]
        if method == _SASL:
            offered = []
            while name := reader.text():
                offered.append(name)
            mechanism, first = self._sasl.first(offered)
            return message(b"p", cstring(mechanism) + struct.pack(">i", len(first)) + first)
        data = reader.take(reader.rest)
        if method == _SASL_CONTINUE:
            return message(b"p", self._sasl.answer(data))
        self._sasl.check(data)
        return b""


class QueryFailed(DoorwardError):
    """The upstream refused a question of our own. *sqlstate* is its own."""

    code = "query-failed"


class Question:
    """One simple question and its answer: feed it until ``done``; then *rows* and *columns* are there.

    ``QueryFailed`` is raised once the server is ready again, so that the connection stays usable.
    """

    def __init__(self) -> None:
        self._reader = FrameReader(MAX_ANSWER_BYTES)
        self._failure: QueryFailed | None = None
        self.rows: list[tuple[str | None, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()
        self.done = False

    @staticmethod
    def ask(sql: str) -> bytes:
        """The message for a query whose rows are wanted, as text."""
        return messages.query(sql)

    @staticmethod
    def ask_columns(sql: str) -> bytes:
        """The messages for a query of which only the description is wanted: it is not run."""
        return messages.parse("", sql) + messages.describe_statement("") + messages.SYNC

    def receive(self, data: bytes) -> None:
        """Take bytes from the upstream."""
        self._reader.feed(data)
        while not self.done and self._reader.next():
            kind = self._reader.kind
            if kind == ord("D"):
                values = messages.read_data_row(self._reader.body())
                self.rows.append(tuple(None if value is None else value.decode("utf-8", "replace") for value in values))
            elif kind == ord("T"):
                self.columns = messages.read_row_description(self._reader.body())
            elif kind == ord("E"):
                error = read_fields(self._reader.body())
                self._failure = QueryFailed(f"The upstream answered: {error.get('M')}", sqlstate=error.get("C"))
            elif kind == ord("Z"):
                self.done = True
        if self._reader.oversize:
            raise ProtocolViolation("The upstream's answer is too long.")
        if self.done and self._failure is not None:
            raise self._failure
