"""Messages built and read back, and bodies of noise."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.model.result import ResultColumn
from doorward.wire.postgres import authentication, messages

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
INT16, INT32 = st.integers(-(1 << 15), (1 << 15) - 1), st.integers(-(1 << 31), (1 << 31) - 1)
OIDS = st.integers(0, (1 << 32) - 1)
READERS: list[Callable[[bytes], Any]] = [
    messages.read_bind, messages.read_parse, messages.read_target, messages.read_execute, messages.read_row_description,
    messages.read_data_row, messages.read_parameter_status, authentication.read_sasl_initial,
]  # fmt: skip


@hypothesis.given(
    st.lists(st.builds(ResultColumn, NAMES, OIDS, INT16, OIDS, INT16, INT32, st.sampled_from([0, 1])), max_size=4)
)
def test_descriptions_read_as_they_were_written(columns: list[ResultColumn]) -> None:
    """Every field, its whole range."""
    assert messages.read_row_description(messages.row_description(columns)[5:]) == tuple(columns)


@hypothesis.given(st.lists(st.none() | st.binary(max_size=20), max_size=6))
def test_rows_read_as_they_were_written(values: list[bytes | None]) -> None:
    """NULL is not the empty value."""
    assert messages.read_data_row(messages.data_row(values)[5:]) == tuple(values)


@hypothesis.given(NAMES, NAMES)
def test_named_messages_read_as_they_were_written(name: str, text: str) -> None:
    """Parse, Describe, Close, ParameterStatus."""
    assert messages.read_parse(messages.parse(name, text)[5:]) == (name, text.encode())
    assert messages.read_target(messages.describe_statement(name)[5:]) == ("S", name)
    assert messages.read_target(messages.describe_portal(name)[5:]) == ("P", name)
    assert messages.read_target(messages.close_statement(name)[5:]) == ("S", name)
    assert messages.read_parameter_status(messages.parameter_status(name, text)[5:]) == (name, text)


@hypothesis.given(
    NAMES,
    NAMES,
    st.lists(INT16, max_size=3),
    st.lists(st.none() | st.binary(max_size=9), max_size=3),
    st.lists(INT16, max_size=3),
)
def test_binds_read_as_they_were_written(
    portal: str, statement: str, formats: list[int], parameters: list[bytes | None], results: list[int]
) -> None:
    """Formats, parameters with NULL, result formats."""
    body = messages.cstring(portal) + messages.cstring(statement) + struct.pack(f">H{len(formats)}h", len(formats), *formats)
    body += messages.data_row(parameters)[5:] + struct.pack(f">H{len(results)}h", len(results), *results)
    expected = messages.Bind(portal, statement, tuple(formats), tuple(parameters), tuple(results))
    assert messages.read_bind(body) == expected


@pytest.mark.parametrize(
    ("formats", "expected"), [((), [0, 0, 0]), ((1,), [1, 1, 1]), ((1, 0), [1, 0, 0]), ((0, 1, 1), [0, 1, 1])]
)
def test_result_formats_follow_the_manual(formats: tuple[int, ...], expected: list[int]) -> None:
    """None means text, one means all."""
    bind = messages.Bind("", "", (), (), formats)
    assert [messages.format_of(bind.result_formats, position) for position in range(3)] == expected


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@hypothesis.given(st.lists(st.tuples(st.sampled_from("SVCMDHPpqWstcdnFLR"), VALUES), max_size=6), st.sampled_from([b"E", b"N"]))
def test_error_fields_read_as_they_were_written(pairs: list[tuple[str, str]], kind: bytes) -> None:
    """In order."""
    written = messages.Fields(tuple(pairs)).encode(kind)
    assert written[:1] == kind
    assert messages.read_fields(written[5:]).pairs == tuple(pairs)


@hypothesis.given(st.sampled_from(READERS), st.binary(max_size=60))
def test_noise_is_a_violation_and_nothing_else(read: Callable[[bytes], Any], body: bytes) -> None:
    """Every reader, over bodies of noise."""
    try:
        read(body)
    except ProtocolViolation:
        pass
    messages.read_fields(body)


@pytest.mark.parametrize("read", READERS)
def test_a_body_that_is_cut_or_too_long_is_a_violation(read: Callable[[bytes], Any]) -> None:
    """Every whole body of the reader's own, at every cut, and with a byte more."""
    column = ResultColumn("c", 1, 2, 25, -1, -1, 0)
    body = {
        "read_bind": b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\x01\0\0",
        "read_parse": b"n\0SELECT 1\0\0\x01\0\0\0\x17",
        "read_target": b"Sname\0",
        "read_execute": b"p\0\0\0\0\0",
        "read_row_description": messages.row_description([column])[5:],
        "read_data_row": messages.data_row([b"ab", None])[5:],
        "read_parameter_status": b"n\0v\0",
        "read_sasl_initial": b"SCRAM-SHA-256\0\0\0\0\x03n,,",
    }[read.__name__]
    read(body)
    for cut in range(len(body)):
        with pytest.raises(ProtocolViolation):
            read(body[:cut])
    with pytest.raises(ProtocolViolation):
        read(body + b"\0")


def test_a_nul_in_a_text_is_refused() -> None:
    """It would end the field early, and what follows would be read as something else."""
    with pytest.raises(ProtocolViolation):
        messages.query("SELECT 1\0; DROP TABLE t")
