"""Signing in to an upstream, and asking it questions: what a server may send, and what it may not."""

from __future__ import annotations

import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.authentication.scram import ClientExchange, ServerExchange, StoredSecret
from doorward.errors import AuthenticationFailed, ProtocolViolation, UpstreamUnavailable
from doorward.model.result import ResultColumn
from doorward.wire.postgres import authentication, messages, startup
from doorward.wire.postgres.messages import BodyReader, fields, message
from doorward.wire.postgres.upstream_side import MAX_SIGN_IN_BYTES, QueryFailed, Question, UpstreamHandshake
from tests.authentication.test_scram import stored

USER, PASSWORD = "owner", "hunter2"
MD5_SALT = b"\x01\x02\x03\x04"
READY = messages.ready_for_query(b"I")
WELCOME = (
    messages.parameter_status("server_version", "18.1")
    + messages.parameter_status("TimeZone", "UTC")
    + authentication.backend_key_data(7, b"a key of any length")
    + READY
)
REFUSED = fields("FATAL", "28P01", 'password authentication failed for user "owner"').encode(b"E")


CLIENT_NONCE = "client-nonce-0123456789"
BINDING = b"the hash of a certificate"


def handshake(
    *, secure: bool = False, password: str = PASSWORD, binding: bytes | None = None, wish: str = "prefer", minor: int = 0
) -> UpstreamHandshake:
    """One for each way in that the server may choose."""
    sasl = ClientExchange(USER, password, CLIENT_NONCE, binding, wish, is_encrypted=secure) if password else None
    return UpstreamHandshake(USER, password, sasl, secure=secure, must_bind=wish == "require", minor=minor)


def asks(method: int, data: bytes = b"") -> bytes:
    """An authentication request."""
    return message(b"R", struct.pack(">I", method) + data)


class ScramServer:
    """The server's half, over the exchange that Doorward itself serves with."""

    def __init__(self, secret: str = PASSWORD, binding: bytes | None = None) -> None:
        self._exchange = ServerExchange([stored(secret)], "server-nonce-0123456789", binding)
        self.mechanism = ""

    def first(self, response: bytes) -> bytes:
        """The answer to SASLInitialResponse."""
        self.mechanism, data = authentication.read_sasl_initial(response[5:])
        return authentication.sasl_continue(self._exchange.begin(data, self.mechanism))

    def final(self, response: bytes) -> bytes:
        """The answer to SASLResponse."""
        return authentication.sasl_final(self._exchange.finish(response[5:])[1])


OFFER = authentication.sasl_mechanisms("SCRAM-SHA-256")
OFFER_PLUS = authentication.sasl_mechanisms("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")


def test_a_server_that_trusts_lets_in_at_once() -> None:
    """With its settings, and what cancels the session."""
    signing_in = handshake(password="")
    assert signing_in.receive(authentication.OK + WELCOME + b"rest") == b""
    assert signing_in.done
    assert signing_in.parameters == {"server_version": "18.1", "TimeZone": "UTC"}
    assert (signing_in.process_id, signing_in.key) == (7, b"a key of any length")
    assert signing_in.rest == b"rest"


def test_it_begins_with_the_packet_of_protocol_three() -> None:
    """User, database, settings."""
    packet = handshake().start(USER, "shop", {"application_name": "x"})
    assert struct.unpack(">II", packet[:8]) == (len(packet), 196608)
    assert struct.unpack(">II", handshake(minor=2).start(USER, "shop", {"application_name": "x"})[:8]) == (len(packet), 196610)
    for name, value in ((b"user", b"owner"), (b"database", b"shop"), (b"application_name", b"x")):
        assert name + b"\0" + value + b"\0" in packet


def test_a_password_in_clear_goes_over_encryption_alone() -> None:
    """Over anything else the operator is told what to do."""
    assert handshake(secure=True).receive(asks(3)) == message(b"p", b"hunter2\0")
    with pytest.raises(UpstreamUnavailable, match="not sent") as raised:
        handshake(secure=False).receive(asks(3))
    assert "hunter2" not in str(raised.value)


