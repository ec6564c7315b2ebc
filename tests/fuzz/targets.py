"""What is fuzzed: functions that take any bytes and raise only when something is wrong.

A ProtocolViolation is never wrong: it is what a peer's nonsense ends in. Everything else is, and so is a broken promise.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from doorward.errors import DoorwardError, ProtocolViolation, UpstreamUnavailable
from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.wire.handshake import Proves, WantsSignIn, WantsTls
from doorward.wire.postgres import authentication, errors_shown, messages, rows_cy, startup, values
from doorward.wire.postgres.client_side import ClientHandshake
from doorward.wire.postgres.exchange import MAX_CLIENT_MESSAGE_BYTES, MAX_MASKED_ROW_BYTES, Exchange
from doorward.wire.postgres.framing_cy import FrameReader
from doorward.wire.postgres.upstream_side import QueryFailed, Question, UpstreamHandshake
from tests.fuzz.dialogue import play_dialogue
from tests.wire.postgres.governing import Rules, Text


@dataclass(frozen=True, slots=True)
class Target:
    """One function under attack, what it attacks, and inputs to begin with."""

    run: Callable[[bytes], None]
    of: str
    seeds: Callable[[], list[bytes]]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """*data* in pieces of *size* bytes, at least one."""
    return (data[start : start + max(size, 1)] for start in range(0, len(data), max(size, 1)))


# --- framing ----------------------------------------------------------------------------------------------------------


def _frames(data: bytes, size: int, limit: int, *, passing: bool) -> list[tuple[object, ...]]:
    """What a reader tells of *data*; parts that pass are joined, for where they are cut is no event."""
    reader = FrameReader(limit)
    told: list[tuple[object, ...]] = []
    parts = bytearray()
    for piece in pieces(data, size):
        reader.feed(piece)
        while True:
            if reader.is_passing:
                part = reader.take()
                if not part:
                    break
                parts += part
                continue
            try:
                found = reader.next()
            except ProtocolViolation:
                return [*told, ("violation",), ("parts", bytes(parts))]
            if found:
                told.append((reader.kind, reader.body()))
            elif reader.oversize:
                told.append(("oversize", reader.kind, reader.oversize))
                reader.pass_through() if passing else reader.skip()
            else:
                break
        assert reader.waiting <= max(limit + 5, len(piece)) + len(piece), "more is held than one message"
    return [*told, ("parts", bytes(parts))]


def framing(data: bytes) -> None:
    """Cut anywhere, the same messages; nothing is held past the limit."""
    if len(data) < 3:
        return
    limit, size, passing, stream = 16 + data[0], data[1], bool(data[2] & 1), data[3:]
    assert _frames(stream, size, limit, passing=passing) == _frames(stream, len(stream), limit, passing=passing)


# --- messages ---------------------------------------------------------------------------------------------------------


def _encoded_bind(bind: messages.Bind) -> bytes:
    formats, results = bind.parameter_formats, bind.result_formats
    body = messages.cstring(bind.portal) + messages.cstring(bind.statement)
    body += struct.pack(f">H{len(formats)}h", len(formats), *formats) + messages.data_row(bind.parameters)[5:]
    return body + struct.pack(f">H{len(results)}h", len(results), *results)


_READERS: tuple[tuple[Callable[[bytes], object], Callable[..., bytes] | None], ...] = (
    (messages.read_bind, lambda read: _encoded_bind(read)),
    (messages.read_parse, None),
    (messages.read_target, lambda read: read[0].encode() + messages.cstring(read[1])),
    (messages.read_execute, lambda read: messages.cstring(read[0]) + struct.pack(">i", read[1])),
    (messages.read_row_description, None),
    (messages.read_data_row, lambda read: messages.data_row(read)[5:]),
    (messages.read_parameter_status, None),
    (authentication.read_sasl_initial, None),
)


def reading(data: bytes) -> None:
    """What is read and can be written comes out as it went in; errors that are not shown have nothing of their own in them."""
    if not data:
        return
    read, encode = _READERS[data[0] % len(_READERS)]
    body = data[1:]
    with contextlib.suppress(ProtocolViolation):
        told = read(body)
        assert encode is None or encode(told) == body
    fields = messages.read_fields(body)
    withheld = errors_shown.clean(fields, shown=False).encode(b"E")
    if not errors_shown._points_into_the_text(fields, fields.get("C")) and fields.get("C") not in errors_shown._FIXED:
        for name in "MDHW":
            value = fields.get(name)
            assert len(value) < 40 or value.encode() not in withheld, "a withheld error shows its own words"
    assert errors_shown.clean(fields, shown=True) == fields


# --- rows -------------------------------------------------------------------------------------------------------------

_MARK = b"\x00\x00\x00\x03***"


def _constant_of(code: int) -> object:
    """What goes with an operation: a counted constant, a function, a bare one."""
    if code == rows_cy.SCAN:
        return lambda values: [None if value is None else b"***" for value in values], ()
    return _MARK if code in (rows_cy.CONSTANT, rows_cy.CONSTANT_HIDING_NULL) else b"***"


def rows(data: bytes) -> None:
    """Rows are rewritten column by column or refused: as many as before, whole, and nothing of a hidden value in them."""
    if len(data) < 2:
        return
    count = data[0] % 5
    operations, body = [code % 8 for code in data[1 : 1 + count]], data[1 + count :]
    constants: list[object] = [_constant_of(code) for code in operations]
    try:
        masked, number = rows_cy.mask_rows(body, 0, len(body), operations, constants)
    except ProtocolViolation:
        return
    assert len(operations) == count or not body
    before, after = _split_rows(body), _split_rows(masked)
    assert len(before) == len(after) == number
    for old, new in zip(before, after, strict=True):
        for code, was, became in zip(operations, old, new, strict=True):
            _check_value(code, was, became)


def _split_rows(data: bytes) -> list[tuple[bytes | None, ...]]:
    found = []
    reader = FrameReader(1 << 30)
    reader.feed(data)
    while reader.next():
        found.append(messages.read_data_row(reader.body()))
    assert not reader.waiting
    return found


def _check_value(code: int, was: bytes | None, became: bytes | None) -> None:
    if code == rows_cy.KEEP:
        assert became == was
    elif code == rows_cy.NULL or (was is None and code != rows_cy.CONSTANT_HIDING_NULL):
        assert became is None
    elif code in (rows_cy.CONSTANT, rows_cy.CONSTANT_HIDING_NULL, rows_cy.SCAN):
        assert became == b"***"
    elif code in (rows_cy.INITIAL, rows_cy.EMAIL):
        assert was is not None
        assert became is not None
        assert became.endswith(b"***")
        assert len(became) <= 7, "one character, then the constant"
        assert was.startswith(became[:-3])
    else:
        assert was is not None
        assert became is not None
        kept = sum(chr(byte).isalnum() for byte in became if byte < 128)
        assert kept <= 4, "no more than four letters and digits"


def masks(data: bytes) -> None:
    """Every mask of every column is an operation that the rewriting of rows takes."""
    if len(data) < 19:
        return
    table, attribute, kind, size, modifier, format_code = struct.unpack_from(">IhIhih", data)
    column = ResultColumn("c", table, attribute, kind, size, modifier, format_code)
    row = messages.data_row([data[18:]])
    for mask in Mask:
        operation = values.operation_for(mask, column)
        masked, _number = rows_cy.mask_rows(
            row, 0, len(row), [operation.code], [operation.constant or _constant_of(operation.code)]
        )
        assert mask is not Mask.NONE or masked == row
        _split_rows(masked)


# --- start-up ---------------------------------------------------------------------------------------------------------


def _handshake(data: bytes, size: int, *, has_tls: bool) -> None:
    """A client's start-up, answered as a gateway would: what it sends after TLS began stands for what TLS would hold."""
    handshake = ClientHandshake()
    with contextlib.suppress(ProtocolViolation):
        for piece in pieces(data, size):
            for event in handshake.receive(piece):
                match event:
                    case WantsTls() if has_tls:
                        handshake.accept_tls()
                        handshake.secured("postgresql" if size & 1 else None)
                    case WantsTls():
                        handshake.decline_tls()
                    case WantsSignIn():
                        handshake.ask_for_proof()
                    case Proves(first=True):
                        handshake.challenge(b"r=1,s=2,i=4096")
                    case Proves():
                        handshake.welcome(b"v=", {"TimeZone": "UTC"}, 1, b"1234")
            assert len(b"".join(handshake.to_client)) <= 8, "a stranger gets more than short answers"


