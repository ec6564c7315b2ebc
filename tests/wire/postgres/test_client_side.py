"""The start of a client's session: requests before TLS, start-up, proofs; and what is refused."""

from __future__ import annotations

import itertools
import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.wire.handshake import Proves, ShowsPassword, WantsCancel, WantsSignIn, WantsTls
from doorward.wire.postgres import authentication, messages, startup
from doorward.wire.postgres.client_side import MAX_AHEAD_BYTES, ClientHandshake

SSL = messages.SSL_REQUEST
GSS = struct.pack(">II", 8, startup.GSS_REQUEST_CODE)


def start(minor: int = 0, pairs: dict[str, str] | None = None, raw: bytes = b"") -> bytes:
    """A start-up packet with *pairs*, then *raw*."""
    given = {"user": "alice", "database": "shop"} if pairs is None else pairs
    body = b"".join(messages.cstring(text) for pair in given.items() for text in pair) + raw + b"\0"
    return struct.pack(">II", len(body) + 8, (3 << 16) | minor) + body


def sign_in(**pairs: str) -> WantsSignIn:
    """What a client with these parameters wants."""
    (wish,) = ClientHandshake().receive(start(pairs={"user": "alice", "database": "shop", **pairs}))
    assert isinstance(wish, WantsSignIn)
    return wish


