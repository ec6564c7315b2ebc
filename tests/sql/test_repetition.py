"""The bound on repetition is taken from tokens alone."""

from __future__ import annotations

from doorward.sql.parse import _scan
from doorward.sql.repetition import multiplies_too_much


def never_asked(encoded: bytes) -> bytes:
    raise AssertionError("a text that can't multiply is not scanned")


def test_texts_without_such_an_assignment_are_not_scanned() -> None:
    assert not multiplies_too_much(b"SELECT f(a, b) = 1, (a, b) = (1, 2) FROM t", never_asked)
    assert not multiplies_too_much(b"UPDATE t SET a = 1 WHERE id IN (1, 2)", never_asked)


def test_columns_count_once_per_assignment() -> None:
    columns = ",".join(["a"] * 100)
    assert not multiplies_too_much(f"UPDATE t SET ({columns}) = (SELECT 1)".encode(), _scan)
    assert multiplies_too_much(f"UPDATE t SET ({columns}) = (SELECT '{'x' * 50_000}')".encode(), _scan)


def test_assignments_in_a_row_add_and_do_not_multiply() -> None:
    assignments = ", ".join("(a, b) = (SELECT 1, 2)" for _ in range(200))
    assert not multiplies_too_much(f"UPDATE t SET {assignments}".encode(), _scan)


def test_statements_in_a_row_add_and_do_not_multiply() -> None:
    assert not multiplies_too_much(b"UPDATE t SET (a, b) = (SELECT 1, 2) WHERE id = 1;" * 200, _scan)


def test_subscripts_do_not_hide_a_column_list() -> None:
    columns = ",".join(["a[(1)]"] * 1000)
    assert multiplies_too_much(f"UPDATE t SET ({columns}) = (SELECT '{'x' * 5000}')".encode(), _scan)
