"""Builds and reads single messages of protocol 3 (manual, "Message Formats").

Reading raises ProtocolViolation and nothing else.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from doorward.errors import ProtocolViolation
from doorward.model.result import ResultColumn

SYNC = b"S\0\0\0\x04"
FLUSH = b"H\0\0\0\x04"
TERMINATE = b"X\0\0\0\x04"
SSL_REQUEST = struct.pack(">II", 8, 80877103)
PARSE_COMPLETE = b"1\0\0\0\x04"
CLOSE_COMPLETE = b"3\0\0\0\x04"
COPY_DONE = b"c\0\0\0\x04"

# No grammar takes it: parsing it fails whatever the session holds, and in each state just as the refused message would have.
POISON_TEXT = "doorward refused this"


def message(kind: bytes, body: bytes) -> bytes:
    """A whole message."""
    return kind + struct.pack(">I", len(body) + 4) + body


def cstring(value: str | bytes) -> bytes:
    """A terminated string. A NUL inside raises ProtocolViolation: it would end the field early."""
    raw = value.encode() if isinstance(value, str) else value
    if b"\0" in raw:
        raise ProtocolViolation("A text contains a NUL byte.")
    return raw + b"\0"


def ready_for_query(status: bytes) -> bytes:
    """ReadyForQuery with a transaction status of I, T or E."""
    return b"Z\0\0\0\x05" + status


@dataclass(frozen=True, slots=True)
class Fields:
    """An ErrorResponse or NoticeResponse: (field type, value) pairs in order (manual, "Error and Notice Message Fields")."""

    pairs: tuple[tuple[str, str], ...]

    def get(self, field: str) -> str:
        """The value of a field, empty when absent."""
        return next((value for name, value in self.pairs if name == field), "")

    def encode(self, kind: bytes) -> bytes:
        """The whole message, *kind* being E or N. NUL bytes can't be carried and are dropped."""
        body = b"".join(
            name.encode() + value.encode("utf-8", "replace").replace(b"\0", b"") + b"\0" for name, value in self.pairs
        )
        return message(kind, body + b"\0")


def fields(severity: str, sqlstate: str, text: str, detail: str = "", hint: str = "") -> Fields:
    """The fields of an error or notice of our own."""
    pairs = [("S", severity), ("V", severity), ("C", sqlstate), ("M", text)]
    if detail:
        pairs.append(("D", detail))
    if hint:
        pairs.append(("H", hint))
    return Fields(tuple(pairs))


def read_fields(body: bytes) -> Fields:
    """The fields of an ErrorResponse or NoticeResponse body."""
    pairs = []
    for part in body.split(b"\0"):
        if part:
            pairs.append((part[:1].decode("latin-1"), part[1:].decode("utf-8", "replace")))
    return Fields(tuple(pairs))