def test_a_whole_sign_in_byte_by_byte() -> None:
    """TLS declined, GSS declined, start-up, both proofs; what comes behind is kept for the session."""
    handshake = ClientHandshake()
    told = []

    def feed(data: bytes) -> None:
        for at in range(len(data)):
            told.extend(handshake.receive(data[at : at + 1]))

    feed(GSS)
    assert handshake.to_client == [b"N"]
    feed(SSL)
    assert handshake.decline_tls() == b"N"
    feed(start())
    handshake.ask_for_proof()
    feed(messages.message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", 3) + b"n,,"))
    handshake.challenge(b"r=1")
    feed(messages.message(b"p", b"c=biws"))
    welcome = handshake.welcome(b"v=1", {"TimeZone": "UTC"}, 7, b"key!")
    assert welcome.startswith(authentication.sasl_final(b"v=1") + authentication.OK)
    feed(messages.query("SELECT 1"))
    assert [type(event) for event in told] == [WantsTls, WantsSignIn, Proves, Proves]
    assert told[2:] == [Proves(b"n,,", first=True, mechanism="SCRAM-SHA-256"), Proves(b"c=biws", first=False)]
    assert handshake.rest == messages.query("SELECT 1")


def test_what_follows_a_tls_request_in_clear_is_refused() -> None:
    """It would be taken for what came encrypted (CVE-2021-23214)."""
    with pytest.raises(ProtocolViolation):
        ClientHandshake().receive(SSL + start())
    late = ClientHandshake()
    late.receive(SSL)
    late.receive(start()[:5])  # after the request, and before the answer to it
    with pytest.raises(ProtocolViolation):
        late.accept_tls()


def test_tls_is_asked_for_once_and_before_it_begins() -> None:
    """Not inside TLS, nor again once it was declined; nor GSS inside TLS."""
    for again in (SSL, GSS):
        handshake = ClientHandshake()
        handshake.receive(SSL)
        assert handshake.accept_tls() == (b"S", b"")
        with pytest.raises(ProtocolViolation):
            handshake.receive(again)
    declined = ClientHandshake()
    declined.receive(SSL)
    declined.decline_tls()
    with pytest.raises(ProtocolViolation):
        declined.receive(SSL)


HELLO = b"\x16\x03\x01\x02\x00"


def test_tls_may_begin_without_asking_when_it_names_the_protocol() -> None:
    """sslnegotiation=direct; what was read of it belongs to TLS."""
    handshake = ClientHandshake()
    assert handshake.receive(HELLO[:1]) == [WantsTls(is_direct=True)]
    assert handshake.receive(HELLO[1:]) == []
    assert handshake.accept_tls() == (b"", HELLO)
    handshake.secured("postgresql")
    assert isinstance(handshake.receive(start())[0], WantsSignIn)


@pytest.mark.parametrize("protocol_name", [None, "", "http/1.1", "postgres"])
def test_direct_tls_for_another_protocol_is_refused(protocol_name: str | None) -> None:
    """Nobody may lead a browser here; who asked for TLS in PostgreSQL's words has said enough."""
    handshake = ClientHandshake()
    handshake.receive(HELLO)
    handshake.accept_tls()
    with pytest.raises(ProtocolViolation, match="ALPN"):
        handshake.secured(protocol_name)
    asking = ClientHandshake()
    asking.receive(SSL)
    asking.accept_tls()
    asking.secured(None)


@pytest.mark.parametrize("before", [SSL, GSS])
def test_tls_begins_first_or_when_asked_for(before: bytes) -> None:
    """Not after something was declined."""
    handshake = ClientHandshake()
    if handshake.receive(before):
        handshake.decline_tls()
    with pytest.raises(ProtocolViolation):
        handshake.receive(HELLO)


def test_direct_tls_is_told_where_there_is_none() -> None:
    """There is no way to decline it."""
    handshake = ClientHandshake()
    handshake.receive(HELLO)
    with pytest.raises(ProtocolViolation, match="not offered"):
        handshake.decline_tls()


def test_gss_is_declined_once() -> None:
    """However many requests come, one answer; a thousand at once are a violation, not a crash."""
    handshake = ClientHandshake()
    handshake.receive(GSS)
    with pytest.raises(ProtocolViolation):
        handshake.receive(GSS * 5000)
    assert handshake.to_client == [b"N"]


@pytest.mark.parametrize("length", [4, 5, 31, 255, 256])
def test_cancel_requests_with_keys_of_each_length(length: int) -> None:
    """Four bytes in protocol 3.0, up to 256 in 3.2."""
    key = bytes(range(256))[:length]
    assert ClientHandshake().receive(startup.cancel_packet(77, key)) == [WantsCancel(77, key)]


@pytest.mark.parametrize("length", [0, 3, 257])
def test_cancel_requests_with_impossible_keys_are_refused(length: int) -> None:
    """There are no such keys."""
    with pytest.raises(ProtocolViolation):
        ClientHandshake().receive(startup.cancel_packet(77, bytes(length)))


@pytest.mark.parametrize(("minor", "raw", "spoken", "declined"), [
    (9999, b"", 2, ()), (3, b"", 2, ()), (1, b"", 0, ()), (0, b"_pq_.thing\0on\0", 0, ("_pq_.thing",)),
    (2, b"_pq_.a\x001\0_pq_.b\x002\0", 2, ("_pq_.a", "_pq_.b")),
])  # fmt: skip
def test_newer_minors_and_options_are_negotiated_down(minor: int, raw: bytes, spoken: int, declined: tuple[str, ...]) -> None:
    """NegotiateProtocolVersion says what is spoken and names each option that is not known, before the proof is asked for."""
    handshake = ClientHandshake()
    (wish,) = handshake.receive(start(minor, raw=raw))
    assert isinstance(wish, WantsSignIn)
    assert wish.key_bytes == (32 if spoken else 4)
    names = b"".join(messages.cstring(name) for name in declined)
    assert handshake.ask_for_proof().startswith(
        messages.message(b"v", struct.pack(">II", 3 << 16 | spoken, len(declined)) + names)
    )


@pytest.mark.parametrize(("minor", "key_bytes"), [(0, 4), (2, 32)])
def test_versions_that_are_spoken_need_no_negotiation(minor: int, key_bytes: int) -> None:
    """3.0, and 3.2 with its longer keys to cancel with."""
    handshake = ClientHandshake()
    (wish,) = handshake.receive(start(minor))
    assert isinstance(wish, WantsSignIn)
    assert wish.key_bytes == key_bytes
    assert handshake.ask_for_proof()[:1] == b"R"


def test_channel_binding_is_offered_where_there_is_something_to_bind_to() -> None:
    """First, as the stronger one; the client's choice is passed on."""
    handshake = ClientHandshake()
    handshake.receive(start())
    assert handshake.ask_for_proof(binds=True) == authentication.sasl_mechanisms("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    (proof,) = handshake.receive(messages.message(b"p", b"SCRAM-SHA-256-PLUS\0" + struct.pack(">i", 1) + b"p"))
    assert proof == Proves(b"p", first=True, mechanism="SCRAM-SHA-256-PLUS")


@pytest.mark.parametrize("version", [0, 2 << 16, 4 << 16, 1234 << 16, 80877105])
def test_other_protocols_are_refused(version: int) -> None:
    """Only 3 is spoken."""
    with pytest.raises(ProtocolViolation):
        ClientHandshake().receive(struct.pack(">II", 9, version) + b"\0")


@pytest.mark.parametrize("raw", [b"user\0bob\0", b"a\x001\0a\x002\0", b"a\0", b"a\x00\xff\0", b"\0more\0"])
def test_malformed_start_ups_are_refused(raw: bytes) -> None:
    """Parameters twice, without a value, not UTF-8, or behind the end."""
    with pytest.raises(ProtocolViolation):
        ClientHandshake().receive(start(raw=raw))


@pytest.mark.parametrize("pairs", [{}, {"database": "shop"}, {"user": ""}])
def test_a_start_up_without_a_user_is_refused(pairs: dict[str, str]) -> None:
    """No ghost users."""
    with pytest.raises(ProtocolViolation):
        ClientHandshake().receive(start(pairs=pairs))


def test_the_database_is_the_users_name_unless_given() -> None:
    """As in PostgreSQL."""
    (wish,) = ClientHandshake().receive(start(pairs={"user": "alice"}))
    assert isinstance(wish, WantsSignIn)
    assert (wish.user, wish.database) == ("alice", "alice")


@pytest.mark.parametrize("value", ["true", "on", "yes", "1", "database", "TRUE", "", "t", "y"])
def test_replication_is_refused(value: str) -> None:
    """What is not surely a no is a yes."""
    with pytest.raises(ProtocolViolation, match="Replication"):
        sign_in(replication=value)


@pytest.mark.parametrize("value", ["false", "off", "no", "0", "OFF"])
def test_an_ordinary_connection_may_say_so(value: str) -> None:
    """Some drivers do."""
    assert "replication" not in sign_in(replication=value).settings


@pytest.mark.parametrize(("name", "value"), [
    ("client_encoding", "LATIN1"), ("Client_Encoding", "SQL_ASCII"), ("standard_conforming_strings", "off"),
    ("options", "-c client_encoding=LATIN1"), ("options", "--standard-conforming-strings=off"),
])  # fmt: skip
def test_pinned_settings_cannot_be_asked_for_otherwise(name: str, value: str) -> None:
    """Statements would not be read as the server reads them."""
    with pytest.raises(ProtocolViolation):
        sign_in(**{name: value})


@pytest.mark.parametrize("value", ["UTF8", "utf-8", "utf_8", "Unicode", "auto", "'UTF8'"])
def test_pinned_settings_are_always_sent_and_once(value: str) -> None:
    """In whatever spelling they were asked for, and when they were not."""
    for pairs in ({}, {"client_encoding": value}, {"CLIENT_ENCODING": value}, {"options": f"-cclient_encoding={value}"}):
        settings = sign_in(**pairs).settings
        assert [settings[name] for name in settings if name.lower() == "client_encoding"] == ["UTF8"]
        assert settings["standard_conforming_strings"] == "on"


def test_a_pinned_setting_in_two_spellings_is_checked_in_both() -> None:
    """Names of settings have no case."""
    with pytest.raises(ProtocolViolation):
        sign_in(client_encoding="UTF8", Client_Encoding="LATIN1")


@pytest.mark.parametrize(("text", "expected"), [
    ("", []), ("  ", []), ("-c a=1", [("a", "1")]), ("-ca=1 --b-c=2", [("a", "1"), ("b_c", "2")]),
    (r"-c a=x\ y -c b=\\", [("a", "x y"), ("b", "\\")]), ("-c a=1=2\t-c\nb=", [("a", "1=2"), ("b", "")]),
    ("-c a=1\\", [("a", "1")]),
])  # fmt: skip
def test_options_are_split_as_libpq_and_the_server_do(text: str, expected: list[tuple[str, str]]) -> None:
    """Words by blanks, a backslash takes the next character, dashes in names are underscores (pg_split_opts, -c, --)."""
    assert startup.read_options(text) == expected


@pytest.mark.parametrize("text", ["-W 3", "-c", "-c a", "-c =1", "--=1", "a=1", "-S 5", "-d 5", "--", "-"])
def test_other_server_switches_are_refused(text: str) -> None:
    """Only settings are taken."""
    with pytest.raises(ProtocolViolation):
        startup.read_options(text)


@pytest.mark.parametrize("packet", [
    messages.message(b"p", bytes(authentication.MAX_AUTHENTICATION_BYTES)), b"p\0\0\0\x03", b"p\xff\xff\xff\xff",
    b"Q\0\0\0\x04",
    messages.message(b"p", b"PLAIN\0\0\0\0\0"), messages.message(b"p", b"SCRAM-SHA-256-PLUS\0\xff\xff\xff\xff"),
    messages.message(b"p", b"SCRAM-SHA-256\0\0\0\0\x09n,,"), messages.message(b"p", b"SCRAM-SHA-256"),
    messages.message(b"p", b"SCRAM-SHA-256\0\0\0\0\x01n,,"), messages.message(b"p", b"\xff\0\0\0\0\0"),
])  # fmt: skip
def test_bad_authentication_messages_are_refused(packet: bytes) -> None:
    """Oversize, other types, other mechanisms, lengths that lie."""
    handshake = ClientHandshake()
    handshake.receive(start())
    handshake.ask_for_proof()
    with pytest.raises(ProtocolViolation):
        handshake.receive(packet)


def asked_for_a_password() -> ClientHandshake:
    """A client that has TLS, was asked for its password in clear, and has not answered."""
    handshake = ClientHandshake()
    handshake.receive(SSL)
    handshake.accept_tls()
    handshake.receive(start())
    assert handshake.ask_for_password() == messages.message(b"R", struct.pack(">I", 3))
    return handshake


def test_a_password_in_clear_is_taken_over_tls_alone() -> None:
    """A token of some thousand bytes fits; no proof of ours follows."""
    handshake = asked_for_a_password()
    (shown,) = handshake.receive(messages.message(b"p", b"t" * 8_192 + b"\0"))
    assert shown == ShowsPassword("t" * 8_192)
    assert "ttt" not in repr(shown)
    assert handshake.welcome(b"", {}, 7, b"key!").startswith(authentication.OK)
    plain = ClientHandshake()
    plain.receive(start())
    with pytest.raises(AssertionError):
        plain.ask_for_password()


@pytest.mark.parametrize("packet", [
    b"p\0\0\0\x03", b"p" + struct.pack(">I", 16_385), b"Q\0\0\0\x05\0", messages.message(b"p", b"no end"),
    messages.message(b"p", b"one\0two\0"), messages.message(b"p", b"\xff\xfe\0"), messages.message(b"p", b""),
])  # fmt: skip
def test_bad_password_messages_are_refused(packet: bytes) -> None:
    """Oversize, other types, without an end, with two, not UTF-8."""
    with pytest.raises(ProtocolViolation):
        asked_for_a_password().receive(packet)


def test_what_a_client_says_of_itself_is_no_setting() -> None:
    """The server never sees it."""
    wish = sign_in(options="-c doorward.job=nightly -c work_mem=1MB", **{"doorward.run": "17", "doorward.": "x"})
    assert wish.claimed == (("job", "nightly"), ("run", "17"))
    assert not any(name.startswith("doorward") for name in wish.settings)
    assert wish.settings["work_mem"] == "1MB"


def test_what_is_sent_ahead_is_kept_up_to_a_limit() -> None:
    """Nobody may fill the memory before proving anything; a stream that lost bytes is never read on."""
    handshake = ClientHandshake()
    handshake.receive(start())
    handshake.receive(bytes(MAX_AHEAD_BYTES))
    assert len(handshake.rest) == MAX_AHEAD_BYTES
    for _more in range(2):
        with pytest.raises(ProtocolViolation):
            handshake.receive(b"x")
    with pytest.raises(ProtocolViolation):
        _ = handshake.rest


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    st.sampled_from([b"", SSL, GSS, start(), start(2), startup.cancel_packet(1, b"1234"), start(raw=b"options\0-c a=b\0")]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    st.binary(max_size=60),
    st.integers(0, 3),
)
def test_mutated_and_random_bytes_are_violations_and_nothing_else(
    packet: bytes, changes: list[tuple[int, int]], noise: bytes, stage: int
) -> None:
    """In each stage of the handshake."""
    mutated = bytearray(packet + noise)
    for at, byte in changes:
        if mutated:
            mutated[at % len(mutated)] = byte
    handshake = ClientHandshake()
    if stage:
        handshake.receive(start())
        handshake.ask_for_proof()
    if stage > 1:
        handshake.receive(messages.message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", 3) + b"n,,"))
        handshake.challenge(b"r=1")
    told = handshake.refuse(ProtocolViolation(""))
    try:
        handshake.receive(bytes(mutated))
    except ProtocolViolation as error:
        told = handshake.refuse(error)
    # Who never began to speak the protocol may be told nothing.
    assert not told or messages.read_fields(told[5:]).get("C") == "08P01"


@pytest.mark.parametrize("said", [b"X\0\0\0\4", b"GET / HTTP/1.1\r\n", b"\xff" * 8, b"\0\0\0\7"])
def test_whoever_never_began_to_speak_the_protocol_is_told_nothing(said: bytes) -> None:
    """PostgreSQL closes without a word on a start-up packet of no length; drivers that say goodbye first count on it."""
    handshake = ClientHandshake()
    with pytest.raises(ProtocolViolation) as refused:
        handshake.receive(said)
    assert handshake.refuse(refused.value) == b""


SASL_FIRST = messages.message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", 3) + b"n,,")
SASL_FINAL = messages.message(b"p", b"c=biws")


def drive(stream: bytes, cuts: list[int], with_tls: bool) -> tuple[list[str], bytes]:
    """Feed *stream*, cut at *cuts*, and answer as the proxy does; what came of it, in order, and what is left."""
    handshake = ClientHandshake()
    told: list[str] = []
    at = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    try:
        for begin, end in itertools.pairwise(at):
            answers = handshake.receive(stream[begin:end])
            while answers:
                event = answers.pop(0)
                told.append(str(event))
                if isinstance(event, WantsTls):
                    # One that begins right after its request is a violation; here what comes later counts as encrypted.
                    (handshake.accept_tls if with_tls else handshake.decline_tls)()
                elif isinstance(event, WantsSignIn):
                    handshake.ask_for_proof()
                elif isinstance(event, Proves) and event.first:
                    handshake.challenge(b"r=1")
                elif isinstance(event, Proves):
                    handshake.welcome(b"v=1", {}, 1, b"1234")
                answers += handshake.receive(b"")
        return told, handshake.rest
    except ProtocolViolation as error:
        return [*told, error.message], b""


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    st.lists(
        st.sampled_from([SSL, GSS, HELLO, start(), start(2), start(99), SASL_FIRST, SASL_FINAL, messages.query("SELECT 1")])
        | st.binary(max_size=20),
        max_size=7,
    ).map(b"".join),
    st.lists(st.integers(0, 1000), max_size=8),
    st.lists(st.integers(0, 1000), max_size=8),
)
def test_where_a_stream_is_cut_makes_no_difference(stream: bytes, some: list[int], others: list[int]) -> None:
    """The same wishes in the same order, the same bytes left over, the same violation."""
    # Without a request for TLS: what is sent ahead of the answer to it is a violation, and behind it is not.
    hypothesis.assume(SSL not in stream)
    assert drive(stream, some, False) == drive(stream, others, False)


@hypothesis.given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5), st.booleans())
def test_nothing_but_violations_comes_of_any_stream(noise: bytes, cuts: list[int], with_tls: bool) -> None:
    """Whatever comes first, and whatever it is answered."""
    for before in (b"", SSL, GSS, start(), start() + SASL_FIRST, start() + SASL_FIRST + SASL_FINAL):
        told, rest = drive(before + noise, cuts, with_tls)
        assert told or len(rest) <= len(noise)
