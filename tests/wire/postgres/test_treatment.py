"""Every message that there is, both ways: all 256 type bytes."""

from __future__ import annotations

import pytest

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages
from doorward.wire.postgres.exchange import Exchange
from doorward.wire.postgres.treatment import FROM_CLIENT, FROM_UPSTREAM, Treatment
from tests.wire.postgres.conversing import kinds
from tests.wire.postgres.governing import Rules

# Manual, "Message Formats": the types of protocol 3 that come after start-up.
OF_THE_MANUAL_FROM_CLIENT = set("QPBEDCSHdcfFXp")
OF_THE_MANUAL_FROM_UPSTREAM = set("TDCENASZGHdc123InstWVRKv")


def new_exchange() -> Exchange:
    return Exchange(Rules(), lambda: "1")


def test_the_table_has_every_message_of_the_manual() -> None:
    """No row, no passage; and no row for what is no message."""
    assert {chr(kind) for kind in FROM_CLIENT} == OF_THE_MANUAL_FROM_CLIENT
    assert {chr(kind) for kind in FROM_UPSTREAM} == OF_THE_MANUAL_FROM_UPSTREAM


def test_what_is_not_broken_off_has_a_handler_and_the_reverse() -> None:
    """The tables and the exchange agree."""
    exchange = new_exchange()
    for rows, handlers in ((FROM_CLIENT, exchange._client_table), (FROM_UPSTREAM, exchange._upstream_table)):
        assert {kind for kind, row in rows.items() if row.treatment is not Treatment.BREAK} == set(handlers)


def test_every_row_that_stops_a_message_says_why() -> None:
    """Who reads the table learns the reason."""
    rows = [*FROM_CLIENT.values(), *FROM_UPSTREAM.values()]
    assert all(row.why for row in rows if row.treatment in (Treatment.BREAK, Treatment.REFUSE))


@pytest.mark.parametrize("kind", range(256))
def test_every_type_byte_from_the_client_is_treated(kind: int) -> None:
    """What is unlisted or breaks ends the session, and reaches nobody; what is refused is answered."""
    exchange = new_exchange()
    row = FROM_CLIENT.get(kind)
    if row is None or row.treatment is Treatment.BREAK:
        with pytest.raises(ProtocolViolation):
            exchange.receive_from_client(messages.message(bytes([kind]), b""))
        assert (exchange.to_upstream, exchange.to_client) == ([], [])
    elif row.treatment is Treatment.REFUSE:
        exchange.receive_from_client(messages.message(bytes([kind]), b""))
        assert kinds(b"".join(exchange.to_client)) == "EZ"
        assert exchange.to_upstream == []


@pytest.mark.parametrize("kind", range(256))
def test_every_type_byte_from_the_upstream_is_treated(kind: int) -> None:
    """What is unlisted or breaks ends the session, and reaches nobody, whatever was asked."""
    row = FROM_UPSTREAM.get(kind)
    for asked in (b"", messages.query("SELECT clear"), messages.SYNC, messages.parse("", "SELECT clear")):
        exchange = new_exchange()
        exchange.receive_from_client(asked)
        if row is None or row.treatment is Treatment.BREAK:
            with pytest.raises(ProtocolViolation):
                exchange.receive_from_upstream(messages.message(bytes([kind]), b"\0\0"))
            assert exchange.to_client == []


def test_an_answer_that_fits_no_question_ends_the_session() -> None:
    """Replies belong to messages: every listed reply to nothing is a violation, but for what comes unasked."""
    unasked = set("ENAS")
    for kind in FROM_UPSTREAM:
        if chr(kind) in unasked:
            continue
        with pytest.raises(ProtocolViolation):
            new_exchange().receive_from_upstream(messages.message(bytes([kind]), b"\0\0"))
