"""What is believed of an upstream session that is to be used again, and what is not."""

from __future__ import annotations

import pytest

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages
from doorward.wire.postgres.reuse import IDLE, LEFTOVERS, STATELESS_EXTENSIONS, Portrait, Reset

CLEAN = ("0", "0", "0", "0", "plpgsql pg_trgm", "internal c sql plpgsql", "0", "")
PARAMETERS = {"TimeZone": "UTC", "DateStyle": "ISO, MDY", "odd'name\\": "x"}
FIXED = ("4711", "shop", "app", "app", "none", "f", "(app,...)", None, "(t,-1,t)", None, "0")
VALUES = ("ISO, MDY", "UTC", "x")


def row(values: tuple[str | None, ...]) -> bytes:
    """A DataRow."""
    cells = b"".join(
        b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value.encode() for value in values
    )
    return messages.message(b"D", len(values).to_bytes(2, "big") + cells)


def complete(tag: str) -> bytes:
    """CommandComplete and ReadyForQuery."""
    return messages.message(b"C", messages.cstring(tag)) + IDLE


def failed(status: bytes = b"I") -> bytes:
    """ErrorResponse and ReadyForQuery."""
    return messages.fields("ERROR", "57014", "canceled", "", "").encode(b"E") + messages.ready_for_query(status)


def reset_with(answers: bytes, size: int = 0) -> Reset:
    """A reset that was answered so, in chunks of *size* bytes."""
    made = Reset()
    for start in range(0, len(answers), size or len(answers)):
        assert not made.done
        made.receive(answers[start : start + (size or len(answers))])
    return made


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_clean_session_has_no_blemish(size: int) -> None:
    """However its answers are cut; what it says of its past meanwhile does not count."""
    of_the_past = messages.message(b"A", b"\0\0\0\1gossip\0late\0") + messages.parameter_status("TimeZone", "UTC")
    made = reset_with(of_the_past + complete("DISCARD ALL") + row(CLEAN) + complete("SELECT 1"), size)
    assert made.done
    assert made.blemish == ""


def test_the_reset_is_sent_before_the_search_each_in_a_message_of_its_own() -> None:
    """DISCARD ALL can't run inside a transaction block, which several statements in one message are."""
    asked = Reset().ask()
    first = 1 + int.from_bytes(asked[1:5], "big")
    assert b"DISCARD ALL\0" in asked[:first]
    assert asked[first : first + 1] == b"Q"
    assert first + 1 + int.from_bytes(asked[first + 1 : first + 5], "big") == len(asked)


@pytest.mark.parametrize("position", range(len(LEFTOVERS)))
@pytest.mark.parametrize("answer", [None, "1", "", "plpgsql dblink", "internal c sql plpgsql plperl"])
def test_each_leftover_is_a_blemish(position: int, answer: str | None) -> None:
    """Anything but the one good answer."""
    values = (*CLEAN[:position], answer, *CLEAN[position + 1 :])
    made = reset_with(complete("DISCARD ALL") + row(values) + complete("SELECT 1"))
    assert made.blemish == f"it has {LEFTOVERS[position].what}"


@pytest.mark.parametrize(
    "answers",
    [
        failed() + row(CLEAN) + complete("SELECT 1"),
        failed(b"E") + failed(b"E"),
        complete("DISCARD ALL") + failed(),
        complete("DISCARD ALL") + row(CLEAN[:-1]) + complete("SELECT 1"),
        complete("DISCARD ALL") + complete("SELECT 0"),
        complete("DISCARD ALL") + row(CLEAN) + messages.message(b"C", b"SELECT 1\0") + messages.ready_for_query(b"T"),
    ],
)
def test_what_does_not_go_as_it_should_is_a_blemish(answers: bytes) -> None:
    """An error, a transaction, too few answers: also where the search itself finds nothing."""
    made = reset_with(answers)
    assert made.done
    assert made.blemish


@pytest.mark.parametrize(
    "answers",
    [
        complete("DISCARD ALL") + row(CLEAN) + complete("SELECT 1") + b"N",
        complete("DISCARD ALL") + row(CLEAN) + complete("SELECT 1") + IDLE,
        messages.message(b"G", b"\0\0\0"),
        messages.message(b"1", b""),
        messages.message(b"R", b"\0\0\0\0"),
    ],
)
def test_what_answers_something_else_breaks_the_session(answers: bytes) -> None:
    """Replies that belong to the client before, or to nobody."""
    with pytest.raises(ProtocolViolation):
        Reset().receive(answers)


def portrait_of(values: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """The features of a session that shows *values*."""
    portrait = Portrait(PARAMETERS, 4711)
    portrait.receive(row(values) + complete("SELECT 1"))
    assert portrait.done
    return portrait.features


def test_a_portrait_shows_all_that_was_asked() -> None:
    """The settings reported at the start are asked for by name, quoted."""
    assert portrait_of(FIXED + VALUES) == FIXED + VALUES
    asked = Portrait(PARAMETERS, 4711).ask()
    assert b"current_setting(E'odd''name\\\\')" in asked
    assert b"current_setting(E'TimeZone')" in asked


@pytest.mark.parametrize(
    "values",
    [
        ("4712", *FIXED[1:], *VALUES),
        (*FIXED[:-1], "1", *VALUES),
        (*FIXED[:-1], None, *VALUES),
        (*FIXED, "German, DMY", "UTC", "x"),
        (*FIXED, None, "UTC", "x"),
        FIXED,
    ],
    ids=["another process", "a login trigger", "no answer on triggers", "another value", "no value", "no values"],
)
def test_a_session_that_is_not_what_it_said_has_no_features(values: tuple[str | None, ...]) -> None:
    """Behind a pooler, under a login trigger, or with settings that it did not report: not used again."""
    assert portrait_of(values) == ()


def test_a_portrait_that_failed_shows_nothing() -> None:
    """A statement timeout of the client's own, or a server that does not know what is asked."""
    portrait = Portrait(PARAMETERS, 4711)
    portrait.receive(failed())
    assert portrait.done
    assert portrait.features == ()


def test_extensions_that_remember_are_not_on_the_list() -> None:
    """Each is known to keep what DISCARD ALL does not reach."""
    assert STATELESS_EXTENSIONS.isdisjoint({"dblink", "postgres_fdw", "isn", "plperl", "plperlu", "plpython3u", "pltcl"})
