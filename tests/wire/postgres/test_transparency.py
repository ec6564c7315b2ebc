"""A client gets through an exchange what it would get without: any dialogue, cut anywhere, replies coming at any moment."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.model.result import ResultColumn
from tests.patience import examples
from tests.wire.postgres.conversing import Conversation
from tests.wire.postgres.dialogues import ENDING, HELD, REFUSED, DecidedServer, compared, dialogues
from tests.wire.postgres.governing import Rules, Slip, Text
from tests.wire.postgres.pretended_server import PretendedServer

CUTS = st.lists(st.integers(0, 60), max_size=40)


class Watching(Rules):
    """Masks nothing, not even where it does not know what a cursor was declared for."""

    def plan(self, ticket: Slip, columns: Sequence[ResultColumn], inner: Sequence[Text]) -> None:
        return None


class Ended(Exception):
    """The session was ended as a violation of the protocol."""


def directly(sent: Sequence[bytes], *, approves: bool = True) -> tuple[DecidedServer, bytes]:
    """The server after *sent*, and all that it answered."""
    server = DecidedServer(approves=approves)
    return server, server.receive(b"".join(sent))


def through(sent: Sequence[bytes], cuts: Sequence[int], *, approves: bool = True) -> Conversation:
    """The same through an exchange: chunks as long as *cuts* say, and whether replies come in between. Raises Ended."""
    conversation = Conversation(rules=Watching())
    exchange = conversation.exchange
    stream = b"".join(sent)
    lengths = iter(cuts)
    try:
        while stream or conversation.unread or exchange.is_waiting:
            if exchange.is_waiting:
                conversation.answer(approve=approves)
                continue
            length = next(lengths, 0)
            if stream and (length or not conversation.unread):
                part, stream = (stream[:length], stream[length:]) if length else (stream, b"")
                exchange.receive_from_client(part)
            elif conversation.unread:
                part, conversation.unread = conversation.unread[: 5 + length], conversation.unread[5 + length :]
                exchange.receive_from_upstream(part)
            conversation.deliver()
            if length % 2:
                conversation.settle(chunk=11)
    except ProtocolViolation as error:
        raise Ended from error
    return conversation


def took_effect(server: DecidedServer | PretendedServer) -> list[str]:
    """What ran, less the attempts at what has no such name: those Doorward answers itself."""
    return [text for text in server.ran if not text.startswith("EXECUTE")]


def same(sent: list[bytes], cuts: list[int], *, approves: bool = True) -> None:
    """Both ways tell the client the same and run the same, and where one ends the session so does the other."""
    whole = [*sent, *ENDING]
    server, expected = directly(whole, approves=approves)
    try:
        conversation = through(whole, cuts, approves=approves)
    except Ended:
        assert server.dead, "the session ended, and the server would have gone on"
        return
    if server.dead:
        assert conversation.server.dead
        return
    assert compared(conversation.to_client) == compared(expected)
    assert took_effect(conversation.server) == took_effect(server)
    assert conversation.exchange.status == conversation.server.status == server.status
    assert not conversation.exchange.is_busy
    assert not conversation.exchange.is_stalled


@examples(150, 8_000)
@hypothesis.given(dialogues(unnamed=True), CUTS)
def test_what_is_allowed_is_answered_as_by_the_server_itself(sent: list[bytes], cuts: list[int]) -> None:
    """Every message and every row, in order; only the words of an error may be Doorward's where it answers in advance."""
    same(sent, cuts)


@examples(150, 8_000)
@hypothesis.given(dialogues(REFUSED, HELD, unnamed=False), CUTS, st.booleans())
def test_what_is_not_allowed_fails_as_if_the_server_had_failed_it(sent: list[bytes], cuts: list[int], approves: bool) -> None:
    """In its own place, in every state of a transaction or pipeline, and nothing else is another for it."""
    same(sent, cuts, approves=approves)


@examples(100, 5_000)
@hypothesis.given(dialogues(unnamed=True, size=8))
def test_no_answer_waits_longer_than_the_server_would_have_let_it(sent: list[bytes]) -> None:
    """Whenever nothing moves any more, the client has all that the server alone would have sent by then."""
    conversation = Conversation(rules=Watching())
    server = DecidedServer(approves=True)
    expected = b""
    for message in [*sent, *ENDING]:
        expected += server.receive(message)
        try:
            conversation.send(message)
        except ProtocolViolation:
            assert server.dead
            return
        if server.dead:
            return
        wanted, got = compared(expected), compared(conversation.to_client)
        assert got[: len(wanted)] == wanted
