"""Whole requests and whole replies come to exactly what the same messages come to one by one, whatever stands around them."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.wire.postgres import express_cy, messages
from doorward.wire.postgres.express_cy import Reply, Request
from tests.wire.postgres.conversing import Conversation, bind, execute, frames, kinds
from tests.wire.postgres.governing import Rules

SYNC = messages.SYNC
NO_PORTAL = "34000"
DESCRIBED = messages.describe_portal("")


def cycle(name: str, *, described: bool = True, formats: tuple[int, ...] = ()) -> bytes:
    """Bind to Sync, as libpq sends it for a prepared statement."""
    return bind(name, formats=formats) + (DESCRIBED if described else b"") + execute() + SYNC


def at_once(text: str) -> bytes:
    """Parse to Sync, as libpq sends it for a statement with parameters."""
    return messages.parse("", text) + cycle("")


TEXTS = [
    "SELECT clear",
    "SELECT secret",
    "SELECT missing",
    "SELECT 1/0",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "DROP TABLE t",
    "DELETE FROM held",
    "SET x = 1",
]
REQUESTS = st.one_of(
    st.sampled_from(TEXTS).map(messages.query),
    st.sampled_from(TEXTS).map(at_once),
    st.sampled_from(["a", "b", ""]).flatmap(
        lambda name: st.builds(
            cycle, st.just(name), described=st.booleans(), formats=st.sampled_from([(), (0,), (1,), (0, 1)])
        )
    ),
    st.builds(
        lambda name, text: messages.parse(name, text) + SYNC, st.sampled_from(["a", "b"]), st.sampled_from(TEXTS)
    ),
    st.just(execute() + SYNC),  # whatever the unnamed portal still is
    st.just(DESCRIBED + SYNC),
    st.just(messages.close_statement("a") + SYNC),
    st.just(messages.query("DECLARE c CURSOR FOR SELECT secret")),
    st.just(messages.query("FETCH ALL FROM c")),
    st.just(messages.query("PREPARE a AS SELECT secret")),
    st.just(messages.query("SET search_path TO x")),
)  # fmt: skip


def outcomes(conversation: Conversation) -> list[tuple[str, tuple[str, str, int, str] | None]]:
    """What became of each execution."""
    return [(ticket.text, ticket.outcome) for ticket in conversation.rules.tickets]


def _but_for_words(conversation: Conversation) -> list[tuple[str, bytes]]:
    """What the client got, errors by their place alone."""
    return [(kind, b"" if kind == "E" else body) for kind, body in frames(conversation.to_client)]


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(st.lists(REQUESTS, max_size=12))
def test_whole_requests_come_to_the_same_as_their_messages(requests: list[bytes]) -> None:
    """Sent whole and answered whole, or byte by byte both ways: the client sees the same, the server ran the same."""
    whole, pieces = Conversation(), Conversation()
    for request in requests:
        whole.send(request)
        for position in range(len(request)):
            pieces.exchange.receive_from_client(request[position : position + 1])
        pieces.settle(1)
        for conversation in (whole, pieces):
            while conversation.exchange.is_waiting:
                conversation.answer(approve=True)
        assert whole.to_client == pieces.to_client
        assert whole.exchange.status == pieces.exchange.status
    assert pieces.rules.again == 0
    assert whole.server.ran == pieces.server.ran
    assert outcomes(whole) == outcomes(pieces)
    assert whole.rules.begun == pieces.rules.begun
    whole.exchange.abandon("abandoned")
    assert all(ticket.outcome is not None for ticket in whole.rules.tickets)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    st.lists(REQUESTS, max_size=8), st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1, 7, 1 << 20])), max_size=8)
)
def test_a_request_overtaken_by_the_next_comes_to_the_same(requests: list[bytes], cuts: list[tuple[int, int]]) -> None:
    """The reply cut anywhere, and the next request there before the rest of it."""
    overtaken, patient = Conversation(), Conversation()
    for conversation in (overtaken, patient):
        conversation.send(messages.query("SELECT clear"))
        conversation.send(at_once("SELECT clear"))
    rest = iter(cuts)
    for request in requests:
        patient.send(request)
        while patient.exchange.is_waiting:
            patient.answer(approve=True)
        while overtaken.exchange.is_waiting:
            overtaken.answer(approve=True)
        overtaken.exchange.receive_from_client(request)
        overtaken.deliver()
        length, chunk = next(rest, (0, 1 << 20))
        part, overtaken.unread = overtaken.unread[:length], overtaken.unread[length:]
        if part:
            overtaken.exchange.receive_from_upstream(part)
            overtaken.deliver()
        if length % 2:
            overtaken.settle(chunk)
    overtaken.settle()
    while overtaken.exchange.is_waiting:
        overtaken.answer(approve=True)
    # Who asks before the answer to what came before is told of it by the server, and in its words.
    assert _but_for_words(overtaken) == _but_for_words(patient)
    assert overtaken.server.ran == patient.server.ran
    # It tells the record too, where the patient one is told before anything is begun.
    begun = [found for found in outcomes(overtaken) if found[1] is None or found[1][3] != NO_PORTAL]
    assert begun == [found for found in outcomes(patient) if found[1] is None or found[1][3] != NO_PORTAL]


@pytest.mark.parametrize("request_", [messages.query("SELECT clear"), at_once("SELECT clear")])
def test_what_was_allowed_before_goes_the_short_way(request_: bytes) -> None:
    """From the second time on, with an intent and an outcome each time."""
    conversation = Conversation()
    shown = [conversation.send(request_) for _ in range(4)]
    assert len(set(shown)) == 1
    assert conversation.rules.again == 3
    assert [text for text, outcome in outcomes(conversation) if outcome == ("done", "SELECT 3", 3, "")] == ["SELECT clear"] * 4


def test_a_prepared_statement_goes_the_short_way_with_or_without_describe() -> None:
    """Its columns are known from a description of our own, or come with the reply."""
    conversation = Conversation()
    conversation.send(messages.parse("a", "SELECT clear") + SYNC)
    for described in (True, True, False, True):
        conversation.send(cycle("a", described=described))
    assert conversation.rules.again == 3


def test_rows_that_go_the_short_way_are_masked_all_the_same() -> None:
    """In either format."""
    conversation = Conversation()
    conversation.send(messages.parse("a", "SELECT secret") + SYNC)
    for formats in ((), (1,), ()):
        conversation.send(cycle("a", formats=formats))
        conversation.send(cycle("a", described=False, formats=formats))
    assert conversation.rules.again == 5
    from tests.wire.postgres.pretended_server import SECRET

    assert SECRET not in conversation.to_client
    assert b"***" in conversation.to_client


def test_what_has_a_limit_to_keep_does_not_go_the_short_way() -> None:
    """Its rows are counted message by message."""
    conversation = Conversation(rules=Rules(limit=2))
    for _ in range(3):
        conversation.send(messages.query("SELECT clear"))
    assert conversation.rules.again == 0


def test_rows_that_wait_for_their_record_wait_on_the_short_way_too() -> None:
    """They are there, and shown once they may be."""
    conversation = Conversation(rules=Rules(release_at_once=False))
    for turn in range(3):
        assert "D" not in conversation.send(messages.query("SELECT clear"))
        (ticket,) = conversation.rules.wants_release
        conversation.rules.wants_release.clear()
        ticket.released = True
        conversation.exchange.released()
        conversation.settle()
        assert kinds(conversation.to_client) == "TDDDCZ" * (turn + 1)
    assert conversation.rules.again == 2


@hypothesis.settings(max_examples=500, deadline=None)
@hypothesis.given(REQUESTS, st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_a_request_with_one_byte_changed_is_read_as_the_messages_it_is(
    request: bytes, position: int, byte: int, cut: bool
) -> None:
    """What is read as a whole request has the lengths of whole messages, and ends where they end."""
    changed = bytearray(request)
    changed[position % len(changed)] = byte
    chunk = bytes(changed[: position % len(changed)] if cut else changed)
    read = Request()
    if read.read(chunk):
        sent = kinds(chunk)
        assert sent in ("Q", "PBDES", "PBES", "BDES", "BES")
        if not read.is_query and read.statement.isascii():
            body = chunk[read.bind_start + 5 : read.bind_end]
            understood = messages.read_bind(body)
            assert understood.portal == ""
            assert understood.statement.encode() == read.statement
            assert understood.parameters == read.parameters


@hypothesis.settings(max_examples=500, deadline=None)
@hypothesis.given(st.binary(max_size=60), st.sampled_from([messages.query("SELECT 1"), at_once("SELECT 1"), cycle("a")]))
def test_noise_is_no_reply(noise: bytes, request: bytes) -> None:
    """A reply that is accepted is made of whole messages in their order."""
    asked, reply = Request(), Reply()
    assert asked.read(request)
    row = messages.data_row([b"x"])
    good = messages.row_description([]) + row * 2 + messages.message(b"C", b"SELECT 2\0") + messages.ready_for_query(b"I")
    if asked.text is not None and not asked.is_query:
        good = messages.PARSE_COMPLETE + messages.message(b"2", b"") + good
    elif not asked.is_query:
        good = messages.message(b"2", b"") + good
    assert reply.read(good, asked)
    assert (reply.rows, reply.tag, reply.status) == (2, b"SELECT 2", b"I")
    if asked.is_query:
        assert reply.read(messages.message(b"C", b"BEGIN\0") + messages.ready_for_query(b"T"), asked)
    for changed in (noise, noise + good, good + noise or b"", good[:-1], good[1:], good[1 + len(noise) % 4 :]):
        if changed != good:
            assert not reply.read(changed, asked)


def test_parameters_are_taken_as_they_were_sent() -> None:
    """NULL, empty, and bytes of any kind."""
    values = [None, b"", b"\0\xff", b"x" * 300]
    body = b"\0s\0\0\1\0\1" + len(values).to_bytes(2, "big")
    for value in values:
        body += b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value
    request = Request()
    assert request.read(messages.message(b"B", body + b"\0\1\0\1") + execute() + SYNC)
    assert request.parameters == tuple(values)
    assert (request.statement, request.result_format, request.is_described) == (b"s", 1, False)


def test_a_query_has_nothing_of_the_request_before_it() -> None:
    """Its record must not show another statement's parameters."""
    request = Request()
    body = b"\0s\0\0\0\0\1\0\0\0\3abc\0\0"
    assert request.read(messages.message(b"B", body) + DESCRIBED + execute() + SYNC)
    assert (request.parameters, request.is_described) == ((b"abc",), True)
    assert request.read(messages.query("SELECT 1"))
    assert (request.parameters, request.is_described, request.statement) == ((), False, b"")


def test_it_is_compiled_where_the_rest_is() -> None:
    """One source, either way."""
    assert isinstance(express_cy.is_compiled(), bool)