def test_md5_is_answered_as_the_manual_has_it() -> None:
    """concat('md5', md5(concat(md5(concat(password, username)), salt))), worked out with md5sum."""
    assert handshake().receive(asks(5, MD5_SALT)) == message(b"p", b"md546df186d644d3f2a9f86e8e51eb6dfd6\0")


def test_scram_signs_in_and_checks_the_server() -> None:
    """The whole exchange, against our own server's half."""
    signing_in, server = handshake(), ScramServer()
    final = server.final(signing_in.receive(server.first(signing_in.receive(OFFER))))
    assert signing_in.receive(final + authentication.OK + WELCOME) == b""
    assert signing_in.done


@pytest.mark.parametrize(
    ("wish", "binding", "offer", "mechanism"),
    [
        ("prefer", BINDING, OFFER_PLUS, "SCRAM-SHA-256-PLUS"),
        ("require", BINDING, OFFER_PLUS, "SCRAM-SHA-256-PLUS"),
        ("disable", BINDING, OFFER_PLUS, "SCRAM-SHA-256"),
        ("prefer", BINDING, OFFER, "SCRAM-SHA-256"),
        ("prefer", None, OFFER_PLUS, "SCRAM-SHA-256"),
    ],
)
def test_it_binds_to_the_connection_where_it_can_and_may(
    wish: str, binding: bytes | None, offer: bytes, mechanism: str
) -> None:
    """libpq's channel_binding; the server sees the same certificate, or has nothing to compare."""
    signing_in = handshake(secure=True, binding=binding, wish=wish)
    server = ScramServer(binding=BINDING if mechanism.endswith("PLUS") else None)
    final = server.final(signing_in.receive(server.first(signing_in.receive(offer))))
    signing_in.receive(final + authentication.OK + WELCOME)
    assert signing_in.done
    assert server.mechanism == mechanism


def test_somebody_in_between_is_noticed_by_either_side() -> None:
    """Another certificate on the way, or an offer that was cut."""
    relayed, server = handshake(secure=True, binding=b"that of somebody in between"), ScramServer(binding=BINDING)
    proof = relayed.receive(server.first(relayed.receive(OFFER_PLUS)))
    with pytest.raises(AuthenticationFailed):
        server.final(proof)
    cut = handshake(secure=True, binding=BINDING)
    with pytest.raises(AuthenticationFailed, match="believes"):
        ScramServer(binding=BINDING).first(cut.receive(OFFER))
    with pytest.raises(UpstreamUnavailable, match="not encrypted"):
        handshake().receive(OFFER_PLUS)


@pytest.mark.parametrize("offer", [OFFER, asks(3), asks(5, MD5_SALT), authentication.OK + WELCOME])
def test_required_binding_takes_no_other_way_in(offer: bytes) -> None:
    """No password leaves, and nobody is trusted."""
    signing_in = handshake(secure=True, binding=BINDING, wish="require")
    with pytest.raises(UpstreamUnavailable, match="channel_binding=require"):
        signing_in.receive(offer)
    assert not signing_in.done


@pytest.mark.parametrize("length", [4, 32, 256])
def test_the_key_that_cancels_is_kept_whole(length: int) -> None:
    """Four bytes in protocol 3.0, up to 256 in 3.2."""
    signing_in = handshake(minor=2)
    signing_in.receive(authentication.OK + authentication.backend_key_data(7, bytes(length)) + READY)
    assert (signing_in.process_id, signing_in.key) == (7, bytes(length))


@pytest.mark.parametrize("body", [b"", b"\0\0\0\7", b"\0\0\0\7abc", b"\0\0\0\7" + bytes(257)])
def test_an_impossible_key_is_refused(body: bytes) -> None:
    """Too short or too long."""
    with pytest.raises(ProtocolViolation):
        handshake().receive(authentication.OK + message(b"K", body) + READY)


