"""A client of the PostgreSQL protocol that sends what it is told, in any order, and keeps everything it receives.

Drivers are too polite for attacks: they pair messages, hide notices and close what they opened. This one has no opinion.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scramp import ScramClient

from doorward.wire.postgres import messages

REPLY_SECONDS = 5.0
QUIET_SECONDS = 0.4  # how long a batch without Sync may be silent before it is taken to be over
HELD = "until somebody approves it"

# Where a message that the client received can carry a secret; the words of the corpus format.
PLACES = {
    "D": "result", "V": "result", "E": "error", "N": "notice", "A": "notification", "d": "copy", "T": "rowdesc",
    "S": "paramstatus", "C": "tag",
}  # fmt: skip

Event = tuple[str, Any]


@dataclass
class Client:
    """One connection. *events* are (message letter, contents) in the order of arrival; a lost connection is ("X", "")."""

    host: str
    port: int
    user: str
    password: str
    database: str
    startup: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    held: int = 0

    def __post_init__(self) -> None:
        self._buffer = b""
        self.key = b""
        self._ready = 0
        self._formats: list[int] = []
        self.is_open = False
        self._socket = socket.create_connection((self.host, self.port), REPLY_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # --- signing in -----------------------------------------------------------------------------------------------

    def sign_in(self) -> bool:
        """Start the session; False when it was refused, which *events* tell of."""
        pairs = {"user": self.user, "database": self.database, **self.startup}
        body = b"".join(messages.cstring(name) + messages.cstring(value) for name, value in pairs.items()) + b"\0"
        self._socket.sendall(struct.pack(">II", len(body) + 8, 3 << 16) + body)
        scram = ScramClient(["SCRAM-SHA-256"], self.user, self.password)
        while True:
            received = self._next(REPLY_SECONDS)
            if received is None:
                return False
            kind, body = received
            if kind == "R":
                self._prove(scram, body)
            elif kind == "K":
                self.key = body
            elif kind == "Z":
                self.is_open = True
                return True
            else:
                self._note(kind, body)
                if kind == "E":
                    return False

    def _prove(self, scram: Any, body: bytes) -> None:
        code = int.from_bytes(body[:4], "big")
        if code == 10:
            first = scram.get_client_first().encode()
            self.send(messages.message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
        elif code == 11:
            scram.set_server_first(body[4:].decode())
            self.send(messages.message(b"p", scram.get_client_final().encode()))
        elif code == 12:
            scram.set_server_final(body[4:].decode())

    # --- bytes ----------------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send raw bytes; a connection that is gone stays gone."""
        try:
            self._socket.sendall(data)
        except OSError:
            self._lost()

    def _lost(self) -> None:
        if self.is_open or not self.events or self.events[-1][0] != "X":
            self.events.append(("X", ""))
        self.is_open = False

    def _next(self, seconds: float) -> tuple[str, bytes] | None:
        deadline = time.monotonic() + seconds
        while True:
            if len(self._buffer) >= 5:
                length = int.from_bytes(self._buffer[1:5], "big") + 1
                if len(self._buffer) >= length:
                    kind, body = chr(self._buffer[0]), self._buffer[5:length]
                    self._buffer = self._buffer[length:]
                    return kind, body
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                return None
            try:
                chunk = self._socket.recv(1 << 16)
            except OSError:
                chunk = b""
            if not chunk:
                self._lost()
                return None
            self._buffer += chunk

    def receive(self, ready: int) -> None:
        """Take everything up to the *ready*-th ReadyForQuery; with 0, until the other side is quiet."""
        wait = REPLY_SECONDS if ready else QUIET_SECONDS
        while True:
            received = self._next(wait)
            if received is None:
                if ready and self.is_open:
                    self.events.append(("?", "no reply in time"))
                    self._lost()
                return
            kind, body = received
            self._note(kind, body)
            if kind == "Z":
                ready -= 1
                if ready == 0:
                    return
            elif kind == "G":
                self.send(messages.message(b"f", b"no data\0") + (messages.SYNC if not ready else b""))

    def _note(self, kind: str, body: bytes) -> None:
        if kind in "EN":
            fields = dict(messages.read_fields(body).pairs)
            self.events.append((kind, fields))
            if kind == "N" and HELD in fields.get("M", ""):
                self.held += 1
                self.cancel()
        elif kind == "T":
            columns = messages.read_row_description(body)
            self._formats = [column.format for column in columns]
            self.events.append((kind, [column.name for column in columns]))
        elif kind == "D":
            self.events.append((kind, list(messages.read_data_row(body))))
        elif kind == "C":
            self.events.append((kind, body[:-1].decode("utf-8", "replace")))
        elif kind == "S":
            self.events.append((kind, messages.read_parameter_status(body)))
        elif kind == "A":
            parts = body[4:].split(b"\0")
            self.events.append((kind, (parts[0].decode("utf-8", "replace"), parts[1].decode("utf-8", "replace"))))
        else:
            self.events.append((kind, body))

    def cancel(self) -> None:
        """Ask, on a connection of its own, to cancel what runs or waits."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), REPLY_SECONDS) as other:
            other.sendall(struct.pack(">II", 8 + len(self.key), 80877102) + self.key)
            other.settimeout(2)
            other.recv(1)

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(OSError):
            self._socket.sendall(messages.TERMINATE)
        self._socket.close()
        self.is_open = False

    # --- steps of the corpus format -------------------------------------------------------------------------------

    def query(self, text: str | bytes) -> None:
        """A Query message and its answer."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.send(messages.message(b"Q", raw + b"\0"))
        self.receive(1)

    def extended(
        self, text: str, params: Sequence[str | None] = (), formats: Sequence[int] = (), *, describe: bool = False
    ) -> None:
        """Parse, Bind, perhaps Describe, Execute and Sync in one go."""
        batch = parse("", text) + bind("", "", params, formats)
        batch += message_of(["D", "P", ""]) if describe else b""
        self.send(batch + message_of(["E", "", 0]) + messages.SYNC)
        self.receive(1)

    def sequence(self, steps: Sequence[Sequence[Any]]) -> None:
        """Raw messages in one send; see ``message_of``."""
        self.send(b"".join(message_of(step) for step in steps))
        self.receive(sum(step[0] in ("S", "Q") for step in steps))

    def function_call(self, oid: int, arguments: Sequence[str], result_format: int) -> None:
        """The fast path."""
        values = [argument.encode() for argument in arguments]
        body = struct.pack(">IHHH", oid, 1, 0, len(values))
        body += b"".join(struct.pack(">i", len(value)) + value for value in values) + struct.pack(">H", result_format)
        self.send(messages.message(b"F", body))
        self.receive(1)

    def copy_in(self, text: str, rows: str) -> None:
        """A COPY FROM STDIN with its data sent along."""
        self.send(messages.query(text) + messages.message(b"d", rows.encode()) + messages.COPY_DONE)
        self.receive(1)