def signing_in(data: bytes) -> None:
    """Never anything but a violation; and options that can be read say what they set."""
    if data:
        _handshake(data[1:], data[0] >> 1, has_tls=bool(data[0] & 1))
    with contextlib.suppress(ProtocolViolation):
        for name, _value in startup.read_options(data.decode("utf-8", "replace")):
            assert name


class _Sasl:
    """A client's half of SCRAM that takes everything."""

    is_bound = False

    def first(self, offered: Sequence[str]) -> tuple[str, bytes]:
        return offered[0] if offered else "", b"n,,n=,r=1"

    def answer(self, server_first: bytes) -> bytes:
        return server_first[:10]

    def check(self, server_final: bytes) -> None:
        if server_final.startswith(b"e="):
            raise UpstreamUnavailable("It refused.")


def upstream(data: bytes) -> None:
    """What an upstream says at sign-in and to our own questions: understood, refused or a violation, cut anywhere alike."""
    if len(data) < 2:
        return
    ends = []
    for size in (data[0], len(data)):
        handshake = UpstreamHandshake("u", "p", _Sasl(), secure=bool(data[1] & 1))
        said = b""
        try:
            for piece in pieces(data[2:], size):
                said += handshake.receive(piece)
            ends.append((said, handshake.done, handshake.parameters, handshake.key))
        except DoorwardError as error:
            ends.append(("refused", type(error)))
    assert ends[0] == ends[1]
    question = Question()
    with contextlib.suppress(ProtocolViolation, QueryFailed):
        for piece in pieces(data[2:], data[0]):
            question.receive(piece)