def test_an_older_minor_version_is_gone_on_with() -> None:
    """3.2 is asked for, 3.0 is spoken."""
    signing_in = handshake(minor=2, password="")
    signing_in.receive(startup.negotiate_version(0, ()) + authentication.OK + WELCOME)
    assert signing_in.done


@pytest.mark.parametrize(
    "body",
    [b"", b"\0\3\0\2", struct.pack(">II", 3 << 16 | 2, 0), struct.pack(">II", 4 << 16, 0), struct.pack(">II", 3 << 16, 1)],
)
def test_a_version_that_was_not_asked_for_is_refused(body: bytes) -> None:
    """Newer than asked, another protocol, or options that nobody named."""
    with pytest.raises(ProtocolViolation):
        handshake().receive(message(b"v", body))


def up_to(stage: int) -> UpstreamHandshake:
    """A SCRAM exchange in which the server sent *stage* messages."""
    signing_in, server = handshake(), ScramServer()
    answer = signing_in.receive(OFFER)
    if stage > 1:
        answer = signing_in.receive(server.first(answer))
    if stage > 2:
        signing_in.receive(server.final(answer))
    return signing_in


@pytest.mark.parametrize("stage", [1, 2])
def test_a_server_that_leaves_out_its_own_proof_is_refused(stage: int) -> None:
    """Begun is not done: whoever says OK before its proof may not know the password."""
    signing_in = up_to(stage)
    with pytest.raises(UpstreamUnavailable, match="did not prove"):
        signing_in.receive(authentication.OK + WELCOME)
    assert not signing_in.done


def test_a_server_with_a_wrong_proof_is_refused() -> None:
    """It sent one, made with another key."""
    signing_in = up_to(2)
    with pytest.raises(UpstreamUnavailable, match="did not prove"):
        signing_in.receive(authentication.sasl_final(b"v=" + b"A" * 43 + b"="))


def test_a_server_that_does_not_take_the_nonce_up_is_refused() -> None:
    """Its first message must go on from ours."""
    with pytest.raises(UpstreamUnavailable, match="not understood"):
        up_to(1).receive(authentication.sasl_continue(b"r=another,s=c2FsdA==,i=4096"))


SASL_MESSAGES = {10: OFFER, 11: authentication.sasl_continue(b"r=x,s=c2FsdA==,i=1"), 12: authentication.sasl_final(b"v=AA==")}


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("method", SASL_MESSAGES)
def test_sasl_messages_out_of_order_are_refused(stage: int, method: int) -> None:
    """Each has one place; one twice is out of order too."""
    if method == 10 + stage:
        return  # its own place
    signing_in = up_to(stage) if stage else handshake()
    with pytest.raises(ProtocolViolation, match="out of order"):
        signing_in.receive(SASL_MESSAGES[method])


def test_a_server_without_scram_sha_256_is_told_what_to_do() -> None:
    """Channel binding alone is not enough."""
    with pytest.raises(UpstreamUnavailable, match="no SCRAM-SHA-256"):
        handshake().receive(authentication.sasl_mechanisms("SCRAM-SHA-512"))


@pytest.mark.parametrize("method", [1, 2, 6, 7, 8, 9, 13, 255, 0xFFFFFFFF])
def test_other_ways_of_signing_in_are_refused(method: int) -> None:
    """Kerberos, GSSAPI, SSPI and what is still to come."""
    with pytest.raises(UpstreamUnavailable, match=f"\\({method}\\)"):
        handshake().receive(asks(method))


def test_scram_without_a_password_is_refused() -> None:
    """There is nothing to prove."""
    with pytest.raises(UpstreamUnavailable, match="given none"):
        handshake(password="").receive(OFFER)


