"""Whatever a client sends, cut however: client, exchange and server stay in step, and nothing runs or shows that should not."""

from __future__ import annotations

import hypothesis
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages
from doorward.wire.postgres.exchange import Exchange
from tests.wire.postgres.conversing import Conversation, bind, copy_data, execute, frames, run
from tests.wire.postgres.governing import Rules
from tests.wire.postgres.pretended_server import SECRET

NAMES = st.sampled_from(["", "a", "b"])
TEXTS = st.sampled_from(
    [
        "SELECT clear", "SELECT secret", "SELECT missing", "SELECT 1/0", "BEGIN", "COMMIT", "ROLLBACK",
        "PREPARE a AS SELECT clear", "PREPARE a AS SELECT secret", "PREPARE b AS SELECT secret", "EXECUTE a", "EXECUTE b",
        "DEALLOCATE a", "DEALLOCATE b", "DECLARE a CURSOR FOR SELECT clear", "DECLARE a CURSOR FOR SELECT secret",
        "FETCH ALL FROM a", "FETCH ALL FROM b", "CLOSE a", "DROP TABLE t", "DELETE FROM held", "not even SQL",
    ]
)  # fmt: skip
MESSAGES = st.one_of(
    TEXTS.map(messages.query),
    st.lists(TEXTS, min_size=2, max_size=3).map("; ".join).map(messages.query),
    st.builds(messages.parse, NAMES, TEXTS),
    st.builds(bind, NAMES, NAMES),
    st.builds(execute, NAMES, st.sampled_from([0, 2])),
    TEXTS.map(run),
    NAMES.map(messages.describe_statement),
    NAMES.map(messages.describe_portal),
    NAMES.map(messages.close_statement),
    NAMES.map(lambda name: messages.message(b"C", b"P" + messages.cstring(name))),
    st.just(messages.SYNC),
    st.just(messages.SYNC),
    st.just(messages.FLUSH),
    st.just(messages.message(b"F", b"\0\0\0\x01\0\0\0\0\0\0")),
    st.just(messages.query("COPY t FROM STDIN")),
    st.just(run("COPY t FROM STDIN") + messages.SYNC),
    st.just(copy_data(b"1\n")),
    st.just(messages.COPY_DONE),
    st.just(messages.message(b"f", b"no\0")),
)
ENDING = messages.message(b"f", b"\0") + messages.SYNC


def play(conversation: Conversation, sent: list[bytes], cuts: list[int], answers: list[bool]) -> bool:
    """Send all of it in chunks of the lengths in *cuts*, replies coming in between; False when the session ended early."""
    stream = b"".join(sent) + ENDING
    lengths = iter(cuts)
    decided = iter(answers)
    try:
        while stream or conversation.exchange.is_waiting or conversation.unread:
            if conversation.exchange.is_waiting:
                conversation.answer(approve=next(decided, False))
                continue
            length = next(lengths, 0)
            if stream and (length or not conversation.unread):
                part, stream = (stream[:length], stream[length:]) if length else (stream, b"")
                conversation.exchange.receive_from_client(part)
            elif conversation.unread:
                part, conversation.unread = conversation.unread[:7], conversation.unread[7:]
                conversation.exchange.receive_from_upstream(part)
            conversation.deliver()
            if length % 2:
                conversation.settle(chunk=11)
    except ProtocolViolation:
        conversation.exchange.abandon("abandoned")
        return False
    if conversation.server.dead:
        conversation.exchange.abandon("unknown")
    return not conversation.server.dead


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(
    st.lists(MESSAGES, max_size=14),
    st.lists(st.integers(0, 60), max_size=40),
    st.lists(st.booleans(), max_size=8),
)
def test_client_exchange_and_server_stay_in_step(sent: list[bytes], cuts: list[int], answers: list[bool]) -> None:
    """Nothing runs unbegun, no secret row is shown, each execution has one outcome, and at the end nobody waits for anybody."""
    conversation = Conversation(rules=Rules(show_errors=False))
    went_well = play(conversation, sent, cuts, answers)
    allowed = [text for ticket in conversation.rules.tickets for text in (*_split(ticket.text), *map(_inner, ticket.inner))]
    for text in conversation.server.ran:
        if text.startswith("SELECT") and text not in allowed:
            # A cursor's or a portal's own text, fetched by name: nothing of it may show.
            assert SECRET not in conversation.to_client
        else:
            assert text in allowed, text
    assert SECRET not in conversation.to_client
    waiting = [ticket for _resume, ticket in conversation.rules.waiting]  # theirs is the governor's to record
    assert all(ticket.outcome is not None or ticket in waiting for ticket in conversation.rules.tickets)
    if went_well:
        assert not conversation.exchange.is_busy
        assert not conversation.server.skipping
        assert conversation.exchange.status == conversation.server.status
        frames(conversation.to_client)
        assert conversation.send(messages.query("SELECT secret")) in ("TDDDCZ", "EZ")
        assert SECRET not in conversation.to_client


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";")]