class BodyReader:
    """Reads a message body front to back; anything missing raises ProtocolViolation."""

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._position = 0

    def text(self) -> str:
        """A terminated string, which must be UTF-8: the one encoding that sessions have."""
        end = self._body.find(b"\0", self._position)
        if end < 0:
            raise ProtocolViolation("A text in a message is not terminated.")
        raw = self._body[self._position : end]
        self._position = end + 1
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise ProtocolViolation("A text in a message is not UTF-8.") from None

    def raw_until_nul(self) -> bytes:
        """A terminated string as bytes."""
        end = self._body.find(b"\0", self._position)
        if end < 0:
            raise ProtocolViolation("A text in a message is not terminated.")
        raw = self._body[self._position : end]
        self._position = end + 1
        return raw

    def int16(self) -> int:
        """A signed integer of two bytes."""
        return int.from_bytes(self.take(2), "big", signed=True)

    def count(self) -> int:
        """An unsigned count of two bytes (counts go to 65535 in both directions)."""
        return int.from_bytes(self.take(2), "big")

    def int32(self) -> int:
        """A signed integer of four bytes."""
        return int.from_bytes(self.take(4), "big", signed=True)

    def uint32(self) -> int:
        """An unsigned integer of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def take(self, length: int) -> bytes:
        """Exactly *length* bytes."""
        end = self._position + length
        if length < 0 or end > len(self._body):
            raise ProtocolViolation("A message is shorter than its contents.")
        part = self._body[self._position : end]
        self._position = end
        return part

    @property
    def rest(self) -> int:
        """How many bytes are left."""
        return len(self._body) - self._position

    def end(self) -> None:
        """Require that nothing is left."""
        if self.rest:
            raise ProtocolViolation("A message is longer than its contents.")


@dataclass(frozen=True, slots=True)
class Bind:
    """A Bind message: which statement becomes which portal, with what parameters, and in which result formats."""

    portal: str
    statement: str
    parameter_formats: tuple[int, ...]
    parameters: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


def format_of(result_formats: tuple[int, ...], position: int) -> int:
    """The format code of a result column: none given means text, one given means all (manual, Bind)."""
    if not result_formats:
        return 0
    if len(result_formats) == 1:
        return result_formats[0]
    return result_formats[position] if position < len(result_formats) else 0


def read_bind(body: bytes) -> Bind:
    """Read a Bind body. Written without a BodyReader: it is read for every execution of the extended protocol."""
    end_of_portal = body.find(b"\0")
    end_of_statement = body.find(b"\0", end_of_portal + 1)
    if end_of_portal < 0 or end_of_statement < 0:
        raise ProtocolViolation("A text in a message is not terminated.")
    try:
        portal = body[:end_of_portal].decode()
        statement = body[end_of_portal + 1 : end_of_statement].decode()
        parameter_formats, position = _read_formats(body, end_of_statement + 1)
        (count,) = _COUNT.unpack_from(body, position)
        position += 2
        parameters: list[bytes | None] = []
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(body, position)
            position += 4
            if length < 0:
                if length != -1:
                    raise ProtocolViolation("A parameter has an impossible length.")
                parameters.append(None)
                continue
            parameters.append(body[position : position + length])
            position += length
            if position > len(body):
                raise ProtocolViolation("A message is shorter than its contents.")
        result_formats, position = _read_formats(body, position)
    except UnicodeDecodeError:
        raise ProtocolViolation("A text in a message is not UTF-8.") from None
    except struct.error:
        raise ProtocolViolation("A message is shorter than its contents.") from None
    if position != len(body):
        raise ProtocolViolation("A message is longer than its contents.")
    return Bind(portal, statement, parameter_formats, tuple(parameters), result_formats)


_COUNT = struct.Struct(">H")
_LENGTH = struct.Struct(">i")


def _read_formats(body: bytes, position: int) -> tuple[tuple[int, ...], int]:
    """The format codes at *position*, and where they end. Raises struct.error when they are cut short."""
    (count,) = _COUNT.unpack_from(body, position)
    position += 2
    if not count:
        return (), position
    return struct.unpack_from(f">{count}h", body, position), position + 2 * count


def read_parse(body: bytes) -> tuple[str, bytes]:
    """Read a Parse body: the statement's name and its text, still as bytes; parameter types are the server's matter."""
    reader = BodyReader(body)
    name = reader.text()
    text = reader.raw_until_nul()
    reader.take(4 * reader.count())
    reader.end()
    return name, text


def read_target(body: bytes) -> tuple[str, str]:
    """Read a Describe or Close body: S or P, and the name."""
    reader = BodyReader(body)
    target = reader.take(1)
    if target not in (b"S", b"P"):
        raise ProtocolViolation("Describe and Close are about a statement or a portal.")
    name = reader.text()
    reader.end()
    return target.decode(), name


def read_execute(body: bytes) -> tuple[str, int]:
    """Read an Execute body: the portal and the greatest number of rows, 0 for all."""
    reader = BodyReader(body)
    portal = reader.text()
    maximum = reader.int32()
    reader.end()
    return portal, maximum


@functools.lru_cache(maxsize=512)
def read_row_description(body: bytes) -> tuple[ResultColumn, ...]:
    """Read a RowDescription body: the same columns, as one object, for the same bytes."""
    reader = BodyReader(body)
    columns = []
    for _ in range(reader.count()):
        name = reader.raw_until_nul().decode("utf-8", "replace")
        table_oid = reader.uint32()
        attribute_number = reader.int16()
        type_oid = reader.uint32()
        type_size = reader.int16()
        type_modifier = reader.int32()
        format_code = reader.int16()
        columns.append(ResultColumn(name, table_oid, attribute_number, type_oid, type_size, type_modifier, format_code))
    reader.end()
    return tuple(columns)


def row_description(columns: Sequence[ResultColumn]) -> bytes:
    """A RowDescription message."""
    body = struct.pack(">H", len(columns)) + b"".join(
        cstring(c.name)
        + struct.pack(">IhIhih", c.table_oid, c.attribute_number, c.type_oid, c.type_size, c.type_modifier, c.format)
        for c in columns
    )
    return message(b"T", body)


def read_data_row(body: bytes) -> tuple[bytes | None, ...]:
    """Read a DataRow body."""
    reader = BodyReader(body)
    values: list[bytes | None] = []
    for _ in range(reader.count()):
        length = reader.int32()
        values.append(None if length == -1 else reader.take(length))
    reader.end()
    return tuple(values)


def data_row(values: Iterable[bytes | None]) -> bytes:
    """A DataRow message."""
    listed = list(values)
    body = struct.pack(">H", len(listed)) + b"".join(
        b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value for value in listed
    )
    return message(b"D", body)


def query(text: str) -> bytes:
    """A Query message."""
    return message(b"Q", cstring(text))


def parse(name: str, text: str) -> bytes:
    """A Parse message without parameter types."""
    return message(b"P", cstring(name) + cstring(text) + b"\0\0")


def describe_statement(name: str) -> bytes:
    """A Describe message for a prepared statement."""
    return message(b"D", b"S" + cstring(name))


def describe_portal(name: str) -> bytes:
    """A Describe message for a portal."""
    return message(b"D", b"P" + cstring(name))


def close_statement(name: str) -> bytes:
    """A Close message for a prepared statement."""
    return message(b"C", b"S" + cstring(name))


def parameter_status(name: str, value: str) -> bytes:
    """A ParameterStatus message."""
    return message(b"S", cstring(name) + cstring(value))


def read_parameter_status(body: bytes) -> tuple[str, str]:
    """Read a ParameterStatus body."""
    reader = BodyReader(body)
    name, value = reader.raw_until_nul(), reader.raw_until_nul()
    reader.end()
    return name.decode("utf-8", "replace"), value.decode("utf-8", "replace")


POISON = parse("doorward", POISON_TEXT)  # in place of a message of the extended protocol
POISON_QUERY = query(POISON_TEXT)  # in place of a Query
