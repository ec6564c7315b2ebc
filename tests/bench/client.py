"""A client that signs in, asks, and takes answers at the speed of the socket: it looks into almost nothing that it receives.

A driver that builds a million rows measures itself. This one reads into one buffer and keeps only an answer's end.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from scramp import ScramClient

from doorward.wire.postgres import messages

BUFFER_BYTES = 1 << 20
TIMEOUT_SECONDS = 120.0
# ReadyForQuery (PostgreSQL 18, 54.7). The tables of the bench hold no text that ends in Z, so no row looks like it.
READY = (b"Z\x00\x00\x00\x05I", b"Z\x00\x00\x00\x05T", b"Z\x00\x00\x00\x05E")
TAIL_BYTES = 64


class AnswerFailed(Exception):
    """The server, or whoever stands before it, answered with an error, or not at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How long an answer was, and how it ended: its command tag."""

    size_bytes: int
    tag: str

    @property
    def rows(self) -> int:
        """The number in the tag: ``SELECT 5`` has 5."""
        return int(self.tag.rpartition(" ")[2])


class DrainingClient:
    """One connection without TLS; a context manager. One question at a time."""

    def __init__(self, host: str, port: int, user: str, password: str, database: str) -> None:
        self._socket = socket.create_connection((host, port), TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        try:
            self._sign_in(user, password, database)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> DrainingClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(OSError):
            self._socket.sendall(messages.TERMINATE)
        self._socket.close()

    def query(self, text: str, each: Callable[[memoryview], None] | None = None) -> Answer:
        """Ask by the simple protocol; *each* is given every chunk as it comes. Raises AnswerFailed."""
        self._socket.sendall(messages.query(text))
        return self._drain(each)

    def query_binary(self, text: str, each: Callable[[memoryview], None] | None = None) -> Answer:
        """Ask by the extended protocol, all columns in binary. Raises AnswerFailed."""
        parse = messages.message(b"P", b"\0" + messages.cstring(text) + struct.pack(">H", 0))
        bind = messages.message(b"B", b"\0\0" + struct.pack(">HHHH", 0, 0, 1, 1))
        describe = messages.message(b"D", b"P\0")
        execute = messages.message(b"E", b"\0" + struct.pack(">I", 0))
        self._socket.sendall(parse + bind + describe + execute + messages.SYNC)
        return self._drain(each)

    def _drain(self, each: Callable[[memoryview], None] | None) -> Answer:
        size = 0
        tail = b""
        while True:
            received = self._socket.recv_into(self._buffer)
            if not received:
                raise AnswerFailed("the connection was closed in the middle of an answer")
            size += received
            chunk = self._buffer[:received]
            if each is not None:
                each(chunk)
            tail = (tail + bytes(chunk[-TAIL_BYTES:]))[-TAIL_BYTES:]
            if tail.endswith(READY):
                return Answer(size, _tag_in(tail, bytes(chunk)))

    # --- signing in ---------------------------------------------------------------------------------------------------

    def _sign_in(self, user: str, password: str, database: str) -> None:
        pairs = b"".join(messages.cstring(text) for text in ("user", user, "database", database)) + b"\0"
        self._socket.sendall(struct.pack(">II", len(pairs) + 8, 3 << 16) + pairs)
        scram = ScramClient(["SCRAM-SHA-256"], user, password)
        while True:
            kind, body = self._message()
            if kind == b"E":
                raise AnswerFailed(_error_in(messages.message(kind, body)))
            if kind == b"R":
                self._prove(scram, body)
            elif kind == b"Z":
                return

    def _prove(self, scram: Any, body: bytes) -> None:
        """Answer one Authentication message (PostgreSQL 18, 54.3 SASL Authentication)."""
        code = int.from_bytes(body[:4], "big")
        if code == 10:
            first = scram.get_client_first().encode()
            self._socket.sendall(messages.message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
        elif code == 11:
            scram.set_server_first(body[4:].decode())
            self._socket.sendall(messages.message(b"p", scram.get_client_final().encode()))
        elif code == 12:
            scram.set_server_final(body[4:].decode())
        elif code:
            raise AnswerFailed(f"authentication request {code} is not SCRAM")

    def _message(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        return head[:1], self._exactly(int.from_bytes(head[1:], "big") - 4)

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            chunk = self._socket.recv(count - len(found))
            if not chunk:
                raise AnswerFailed("the connection was closed while signing in")
            found += chunk
        return found


def _tag_in(tail: bytes, last: bytes) -> str:
    """The tag of the CommandComplete that stands before ReadyForQuery. Raises AnswerFailed with the error that stands there."""
    end = len(tail) - len(READY[0])
    start = tail.rfind(b"C\x00\x00\x00", 0, end)
    if start < 0 or start + 1 + int.from_bytes(tail[start + 1 : start + 5], "big") != end:
        raise AnswerFailed(_error_in(last))
    return tail[start + 5 : end - 1].decode()


def _error_in(data: bytes) -> str:
    """The message of the ErrorResponse in *data*; the bench's own words when there is none to be read."""
    place = data.find(b"E\x00\x00")
    if place >= 0:
        with contextlib.suppress(Exception):
            length = int.from_bytes(data[place + 1 : place + 5], "big")
            fields = dict(messages.read_fields(data[place + 5 : place + 1 + length]).pairs)
            return fields.get("M", "") or "an error without a message"
    return "an answer without a command tag"