def parse(name: str, text: str, types: Sequence[int] = ()) -> bytes:
    """A Parse message."""
    body = messages.cstring(name) + text.encode() + b"\0" + struct.pack(">H", len(types))
    return messages.message(b"P", body + b"".join(struct.pack(">I", oid) for oid in types))


def bind(portal: str, statement: str, params: Sequence[str | None] = (), formats: Sequence[int] = ()) -> bytes:
    """A Bind message; parameters as text."""
    body = messages.cstring(portal) + messages.cstring(statement) + struct.pack(">HH", 0, len(params))
    for value in params:
        raw = None if value is None else str(value).encode()
        body += b"\xff\xff\xff\xff" if raw is None else struct.pack(">i", len(raw)) + raw
    body += struct.pack(">H", len(formats)) + b"".join(struct.pack(">h", code) for code in formats)
    return messages.message(b"B", body)


def message_of(step: Sequence[Any]) -> bytes:
    """One raw message: ``["P", name, sql, [types]]``, ``["B", portal, statement, [params], [formats]]``,
    ``["D", "S" or "P", name]``, ``["E", portal, rows]``, ``["C", "S" or "P", name]``, ``["Q", sql]``, ``["S"]``, ``["H"]``,
    ``["d", data]``, ``["c"]``, ``["f"]``.
    """
    kind, *rest = step
    if kind == "P":
        return parse(rest[0], rest[1], *rest[2:3])
    if kind == "B":
        return bind(rest[0], rest[1], *rest[2:4])
    if kind in ("D", "C"):
        return messages.message(kind.encode(), rest[0].encode() + messages.cstring(rest[1]))
    if kind == "E":
        return messages.message(b"E", messages.cstring(rest[0]) + struct.pack(">i", rest[1] if len(rest) > 1 else 0))
    if kind == "Q":
        return messages.query(rest[0])
    if kind == "d":
        return messages.message(b"d", rest[0].encode())
    if kind == "f":
        return messages.message(b"f", b"no\0")
    return {"S": messages.SYNC, "H": messages.FLUSH, "c": messages.COPY_DONE}[kind]
