"""Masked rows against a naive reference, and rows that are none."""

from __future__ import annotations

import re
import struct
from types import ModuleType

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import messages, rows_cy
from tests.wire.postgres.both_builds import ROWS, interpreted

ASCII_WORD = re.compile("[A-Za-z0-9]")
PARTIAL = (rows_cy.INITIAL, rows_cy.EMAIL)
COUNTED = (rows_cy.CONSTANT, rows_cy.CONSTANT_HIDING_NULL)


def constant_of(operation: int) -> bytes:
    if operation in COUNTED:
        return struct.pack(">i", 3) + b"***"
    return b"***@***" if operation == rows_cy.EMAIL else b"***"


def naive(operation: int, value: bytes | None) -> bytes | None:
    """What one value becomes, said as plainly as possible over text."""
    if operation == rows_cy.KEEP:
        return value
    if operation == rows_cy.NULL or (value is None and operation != rows_cy.CONSTANT_HIDING_NULL):
        return None
    if operation in COUNTED:
        return b"***"
    assert value is not None
    text = value.decode()
    if operation in PARTIAL:
        shown = text[0] if len([c for c in text if c > " "]) >= 3 else ""
        return shown.encode() + constant_of(operation)
    letters = [at for at, c in enumerate(text) if c > "\x7f" or ASCII_WORD.match(c)]
    if len(letters) <= 8:
        return b"***"[: max(len(text), 1)]
    hidden = set(letters[:-4]) | {at for at in letters if text[at] > "\x7f"}
    return "".join("*" if at in hidden else c for at, c in enumerate(text)).encode()


TEXTS = st.one_of(
    st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(str.encode),
    st.from_regex(r"[0-9]{2,5}[- ][0-9éß王]{2,6}[ -][A-Za-z0-9]{1,6}", fullmatch=True).map(str.encode),
)  # fmt: skip
TABLES = st.integers(0, 5).flatmap(
    lambda width: st.tuples(
        st.lists(st.integers(0, 6), min_size=width, max_size=width),
        st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=4),
    )
)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(TABLES, st.binary(max_size=9), st.binary(max_size=9))
def test_rows_become_what_the_reference_says(
    table: tuple[list[int], list[list[bytes | None]]], before: bytes, behind: bytes
) -> None:
    """Every operation on every column of every row, in the middle of a buffer, in both builds."""
    operations, rows = table
    run = b"".join(map(messages.data_row, rows))
    expected = b"".join(messages.data_row(map(naive, operations, row)) for row in rows)
    for module in ROWS:
        constants = [constant_of(operation) for operation in operations]
        masked = module.mask_rows(before + run + behind, len(before), len(before) + len(run), operations, constants)
        assert masked == (expected, len(rows))


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(TABLES, st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=3), st.integers(-3, 3))
def test_mutated_rows_are_violations_or_rows_and_nothing_else(
    table: tuple[list[int], list[list[bytes | None]]], changes: list[tuple[int, int]], cut: int
) -> None:
    """Whatever is wrong with a frame, nothing is read past its end and no other error comes of it; both builds agree."""
    operations, rows = table
    run = bytearray(b"".join(map(messages.data_row, rows)))
    for at, byte in changes:
        if run:
            run[at % len(run)] = byte
    outcomes = []
    for module in ROWS:
        try:
            constants = [constant_of(operation) for operation in operations]
            masked, count = module.mask_rows(bytes(run), 0, max(0, len(run) + cut), operations, constants)
            outcomes.append((masked, count))
        except ProtocolViolation as error:
            outcomes.append((str(error), -1))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("module", ROWS)
@pytest.mark.parametrize(
    "run",
    [
        b"D", b"D\0\0\0\x04", b"D\0\0\0\x05\0", b"D\0\0\0\x06\0\x02", b"D\0\0\0\x06\0\x01", b"D\0\0\0\x07\0\x01\0",
        b"D\0\0\0\x0a\0\x01\0\0\0\x01", b"D\0\0\0\x0a\0\x01\xff\xff\xff\xfe", b"D\0\0\0\x0a\0\x01\x7f\xff\xff\xff",
        b"D\0\0\0\x0b\0\x01\0\0\0\0x", b"D\xff\xff\xff\xff\0\x01", b"D\x80\0\0\x0a\0\x01\0\0\0\0",
    ],
)  # fmt: skip
def test_malformed_rows_are_violations(module: ModuleType, run: bytes) -> None:
    """Cut, too long, too short, with another number of columns, or of impossible lengths."""
    with pytest.raises(ProtocolViolation):
        module.mask_rows(run, 0, len(run), [rows_cy.NULL], [b""])


@pytest.mark.parametrize("module", ROWS)
@pytest.mark.parametrize(("start", "end"), [(-1, 4), (0, 400), (-400, 4)])
def test_a_run_outside_its_buffer_is_a_violation(module: ModuleType, start: int, end: int) -> None:
    """Bounds are checked before anything is read."""
    with pytest.raises(ProtocolViolation):
        module.mask_rows(b"D\0\0\0\x06\0\0", start, end, [], [])


def mask_one(operation: int, value: bytes) -> bytes:
    run = messages.data_row([value])
    masked, _count = rows_cy.mask_rows(run, 0, len(run), [operation], [constant_of(operation)])
    found = messages.read_data_row(masked[5:])[0]
    assert found is not None
    return found