@pytest.mark.parametrize("before", [b"", authentication.OK])
def test_a_server_that_refuses_is_quoted(before: bytes) -> None:
    """Its own words and SQLSTATE, before or after the password was taken."""
    with pytest.raises(UpstreamUnavailable, match=r"28P01") as raised:
        handshake().receive(before + REFUSED)
    assert "pg_hba.conf" in raised.value.remedy


def test_nobody_is_let_in_before_authentication() -> None:
    """ReadyForQuery without AuthenticationOk is no sign-in."""
    with pytest.raises(ProtocolViolation, match="no place in start-up"):
        handshake().receive(WELCOME)


@pytest.mark.parametrize("kind", [b"D", b"T", b"C", b"1", b"G", b"A", b"\0", b"\xff"])
def test_what_has_no_place_in_start_up_is_refused(kind: bytes) -> None:
    """Rows before a question, for one."""
    with pytest.raises(ProtocolViolation):
        handshake().receive(message(kind, b"\0\0"))


@pytest.mark.parametrize("length", [0, 1, 3, 65_537, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_no_start_up_message_has_is_refused(length: int) -> None:
    """Nothing is waited for that will not come."""
    with pytest.raises(ProtocolViolation):
        handshake().receive(b"R" + struct.pack(">I", length))


def test_a_server_that_never_becomes_ready_is_left() -> None:
    """Settings without end would fill the memory."""
    signing_in = handshake()
    signing_in.receive(authentication.OK)
    for number in range(MAX_SIGN_IN_BYTES // 2000):
        signing_in.receive(messages.parameter_status(f"setting_{number}", "x" * 1000))
    with pytest.raises(ProtocolViolation, match="without end"):
        signing_in.receive(bytes(MAX_SIGN_IN_BYTES // 2))


def test_another_protocol_is_told_at_once() -> None:
    """HTTP, for one."""
    with pytest.raises(ProtocolViolation, match="does not speak"):
        handshake().receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@hypothesis.given(st.lists(st.integers(1, 40), max_size=20))
def test_messages_may_be_cut_anywhere(lengths: list[int]) -> None:
    """The network does not keep messages whole."""
    stream = fields("NOTICE", "00000", "hello").encode(b"N") + authentication.OK + WELCOME
    signing_in, offset = handshake(), 0
    for length in [*lengths, len(stream)]:
        signing_in.receive(stream[offset : offset + length])
        offset += length
    assert signing_in.done
    assert signing_in.rest == b""
    assert signing_in.parameters["TimeZone"] == "UTC"


STREAMS = {
    "trust": authentication.OK + WELCOME,
    "md5": asks(5, MD5_SALT) + authentication.OK + WELCOME,
    "clear": asks(3) + authentication.OK + WELCOME,
    "scram": OFFER + SASL_MESSAGES[11] + SASL_MESSAGES[12] + authentication.OK + WELCOME,
    "refused": REFUSED,
}


@hypothesis.given(st.sampled_from(sorted(STREAMS)), st.integers(0, 200), st.binary(max_size=6), st.integers(0, 6))
def test_damaged_streams_raise_what_is_promised_and_nothing_else(name: str, at: int, put: bytes, drop: int) -> None:
    """Bytes replaced, put in or left out: refused in our own words, or understood."""
    stream = STREAMS[name]
    at %= len(stream)
    signing_in = handshake(secure=True)
    try:
        answer = signing_in.receive(stream[:at] + put + stream[at + drop :])
    except (ProtocolViolation, UpstreamUnavailable):
        assert not signing_in.done
    else:
        assert isinstance(answer, bytes)


@hypothesis.given(st.binary(max_size=120))
def test_a_damaged_scram_exchange_raises_what_is_promised(data: bytes) -> None:
    """Whatever stands where the server's two messages should."""
    for stage, wrap in ((1, authentication.sasl_continue), (2, authentication.sasl_final)):
        with pytest.raises((UpstreamUnavailable, ProtocolViolation)):
            quickly_up_to(stage).receive(wrap(data) + authentication.OK + WELCOME)


@hypothesis.given(st.integers(0, 90), st.binary(min_size=1, max_size=3))
def test_a_server_first_message_with_bytes_changed_never_signs_in(at: int, put: bytes) -> None:
    """Its parts are missing, doubled or unreadable."""
    signing_in, server = handshake(), ScramServer()
    right = server.first(signing_in.receive(OFFER))
    body = right[9:]
    at %= len(body)
    changed = body[:at] + put + body[at + len(put) :]
    hypothesis.assume(changed != body and b"i=" in changed and len(changed.rpartition(b"i=")[2]) <= 4)
    try:
        signing_in.receive(authentication.sasl_continue(changed))
    except (UpstreamUnavailable, ProtocolViolation):
        return
    with pytest.raises(UpstreamUnavailable):
        signing_in.receive(authentication.OK + WELCOME)


def quickly_up_to(stage: int) -> UpstreamHandshake:
    """The same with few rounds, so that many can be tried."""
    signing_in = handshake()
    first = authentication.read_sasl_initial(signing_in.receive(OFFER)[5:])[1]
    if stage > 1:
        cheap: StoredSecret = stored(PASSWORD, iterations=1)
        signing_in.receive(authentication.sasl_continue(ServerExchange([cheap], "server-nonce-0123456789").begin(first)))
    return signing_in


# --- questions ------------------------------------------------------------------------------------------------------

COLUMN = ResultColumn("c", 7, 2, 25, -1, -1, 0)
DESCRIBED = messages.row_description([COLUMN])
ROWS = messages.data_row([b"one"]) + messages.data_row([None]) + messages.data_row([b""]) + messages.data_row([b"\xff"])
DONE = message(b"C", b"SELECT 4\0") + READY


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1_000])
def test_a_question_gathers_rows_as_text(piece: int) -> None:
    """NULL is None; what is not UTF-8 is replaced and nothing breaks. However the stream is cut."""
    question, stream = Question(), DESCRIBED + ROWS + DONE
    for start in range(0, len(stream), piece):
        assert not question.done
        question.receive(stream[start : start + piece])
    assert question.done
    assert question.rows == [("one",), (None,), ("",), ("\N{REPLACEMENT CHARACTER}",)]
    assert question.columns == (COLUMN,)


def test_a_question_is_asked_in_one_message_and_a_description_without_running() -> None:
    """Query; or Parse, Describe, Sync and never Execute."""
    assert Question.ask("SELECT 1") == messages.query("SELECT 1")
    described, kinds = Question.ask_columns("SELECT 1"), b""
    while described:
        kinds += described[:1]
        described = described[1 + BodyReader(described[1:5]).uint32() :]
    assert kinds == b"PDS"


def test_a_failed_question_raises_once_the_server_is_ready() -> None:
    """So that the connection can go on."""
    question = Question()
    question.receive(fields("ERROR", "42P01", 'relation "x" does not exist').encode(b"E"))
    assert not question.done
    with pytest.raises(QueryFailed, match="does not exist") as raised:
        question.receive(READY)
    assert question.done
    assert raised.value.sqlstate == "42P01"


def test_an_answer_too_long_is_refused() -> None:
    """A length that no catalog has."""
    with pytest.raises(ProtocolViolation):
        Question().receive(b"D" + struct.pack(">I", 0x7FFFFFFF))


@hypothesis.given(st.integers(0, 120), st.binary(max_size=5), st.integers(0, 5))
def test_damaged_answers_raise_what_is_promised_and_nothing_else(at: int, put: bytes, drop: int) -> None:
    """Rows and descriptions with bytes changed."""
    stream = DESCRIBED + ROWS + DONE
    at %= len(stream)
    question = Question()
    try:
        question.receive(stream[:at] + put + stream[at + drop :])
    except (ProtocolViolation, QueryFailed):
        return
    assert all(isinstance(row, tuple) for row in question.rows)