# --- the exchange -----------------------------------------------------------------------------------------------------


LONGEST_BYTES = min(MAX_CLIENT_MESSAGE_BYTES, MAX_MASKED_ROW_BYTES)


class QuickRules(Rules):
    """The rules of the tests, with each text analysed once."""

    def understand(self, text: bytes) -> Text:
        return _understood(text)


@lru_cache(maxsize=4_096)
def _understood(text: bytes) -> Text:
    return Rules().understand(text)


def exchange(data: bytes) -> None:
    """Any bytes from both sides, approvals and releases between them: a violation or silence, and one outcome for each."""
    governor = QuickRules(release_at_once=bool(data[:1] and data[0] & 1), show_errors=False)
    under = Exchange(governor, lambda: "1")
    position = 1
    given = 0
    is_whole = True
    try:
        while position + 1 < len(data):
            what, size = data[position], data[position + 1]
            piece = data[position + 2 : position + 2 + size]
            position += 2 + len(piece)
            given += len(piece)
            if under.is_waiting:
                resume, ticket = governor.waiting.pop(0)
                resume(None, ticket)
                under.go_on()
            elif what % 4 == 0:
                under.receive_from_client(piece)
            elif what % 4 == 1:
                under.receive_from_upstream(piece)
            elif what % 4 == 2:
                for ticket in governor.wants_release:
                    ticket.released = True
                under.released()
            else:
                under.receive_from_client(_LIKELY[size % len(_LIKELY)])
            is_whole = is_whole and _well_framed(under.to_client) and _well_framed(under.to_upstream)
            assert sum(map(len, under.to_client)) <= 40 * given + 100_000, "more comes out than ever went in"
            under.to_client.clear()
            under.to_upstream.clear()
    except ProtocolViolation:
        pass
    under.abandon("abandoned")
    waiting = {id(ticket) for _resume, ticket in governor.waiting}
    assert all(ticket.outcome is not None or id(ticket) in waiting for ticket in governor.tickets)


def _well_framed(chunks: list[bytes]) -> bool:
    """Whether only whole messages go out. One that announces more than is ever gathered passes in parts: False from then on."""
    reader = FrameReader(LONGEST_BYTES)
    reader.feed(b"".join(chunks))
    while reader.next():
        """Each is whole."""
    assert not reader.waiting or reader.oversize, "a message is cut"
    return not reader.oversize


def _likely() -> list[bytes]:
    from tests.wire.postgres.conversing import bind, execute, run

    texts = (
        "SELECT clear", "SELECT secret", "BEGIN", "COMMIT", "DELETE FROM held", "DROP TABLE t", "COPY t FROM STDIN",
        "COPY t TO STDOUT", "PREPARE a AS SELECT secret", "EXECUTE a", "DECLARE a CURSOR FOR SELECT secret", "FETCH ALL FROM a",
    )  # fmt: skip
    found = [messages.SYNC, messages.FLUSH, bind(), execute(), execute("", 2), messages.describe_portal("")]
    for text in texts:
        found += [messages.query(text), run(text), messages.parse("a", text)]
    return [*found, bind("a", "b"), execute("b"), messages.close_statement("a"), messages.COPY_DONE]