def _inner(text: str) -> str:
    return text.partition(" AS ")[2] or text.partition(" FOR ")[2] or text


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(st.lists(MESSAGES, max_size=10), st.lists(st.booleans(), max_size=4), st.integers(1, 9))
def test_cuts_change_nothing(sent: list[bytes], answers: list[bool], size: int) -> None:
    """A stream in one chunk and the same in pieces give the same bytes to both sides."""
    outputs = []
    for client_chunk, upstream_chunk in ((1 << 20, 1 << 20), (size, size)):
        conversation = Conversation()
        decided = iter(answers)
        ended = False
        stream = b"".join(sent) + ENDING
        try:
            for start in range(0, len(stream), client_chunk):
                conversation.exchange.receive_from_client(stream[start : start + client_chunk])
                while conversation.exchange.is_waiting:
                    conversation.deliver()
                    resume, ticket = conversation.rules.waiting.pop(0)
                    if not next(decided, False):
                        ticket.outcome = ("refused", "", 0, "")
                        resume(_NO, None)
                    else:
                        resume(None, ticket)
                    conversation.exchange.go_on()
            conversation.settle(upstream_chunk)
            while conversation.exchange.is_waiting:
                conversation.answer(approve=next(decided, False))
        except ProtocolViolation:
            ended = True
        outputs.append((ended, None if ended else conversation.to_client, None if ended else conversation.to_server))
    assert outputs[0] == outputs[1]


def _no_refusal() -> object:
    from tests.wire.postgres.governing import WITHDRAWN

    return WITHDRAWN


_NO = _no_refusal()


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=8))
def test_random_bytes_end_a_session_and_nothing_else(chunks: list[tuple[bool, bytes]]) -> None:
    """Noise from either side raises ProtocolViolation or is waited out; no other error comes from it."""
    exchange = Exchange(Rules(), lambda: "1")
    _feed(exchange, chunks)


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                MESSAGES,
                st.builds(
                    messages.message,
                    st.sampled_from([bytes([kind]) for kind in b"TDCENASZGHdc123InstWVRKvQPBEF"]),
                    st.binary(max_size=24),
                ),
            ),
        ),
        max_size=12,
    )
)
def test_well_framed_noise_ends_a_session_and_nothing_else(chunks: list[tuple[bool, bytes]]) -> None:
    """Messages out of place or with a body of noise, from either side, raise ProtocolViolation and nothing else."""
    exchange = Exchange(Rules(), lambda: "1")
    _feed(exchange, chunks)


def _feed(exchange: Exchange, chunks: list[tuple[bool, bytes]]) -> None:
    try:
        for is_client, chunk in chunks:
            if exchange.is_waiting:
                continue
            (exchange.receive_from_client if is_client else exchange.receive_from_upstream)(chunk)
    except ProtocolViolation:
        pass
    exchange.abandon("abandoned")
    assert not exchange.is_busy
