"""What an exchange holds of messages that are too long: never more than its limits, whatever their announced length."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator

import pytest

from doorward.wire.postgres import exchange as exchange_module
from doorward.wire.postgres import messages
from tests.wire.postgres.conversing import Conversation, kinds
from tests.wire.postgres.governing import Rules

LIMIT_BYTES = 32 << 10
LONG_BYTES = 4 << 20
PIECE = b"x" * 4_096
# Twice the limit, and what a session has anyway.
MOST_BYTES = 2 * LIMIT_BYTES + (96 << 10)


@pytest.fixture
def conversation(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """One with limits that a test can pass quickly."""
    monkeypatch.setattr(exchange_module, "MAX_CLIENT_MESSAGE_BYTES", LIMIT_BYTES)
    monkeypatch.setattr(exchange_module, "MAX_MASKED_ROW_BYTES", LIMIT_BYTES)
    conversation = Conversation(Rules())
    conversation.send(messages.query("SELECT clear"))  # whatever is made once is made
    return conversation


def pieces(kind: bytes) -> Iterator[bytes]:
    """A long message, piece by piece."""
    yield kind + struct.pack(">I", LONG_BYTES + 4)
    for _ in range(LONG_BYTES // len(PIECE)):
        yield PIECE


def most_held(steps: Iterator[bool]) -> int:
    """The greatest number of bytes that were allocated at a time while *steps* were made."""
    tracemalloc.start()
    try:
        for _ in steps:
            """Each is made when it is asked for."""
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [b"Q", b"P", b"B", b"F"])
def test_a_long_message_of_a_client_is_not_held(conversation: Conversation, kind: bytes) -> None:
    """It is refused when its length is known and dropped as it comes; the session goes on."""

    def send() -> Iterator[bool]:
        for piece in pieces(kind):
            conversation.exchange.receive_from_client(piece)
            conversation.deliver()
            yield True

    assert most_held(send()) < MOST_BYTES
    conversation.settle()
    conversation.send(messages.SYNC)
    assert conversation.send(messages.query("SELECT clear")) == "TDDDCZ"


@pytest.mark.parametrize("text", ["SELECT clear", "SELECT secret"])
def test_a_long_row_is_not_held(conversation: Conversation, text: str) -> None:
    """In clear it passes in parts; one that would have to be masked is withheld."""
    exchange = conversation.exchange
    exchange.receive_from_client(messages.query(text))
    exchange.to_upstream.clear()
    description = conversation.server.receive(messages.query("SELECT clear"))[:27]
    assert kinds(description) == "T"
    exchange.receive_from_upstream(description)
    exchange.to_client.clear()
    passed = 0

    def send() -> Iterator[bool]:
        nonlocal passed
        for piece in pieces(b"D"):
            exchange.receive_from_upstream(piece)
            passed += sum(map(len, exchange.to_client))
            exchange.to_client.clear()
            yield True

    assert most_held(send()) < MOST_BYTES
    assert passed == (LONG_BYTES + 5 if text == "SELECT clear" else 0)
    exchange.receive_from_upstream(messages.message(b"C", b"SELECT 1\0") + messages.ready_for_query(b"I"))
    assert kinds(b"".join(exchange.to_client)) == ("CZ" if text == "SELECT clear" else "EZ")
