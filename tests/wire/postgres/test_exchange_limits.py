"""Row limits over all that one portal or cursor gives, and decisions that were made when a statement was bound."""

from __future__ import annotations

import pytest

from doorward.wire.postgres import messages
from tests.wire.postgres.conversing import Conversation, bind, execute, frames, kinds
from tests.wire.postgres.governing import LIMITED, Rules

SYNC, query, parse = messages.SYNC, messages.query, messages.parse


def rows(conversation: Conversation) -> int:
    """How many rows the client got."""
    return kinds(conversation.to_client).count("D")


def test_a_suspended_portal_counts_all_its_rows() -> None:
    """One row at a time is as many rows: the third Execute is cut."""
    conversation = Conversation(Rules(limit=2))
    conversation.send(query("BEGIN"))
    assert conversation.send(parse("", "SELECT clear") + bind("", "p") + execute("p", 1) + SYNC) == "12DsZ"
    assert conversation.send(execute("p", 1) + SYNC) == "DsZ"
    assert conversation.send(execute("p", 1) + SYNC) == "EZ"
    assert rows(conversation) == 2
    assert conversation.errors() == [LIMITED.message]


@pytest.mark.parametrize(
    "opened", [query("DECLARE c CURSOR FOR SELECT clear"), parse("", "SELECT clear") + bind("", "c") + SYNC]
)
def test_a_cursor_counts_with_what_it_gave_before(opened: bytes) -> None:
    """FETCH after FETCH, and FETCH from a portal that was executed before."""
    conversation = Conversation(Rules(limit=2))
    conversation.send(query("BEGIN"))
    conversation.send(opened)
    assert conversation.send(query("FETCH ALL FROM c")).count("D") == 2
    conversation.server.portals["c"].rows = [messages.data_row([b"more"])] * 3
    assert conversation.send(query("FETCH ALL FROM c")).count("D") == 0
    assert conversation.errors() == [LIMITED.message] * 2
    conversation.send(query("CLOSE c"))
    conversation.send(query("DECLARE c CURSOR FOR SELECT clear"))
    assert conversation.send(query("FETCH ALL FROM c")).count("D") == 2


def test_copy_out_is_cut_at_the_limit() -> None:
    """A line is a row."""
    conversation = Conversation(Rules(limit=2))
    conversation.exchange.receive_from_client(query("COPY t TO STDOUT"))
    conversation.deliver()
    conversation.unread = b""
    lines = [messages.message(b"d", b"%d\n" % n) for n in range(3)]
    for data in (messages.message(b"H", b"\0\0\0"), lines[0], lines[1] + lines[2], lines[2], messages.COPY_DONE):
        conversation.exchange.receive_from_upstream(data)
    conversation.exchange.receive_from_upstream(messages.message(b"C", b"COPY 3\0") + messages.ready_for_query(b"I"))
    conversation.deliver()
    assert kinds(conversation.to_client) == "HddcEZ"
    assert [body for kind, body in frames(conversation.to_client) if kind == "d"] == [b"0\n", b"1\n"]
    assert conversation.errors() == [LIMITED.message]


@pytest.mark.parametrize("moved", [False, True])
def test_what_was_decided_at_bind_is_decided_anew_when_the_rules_moved(moved: bool) -> None:
    """An approval that was given for the Bind runs the Execute only as long as it would be given again."""
    conversation = Conversation()
    conversation.send(query("BEGIN"))
    conversation.send(parse("", "DELETE FROM held") + bind("", "p"))
    conversation.answer(approve=True)
    conversation.rules.moved = moved
    conversation.send(execute("p") + SYNC)
    assert conversation.rules.begun.count("DELETE FROM held") == (2 if moved else 1)
    assert ("DELETE FROM held" in conversation.server.ran) is not moved
    if moved:
        assert conversation.rules.tickets[-2].outcome == ("skipped", "", 0, "")
        conversation.answer(approve=False)
        assert "DELETE FROM held" not in conversation.server.ran