@pytest.mark.parametrize("value", ["", "a", "ab", "é", "aé", "éé", "王", "王芳", "😀😀", "a          ", "ab ", " a b "])
@pytest.mark.parametrize("operation", PARTIAL)
def test_a_value_of_one_or_two_characters_is_hidden_whole(operation: int, value: str) -> None:
    """Its first character would tell it; the blanks of a char(n) don't make it longer."""
    assert mask_one(operation, value.encode()) == constant_of(operation)


@pytest.mark.parametrize("value", [b"\x80abc", b"\xf0\x80\x80\x80\x80abc", b"\xbf\xbf\xbf\xbf"])
def test_no_more_than_a_character_is_shown_of_what_is_not_text(value: bytes) -> None:
    """Bytes that are no UTF-8 are no first character."""
    assert mask_one(rows_cy.INITIAL, value) == b"***"
    assert mask_one(rows_cy.INITIAL, b"\xf0abc") == b"\xf0***"


@hypothesis.given(st.text(max_size=40), st.sampled_from([1, 2, 3, 4, 5, 6]))
def test_no_operation_shows_more_than_it_says(text: str, operation: int) -> None:
    """INITIAL and EMAIL one character; LAST_FOUR four letters or digits, none of a value with fewer than nine."""
    value = text.replace("\0", "").encode("utf-8", "replace")
    run = messages.data_row([value])
    masked, _count = rows_cy.mask_rows(run, 0, len(run), [operation], [constant_of(operation)])
    shown = messages.read_data_row(masked[5:])[0]
    if shown is None or operation in COUNTED:
        assert shown in (None, b"***")
    elif operation in PARTIAL:
        assert len(shown.decode().removesuffix(constant_of(operation).decode())) <= 1
    else:
        words = ASCII_WORD.findall(shown.decode())
        assert len(words) <= 4
        if len([c for c in value.decode() if c > "\x7f" or ASCII_WORD.match(c)]) < 9:
            assert not words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("4111-1111-1111-1234", "****-****-****-1234"), ("DE89370400440532013000", "******************3000"),
        ("12345678", "***"), ("1234-5678", "***"), ("", "*"), ("1", "*"), ("12", "**"), ("------------", "***"),
        ("éééééééééé", "**********"), ("123456789é", "******789*"),
    ],
)  # fmt: skip
def test_last_four_keeps_the_shape(value: str, expected: str) -> None:
    """Separators stay, characters are hidden one for one, what is short is hidden whole."""
    assert mask_one(rows_cy.LAST_FOUR, value.encode()).decode() == expected


def test_both_builds_have_the_same_operations() -> None:
    """The numbers in plans mean the same in either."""
    names = ["KEEP", "CONSTANT", "CONSTANT_HIDING_NULL", "INITIAL", "EMAIL", "LAST_FOUR", "NULL"]
    assert [getattr(rows_cy, name) for name in names] == [getattr(interpreted("rows_cy"), name) for name in names]


@pytest.mark.parametrize("module", ROWS)
def test_a_scanned_column_becomes_what_the_function_makes_of_its_values(module: ModuleType) -> None:
    """All of a run at once, NULL as None; the other columns as their own operations say."""
    rows = [[b"1", b"one", b"secret"], [b"2", None, b"secret"], [b"3", b"three", None]]
    run = b"".join(map(messages.data_row, rows))
    asked: list[object] = []

    def scan(values: list[bytes | None], *others: list[bytes | None]) -> list[bytes | None]:
        asked.append((list(values), others))
        return [b"<" + value + b">" if value is not None else None for value in values]

    operations = [rows_cy.KEEP, rows_cy.SCAN, rows_cy.CONSTANT]
    masked, count = module.mask_rows(
        b"xx" + run, 2, 2 + len(run), operations, [b"", (scan, (0, 2)), constant_of(rows_cy.CONSTANT)]
    )
    expected = [[b"1", b"<one>", b"***"], [b"2", None, b"***"], [b"3", b"<three>", None]]
    assert (masked, count) == (b"".join(map(messages.data_row, expected)), 3)
    assert asked == [([b"one", None, b"three"], ([b"1", b"2", b"3"], [b"secret", b"secret", None]))]


@pytest.mark.parametrize("module", ROWS)
@pytest.mark.parametrize("run", [messages.data_row([b"a"]), messages.data_row([b"a", b"b"])[:-1], b"D\0\0\0\x06\0\x02"])
def test_rows_that_are_malformed_are_not_scanned(module: ModuleType, run: bytes) -> None:
    """The same violations as without a scan."""
    with pytest.raises(ProtocolViolation):
        module.mask_rows(run, 0, len(run), [rows_cy.KEEP, rows_cy.SCAN], [b"", (lambda values: values, ())])


@pytest.mark.parametrize("module", ROWS)
def test_a_scan_that_loses_a_value_shows_nothing(module: ModuleType) -> None:
    """A value more or less would put values into other rows."""
    run = messages.data_row([b"a"]) * 2
    with pytest.raises(ProtocolViolation):
        module.mask_rows(run, 0, len(run), [rows_cy.SCAN], [(lambda values: values[1:], ())])