_LIKELY = _likely()


def dialogue(data: bytes) -> None:
    """A dialogue gets through an exchange what it gets without one."""
    play_dialogue(data)


def _cut(streams: list[bytes], *prefix: int) -> list[bytes]:
    return [bytes(prefix) + stream for stream in streams]


def _answers() -> list[bytes]:
    columns = [ResultColumn("c", 0, 0, 25, -1, -1, 0)]
    return [
        messages.row_description(columns) + messages.data_row([b"ab", None]) + messages.message(b"C", b"SELECT 1\0"),
        messages.fields("ERROR", "22012", "division by zero", "d", "h").encode(b"E") + messages.ready_for_query(b"I"),
        messages.parameter_status("TimeZone", "UTC") + messages.message(b"A", b"\0\0\0\1ch\0payload\0"),
        messages.PARSE_COMPLETE + messages.message(b"2", b"") + messages.message(b"n", b"") + messages.CLOSE_COMPLETE,
        messages.message(b"G", b"\0\0\1\0\0") + messages.message(b"H", b"\0\0\1\0\0") + messages.message(b"d", b"1\n"),
        authentication.sasl_mechanisms("SCRAM-SHA-256")
        + authentication.sasl_continue(b"r=1")
        + authentication.sasl_final(b"v="),
        authentication.OK + authentication.backend_key_data(1, b"1234") + messages.ready_for_query(b"I"),
    ]


def _greetings() -> list[bytes]:
    initial = messages.cstring("SCRAM-SHA-256") + struct.pack(">i", 6) + b"n,,n=,"
    proof = messages.message(b"p", initial) + messages.message(b"p", b"c=biws,r=1,p=2")
    return [
        startup.startup_packet("alice", "shop", {"application_name": "psql", "options": "-c geqo=off"}) + proof,
        messages.SSL_REQUEST + startup.startup_packet("alice", "shop", {"client_encoding": "UTF8"}),
        startup.cancel_packet(1, b"1234"),
        b"-c a=b --c-d=e",
    ]


def _conversations() -> list[bytes]:
    """A client's message, then the answers to it."""
    answers = _answers()
    found = []
    for number, sent in enumerate(_LIKELY):
        for likely in (answers[0], answers[1], answers[3] + answers[0], answers[4]):
            reply = likely + messages.ready_for_query(b"I")
            found.append(bytes([1, 3, number]) + bytes([1, min(len(reply), 255)]) + reply[:255])
        found.append(bytes([0, 0, min(len(sent), 255)]) + sent[:255])
    return found


TARGETS: dict[str, Target] = {
    "framing": Target(framing, "FrameReader", lambda: _cut([b"".join(_LIKELY[:9]), *_answers()], 40, 7, 1)),
    "reading": Target(reading, "readers of messages, errors", lambda: [
        bytes([number]) + stream[5:] for number, stream in itertools.product(range(len(_READERS)), [*_LIKELY[:12], *_answers()])
    ]),
    "rows": Target(rows, "rows_cy", lambda: [
        bytes([2, first, second]) + messages.data_row([b"alice@example.com", b"4111 1111 1111 1111"])
        for first, second in itertools.product(range(7), repeat=2)
    ]),
    "masks": Target(masks, "values", lambda: [
        struct.pack(">IhIhih", 1, 1, oid, -1, 20, code) + b"alice@example.com"
        for oid, code in itertools.product((25, 1043, 23, 1082, 2950, 1700, 16, 114), (0, 1))
    ]),
    "signing_in": Target(signing_in, "start-up of clients", lambda: _cut(_greetings(), 9)),
    "upstream": Target(upstream, "start-up of upstreams, our own questions", lambda: _cut(
        [b"".join(_answers()[5:]), *_answers()], 9, 1
    )),
    "exchange": Target(exchange, "the exchange, any bytes from both sides", _conversations),
    "dialogue": Target(dialogue, "the exchange against the server alone", lambda: [
        bytes([approve, cut, first, second, third])
        for approve in (0, 1) for cut in (0, 9) for first in range(0, 60, 4) for second, third in ((3, 11), (25, 40))
    ]),
}  # fmt: skip
